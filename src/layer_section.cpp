#include "src/layer_section.h"

#include "sim/core/pointer.h"
#include "sim/core/text.h"
#include "src/scenario_files.h"

namespace tideline {

namespace fs = std::filesystem;

namespace {

std::string beside(const fs::path& folder, const std::string& path) { return (folder / path).lexically_normal().string(); }

}  // namespace

Layer set_layer(const std::string& pointer, const Json& value) { return {LayerKind::set, pointer + "=" + value.dump()}; }

std::vector<Layer> set_layers(const Json& object, const std::string& pointer, Problems& problems) {
  std::vector<Layer> out;
  if (!object.is_object() || !object.contains("set") || object["set"].is_null()) return out;
  if (!object["set"].is_object()) {
    problems.add(pointer, "expected an object: values by JSON pointer");
    return out;
  }
  for (const auto& [key, value] : object["set"].items()) {
    if (key.starts_with('/'))
      out.push_back(set_layer(key, value));
    else
      problems.add_key(child(pointer, key), "is no JSON pointer: those begin with /");
  }
  return out;
}

Layer relative_to(const fs::path& folder, Layer layer) {
  if (layer.kind == LayerKind::with || (layer.kind == LayerKind::system && is_path(layer.value))) layer.value = beside(folder, layer.value);
  if (layer.kind == LayerKind::trace) {
    const auto equals = layer.value.find('=');
    const std::size_t file = equals == std::string::npos ? 0 : equals + 1;
    layer.value = layer.value.substr(0, file) + beside(folder, layer.value.substr(file));
  }
  return layer;
}

std::vector<Layer> layers_of(const LayerSection& s, const Json& object, const std::string& at, const fs::path& folder, Problems& problems) {
  std::vector<Layer> out;
  const auto add = [&](LayerKind kind, const std::string& value) { out.push_back(relative_to(folder, {kind, value})); };
  if (!s.with.empty()) add(LayerKind::with, s.with);
  if (!s.system.empty()) add(LayerKind::system, s.system);
  for (const auto& p : s.policy) add(LayerKind::policy, p);
  if (s.load) add(LayerKind::load, to_text(*s.load));
  if (!s.trace.empty()) add(LayerKind::trace, s.trace);
  for (auto& l : set_layers(object, child(at, "set"), problems)) out.push_back(std::move(l));
  return out;
}

std::string scenario_beside(const fs::path& folder, const std::string& word) {
  return is_path(word) ? beside(folder, word) : find_scenario(word);
}

}  // namespace tideline
