// tideline compare: alternatives against a baseline, on the same queries, with intervals and verdicts.
#include "sim/core/text.h"
#include "src/compare.h"
#include "src/errors.h"
#include "src/metric_value.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/recipe.h"
#include "src/run_once.h"
#include "src/sweep_folder.h"
#include "src/task_pool.h"
#include "src/task_progress.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>

namespace tideline {

namespace {

namespace fs = std::filesystem;

/// Compared unless others are asked for.
constexpr const char* headline[] = {"slo_attainment", "1-slo_attainment", "goodput_qps", "effective_accuracy", "latency_mean_s",
                                    "latency_p99_s",  "cost_usd",         "energy_j",    "cold_starts"};

/// The metric of that name among those compared; it is added where it is not there.
ComparedMetric& metric_of(std::vector<ComparedMetric>& list, const std::string& option, const std::string& name) {
  for (ComparedMetric& m : list)
    if (m.name == name) return m;
  try {
    return list.emplace_back(compared_metric(name));
  } catch (const InputError& e) {
    throw InputError(option + ": " + e.what());
  }
}

std::pair<std::uint32_t, std::uint32_t> read_days(const std::string& text) {
  std::uint32_t first = 0, last = 0;
  const auto dash = text.find('-');
  const auto number = [&](std::string_view part, std::uint32_t& out) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
    return error == std::errc{} && end == part.data() + part.size();
  };
  if (dash == std::string::npos || !number(std::string_view(text).substr(0, dash), first) ||
      !number(std::string_view(text).substr(dash + 1), last) || first == 0 || last <= first || last > 10'000)
    throw InputError("--days " + text + ": expected FIRST-LAST, days of the trace from 1, such as 1-7");
  return {first, last};
}

struct BlocksParams {
  Duration length{};
  static constexpr auto declare() {
    return param::fields(param::field("length_s", &BlocksParams::length, "Length of a stretch.", {1e-3, 1e9}, param::required));
  }
};
struct SpreadParams : ProfileSpread {
  static constexpr auto declare() {
    return param::fields(param::field("hardware", &SpreadParams::hardware, "Of latencies by hardware type.", {0, 3}),
                         param::field("variant", &SpreadParams::variant, "Of latencies by variant.", {0, 3}),
                         param::field("accuracy", &SpreadParams::accuracy, "Of the logit of accuracies.", {0, 10}),
                         param::field("load", &SpreadParams::load, "Of load times.", {0, 3}));
  }
};

/// What the option says, as one message.
template <class Params>
Params bind_option(const std::string& option, const std::string& text, const param::Object& object) {
  Problems problems;
  Params out = param::bind<Params>(object, "", problems);
  if (!problems.empty())
    throw InputError(option + "=" + text + ": " + problems.list().front().pointer + ": " + problems.list().front().message);
  return out;
}

Duration read_blocks(const std::string& text) {
  std::string message;
  const auto value = read_value(text, message);
  if (!value) throw InputError("--blocks " + text + ": " + message);
  return bind_option<BlocksParams>("--blocks", text, {{"length_s", to_value(*value)}}).length;
}

/// NAME=SD,...: what is not named keeps its default.
ProfileSpread read_spread(const std::string& text) {
  param::Object object;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size()), equals = text.find('=', at);
    std::string message;
    const auto value = equals < end ? read_value(text.substr(equals + 1, end - equals - 1), message) : std::nullopt;
    if (!value) throw InputError("--perturb-profiles=" + text + ": expected NAME=SD,..., such as hardware=0.1,accuracy=0");
    object.emplace_back(text.substr(at, equals - at), to_value(*value));
    at = end + 1;
  }
  return bind_option<SpreadParams>("--perturb-profiles", text, object);
}

}  // namespace

int command_compare(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline compare", "Compare alternatives on the same queries: differences, intervals, verdicts.\n");
  using Texts = std::vector<std::string>;
  options.add_options()("axis",
                        "What differs: system, load, trace, with, a kind of policy or a JSON pointer, with its values. The values of the "
                        "first axis are compared, further axes are conditions",
                        cxxopts::value<Texts>(), "NAME=A,B,...|FIRST:LAST:STEP")(
      "baseline", "Value of the first axis that the others are held against; default: its first", cxxopts::value<std::string>(), "VALUE")(
      "metric", "Compare this metric; default: the headline metrics. 1-NAME: one minus an attainment", cxxopts::value<Texts>(), "NAME")(
      "precision", "Replicate until the half-width of the difference is this, or this share of the baseline's mean",
      cxxopts::value<Texts>(),
      "METRIC=VALUE[%]")("margin", "Differences within this are equivalent", cxxopts::value<Texts>(), "METRIC=VALUE[%]")(
      "max-replications", "At most; without --precision the number made. Default: 10, with --precision 200",
      cxxopts::value<std::uint32_t>(),
      "N")("days", "Replications are these days of the traces", cxxopts::value<std::string>(), "FIRST-LAST")(
      "blocks", "Replications put the traces together anew from stretches of this length, such as 1h", cxxopts::value<std::string>(),
      "DURATION")("perturb-profiles",
                  "Replications draw the figures of the catalog anew; with standard deviations of the logarithm of latencies by hardware "
                  "type and by variant, of the logit of accuracies and of the logarithm of load times in place of these",
                  cxxopts::value<std::string>()->implicit_value("hardware=0.05,variant=0.05,accuracy=0.1,load=0.2"),
                  "NAME=SD,...")("confidence", "Of intervals and verdicts", cxxopts::value<double>()->default_value("0.95"), "P")(
      "table", "What to print: text, latex or csv", cxxopts::value<std::string>()->default_value("text"), "FORM")(
      "out", "Write the comparison for report and Python to this file", cxxopts::value<std::string>(), "COMPARE.json")(
      "jobs", "Runs at a time; default: the processors of this machine", cxxopts::value<std::uint32_t>(), "N")("quiet",
                                                                                                               "No progress, no warnings");
  add_scenario_options(options);
  options.positional_help("SCENARIO|SWEEP_DIR");
  const auto parsed = parse_options(
      options, arguments,
      "  tideline compare quickstart --axis selection=infaas,accuracy_max,cheapest_feasible\n"
      "  tideline compare quickstart --axis system=infaas,persist_all --margin latency_p99_s=2% --out compare.json\n"
      "  tideline compare quickstart --axis system=infaas,persist_all --axis load=0.5:1.5:0.5 --table csv\n"
      "  tideline compare quickstart --axis /workload/cameras/params/mean_qps=24,30 --precision latency_mean_s=1% --max-replications 50\n"
      "  tideline compare results/selection_by_load --baseline infaas\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto texts = [&](const char* name) { return o.count(name) > 0 ? o[name].as<Texts>() : Texts{}; };
  const auto form = o["table"].as<std::string>();
  if (form != "text" && form != "latex" && form != "csv") throw InputError("--table " + form + ": expected text, latex or csv");
  if (o.count("scenario") != 1) throw InputError("expected one scenario, or the folder of one sweep (see tideline compare --help)");
  CompareWishes wishes;
  const std::string word = o["scenario"].as<Texts>().front();
  for (const auto& name : texts("metric")) (void)metric_of(wishes.metrics, "--metric " + name, name);
  if (wishes.metrics.empty())
    for (const char* name : headline) wishes.metrics.push_back(compared_metric(name));
  for (const auto& text : texts("precision")) {
    const MetricValue v = read_metric_value("--precision", text);
    using Kind = statistics::Precision::Kind;
    metric_of(wishes.metrics, "--precision " + text, v.metric).precision =
        statistics::Precision{v.relative ? Kind::relative : Kind::absolute, v.value};
  }
  for (const auto& text : texts("margin")) {
    const MetricValue v = read_metric_value("--margin", text);
    ComparedMetric& m = metric_of(wishes.metrics, "--margin " + text, v.metric);
    m.margin = v.value;
    m.relative_margin = v.relative;
  }
  wishes.confidence = o["confidence"].as<double>();
  if (!(wishes.confidence >= 0.5 && wishes.confidence < 1)) throw InputError("--confidence: expected a number from 0.5 to below 1");
  wishes.jobs = o.count("jobs") > 0 ? o["jobs"].as<std::uint32_t>() : default_jobs();
  if (wishes.jobs == 0) throw InputError("--jobs 0: expected at least 1");
  if (o.count("baseline") > 0) wishes.baseline = o["baseline"].as<std::string>();
  const bool precise = o.count("precision") > 0, quiet = o.count("quiet") > 0;
  wishes.most = o.count("max-replications") > 0 ? o["max-replications"].as<std::uint32_t>() : precise ? 200 : 10;
  if (wishes.most == 0) throw InputError("--max-replications 0: expected at least 1");
  if (precise && wishes.most < 10)
    throw InputError("--max-replications " + std::to_string(wishes.most) + ": --precision stops after 10 replications at the earliest");
  if (!precise) wishes.least = wishes.most;
  std::error_code ignored;
  catch_interrupts();
  Comparison c;
  std::optional<Recipe> recipe;
  fs::path out;
  const auto find_out = [&](const std::vector<fs::path>& inputs) {
    if (o.count("out") > 0) wishes.outputs.push_back(out = output_file(o["out"].as<std::string>(), inputs));
  };
  if (fs::is_directory(word, ignored)) {
    for (const char* option : {"axis", "precision", "max-replications", "days", "blocks", "perturb-profiles"})
      if (o.count(option) > 0) throw InputError(std::string("--") + option + ": the runs of a sweep are made already");
    if (!layers_of(o).empty()) throw InputError("the runs of a sweep are made already: options that change the scenario come too late");
    find_out({fs::path(word) / "manifest.json"});
    refuse_in_tasks(out, word);
    c = compare_sweep(word, wishes);
  } else {
    wishes.scenario = scenarios_of(o, options).front();
    wishes.layers = layers_of(o);
    find_out({wishes.scenario});
    for (const auto& text : texts("axis")) wishes.axes.push_back(parse_axis(text));
    if (o.count("days") > 0) {
      if (precise || o.count("max-replications") > 0) throw InputError("--days: the number of replications is that of the days");
      wishes.days = read_days(o["days"].as<std::string>());
    }
    if (o.count("blocks") > 0) {
      if (o.count("days") > 0) throw InputError("--days and --blocks contradict each other");
      wishes.block = read_blocks(o["blocks"].as<std::string>());
    }
    if (o.count("perturb-profiles") > 0) wishes.spread = read_spread(o["perturb-profiles"].as<std::string>());
    if (!out.empty()) {
      recipe = Recipe{{"compare"}, fs::proximate(wishes.scenario).string(), wishes.layers, texts("axis"), {}};
      for (auto& w : words_of(o, recipe->scenario, {"out", "table", "jobs", "quiet"})) recipe->command.push_back(std::move(w));
      find_inputs(*recipe, registry);
    }
    TaskProgress progress("compare", 0, quiet);
    c = compare(wishes, registry, interrupted, [&](std::size_t done, std::size_t all) { progress.set(done, all); });
  }
  if (!quiet)
    for (const auto& w : c.warnings) std::cerr << w << '\n';
  if (c.replications > 0) {
    if (!out.empty()) {
      Json json = compare_json(c);
      if (c.interrupted) {
        json["interrupted"] = true;
        out = incomplete_name(out);
      }
      if (recipe) json["recipe"] = recipe_json(*recipe);
      write_whole(out, json.dump(1) + "\n");
    }
    std::cout << (form == "latex" ? effect_latex(c) : form == "csv" ? effect_csv(c) : effect_table(c));
  }
  if (c.interrupted) {
    std::cerr << "tideline: interrupted after " << c.replications << " whole replications"
              << (out.empty() || c.replications == 0 ? std::string() : "; they are in " + out.string()) << '\n';
    return 130;
  }
  return 0;
}

}  // namespace tideline
