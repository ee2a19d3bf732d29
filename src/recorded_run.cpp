#include "src/recorded_run.h"

#include "sim/core/text.h"
#include "src/errors.h"
#include "src/file_hash.h"
#include "src/scenario_files.h"
#include "src/trace_files.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>

namespace tideline {

namespace fs = std::filesystem;

namespace {

/// Lines of two parts with two blanks between them.
std::vector<std::pair<std::string, std::string>> pairs_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (const auto blanks = line.find("  "); blanks != std::string::npos) out.emplace_back(line.substr(0, blanks), line.substr(blanks + 2));
  return out;
}

/// A file that a configuration names.
struct NamedFile {
  std::string pointer;
  std::string label;  ///< in `/run/hashes`
  fs::path path;      ///< relative to the folder of the scenario, or absolute
};

std::vector<NamedFile> files_of(const Json& configuration) {
  std::vector<NamedFile> out;
  if (configuration.contains("catalog") && configuration["catalog"].is_string())
    out.push_back({"/catalog", "catalog", configuration["catalog"].get<std::string>()});
  if (const Json::json_pointer at("/outcomes/file"); configuration.contains(at) && configuration[at].is_string())
    out.push_back({"/outcomes/file", "outcomes", configuration[at].get<std::string>()});
  if (configuration.contains("environment") && configuration["environment"].is_array())
    for (std::size_t k = 0; k < configuration["environment"].size(); ++k) {
      const Json& change = configuration["environment"][k];
      if (!change.is_object() || !change.contains("file") || !change["file"].is_string()) continue;
      const std::string number = std::to_string(k);
      out.push_back({"/environment/" + number + "/file", "environment " + number, change["file"].get<std::string>()});
    }
  if (!configuration.contains("workload") || !configuration["workload"].is_array()) return out;
  for (std::size_t k = 0; k < configuration["workload"].size(); ++k) {
    const Json& entry = configuration["workload"][k];
    const Json::json_pointer file("/params/file");
    if (!entry.is_object() || !entry.contains(file) || !entry[file].is_string()) continue;
    const std::string name(name_of(entry));
    out.push_back({"/workload/" + std::to_string(k) + "/params/file", "trace " + (name.empty() ? "entry" + std::to_string(k) : name),
                   entry[file].get<std::string>()});
  }
  return out;
}

/// Where a file may be now, the likeliest place first.
std::vector<fs::path> places_of(const NamedFile& file, const std::optional<fs::path>& lay, const fs::path& results,
                                const std::string& scenario) {
  std::vector<fs::path> out;
  if (lay) out.push_back(*lay);
  if (file.path.is_absolute()) {
    out.push_back(file.path);
    return out;
  }
  try {
    out.push_back(fs::path(find_scenario(scenario)).parent_path() / file.path);
  } catch (const InputError&) {
    // It is none of those that are found by name.
  }
  const fs::path from = fs::absolute(results).lexically_normal();
  for (fs::path folder = from.parent_path();; folder = folder.parent_path()) {
    out.push_back((folder / file.path).lexically_normal());
    if (folder == folder.parent_path()) return out;
  }
}

Json read_configuration(const ResultsReader& reader) {
  Problems ignored;
  return parse_json(reader.text("/run/configuration"), reader.path().string() + ": /run/configuration", ignored).root;
}

std::map<std::string, std::string> hashes_of(const ResultsReader& reader) {
  std::map<std::string, std::string> out;
  for (const auto& [hash, label] : pairs_of(reader.text("/run/hashes"))) out[label] = hash;
  return out;
}

}  // namespace

Json configuration_of(const ResultsReader& reader) {
  Json out = read_configuration(reader);
  auto hashes = hashes_of(reader);
  for (const NamedFile& file : files_of(out))
    out[Json::json_pointer(file.pointer)] = file.path.filename().string() + " (hash " + hashes[file.label] + ")";
  return out;
}

void require_complete(const ResultsReader& reader) {
  if (reader.integer_attribute("/run", "interrupted") == 0 && reader.has("/summary/total") && reader.has("/series")) return;
  throw InputError("'" + reader.path().string() + "': its run was interrupted or killed: it has no results of a whole run");
}

RecordedRun read_recorded_run(const ResultsReader& reader, const FilesByHash& known) {
  require_complete(reader);
  RecordedRun out;
  out.scenario = reader.text_attribute("/run", "scenario");
  out.program_version = reader.text_attribute("/run", "program_version");
  out.compiler = reader.text_attribute("/run", "compiler");
  out.configuration = read_configuration(reader);
  auto hashes = hashes_of(reader);
  std::map<std::string, std::string> lay;
  if (reader.has("/run/paths"))
    for (const auto& [pointer, path] : pairs_of(reader.text("/run/paths"))) lay[pointer] = path;
  for (const NamedFile& file : files_of(out.configuration)) {
    const auto at = lay.find(file.pointer);
    auto places = places_of(file, at == lay.end() ? std::nullopt : std::optional<fs::path>(at->second), reader.path(), out.scenario);
    // What is known is all there is: a pack has what it needs, or is not whole.
    if (const auto one = known.find(hashes[file.label]); one != known.end()) places = {one->second};
    const std::string what = "the " + file.label + " of its run, " + places.front().string() + ",";
    if (!hashes.contains(file.label)) throw WorldError("'" + reader.path().string() + "': " + what + " was no regular file: it is gone");
    fs::path found;
    std::string content;
    for (const fs::path& place : places) {
      std::error_code error;
      if (!fs::is_regular_file(place, error) && !is_trace_folder(place)) continue;
      const std::string hash = hash_file(place);
      if (found.empty() || hash == hashes[file.label]) found = place, content = hash;
      if (hash == hashes[file.label]) break;
    }
    if (found.empty())
      throw WorldError("'" + reader.path().string() + "': " + what + " is not there any more" +
                       (places.size() > 1 ? ", nor " + file.path.string() + " in a folder around the results" : std::string()));
    if (content != hashes[file.label])
      out.changed.push_back(file.label + ": " + found.string() + " changed: its hash was " + hashes[file.label] + ", is " + content);
    out.files.push_back({fs::absolute(found).lexically_normal().string(), hashes[file.label]});
    out.configuration[Json::json_pointer(file.pointer)] = out.files.back().path;
  }
  return out;
}

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  const fs::path where = fs::temp_directory_path(error);
  if (error) throw WorldError("there is no folder for temporary files: " + error.message());
  std::string name = (where / "tideline_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw WorldError("cannot make a folder in " + where.string() + ": " + std::strerror(errno));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace tideline
