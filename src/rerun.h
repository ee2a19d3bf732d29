// Makes again what a results file, a sweep or a comparison says it was made by, and says whether the results are the same.
#pragma once

#include "sim/core/time.h"
#include "sim/policy/registry.h"
#include "src/json_document.h"
#include "src/recorded_run.h"
#include "src/sweep.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// What came of running one thing again.
struct RerunVerdict {
  bool reproduced = false, interrupted = false;
  std::string text;                ///< why it is not the same, without a full stop at the end
  std::vector<std::string> notes;  ///< what else there is to say
  Json summary;                    ///< of the new run, if there was one
};

/// Hears of a run: its scenario's name, simulated time, its end, queries so far.
using RunProgress = std::function<void(const std::string& name, Time now, Time end, std::uint64_t)>;

/// The run of a results file. `known`: where files lie, by hash. Throws what `read_recorded_run` and `run_once` throw.
RerunVerdict rerun_file(const std::filesystem::path& path, const RunProgress& progress, const PolicyRegistry& registry,
                        const FilesByHash& known = {});

/// The comparison or the search for capacity of a JSON file. Its paths are relative to the current folder. Throws InputError where it is
/// neither or does not say how it was made, WorldError where a file is not there.
RerunVerdict rerun_recipe(const std::filesystem::path& path, const PolicyRegistry& registry);

/// The tasks of a sweep's folder that are finished, and how to run one again.
class SweepAgain {
 public:
  /// Throws InputError where the folder holds no sweep, or no finished task of one; WorldError where its tasks have no results files, and
  /// its sweep file is gone.
  SweepAgain(std::filesystem::path folder, const PolicyRegistry& registry, FilesByHash known = {});

  const std::string& name() const { return name_; }
  std::size_t size() const { return tasks_.size(); }
  std::string label(std::size_t k) const;
  /// May be called by several threads at once.
  RerunVerdict run(std::size_t k) const;

 private:
  std::filesystem::path file_of(const Json& task) const;
  void read_again(const Json& manifest);

  std::filesystem::path folder_;
  const PolicyRegistry& registry_;
  FilesByHash known_;
  std::string name_, changed_;
  std::vector<Json> tasks_;
  std::optional<Sweep> sweep_;
};

}  // namespace tideline
