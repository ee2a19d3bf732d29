#include "src/scenario_files.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/errors.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

namespace tideline {

namespace {

namespace fs = std::filesystem;

constexpr const char* suffix = ".json";

/// Folders of scenarios: of the current folder, of the tree that the program was built in, of an installation.
std::vector<fs::path> scenario_folders() {
  std::vector<fs::path> out{"scenarios"};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return out;
  const fs::path bin = program.parent_path();
  for (const char* from_program : {"../../scenarios", "../share/tideline/scenarios"})
    out.push_back((bin / from_program).lexically_normal());
  return out;
}

/// Files that end in .json, in order of path. What cannot be read has none.
template <class Iterator>
std::vector<fs::path> json_files(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (Iterator i(folder, fs::directory_options::skip_permission_denied, error), end; !error && i != end; i.increment(error)) {
    std::error_code ignored;
    if (i->path().extension() == suffix && i->is_regular_file(ignored)) out.push_back(i->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Without the other files that lie there.
std::vector<fs::path> scenarios_in(const fs::path& folder) {
  auto out = json_files<fs::recursive_directory_iterator>(folder);
  std::erase_if(out, [&](const fs::path& file) {
    const fs::path below = file.lexically_relative(folder);
    static const std::set<fs::path> others{"catalogs", "systems", "sweeps", "regression", "schema.json"};
    return others.contains(*below.begin());
  });
  return out;
}

}  // namespace

bool is_path(const std::string& word) { return word.find('/') != std::string::npos || word.ends_with(suffix); }

std::string find_scenario(const std::string& word) {
  std::error_code ignored;
  if (is_path(word) || fs::exists(word, ignored)) return word;
  std::vector<std::string> known;
  for (const fs::path& folder : scenario_folders()) {
    std::vector<std::string> found;
    for (const fs::path& file : scenarios_in(folder)) {
      if (file.stem() == word) found.push_back(file.string());
      known.push_back(file.stem().string());
    }
    if (found.size() == 1) return found.front();
    if (found.empty()) continue;
    std::string message = "the scenario " + in_quotes(word) + " is one of several:";
    for (const auto& file : found) message += " " + file;
    throw InputError(message + "; say which by its path");
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  throw InputError("unknown scenario " + in_quotes(word) + suggestion(word, known) + " (a path has a folder or ends in .json)");
}

std::string find_catalog(const std::string& name) {
  std::error_code ignored;
  for (const fs::path& scenarios : scenario_folders())
    if (const fs::path file = scenarios / "catalogs" / (name + suffix); fs::exists(file, ignored)) return file.string();
  return {};
}

std::string find_system(const std::string& word, const fs::path& folder, const fs::path& names_from) {
  if (is_path(word)) return (folder / word).string();
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path whole = fs::current_path(error) / names_from;
  fs::path around = names_from;
  for (auto levels = std::distance(whole.begin(), whole.end()); levels > 0; --levels, around /= "..")
    folders.push_back((around / "systems").lexically_normal());
  for (const fs::path& scenarios : scenario_folders()) folders.push_back(scenarios / "systems");
  std::vector<std::string> known;
  for (const fs::path& systems : folders) {
    const fs::path file = systems / (word + suffix);
    if (fs::exists(file, error)) return file.string();
    for (const fs::path& other : json_files<fs::directory_iterator>(systems)) known.push_back(other.stem().string());
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  throw InputError("unknown system " + in_quotes(word) + suggestion(word, known) + " (a path has a folder or ends in .json)");
}

}  // namespace tideline
