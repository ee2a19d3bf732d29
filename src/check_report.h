// What a check of a suite found, for people, programs and CI.
#pragma once

#include "src/baseline.h"

#include <string>
#include <vector>

namespace tideline {

struct CaseReport {
  const SuiteCase* of = nullptr;
  Acceptance accepted;
  std::vector<Judged> metrics;
  std::string audit;                 ///< empty: it passed
  std::vector<std::string> changed;  ///< in the scenario, since the baseline
  std::uint64_t decisions = 0;       ///< that the baseline has
  std::optional<Parting> parting;    ///< none: all decisions are the same
  double seconds = 0;                ///< by the clock

  bool passed() const;
};

struct CheckReport {
  const Suite* suite = nullptr;
  std::vector<CaseReport> cases;

  bool passed() const;
};

std::string report_text(const CheckReport& report);
/// Format tideline-check.
Json report_json(const CheckReport& report);
/// A test case for each metric and for the audit of each case, as CI systems read it.
std::string report_junit(const CheckReport& report);

}  // namespace tideline
