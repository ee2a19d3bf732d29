#include "src/options.h"

#include "sim/core/nearest.h"
#include "src/errors.h"
#include "src/scenario_files.h"

#include <algorithm>
#include <iostream>

namespace tideline {

std::optional<cxxopts::ParseResult> parse_options(cxxopts::Options& options, const Arguments& arguments, const std::string& examples) {
  options.add_options()("h,help", "Show this help");
  options.set_width(110);
  // Unknown options are found here, so that the message can name the nearest one.
  std::vector<std::string> names;
  for (const auto& group : options.groups())
    for (const auto& o : options.group_help(group).options) names.push_back(o.l.empty() ? o.s : o.l.front());
  std::vector<std::string_view> known(names.begin(), names.end());
  for (const auto& a : arguments) {
    if (a == "--") break;
    if (!a.starts_with("--")) continue;
    const std::string name = a.substr(2, a.find('=') == std::string::npos ? std::string::npos : a.find('=') - 2);
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw InputError("unknown option --" + name + suggestion(name, known) + " (see " + options.program() + " --help)");
  }
  std::vector<const char*> argv{"tideline"};
  for (const auto& a : arguments) argv.push_back(a.c_str());
  try {
    auto result = options.parse(static_cast<int>(argv.size()), argv.data());
    if (result.count("help") == 0) {
      if (!result.unmatched().empty()) throw InputError("unexpected argument '" + result.unmatched().front() + "'");
      return result;
    }
  } catch (const std::exception& e) {
    throw InputError(std::string(e.what()) + " (see " + options.program() + " --help)");
  }
  std::cout << options.help() << "\nExamples:\n" << examples;
  return {};
}

void add_scenario_options(cxxopts::Options& options) {
  options.add_options()("scenario", "Scenario files, or their names", cxxopts::value<std::vector<std::string>>(), "FILE...");
  add_layer_options(options);
  options.parse_positional("scenario");
  options.positional_help("SCENARIO...");
}

void add_layer_options(cxxopts::Options& options) {
  for (const LayerOption& o : layer_options)
    options.add_options("Changing scenarios")(o.name, o.help, cxxopts::value<std::vector<std::string>>(), o.value);
}

std::vector<std::string> scenarios_of(const cxxopts::ParseResult& parsed, const cxxopts::Options& options) {
  if (parsed.count("scenario") == 0) throw InputError("no scenario given (see " + options.program() + " --help)");
  std::vector<std::string> out;
  for (const auto& word : parsed["scenario"].as<std::vector<std::string>>()) out.push_back(find_scenario(word));
  return out;
}

Arguments words_of(const cxxopts::ParseResult& parsed, const std::string& scenario, const std::vector<std::string>& without) {
  Arguments out;
  for (const auto& given : parsed.arguments()) {
    if (std::find(without.begin(), without.end(), given.key()) != without.end()) continue;
    if (given.key() == "scenario")
      out.push_back(scenario);
    else
      out.push_back("--" + given.key() + "=" + given.value());
  }
  return out;
}

std::vector<Layer> layers_of(const cxxopts::ParseResult& parsed) {
  std::vector<Layer> out;
  // `operator[]` keeps the order of one option's values only.
  for (const auto& given : parsed.arguments())
    for (const LayerOption& o : layer_options)
      if (given.key() == o.name) out.push_back({o.kind, given.value()});
  return out;
}

}  // namespace tideline
