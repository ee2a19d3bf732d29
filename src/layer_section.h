// What a file of an experiment (a sweep, a suite) puts on a scenario: the options of the command line as members of an object.
#pragma once

#include "sim/core/param.h"
#include "src/json_document.h"
#include "src/scenario_layers.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

struct LayerSection {
  std::string with, system, trace;
  std::optional<double> load;
  std::vector<std::string> policy;
  param::Value set;
  static constexpr auto declare() {
    return param::fields(param::field("with", &LayerSection::with, "A partial scenario file on top, relative to this file."),
                         param::field("system", &LayerSection::system, "A system: a name, or a path relative to this file."),
                         param::field("policy", &LayerSection::policy, "Policies as KIND=NAME[,PARAM=VALUE]: a list."),
                         param::field("load", &LayerSection::load, "Factor on every rate.", {1e-9, 1e9}),
                         param::field("trace", &LayerSection::trace, "[ENTRY=]FILE, relative to this file."),
                         param::field("set", &LayerSection::set, "Values by JSON pointer, as --set."));
  }
};

/// The layers of a section that was bound from `object`, which stands at `at` of a file in `folder`.
std::vector<Layer> layers_of(const LayerSection& section, const Json& object, const std::string& at, const std::filesystem::path& folder,
                             Problems& problems);

/// Those of the member "set" of `object`, if it has one: `pointer` is the member's.
std::vector<Layer> set_layers(const Json& object, const std::string& pointer, Problems& problems);
/// What `--set` reads back as the same value.
Layer set_layer(const std::string& pointer, const Json& value);

/// Paths in such a file are relative to its folder, those in layers to the current one.
Layer relative_to(const std::filesystem::path& folder, Layer layer);

/// The scenario that such a file names: a path relative to its folder, or a name.
std::string scenario_beside(const std::filesystem::path& folder, const std::string& word);

}  // namespace tideline
