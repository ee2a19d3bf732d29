// tideline capacity: the largest load, or the least count, at which a system meets a target.
#include "src/capacity.h"

#include "sim/core/text.h"
#include "src/errors.h"
#include "src/metric_value.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/recipe.h"
#include "src/run_once.h"
#include "src/task_pool.h"
#include "src/task_progress.h"

#include <cmath>
#include <iostream>

namespace tideline {

namespace {

namespace fs = std::filesystem;

std::string rounded(double x) { return std::isfinite(x) && x != 0 ? range_of(x, x, 1).front() : to_text(x); }

std::string shortened(double x) {
  if (!std::isfinite(x) || x == 0) return to_text(x);
  const double scale = std::pow(10, 4 - std::ceil(std::log10(std::abs(x))));
  return rounded(std::round(x * scale) / scale);
}

Json json_of(const std::vector<Capacity>& list, const CapacityWishes& w) {
  Json out{{"format", "tideline-capacity"},
           {"version", 1},
           {"program", version_text()},
           {"scenario", w.scenario},
           {"vary", w.vary},
           {"metric", w.metric.name},
           {"rule", w.at_most ? "at most" : "at least"},
           {"target", w.target},
           {"replications", w.replications},
           {"confidence", w.confidence}};
  Json& alternatives = out["alternatives"] = Json::array();
  for (const Capacity& c : list) {
    Json points = Json::array();
    for (const CapacityPoint& p : c.points) {
      Json values = Json::array();
      for (const double v : p.values) values.push_back(to_json(v));
      points.push_back({{"x", p.x}, {"mean", to_json(p.mean)}, {"values", values}, {"met", p.met}});
    }
    alternatives.push_back({{"label", c.label},
                            {"capacity", c.answer ? Json(*c.answer) : Json()},
                            {"low", c.interval ? Json(c.interval->low) : Json()},
                            {"high", c.interval ? Json(c.interval->high) : Json()},
                            {"last_met", to_json(c.last_met)},
                            {"remark", c.remark},
                            {"points", points}});
  }
  return out;
}

}  // namespace

int command_capacity(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline capacity", "Find the largest load, or the least count, that meets a target.\n");
  options.add_options()("vary", "What is varied: load, or a JSON pointer of a number", cxxopts::value<std::string>()->default_value("load"),
                        "load|PTR")("at-least", "The target: the metric has to be this or more", cxxopts::value<std::string>(),
                                    "METRIC=VALUE")("at-most", "The target: the metric has to be this or less",
                                                    cxxopts::value<std::string>(), "METRIC=VALUE")(
      "least", "Find the least value that meets the target, as of a count of nodes, instead of the largest")(
      "whole", "Try whole numbers only")("from", "A value to begin with; default: 1", cxxopts::value<double>(), "X")(
      "to", "Look between --from and this only", cxxopts::value<double>(), "X")("tolerance", "Of the answer, relative",
                                                                                cxxopts::value<double>()->default_value("0.01"), "SHARE")(
      "axis", "Find it for each of several alternatives", cxxopts::value<std::vector<std::string>>(), "NAME=A,B,...")(
      "replications", "Runs of each value tried", cxxopts::value<std::uint32_t>()->default_value("10"), "N")(
      "out", "Write all that was tried to this file", cxxopts::value<std::string>(), "CAPACITY.json")(
      "jobs", "Runs at a time; default: the processors of this machine", cxxopts::value<std::uint32_t>(), "N")("quiet", "No progress");
  add_scenario_options(options);
  options.positional_help("SCENARIO");
  const auto parsed = parse_options(
      options, arguments,
      "  tideline capacity quickstart --at-least slo_attainment=0.99 --axis system=infaas,persist_all,infaas_accuracy\n"
      "  tideline capacity scenarios/theory/mm1.json --vary /workload/0/params/rate_qps --from 0.1 --to 0.9 --at-most latency_p99_s=10\n"
      "  tideline capacity quickstart --vary /cluster/pools/laptops/count --least --whole --at-least slo_attainment=0.999\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  CapacityWishes w;
  const auto scenarios = scenarios_of(o, options);
  if (scenarios.size() != 1) throw InputError("expected one scenario (see tideline capacity --help)");
  w.scenario = scenarios.front();
  w.layers = layers_of(o);
  if (o.count("at-least") + o.count("at-most") != 1) throw InputError("give one target: --at-least METRIC=VALUE or --at-most METRIC=VALUE");
  w.at_most = o.count("at-most") > 0;
  const std::string option = w.at_most ? "--at-most" : "--at-least", text = o[option.substr(2)].as<std::string>();
  const MetricValue target = read_metric_value(option, text);
  if (target.relative) throw InputError(option + " " + text + ": a target is absolute, without %");
  try {
    w.metric = compared_metric(target.metric);
  } catch (const InputError& e) {
    throw InputError(option + " " + text + ": " + e.what());
  }
  w.target = target.value;
  w.vary = o["vary"].as<std::string>();
  if (w.vary != "load" && !w.vary.starts_with('/'))
    throw InputError("--vary " + w.vary + ": expected load or a JSON pointer, which begins with /");
  w.least = o.count("least") > 0;
  w.whole = o.count("whole") > 0;
  if (o.count("from") > 0) w.from = o["from"].as<double>();
  if (o.count("to") > 0) w.to = o["to"].as<double>();
  if ((o.count("from") > 0 && !(w.from > 0)) || (o.count("to") > 0 && (!(w.to > 0) || o.count("from") == 0)) ||
      (o.count("to") > 0 && w.from == w.to))
    throw InputError("--from and --to: expected two different numbers above 0, or --from alone");
  if (w.whole && (w.from != std::floor(w.from) || w.to != std::floor(w.to)))
    throw InputError("--from and --to: expected whole numbers with --whole");
  w.tolerance = o["tolerance"].as<double>();
  if (!(w.tolerance > 1e-6 && w.tolerance < 1)) throw InputError("--tolerance: expected a share above 1e-6 and below 1");
  w.replications = o["replications"].as<std::uint32_t>();
  if (w.replications == 0) throw InputError("--replications 0: expected at least 1");
  w.jobs = o.count("jobs") > 0 ? o["jobs"].as<std::uint32_t>() : default_jobs();
  if (w.jobs == 0) throw InputError("--jobs 0: expected at least 1");
  if (o.count("axis") > 0)
    for (const auto& a : o["axis"].as<std::vector<std::string>>()) w.axes.push_back(parse_axis(a));

  fs::path out;
  catch_interrupts();
  if (o.count("out") > 0) w.outputs.push_back(out = output_file(o["out"].as<std::string>(), {w.scenario}));

  Json recipe;
  if (!out.empty()) {
    Recipe r{{"capacity"}, fs::proximate(w.scenario).string(), w.layers, {}, {}};
    if (o.count("axis") > 0) r.axes = o["axis"].as<std::vector<std::string>>();
    for (auto& word : words_of(o, r.scenario, {"out", "jobs", "quiet"})) r.command.push_back(std::move(word));
    find_inputs(r, registry);
    recipe = recipe_json(r);
  }
  TaskProgress progress("capacity", 0, o.count("quiet") > 0);
  const auto list = find_capacity(w, registry, interrupted, [&](std::size_t runs) { progress.set(runs, 0); });
  progress.finish();
  if (!out.empty()) {
    Json json = json_of(list, w);
    json["recipe"] = recipe;
    if (interrupted) {
      json["interrupted"] = true;
      out = incomplete_name(out);
    }
    write_whole(out, json.dump(1) + "\n");
  }
  std::cout << (w.least ? "least " : "largest ") << w.vary << " with " << w.metric.name << (w.at_most ? " at most " : " at least ")
            << to_text(w.target) << '\n';
  for (const Capacity& c : list) {
    std::cout << "  " << c.label << ": " << (c.answer ? shortened(*c.answer) : "none");
    if (c.interval) std::cout << " [" << shortened(c.interval->low) << ", " << shortened(c.interval->high) << "]";
    std::cout << ", " << c.points.size() << " values tried";
    if (!c.remark.empty()) std::cout << "; " << c.remark;
    std::cout << '\n';
  }
  std::cout << w.replications << " replications of each value"
            << (w.replications > 1
                    ? "; the interval is of where single replications cross the target, at " + to_text(100 * w.confidence) + " %\n"
                    : "; one replication has no interval\n");
  if (interrupted) {
    std::cerr << "tideline: interrupted: what was found until then is shown" << (out.empty() ? std::string() : ", and in " + out.string())
              << '\n';
    return 130;
  }
  return 0;
}

}  // namespace tideline
