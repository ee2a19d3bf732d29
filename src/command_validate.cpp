// tideline validate: reads and checks scenarios without running them.
#include "src/assemble.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/scenario.h"

#include <iostream>

namespace tideline {

int command_validate(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline validate", "Check scenario files without running them.\n");
  options.add_options()("scenario", "Scenario files", cxxopts::value<std::vector<std::string>>(), "FILE...")(
      "set", "Set one value: a JSON pointer and a value", cxxopts::value<std::vector<std::string>>(), "PTR=VALUE");
  options.parse_positional("scenario");
  options.positional_help("SCENARIO...");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline validate scenarios/quickstart.json\n"
                                    "  tideline validate scenarios/quickstart.json --set /cluster/pools/gpus/count=2\n");
  if (!parsed) return 0;
  if (parsed->count("scenario") == 0) throw InputError("no scenario given (see tideline validate --help)");
  const auto overrides = parsed->count("set") > 0 ? (*parsed)["set"].as<std::vector<std::string>>() : std::vector<std::string>{};
  std::string wrong;
  bool unreadable = false;
  const auto add = [&](const std::string& text) { wrong += text.ends_with('\n') ? text : text + '\n'; };
  for (const auto& path : (*parsed)["scenario"].as<std::vector<std::string>>()) {
    try {
      // Assembling finds what only shows with all parts together: instances that do not fit, names that policies look up.
      const Run run =
          assemble(read_scenario(path, overrides, registry), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });
      for (const auto& w : run.scenario.warnings) std::cerr << path << ": warning: " << w << '\n';
      std::cout << path << ": fine: " << run.world->catalog().variants.size() << " variants, " << run.world->topology().devices.size()
                << " devices, " << run.world->classes().size() << " classes\n";
    } catch (const InputError& e) {
      add(e.what());
    } catch (const WorldError& e) {
      add(e.what());
      unreadable = true;
    }
  }
  if (unreadable) throw WorldError(wrong);
  if (!wrong.empty()) throw InputError(wrong);
  return 0;
}

}  // namespace tideline
