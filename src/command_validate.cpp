// tideline validate: reads and checks scenarios without running them.
#include "src/assemble.h"
#include "src/effective_text.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/scenario.h"

#include <iostream>

namespace tideline {

int command_validate(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline validate", "Check scenario files without running them.\n");
  options.add_options()("effective", "Print what the layers come to, with the layer that each value is from");
  add_scenario_options(options);
  const auto parsed = parse_options(options, arguments,
                                    "  tideline validate scenarios/quickstart.json\n"
                                    "  tideline validate quickstart --set /cluster/pools/a40s/count=2\n"
                                    "  tideline validate --effective quickstart --system persist_all > mine.json\n");
  if (!parsed) return 0;
  const auto paths = scenarios_of(*parsed, options);
  const auto layers = layers_of(*parsed);
  std::string wrong;
  bool unreadable = false;
  const auto add = [&](const std::string& text) { wrong += text.ends_with('\n') ? text : text + '\n'; };
  for (const auto& path : paths) {
    try {
      // Assembling finds what only shows with all parts together: instances that do not fit, names that policies look up.
      const Run run =
          assemble(read_scenario(path, layers, registry), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });
      for (const auto& w : run.scenario.warnings) std::cerr << path << ": warning: " << w << '\n';
      if (parsed->count("effective") > 0)
        std::cout << effective_text(run.scenario);
      else
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
