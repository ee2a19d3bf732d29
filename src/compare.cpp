#include "src/compare.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/run_once.h"
#include "src/task_pool.h"
#include "src/trace_files.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

namespace tideline {

namespace {

constexpr std::string_view complement_mark = "1-";
/// Drawn for each answer of a query: it differs from run to run even where nothing that a policy sees does.
constexpr std::string_view always_random = "realised_accuracy";

const Metric* find_metric(std::string_view name) {
  for (const Metric& m : metrics())
    if (m.name == name) return &m;
  return nullptr;
}

bool is_share(const Metric& m) { return m.name.find("attainment") != std::string_view::npos; }

/// What one run says of the things that qualify its figures.
struct Health {
  double arrived = 0, unserved = 0, unfinished = 0, utilization = 0;
};
Health health_of(const Metrics& m) {
  Health h;
  h.arrived = static_cast<double>(m.queries_arrived);
  h.unfinished = static_cast<double>(m.queries_unfinished);
  h.unserved = h.unfinished + static_cast<double>(m.queries_dropped + m.queries_rejected - m.queries_infeasible);
  h.utilization = std::isnan(m.utilization) ? 0 : m.utilization;
  return h;
}

std::vector<std::string> notes_of(const std::vector<Health>& runs) {
  Health sum;
  for (const Health& h : runs) {
    sum.arrived += h.arrived;
    sum.unserved += h.unserved;
    sum.unfinished += h.unfinished;
    sum.utilization += h.utilization / static_cast<double>(runs.size());
  }
  std::vector<std::string> out;
  const auto percent = [](double share) { return to_text(std::round(1e4 * share) / 100) + " %"; };
  if (sum.arrived == 0) return {"no query arrived"};
  if (sum.unserved > 0.05 * sum.arrived)
    out.push_back("saturated: " + percent(sum.unserved / sum.arrived) + " of the queries were dropped, refused or not finished");
  else if (sum.utilization > 0.98)
    out.push_back("saturated: devices are busy " + percent(sum.utilization) + " of the time");
  if (sum.unfinished > 0)
    out.push_back(percent(sum.unfinished / sum.arrived) +
                  " of the queries were not finished when runs ended: they are misses, and latencies leave them out");
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t k = 0; k < words.size(); ++k) out += (k == 0 ? "" : k + 1 == words.size() ? " and " : ", ") + words[k];
  return out;
}

bool is_generator(const EntrySpec& e) { return e.file.empty(); }
bool places_anew(const EntrySpec& e) {
  const auto* counts = std::get_if<CountsParams>(&e.params);
  if (const auto* trace = std::get_if<TraceParams>(&e.params)) {
    const bool draws_tasks = trace->map == TaskMap::equal || trace->map == TaskMap::zipf || trace->map == TaskMap::weights;
    if (draws_tasks || trace->rate_scale != std::floor(trace->rate_scale) || trace->resample_s > 0 || trace->max_qps > 0) return true;
    // Bins are placed, instants are not: the first row says which they are.
    TraceRow row;
    return open_trace_files(e.file.string(), {e.file}, *trace)->next(row) && row.length_ns > 0 &&
           (trace->placement != TracePlacement::even || row.queries != std::floor(row.queries));
  }
  return counts != nullptr && (counts->placement != BinPlacement::even || counts->scale < 1);
}
bool thins(const EntrySpec& e) {
  const auto* csv = std::get_if<CsvParams>(&e.params);
  return csv != nullptr && csv->scale < 1;
}

/// What a new seed changes in a scenario, in words.
Replication replication_of(const Scenario& s, bool days) {
  std::vector<std::string> generated, placed, thinned, exact;
  bool mixes = false;
  for (const EntrySpec& e : s.entries) {
    (is_generator(e) ? generated : places_anew(e) ? placed : thins(e) ? thinned : exact).push_back(in_quotes(e.name));
    for (const auto& choices : e.classes) mixes = mixes || choices.size() > 1;
  }
  Replication out;
  if (days) {
    out.kind = "days";
    out.text = "A replication is another day of the traces";
    if (!generated.empty()) out.text += ", with new arrivals of " + joined(generated);
    out.text += ". Intervals speak of days like these, as far as days of one trace are independent of each other.";
    return out;
  }
  out.kind = !generated.empty() ? "seeds" : !placed.empty() || !thinned.empty() ? "placement" : "draws";
  out.text = "A replication has a new seed: ";
  std::vector<std::string> parts;
  if (!generated.empty()) parts.push_back("new arrivals of " + joined(generated));
  if (!placed.empty()) parts.push_back("new times inside the bins of " + joined(placed));
  if (!thinned.empty()) parts.push_back("another choice of the queries kept of " + joined(thinned));
  if (!exact.empty()) parts.push_back("the same arrivals of " + joined(exact));
  parts.emplace_back(mixes ? "new classes, service times and answers" : "new service times and answers");
  out.text += joined(parts) + ". ";
  if (placed.empty() && thinned.empty() && exact.empty())
    out.text += "Intervals speak of any day with these rates, not of other rates.";
  else
    out.text += std::string("Intervals speak of this window of the ") +
                (placed.size() + thinned.size() + exact.size() > 1 ? "traces" : "trace") +
                " with other draws, not of other windows; --days compares over several.";
  return out;
}

/// The traces of a run, put together anew from blocks of what it replays.
void put_in_blocks(Scenario& s, Duration block, std::uint64_t draw) {
  for (EntrySpec& e : s.entries) {
    if (is_generator(e)) continue;
    e.block = block;
    e.block_of = s.options.warmup + s.options.duration;
    e.block_draw = draw;
  }
}

/// The layers that make a replication the k-th day of the traces.
std::vector<Layer> day_layers(const Scenario& s, std::uint32_t day) {
  std::vector<Layer> out;
  for (const EntrySpec& e : s.entries)
    if (!is_generator(e))
      out.push_back(
          {LayerKind::set, "/workload/" + escape_token(e.name) + "/params/skip_s=" + to_text(to_seconds(e.skip) + 86400.0 * (day - 1))});
  return out;
}

}  // namespace

double ComparedMetric::value(const Metrics& total) const {
  const double x = std::visit([](auto v) { return static_cast<double>(v); }, of->value(total));
  return complement ? 1 - x : x;
}

statistics::Direction direction_of(const Metric& m) {
  using enum statistics::Direction;
  static const std::set<std::string_view> higher{"queries_served", "queries_on_time", "throughput_qps", "goodput_qps"};
  static const std::set<std::string_view> neutral_ones{"queries_arrived", "queries_with_slo", "utilization", "batch_mean", "loads"};
  const std::string_view n = m.name;
  if (higher.contains(n) || is_share(m) || n == "effective_accuracy" || n == always_random) return higher_is_better;
  if (neutral_ones.contains(n) || n.starts_with("loads_by") || n.starts_with("queries_by_origin")) return neutral;
  return lower_is_better;
}

ComparedMetric compared_metric(const std::string& name) {
  const bool complement = name.starts_with(complement_mark);
  const std::string plain = complement ? name.substr(complement_mark.size()) : name;
  ComparedMetric out;
  out.of = find_metric(plain);
  if (out.of == nullptr) {
    std::vector<std::string_view> names;
    for (const Metric& m : metrics()) names.push_back(m.name);
    throw InputError("unknown metric " + in_quotes(plain) + suggestion(plain, names));
  }
  if (complement && !is_share(*out.of)) throw InputError(in_quotes(name) + ": only attainments have a complement");
  out.name = name;
  out.unit = out.of->unit;
  out.complement = complement;
  out.quantile = plain.starts_with("latency_p") || plain == "latency_max_s" || plain == "slo_attainment_worst_hour";
  out.direction = complement ? statistics::Direction::lower_is_better : direction_of(*out.of);
  return out;
}

Comparison compare(const CompareWishes& wishes, const PolicyRegistry& registry, const std::atomic<bool>& stop,
                   const std::function<void(std::size_t, std::size_t)>& progress) {
  Comparison c;
  c.axes = wishes.axes;
  c.metrics = wishes.metrics;
  c.confidence = wishes.confidence;
  c.file = wishes.scenario;
  std::vector<std::vector<Layer>> layers;  // by alternative
  std::vector<std::vector<std::vector<Layer>>> of_days;
  if (wishes.axes.empty()) throw InputError("there is nothing to compare: an --axis with at least two values is needed");
  if (wishes.axes[0].values.size() < 2)
    throw InputError("there is nothing to compare: the first --axis, " + in_quotes(wishes.axes[0].name) + ", needs at least two values");
  for (const Axis& a : wishes.axes)
    if (a.name == "/seed") throw InputError("--axis /seed: replications have seeds of their own");
  std::vector<Json> effective;
  for (const Point& p : points_of(wishes.axes, false)) {
    layers.push_back(wishes.layers);
    for (auto& l : layers_of(wishes.axes, p)) layers.back().push_back(std::move(l));
    check_runs(wishes.scenario, layers.back(), registry, wishes.outputs);
    const Scenario s = read_scenario(wishes.scenario, layers.back(), registry);
    Replication r = replication_of(s, wishes.days.has_value());
    if (wishes.block > Duration{}) {
      if (std::all_of(s.entries.begin(), s.entries.end(), is_generator))
        throw InputError("--blocks: the workload replays no trace; its replications have new seeds");
      if (2 * wishes.block > s.options.warmup + s.options.duration) throw InputError("--blocks: the run is shorter than two blocks");
      r.kind = "blocks";
      r.text =
          "A replication puts the traces together anew from stretches of " + to_text(to_seconds(wishes.block)) +
          " s, drawn at any time of the window (moving-block bootstrap): what a stretch holds stays, a daily shape does not. Intervals "
          "speak of windows made of such stretches.";
    }
    if (wishes.spread) {
      r.text += " Each also draws the figures of the catalog anew: latencies by hardware type and by variant, accuracies, load times.";
      c.perturbed = true;
    }
    if (c.alternatives.empty()) {
      c.scenario = s.name;
      c.seed = s.options.seed;
      c.replication = r;
    }
    if (wishes.days) {
      auto& days = of_days.emplace_back();
      if (std::all_of(s.entries.begin(), s.entries.end(), is_generator))
        throw InputError("--days: the workload replays no trace; its replications have new seeds");
      for (std::uint32_t d = wishes.days->first; d <= wishes.days->second; ++d) days.push_back(day_layers(s, d));
    }
    effective.push_back(s.effective);
    for (std::size_t other = 0; other + 1 < effective.size(); ++other)
      if (effective[other] == effective.back())
        c.warnings.push_back(label_of(wishes.axes, p) + " is the same as " + c.alternatives[other].label + ": both have one configuration");
    c.alternatives.push_back({label_of(wishes.axes, p), p, std::vector<std::vector<double>>(c.metrics.size()), {}});
  }
  const std::size_t count = c.alternatives.size();
  c.baseline = baseline_of(c, wishes.baseline);

  const std::uint32_t days = wishes.days ? wishes.days->second - wishes.days->first + 1 : 0, most = wishes.days ? days : wishes.most,
                      least = wishes.days ? days : wishes.least;
  const bool watches = std::any_of(c.metrics.begin(), c.metrics.end(), [](const auto& m) { return m.precision.has_value(); });
  std::optional<statistics::StoppingRule> rule;
  if (watches) rule = statistics::StoppingRule{.least = wishes.least, .most = most, .confidence = wishes.confidence};
  std::vector<std::vector<Health>> health(count);
  std::set<std::string> warnings;
  std::mutex mutex;
  bool audited = true;

  std::vector<std::vector<double>> prints;  // of the last runs: all metrics

  // Makes replications up to `until`, all alternatives of one before the next.
  const auto replicate = [&](std::uint32_t until) {
    const std::uint32_t from = c.replications;
    const std::size_t runs = (until - from) * count;
    std::vector<std::vector<double>> values(runs);
    std::vector<Health> found(runs);
    prints.assign(runs, {});
    std::vector<char> there(runs);
    std::size_t done = 0;
    run_tasks(runs, wishes.jobs, stop, [&](std::size_t n) {
      const std::size_t a = n % count;
      const auto r = static_cast<std::uint32_t>(from + n / count);
      RunRequest request;
      request.scenario = wishes.scenario;
      request.layers = layers[a];
      if (wishes.days)
        for (const Layer& l : of_days[a][r]) request.layers.push_back(l);
      request.layers.push_back({LayerKind::seed, std::to_string(replication_seed(c.seed, r))});
      if (r == 0)
        request.warn = [&](const std::string& text) {
          const std::lock_guard lock(mutex);
          warnings.insert(c.alternatives[a].label + ": " + text);
        };
      if (wishes.block > Duration{} || wishes.spread)
        request.change = [&, r](Scenario& s) {
          if (wishes.block > Duration{}) put_in_blocks(s, wishes.block, replication_seed(c.seed, r));
          // Keyed apart from the run's own draws: another seed and another catalog are two things.
          if (wishes.spread) perturb(s.catalog, hash(hash(c.seed, hash("perturb")), r), *wishes.spread);
        };
      const RunResult run = run_once(request, registry, stop);
      if (run.interrupted) return;
      if (wishes.days && run.summary.total.queries_arrived == 0)
        throw InputError("--days: day " + std::to_string(wishes.days->first + r) + " has no queries: the trace ends before it");
      if (r < 2)
        for (const Metric& m : metrics())
          if (m.name != always_random)
            prints[n].push_back(std::visit([](auto x) { return static_cast<double>(x); }, m.value(run.summary.total)));
      for (const ComparedMetric& m : c.metrics) values[n].push_back(m.value(run.summary.total));
      found[n] = health_of(run.summary.total);
      const std::lock_guard lock(mutex);
      audited = audited && run.audit.passed;
      there[n] = 1;
      progress(from * count + ++done, most * count);
    });
    // Replications that not every alternative finished do not count.
    for (std::uint32_t r = from; r < until; ++r) {
      const auto row = [&](std::size_t a) { return (r - from) * count + a; };
      for (std::size_t a = 0; a < count; ++a)
        if (there[row(a)] == 0) {
          c.interrupted = true;
          return;
        }
      for (std::size_t a = 0; a < count; ++a) {
        for (std::size_t m = 0; m < c.metrics.size(); ++m) c.alternatives[a].values[m].push_back(values[row(a)][m]);
        health[a].push_back(found[row(a)]);
      }
      ++c.replications;
    }
  };

  // Two replications that agree in everything but what is drawn for answers: so would all others. Not where arrivals are drawn, which
  // may agree by chance where they are few.
  replicate(std::min<std::uint32_t>(2, most));
  if (c.replications == 2) {
    bool alike = true;
    for (std::size_t a = 0; a < count; ++a)
      alike = alike && std::equal(prints[a].begin(), prints[a].end(), prints[count + a].begin(), prints[count + a].end(),
                                  [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
    c.random = !alike || (c.replication.kind == "seeds" && !wishes.days);
  }
  if (!c.random && !wishes.days) {
    c.replication = {"none",
                     "Nothing is random here: a second run with another seed gave the same figures, so differences are exact and have "
                     "no interval. They hold for this window of this trace."};
  } else {
    if (!c.interrupted) replicate(std::min(most, least));
    while (rule && !c.interrupted && c.replications < most) {
      std::vector<statistics::PairedSample> samples;
      std::vector<statistics::Precision> targets;
      for (std::size_t a = 0; a < count; ++a) {
        const std::size_t b = baseline_for(c, a);
        if (a == b) continue;
        for (std::size_t m = 0; m < c.metrics.size(); ++m) {
          if (!c.metrics[m].precision) continue;
          auto& sample = samples.emplace_back(rule->correction());
          for (std::size_t r = 0; r < c.replications; ++r) sample.add(c.alternatives[a].values[m][r], c.alternatives[b].values[m][r]);
          targets.push_back(*c.metrics[m].precision);
        }
      }
      std::vector<statistics::Watched> watched;
      for (std::size_t k = 0; k < samples.size(); ++k) watched.push_back({&samples[k], targets[k]});
      const statistics::Look look = rule->look(c.replications, watched);
      if (look.stop()) break;
      replicate(static_cast<std::uint32_t>(std::min<std::size_t>(look.next, most)));
    }
  }
  if (c.replications == 0) return c;
  for (std::size_t a = 0; a < count; ++a) c.alternatives[a].notes = notes_of(health[a]);
  c.warnings.insert(c.warnings.end(), warnings.begin(), warnings.end());
  if (!audited)
    c.warnings.emplace_back("the audit of a run failed: its results cannot be trusted; run the scenario by itself to see which");
  judge_effects(c, rule);
  return c;
}

}  // namespace tideline
