// Where scenarios and systems lie: what is named without folder and suffix is looked for.
#pragma once

#include <filesystem>
#include <string>

namespace tideline {

/// Whether a word says where a file is, not what it is called: it has a folder or ends in .json.
bool is_path(const std::string& word);

/// The scenario file that `word` of the command line means: itself where it is a path (has a folder or ends in .json) or is there;
/// else NAME.json anywhere below the first of these folders that has it: `scenarios` in the current folder, `../../scenarios` and
/// `../share/tideline/scenarios` from the program's. Throws InputError where none has it, or one has several.
std::string find_scenario(const std::string& word);

/// catalogs/NAME.json in one of these folders; empty where none has it.
std::string find_catalog(const std::string& name);

/// The file of the system `word`: where it is a path, relative to `folder`; else systems/NAME.json in `names_from`, or in a folder
/// around it, or in one of the above. Throws InputError, with the nearest name, where none has it.
std::string find_system(const std::string& word, const std::filesystem::path& folder, const std::filesystem::path& names_from);

}  // namespace tideline
