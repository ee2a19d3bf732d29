// What a run leaves behind: its HDF5 file, and the summary as JSON.
#pragma once

#include "sim/metrics/audit.h"
#include "sim/metrics/searches.h"
#include "sim/metrics/series.h"
#include "sim/metrics/summary.h"
#include "src/hdf5_file.h"
#include "src/json_document.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tideline {

/// Raised when a reader of older files would misunderstand newer ones.
inline constexpr std::uint32_t results_schema_version = 2;

/// Where results come from. Nothing in it may depend on a clock or, but for `paths`, on the machine's state.
struct RunFacts {
  std::string scenario;  ///< its name
  std::string program_version;
  std::string compiler;
  std::uint64_t seed = 1;
  std::string configuration_json;                           ///< the effective one
  std::vector<std::string> overrides;                       ///< of the command line, in order
  std::vector<std::pair<std::string, std::string>> hashes;  ///< file, hash of its content
  std::vector<std::pair<std::string, std::string>> paths;   ///< files that the scenario names: pointer, absolute path
  std::vector<std::string> warnings;
  bool interrupted = false;
  bool is_real = false;  ///< run on this machine's kernels, not on profiles
};

/// The compiler that built the program, as "gcc 12.2.0".
std::string compiler_name();

/// Writes `/run`.
void write_run(ResultsFile& file, const RunFacts& facts);
/// Writes `/summary`: `total/METRIC` of one row, tables of a dataset per column in `classes`, `tasks` and `variants`. What has no value
/// is NaN.
void write_summary(ResultsFile& file, const Summary& summary);
/// Writes `/audit`.
void write_audit(ResultsFile& file, const AuditResult& audit);
/// Writes `/real`: what a real run saw of itself, as JSON (keys: sim/metrics/README.md).
void write_real(ResultsFile& file, const Json& report);
/// Writes `/series`: a dataset per column.
void write_series(ResultsFile& file, const std::vector<SeriesRow>& rows);
/// Writes `/planner`, a row per search of a planner; nothing where there was none.
void write_searches(ResultsFile& file, const std::vector<SearchRow>& rows);

/// One object: `window`, `total`, `classes`, `tasks`, `variants` (arrays of objects with `name`) and `audit`. The keys are stable: programs
/// read them. What has no value is null.
/// `real`, if not null, becomes a member of that name, beside `"mode": "real"`.
Json summary_json(const Summary& summary, const AuditResult& audit, const Json& real = {});

}  // namespace tideline
