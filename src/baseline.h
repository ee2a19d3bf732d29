// What was accepted of a case of a suite: values of its metrics by replication, a print of its decisions, and who accepted it, when and why.
// And how a new run is judged by it.
#pragma once

#include "src/decision_print.h"
#include "src/suite.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// Who accepted a baseline.
struct Acceptance {
  std::string by, date, reason, program;
};

struct Baseline {
  Acceptance accepted;
  std::string configuration;                  ///< hash of the effective one, without policies
  Json policies;                              ///< the effective ones
  std::map<std::string, std::string> hashes;  ///< of catalog and traces
  std::vector<std::uint64_t> seeds;
  std::map<std::string, std::vector<std::optional<double>>> values;  ///< by key of the metric, then replication
  DecisionPrint decisions;                                           ///< of the first replication
};

/// baselines/NAME.json
std::filesystem::path baseline_file(const Suite& suite, const SuiteCase& c);

/// Of a case, without values and acceptance.
Baseline baseline_of(const SuiteCase& c);
std::string to_text(const Baseline& baseline, const SuiteCase& c);

/// Reads it and sees that it is of this case as it is asked now. Throws WorldError where it cannot be read, InputError where it is none, is
/// of another version or lacks what the case asks for.
Baseline read_baseline(const Suite& suite, const SuiteCase& c);

/// Of a scenario and what it was when the baseline was accepted: one text for each thing that changed, e.g. `catalog changed`.
std::vector<std::string> changed_since(const Baseline& baseline, const SuiteCase& c);

/// One metric of a run, held against the baseline.
struct Judged {
  const CheckedMetric* metric = nullptr;
  std::optional<double> expected, got;  ///< expected: of the replication with the same seed; statistical: the mean
  std::optional<double> low, high;      ///< what is allowed; none: the value has to be there or not, as before
  bool passed = false;
};

/// A value of the first replication against those that were accepted. What is exactly as it was with the same seed passes by any rule.
Judged judge(const CheckedMetric& metric, const std::vector<std::optional<double>>& accepted, std::optional<double> got);

}  // namespace tideline
