// What a results file says of the run that made it: enough to make it again.
#pragma once

#include "src/file_hash.h"
#include "src/json_document.h"
#include "src/results_reader.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tideline {

struct RecordedRun {
  std::string scenario;  ///< its name
  std::string program_version, compiler;
  Json configuration;                ///< the effective one, with absolute paths of the files as they are found now
  std::vector<InputFile> files;      ///< that it names: absolute paths, with the hashes of then
  std::vector<std::string> changed;  ///< files whose content is not what it was, a text each
};

/// Where files lie, by the hash of what is in them.
using FilesByHash = std::map<std::string, std::filesystem::path>;

/// Reads `/run`, and looks for the files that it names: among `known`, where they lay, then relative to the scenario of the same name, to the results file
/// and to the folders around it; one with the recorded content goes before others. Throws InputError where the run did not come to its end,
/// WorldError where a file is in none of these places.
RecordedRun read_recorded_run(const ResultsReader& reader, const FilesByHash& known = {});

/// The effective configuration, with name and hash of each file in place of its path: equal where the runs were told the same.
Json configuration_of(const ResultsReader& reader);

/// Throws InputError where the run was interrupted or killed.
void require_complete(const ResultsReader& reader);

/// A folder that goes with its object, for what nobody should see. Throws WorldError where it cannot be made.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tideline
