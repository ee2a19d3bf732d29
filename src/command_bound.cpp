// tideline bound: what share a run reached of what no policy can exceed.
#include "sim/core/text.h"
#include "sim/core/unit.h"
#include "src/assemble.h"
#include "src/bound.h"
#include "src/commands.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/run_once.h"
#include "src/text_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <optional>

namespace tideline {

namespace {

constexpr std::int64_t most_windows = 100'000;

struct BoundLine {
  const char *name, *what;
  BoundObjective objective;
  double reached = 0, bound = 0;
  std::optional<double> exact{};

  double share() const {
    if (objective == BoundObjective::cost) return reached > 0 ? bound / reached : 1;
    return bound > 0 ? reached / bound : 1;
  }
};

std::string in_digits(double x, int digits) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, x);
  return text.data();
}

}  // namespace

int command_bound(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline bound",
                           "Run a scenario and say what share it reached of what no policy can exceed on its arrivals.\n"
                           "The bounds are upper bounds, and of the cost of as many answers in time a lower one, of a policy that knows "
                           "the future, loads in no time and divides devices at will: they are\n"
                           "not said to be reachable. By profile, for policies that answer a query by one variant.\n");
  add_scenario_options(options);
  options.add_options()("window", "Time over which devices are divided at will (default: the least SLO, at most 1 s; longer for long runs)",
                        cxxopts::value<std::string>(), "DURATION")("json", "Print one JSON object");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline bound quickstart --set /measure/duration_s=1h\n"
                                    "  tideline bound quickstart --load 20 --policy selection=accuracy_max --json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto paths = scenarios_of(o, options);
  if (paths.size() > 1) throw InputError("bound takes one scenario, not " + std::to_string(paths.size()));

  BoundRecorder heard;
  RunRequest request;
  request.scenario = paths[0];
  request.layers = layers_of(o);
  request.also = &heard;
  const bool is_json = o.count("json") > 0;
  request.warn = [](const std::string& text) { std::cerr << text << '\n'; };
  catch_interrupts();
  const RunResult done = run_once(request, registry, interrupted);
  if (done.interrupted) return 130;
  if (!done.audit.passed) throw InternalError("the audit failed:\n" + failed_checks(done.audit));

  const Run run =
      assemble(read_scenario(paths[0], request.layers, registry), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });
  const World& world = *run.world;
  Duration window = bound_window(world, heard.queries());
  if (o.count("window") > 0) {
    const auto& text = o["window"].as<std::string>();
    const auto given = param::measured(text, param::dimension_of("s"));
    if (!given || !(*given >= 1e-6))
      throw InputError("--window: " + in_quotes(text) + ": expected a time with its unit, 1us or more, such as 100ms");
    window = from_seconds(*given);
    Time last{};
    for (const BoundQuery& q : heard.queries()) last = std::max(last, q.at);
    if ((last - Time{}) / window > most_windows)
      throw InputError("--window: " + in_quotes(text) + ": makes more than " + std::to_string(most_windows) +
                       " windows of this run, which would take hours; leave it out for one that suits");
  }
  const bool is_held = done.summary.billing == Billing::held;
  const Metrics& total = done.summary.total;
  const double cost =
      is_held ? total.cost_usd - total.cost_transfer_usd - total.cost_fetch_usd : total.cost_attributed_usd + total.cost_wasted_usd;
  std::array<BoundLine, 3> lines{{{"on_time", "answers in time", BoundObjective::on_time, static_cast<double>(heard.on_time())},
                                  {"worth", "their accuracy, at or above the floor", BoundObjective::worth, heard.worth()},
                                  {"cost_usd", is_held ? "cost of what is held" : "cost of batches", BoundObjective::cost, cost}}};
  for (BoundLine& line : lines) {
    if (line.objective == BoundObjective::cost) {
      line.bound = least_cost_bound(world, heard.queries(), static_cast<double>(heard.on_time()), done.summary.billing, window);
      continue;
    }
    line.bound = clairvoyant_bound(world, heard.queries(), line.objective, window);
    if (is_tiny(world, heard.queries())) line.exact = exact_optimum(world, heard.queries(), line.objective);
  }
  if (is_json) {
    Json out{{"scenario", done.name}, {"queries_with_slo", heard.queries().size()}, {"window_s", to_seconds(window)}};
    for (const BoundLine& line : lines) {
      Json& at = out[line.name] = Json{{"reached", line.reached},
                                       {line.objective == BoundObjective::cost ? "lower_bound" : "upper_bound", line.bound},
                                       {"share", line.share()}};
      if (line.exact) at["optimum"] = *line.exact;
    }
    std::cout << out.dump(2) << '\n';
    return 0;
  }
  std::vector<std::vector<std::string>> table{{"", "reached", "bound", "share", ""}};
  for (const BoundLine& line : lines) {
    const bool is_cost = line.objective == BoundObjective::cost;
    const int digits = is_cost ? 6 : line.objective == BoundObjective::on_time ? 0 : 2;
    table.push_back({line.what, in_digits(line.reached, digits), in_digits(line.bound, is_cost ? 6 : 2),
                     in_digits(100 * line.share(), 2) + " %", line.exact ? "optimum " + in_digits(*line.exact, digits) : ""});
  }
  std::cout << done.name << ": " << heard.queries().size() << " queries with an SLO\n"
            << in_columns(table, "  ", true) << "No policy exceeds the bounds; whether one reaches them is not said. Windows of "
            << to_text(to_seconds(window)) << " s.\n";
  return 0;
}

}  // namespace tideline
