// One run of one scenario: from its file and layers to summary, audit and, if wished, a results file. What all verbs that simulate
// share. Several may go on at once in different threads.
#pragma once

#include "sim/metrics/audit.h"
#include "sim/metrics/series.h"
#include "sim/metrics/summary.h"
#include "src/decision_print.h"
#include "src/real/seen.h"
#include "src/records.h"
#include "src/scenario.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

enum class RunMode : std::uint8_t {
  simulated,  ///< loads and batches take what the catalog says
  real        ///< they are those of this machine, and time is that of the clock
};

struct RunRequest {
  std::string scenario;  ///< path of its file
  RunMode mode = RunMode::simulated;
  std::vector<Layer> layers;
  std::filesystem::path out;                   ///< results file; empty: none
  std::vector<std::filesystem::path> outputs;  ///< what else will be written: like `out`, it may be no file that the run reads
  std::function<void(Scenario&)> change;       ///< of what was read, before it runs; results files know nothing of it
  RecordWishes records;
  Recorder* also = nullptr;                   ///< hears the run too; must outlive it
  std::optional<real::Seen>* sees = nullptr;  ///< of a real run: what batches and loads took; written when it ends
  const real::Seen* takes = nullptr;   ///< of a simulated run: what batches and loads take, in place of the catalog's; must outlive it
  DecisionWatch* decisions = nullptr;  ///< hears all decisions; must outlive the run
  bool tells_scaling = false;          ///< whether what scaling does to traces is among the warnings
  std::function<void(const std::string&)> warn;                                              ///< called with each warning, whole
  std::function<void(const std::string& name, Time now, Time end, std::uint64_t)> progress;  ///< now and then, with queries so far
};

struct RunResult {
  std::string name;  ///< of the scenario
  Summary summary;
  AuditResult audit;
  std::filesystem::path file;  ///< that was written; empty: none
  bool interrupted = false;
  std::uint64_t queries = 0, events = 0;
  double setup_s = 0, run_s = 0;  ///< by the clock
  Json real;                      ///< of a real run: what it saw of itself; else null
};

/// Runs it to its end, or until `stop` says so. Throws what `read_scenario` and `assemble` throw, InputError where an output is an input,
/// WorldError where the results file cannot be written.
RunResult run_once(const RunRequest& request, const PolicyRegistry& registry, const std::atomic<bool>& stop);

/// Reads and assembles it without running: throws what is wrong with it, and InputError where one of `outputs` is a file that it reads.
void check_runs(const std::string& scenario, const std::vector<Layer>& layers, const PolicyRegistry& registry,
                const std::vector<std::filesystem::path>& outputs = {});

/// Set by SIGINT, SIGTERM and, unless it was ignored, SIGHUP once `catch_interrupts` was called: what runs then closes its files.
extern std::atomic<bool> interrupted;
void catch_interrupts();

/// The checks of an audit that failed, a line each.
std::string failed_checks(const AuditResult& audit);

}  // namespace tideline
