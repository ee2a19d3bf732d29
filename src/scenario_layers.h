// The layers of a scenario, put on top of each other: the file that the scenario's file extends, the file, further files, and what the
// command line sets. The result is one document in long form, in which each value knows where it was written.
#pragma once

#include "sim/policy/registry.h"
#include "src/json_document.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tideline {

/// The options of the command line that change a scenario.
enum class LayerKind : std::uint8_t { with, system, policy, load, speedup, seed, trace, set };

struct LayerOption {
  LayerKind kind;
  const char* name;
  const char* value;  ///< what it takes, for listings
  const char* help;
};

inline constexpr std::array<LayerOption, 8> layer_options{
    {{LayerKind::with, "with", "FILE", "Put a partial scenario file on top; before the options below"},
     {LayerKind::system, "system", "NAME|FILE", "Replace the policies by a named bundle of them (scenarios/systems)"},
     {LayerKind::policy, "policy", "KIND=NAME[,PARAM=VALUE]...", "Replace one policy"},
     {LayerKind::load, "load", "X", "Factor on every rate"},
     {LayerKind::speedup, "speedup", "X", "Compress the workload and the measured window in time; not loads, service and SLOs"},
     {LayerKind::seed, "seed", "N", "Seed of every random draw"},
     {LayerKind::trace, "trace", "[ENTRY=]FILE", "Replay a trace in place of the source of an entry of the workload"},
     {LayerKind::set, "set", "PTR=VALUE", "Set one value: a JSON pointer, with names for elements of lists, and a value; null deletes"}}};

/// One such option as it was given.
struct Layer {
  LayerKind kind = LayerKind::set;
  std::string value;
};

/// As one writes it on the command line: `--load 2`.
std::string to_text(const Layer& layer);

/// The parts of KIND=NAME,PARAM=VALUE and of lists of values: commas within brackets and quotes part nothing.
std::vector<std::string> split_at_commas(const std::string& text);

struct LayeredScenario {
  JsonDocument document;
  std::string wrong;  ///< what is wrong in single layers, a line each
};

/// Reads `file`, what it extends, and `layers`: those of kind `with` first, then the others in their order.
/// The document has every section, and `params` for each policy and entry of the workload; it has no `extends`, and a system is
/// expanded. Throws WorldError where a file cannot be read, InputError where one is no JSON object or files extend each other in a ring.
LayeredScenario read_layers(const std::string& file, const std::vector<Layer>& layers, const PolicyRegistry& registry);

}  // namespace tideline
