#include "src/options.h"

#include "sim/core/nearest.h"
#include "src/errors.h"

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
    if (result.count("help") == 0) return result;
  } catch (const std::exception& e) {
    throw InputError(std::string(e.what()) + " (see " + options.program() + " --help)");
  }
  std::cout << options.help() << "\nExamples:\n" << examples;
  return {};
}

}  // namespace tideline
