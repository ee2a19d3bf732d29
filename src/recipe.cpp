#include "src/recipe.h"

#include "src/errors.h"
#include "src/scenario.h"

#include <algorithm>
#include <set>

namespace tideline {

namespace {

std::vector<std::string> texts_of(const Json& list, const std::string& where) {
  std::vector<std::string> out;
  for (const Json& t : list) {
    if (!t.is_string()) throw InputError(where + ": expected texts");
    out.push_back(t.get<std::string>());
  }
  return out;
}

}  // namespace

void find_inputs(Recipe& recipe, const PolicyRegistry& registry) {
  std::vector<Axis> axes;
  for (const auto& text : recipe.axes) axes.push_back(parse_axis(text));
  std::set<Point> readings;
  for (const Point& p : points_of(axes, false)) readings.insert(reading_of(axes, p));
  std::set<std::string> files;
  for (const Point& p : readings) {
    std::vector<Layer> layers = recipe.layers;
    for (auto& l : layers_of(axes, p)) layers.push_back(std::move(l));
    for (auto& f : files_of(read_scenario(recipe.scenario, layers, registry))) files.insert(std::move(f));
  }
  recipe.inputs.clear();
  for (const auto& f : files) recipe.inputs.push_back({f, hash_file(f)});
}

Json recipe_json(const Recipe& recipe) {
  Json layers = Json::array(), inputs = Json::array();
  for (const Layer& l : recipe.layers) layers.push_back(to_text(l));
  for (const InputFile& i : recipe.inputs) inputs.push_back({{"path", i.path}, {"hash", i.hash}});
  return {{"command", recipe.command}, {"scenario", recipe.scenario}, {"layers", layers}, {"axes", recipe.axes}, {"inputs", inputs}};
}

Recipe read_recipe(const Json& file, const std::string& path) {
  if (!file.contains("recipe"))
    throw InputError(path + " does not say what it was made by: a comparison of the runs of a sweep is made again from that sweep");
  const Json& json = file["recipe"];
  for (const char* member : {"command", "layers", "axes", "inputs"})
    if (!json.is_object() || !json.contains(member) || !json[member].is_array() || !json.contains("scenario"))
      throw InputError(path + ": \"recipe\" has to have command, scenario, layers, axes and inputs");
  Recipe out;
  out.command = texts_of(json["command"], path + ": /recipe/command");
  if (out.command.empty()) throw InputError(path + ": /recipe/command is empty");
  out.scenario = json.value("scenario", "");
  out.layers = layers_in(json["layers"], path + ": /recipe/layers");
  out.axes = texts_of(json["axes"], path + ": /recipe/axes");
  for (const Json& i : json["inputs"]) {
    if (!i.is_object() || !i.contains("path") || !i.contains("hash")) throw InputError(path + ": an input without path or hash");
    out.inputs.push_back({i.value("path", ""), i.value("hash", "")});
  }
  return out;
}

std::vector<Layer> layers_in(const Json& texts, const std::string& where) {
  std::vector<Layer> out;
  for (const Json& t : texts) {
    const std::string text = t.is_string() ? t.get<std::string>() : std::string();
    const auto blank = text.find(' ');
    const auto option = std::find_if(layer_options.begin(), layer_options.end(),
                                     [&](const LayerOption& o) { return text.substr(0, blank) == std::string("--") + o.name; });
    if (option == layer_options.end() || blank == std::string::npos) throw InputError(where + ": an unknown layer " + t.dump());
    out.push_back({option->kind, text.substr(blank + 1)});
  }
  return out;
}

}  // namespace tideline
