// What a comparison or a search for capacity was made by, as its JSON file says it under "recipe": the command, the scenario with what
// changes it, and the files that were read. Enough to make it again, and to see whether the files are still the same.
#pragma once

#include "src/axis.h"
#include "src/commands.h"
#include "src/file_hash.h"
#include "src/json_document.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tideline {

struct Recipe {
  Arguments command;     ///< the verb, then its options, without those that say where output goes
  std::string scenario;  ///< path, relative to the folder in which the command ran
  std::vector<Layer> layers;
  std::vector<std::string> axes;  ///< as --axis takes them
  std::vector<InputFile> inputs;
};

/// Fills in `inputs`: reads the scenario at all points of the axes. Throws what `read_scenario` throws, WorldError.
void find_inputs(Recipe& recipe, const PolicyRegistry& registry);

Json recipe_json(const Recipe& recipe);
/// Of the file of that path. Throws InputError where it has none, as a comparison of a sweep's runs has none.
Recipe read_recipe(const Json& file, const std::string& path);

/// Layers as JSON holds them: `--load 2`. Throws InputError, beginning with `where`.
std::vector<Layer> layers_in(const Json& texts, const std::string& where);

}  // namespace tideline
