#include "src/fidelity.h"

#include "sim/core/text.h"
#include "src/demand.h"
#include "src/errors.h"
#include "src/text_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

namespace tideline {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// What is compared, and how it is said: shares as differences, all else relative to what was real.
struct Compared {
  std::string_view name;
  bool is_share;
};
constexpr std::array compared_metrics{Compared{"throughput_qps", false},    Compared{"goodput_qps", false},
                                      Compared{"slo_attainment", true},     Compared{"latency_mean_s", false},
                                      Compared{"latency_p50_s", false},     Compared{"latency_p95_s", false},
                                      Compared{"latency_p99_s", false},     Compared{"cold_starts", true},
                                      Compared{"effective_accuracy", true}, Compared{"batch_mean", false}};

/// How each measured query of a run ended.
class Endings final : public Recorder {
 public:
  struct End {
    bool is_there = false, answered = false, in_time = false;
    Duration latency{};
    VariantId variant;
  };
  std::vector<End> by_serial;

  Facts facts() const override { return {.arrivals = false, .batches = false}; }
  void run_begins(const Cluster& cluster) override { world_ = &cluster.world(); }
  void ended(const Visit& v, const QueryEnd& end) override {
    if (!v.flags.measured) return;
    if (v.serial >= by_serial.size()) by_serial.resize(v.serial + 1 + by_serial.size() / 2);
    End& e = by_serial[v.serial];
    e.is_there = true;
    e.answered = end.ending == Ending::answered;
    e.latency = end.finish - v.arrival;
    e.in_time = e.answered && e.latency <= (*world_)[v.cls].slo;
    e.variant = end.variant;
  }

 private:
  const World* world_ = nullptr;
};

double value_of(const Metric& m, const Metrics& of) {
  const auto v = m.value(of);
  return std::holds_alternative<double>(v) ? std::get<double>(v) : static_cast<double>(std::get<std::uint64_t>(v));
}

const Metric& metric(std::string_view name) {
  const auto list = metrics();
  return *std::find_if(list.begin(), list.end(), [&](const Metric& m) { return m.name == name; });
}

double quantile(std::vector<double>& values, double q) {
  if (values.empty()) return not_a_number;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

struct Differences {
  std::vector<double> all;
  void add(const Endings& simulated, const Endings& real, FidelityPairs& into) {
    for (std::size_t k = 0; k < std::min(simulated.by_serial.size(), real.by_serial.size()); ++k) {
      const Endings::End &s = simulated.by_serial[k], &r = real.by_serial[k];
      if (!s.is_there || !r.is_there) continue;
      ++into.queries;
      into.same_ending += s.answered == r.answered ? 1U : 0U;
      into.same_in_time += s.in_time == r.in_time ? 1U : 0U;
      if (!s.answered || !r.answered) continue;
      ++into.answered;
      into.same_variant += s.variant == r.variant ? 1U : 0U;
      all.push_back(to_seconds(s.latency) - to_seconds(r.latency));
    }
  }
  void finish(FidelityPairs& into) {
    into.median_difference_s = quantile(all, 0.5);
    for (double& d : all) d = std::abs(d);
    into.p95_absolute_difference_s = quantile(all, 0.95);
  }
};

double number(const Json& j, const char* key) { return j.contains(key) && j[key].is_number() ? j[key].get<double>() : 0; }

/// Adds what a real run saw; sums until `finish_causes`.
void add_causes(const Json& report, FidelityCauses& c) {
  double batches = 0;
  for (const Json& k : report["kernels"]) {
    const double alone = number(k["alone"], "count"), beside = number(k["beside"], "count");
    const double profile = number(k, "profile_s"), alone_s = number(k["alone"], "mean_s"), beside_s = number(k["beside"], "mean_s");
    batches += alone + beside;
    c.profile_s += (alone + beside) * profile;
    // Where none ran alone there is nothing to tell interference by: all that is longer is the kernels'.
    const double base = alone > 0 ? alone_s : beside_s;
    c.kernels_s += (alone + beside) * (base - profile);
    c.interference_s += beside * (beside > 0 ? beside_s - base : 0);
  }
  c.dispatch_s += batches * (number(report["dispatch"], "mean_s") + number(report["returned"], "mean_s"));
  c.lateness_s += batches * number(report["lateness"], "mean_s");
  c.batches += static_cast<std::uint64_t>(batches);
}

FidelityError error_of(const statistics::PairedSample& sample, double confidence) {
  FidelityError e;
  e.simulated = sample.mean_a();
  e.error = sample.mean();
  e.relative = sample.mean_b() != 0 ? e.error / sample.mean_b() : not_a_number;
  e.interval = sample.interval(confidence);
  return e;
}

void finish_causes(FidelityCauses& c) {
  if (c.batches > 0)
    for (double* d : {&c.profile_s, &c.kernels_s, &c.interference_s, &c.dispatch_s, &c.lateness_s}) *d /= static_cast<double>(c.batches);
}

std::string ms(double s) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f ms", s * 1e3);
  return text.data();
}
std::string percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1f %%", 100 * share);
  return text.data();
}
std::string digits(double v) {
  if (std::isnan(v)) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", v);
  return text.data();
}

/// The part of a batch's time that the simulation does not know of and that is largest.
std::string likely_cause(const FidelityCauses& c) {
  if (c.batches == 0) return "no batch ran";
  const std::array<std::pair<double, const char*>, 4> parts{
      {{c.kernels_s,
        "kernels that ran alone differ from their profile: the machine is busier than when it was profiled, caches are colder, or its "
        "clock is another"},
       {c.interference_s, "kernels beside others are slower: interference between co-located instances"},
       {c.dispatch_s, "dispatching and handing back: threads that have to be woken"},
       {c.lateness_s, "the loop is late: scheduling jitter"}}};
  const auto most =
      std::max_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return std::abs(a.first) < std::abs(b.first); });
  if (std::abs(most->first) < 0.005 * c.profile_s) return "nothing stands out: all parts are below 0.5 % of a batch";
  return std::string(most->second) + " (" + percent(most->first / c.profile_s) + " of a batch)";
}

}  // namespace

Fidelity judge_fidelity(const FidelityWishes& w, const PolicyRegistry& registry, const std::atomic<bool>& stop,
                        const std::function<void(const std::string&, double)>& progress,
                        const std::function<void(const std::string&)>& warn) {
  Fidelity out;
  std::uint64_t seed = 1;
  double length_s = 0, load = 1;
  {
    const Scenario scenario = read_scenario(w.scenario, w.layers, registry);
    const World world(scenario.catalog, scenario.topology, scenario.classes);
    out.share = offered_share(scenario, world);
    seed = scenario.options.seed;
    load = scenario.effective["load"].get<double>();  // whose share this is
    length_s = to_seconds(scenario.options.warmup + scenario.options.duration);
    if (!(out.share > 0))
      throw InputError(
          w.scenario +
          ": the rates of its workload are not known before a run, or none of its variants can answer it: bands have no meaning");
  }
  const double runs = static_cast<double>(w.bands.size()) * w.replications;
  double ran = 0;
  for (const double band : w.bands) {
    FidelityBand b;
    b.band = band;
    b.load = load * band / out.share;
    std::array<statistics::PairedSample, compared_metrics.size()> predicted, with_times;
    std::array<std::vector<double>, compared_metrics.size()> real_values;
    Differences differences;
    for (std::uint32_t r = 0; r < w.replications && !stop; ++r) {
      RunRequest request;
      request.scenario = w.scenario;
      request.layers = w.layers;
      request.layers.push_back({LayerKind::load, to_text(b.load)});
      request.layers.push_back({LayerKind::seed, std::to_string(seed + r)});
      if (w.catalog_now) request.layers.push_back({LayerKind::set, "/catalog=" + w.catalog_now().dump()});
      Endings simulated_ends, real_ends;
      request.also = &simulated_ends;
      const RunResult simulated = run_once(request, registry, stop);
      request.also = &real_ends;
      request.mode = RunMode::real;
      std::optional<real::Seen> seen;
      request.sees = &seen;
      if (r == 0) request.warn = warn;
      request.progress = [&](const std::string&, Time now, Time, std::uint64_t) {
        progress("band " + to_text(band) + ", replication " + std::to_string(r + 1) + " of " + std::to_string(w.replications),
                 (ran + std::min(1.0, to_seconds(now - Time{}) / length_s)) / runs);
      };
      const RunResult real = run_once(request, registry, stop);
      if (stop) break;
      ran += 1;
      RunRequest again = request;
      again.mode = RunMode::simulated;
      again.also = nullptr;
      again.warn = {};
      again.progress = {};
      again.takes = &*seen;
      const RunResult retimed = run_once(again, registry, stop);
      if (stop) break;
      for (const RunResult* x : {&simulated, &real, &retimed})
        if (!x->audit.passed) throw InternalError("the audit of a run failed:\n" + failed_checks(x->audit));
      for (std::size_t k = 0; k < compared_metrics.size(); ++k) {
        const Metric& m = metric(compared_metrics[k].name);
        const double x = value_of(m, real.summary.total);
        predicted[k].add(value_of(m, simulated.summary.total), x);
        with_times[k].add(value_of(m, retimed.summary.total), x);
        real_values[k].push_back(x);
      }
      differences.add(simulated_ends, real_ends, b.pairs);
      add_causes(real.real, b.causes);
      b.reports.push_back(real.real);
    }
    if (b.reports.empty()) {
      out.is_interrupted = true;
      break;
    }
    for (std::size_t k = 0; k < compared_metrics.size(); ++k) {
      const Metric& m = metric(compared_metrics[k].name);
      FidelityMetric f;
      f.name = m.name;
      f.unit = m.unit;
      f.real = predicted[k].mean_b();
      f.predicted = error_of(predicted[k], w.confidence);
      f.with_times = error_of(with_times[k], w.confidence);
      const auto& values = real_values[k];
      double squares = 0;
      for (const double v : values) squares += (v - f.real) * (v - f.real);
      f.real_sd = values.size() > 1 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : not_a_number;
      b.metrics.push_back(std::move(f));
    }
    differences.finish(b.pairs);
    finish_causes(b.causes);
    b.cause = likely_cause(b.causes);
    out.bands.push_back(std::move(b));
    if (stop) {
      out.is_interrupted = true;
      break;
    }
  }
  return out;
}

Json fidelity_json(const Fidelity& f, const FidelityWishes& w) {
  const auto json_of = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  Json out;
  out["scenario"] = w.scenario;
  out["replications"] = w.replications;
  out["confidence"] = w.confidence;
  out["offered_share"] = f.share;
  if (f.is_interrupted) out["interrupted"] = true;
  out["bands"] = Json::array();
  for (const FidelityBand& b : f.bands) {
    Json j;
    j["band"] = b.band;
    j["load"] = b.load;
    j["metrics"] = Json::object();
    for (const FidelityMetric& m : b.metrics) {
      const auto errors = [&](const FidelityError& e) {
        Json x{{"simulated", json_of(e.simulated)}, {"error", json_of(e.error)}, {"relative", json_of(e.relative)}};
        if (e.interval) x["interval"] = {e.interval->low, e.interval->high};
        return x;
      };
      Json x = errors(m.predicted);
      x["unit"] = m.unit;
      x["real"] = json_of(m.real);
      x["real_sd"] = json_of(m.real_sd);
      x["with_times_seen"] = errors(m.with_times);
      j["metrics"][m.name] = std::move(x);
    }
    j["pairs"] = Json{{"queries", b.pairs.queries},
                      {"same_ending", b.pairs.same_ending},
                      {"same_in_time", b.pairs.same_in_time},
                      {"answered", b.pairs.answered},
                      {"same_variant", b.pairs.same_variant},
                      {"median_difference_s", json_of(b.pairs.median_difference_s)},
                      {"p95_absolute_difference_s", json_of(b.pairs.p95_absolute_difference_s)}};
    j["causes"] = Json{{"batches", b.causes.batches},
                       {"profile_s", b.causes.profile_s},
                       {"kernels_s", b.causes.kernels_s},
                       {"interference_s", b.causes.interference_s},
                       {"dispatch_s", b.causes.dispatch_s},
                       {"lateness_s", b.causes.lateness_s},
                       {"likely", b.cause}};
    j["reports"] = b.reports;
    out["bands"].push_back(std::move(j));
  }
  return out;
}

std::string fidelity_text(const Fidelity& f, const FidelityWishes& w) {
  std::string out =
      "# Simulated against real: " + w.scenario +
      "\n\nA band is the work offered over what the devices can do with the fastest variant of each class in " +
      "its best batch. Errors are simulated - real; weights of the kernels are random: latencies are real, answers are not. " +
      "*With the times seen* is simulated once more, with batches and loads that take what they took in that real run: what is left "
      "there " +
      "does not come from a machine that is faster or slower than its profile says.\n";
  for (const FidelityBand& b : f.bands) {
    out += "\n## Band " + digits(b.band) + " (`--load " + digits(b.load) + "`), " + std::to_string(b.reports.size()) +
           (b.reports.size() == 1 ? " replication" : " replications") + "\n\n";
    const std::string interval = to_text(100 * w.confidence) + " % interval";
    out += "| metric | real | sd of real | simulated | error | " + interval + " | with the times seen: error | " + interval +
           " |\n|---|---:|---:|---:|---:|---|---:|---|\n";
    for (std::size_t k = 0; k < b.metrics.size(); ++k) {
      const FidelityMetric& m = b.metrics[k];
      const bool is_share = compared_metrics[k].is_share;
      const auto shown = [&](double e) { return is_share || m.real == 0 ? digits(e) : percent(e / m.real); };
      const auto with_interval = [&](const FidelityError& e) {
        return shown(e.error) + " | " +
               (e.interval ? "[" + shown(e.interval->low) + ", " + shown(e.interval->high) + "]" : std::string("none")) + " | ";
      };
      out += "| " + m.name + " | " + digits(m.real) + " | " + digits(m.real_sd) + " | " + digits(m.predicted.simulated) + " | " +
             with_interval(m.predicted) + with_interval(m.with_times);
      out.back() = '\n';
    }
    const auto share = [&](std::uint64_t n, std::uint64_t of) {
      return of == 0 ? std::string("-") : digits(100.0 * static_cast<double>(n) / static_cast<double>(of)) + " %";
    };
    out += "\nOf " + std::to_string(b.pairs.queries) + " queries one by one: " + share(b.pairs.same_ending, b.pairs.queries) +
           " end alike, " + share(b.pairs.same_in_time, b.pairs.queries) + " are both in time or both not, " +
           share(b.pairs.same_variant, b.pairs.answered) + " of those answered by the same variant; median difference of latency " +
           ms(b.pairs.median_difference_s) + ", 95 % differ by less than " + ms(b.pairs.p95_absolute_difference_s) + ".\n\nA batch takes " +
           ms(b.causes.profile_s) + " by profile; kernels " + ms(b.causes.kernels_s) + " more, interference " +
           ms(b.causes.interference_s) + ", dispatch and return " + ms(b.causes.dispatch_s) + ", lateness of the loop " +
           ms(b.causes.lateness_s) + ". Likely cause of what departs: " + b.cause + ".\n";
  }
  if (f.is_interrupted) out += "\nInterrupted: the last band has fewer replications, or bands are missing.\n";
  return out;
}

namespace {

/// The times of a profile: numbers under a batch size, in all its tables.
void change_times(Json& profile, double factor, double overhead_s) {
  for (auto& [key, value] : profile.items()) {
    if (value.is_object())
      change_times(value, factor, overhead_s);
    else if (value.is_number() && key.find_first_not_of("0123456789") == std::string::npos)
      value = value.get<double>() * factor + overhead_s;
  }
}

}  // namespace

Json fitted_catalog(Json catalog, const Fidelity& f) {
  struct Seen {
    double profile = 0, kernels = 0;
  };
  std::map<std::string, Seen> by_variant;
  double batches = 0, dispatch = 0, beside = 0, beside_base = 0;
  for (const FidelityBand& b : f.bands)
    for (const Json& report : b.reports) {
      double here = 0;
      for (const Json& k : report["kernels"]) {
        const double alone = number(k["alone"], "count"), next_to = number(k["beside"], "count");
        here += alone + next_to;
        if (alone > 0) {
          Seen& s = by_variant[k["variant"].get<std::string>()];
          s.profile += alone * number(k, "profile_s");
          s.kernels += alone * number(k["alone"], "mean_s");
          beside += next_to * number(k["beside"], "mean_s");
          beside_base += next_to * number(k["alone"], "mean_s");
        }
      }
      batches += here;
      dispatch += here * (number(report["dispatch"], "mean_s") + number(report["returned"], "mean_s"));
    }
  const double overhead = batches > 0 ? dispatch / batches : 0;
  for (Json& v : catalog["variants"]) {
    const auto at = by_variant.find(v.value("name", ""));
    const double factor = at == by_variant.end() || at->second.profile <= 0 ? 1 : at->second.kernels / at->second.profile;
    change_times(v["profile"], factor, overhead);
  }
  if (beside_base > 0)
    for (Json& h : catalog["hardware"])  // batches side by side are slower there alone: elsewhere they take turns, or share
      if (h.value("sharing", "exclusive") == "partitioned" && !h.contains("interference"))
        h["interference"] = {1, std::max(1.0, beside / beside_base)};
  return catalog;
}

}  // namespace tideline
