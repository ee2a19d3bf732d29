// tideline explain: says before a run whether the scenario can work at all.
#include "src/assemble.h"
#include "src/demand.h"
#include "src/errors.h"
#include "src/explain.h"
#include "src/explain_report.h"
#include "src/options.h"
#include "src/scenario.h"

#include <iostream>

namespace tideline {

int command_explain(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline explain",
                           "Say before a run whether the scenario can work: who can be served by what, and with what devices.\n"
                           "Exit code 1 if a class has no feasible variant.\n");
  add_scenario_options(options);
  options.add_options()("json", "Print one JSON object");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline explain quickstart\n"
                                    "  tideline explain quickstart --set /workload/cameras/classes/interactive/latency_slo_s=20ms\n"
                                    "  tideline explain quickstart --system persist_all --load 10 --json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto paths = scenarios_of(o, options);
  if (paths.size() > 1) throw InputError("explain takes one scenario, not " + std::to_string(paths.size()));

  // Assembling finds what only shows with all parts together, as in validate.
  const Run run =
      assemble(read_scenario(paths[0], layers_of(o), registry), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });
  const auto demands = demands_of(run.scenario, *run.world);
  const Explanation found = explain(*run.world, demands);
  if (o.count("json") > 0) {
    std::cout << explain_json(run.scenario, *run.world, demands, found).dump(2) << '\n';
  } else {
    for (const auto& w : run.scenario.warnings) std::cerr << paths[0] << ": warning: " << w << '\n';
    std::cout << explain_text(run.scenario, *run.world, demands, found);
  }
  return found.feasible() ? 0 : 1;
}

}  // namespace tideline
