// From the values of replications to effects: intervals, tests and words.
#include "sim/core/nearest.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "sim/statistics/bootstrap.h"
#include "sim/statistics/holm.h"
#include "src/compare.h"
#include "src/errors.h"

#include <algorithm>
#include <cmath>

namespace tideline {

std::size_t baseline_of(const Comparison& c, const std::string& wished) {
  const Axis& axis = c.axes.front();
  if (wished.empty()) return 0;
  std::vector<std::string> names;
  for (const AxisValue& v : axis.values) names.push_back(v.label);
  std::string label = wished;
  if (label.starts_with(axis.name + "=")) label = label.substr(axis.name.size() + 1);
  const auto found = std::find(names.begin(), names.end(), label);
  if (found == names.end())
    throw InputError("--baseline " + wished + ": the axis " + in_quotes(axis.name) + " has no such value" + suggestion(label, names));
  return static_cast<std::size_t>(found - names.begin());
}

std::size_t baseline_for(const Comparison& c, std::size_t alternative) {
  Point wanted = c.alternatives[alternative].point;
  wanted[0] = c.baseline;
  for (std::size_t k = 0; k < c.alternatives.size(); ++k)
    if (c.alternatives[k].point == wanted) return k;
  return alternative;
}

void judge_effects(Comparison& c, std::optional<statistics::StoppingRule> sequential) {
  using namespace statistics;
  c.effects.clear();
  const Correction correction = sequential ? sequential->correction() : Correction{0, c.replications, true};
  for (std::size_t m = 0; m < c.metrics.size(); ++m) {
    const ComparedMetric& metric = c.metrics[m];
    struct Judged {
      std::size_t alternative, baseline;
      PairedSample sample;
      double margin;
    };
    std::vector<Judged> list;
    std::vector<double> p, p_equivalence;
    for (std::size_t a = 0; a < c.alternatives.size(); ++a) {
      const std::size_t b = baseline_for(c, a);
      if (a == b) continue;
      PairedSample sample(correction);
      for (std::size_t r = 0; r < c.replications; ++r) sample.add(c.alternatives[a].values[m][r], c.alternatives[b].values[m][r]);
      double margin = metric.relative_margin ? metric.margin * std::abs(sample.mean_b()) : metric.margin;
      if (!std::isfinite(margin)) margin = 0;
      p.push_back(sample.p_value());
      p_equivalence.push_back(margin > 0 ? sample.equivalence_p(margin) : no_value);
      list.push_back({a, b, sample, margin});
    }
    const auto adjusted = holm(p), adjusted_equivalence = holm(p_equivalence);
    for (std::size_t k = 0; k < list.size(); ++k) {
      const Judged& j = list[k];
      Effect e;
      e.alternative = j.alternative;
      e.against = j.baseline;
      e.metric = m;
      e.baseline_mean = j.sample.mean_b();
      e.mean = j.sample.mean_a();
      e.margin = j.margin;
      for (std::size_t r = 0; r < c.replications; ++r) {
        const double d = c.alternatives[j.alternative].values[m][r] - c.alternatives[j.baseline].values[m][r];
        e.better += (metric.direction == Direction::lower_is_better ? d < 0 : d > 0) ? 1U : 0U;
      }
      e.finding = judge(j.sample, {.direction = metric.direction, .confidence = c.confidence, .margin = j.margin},
                        {.p = adjusted[k], .equivalence_p = adjusted_equivalence[k], .comparisons = list.size()});
      e.interval = e.finding.interval;
      if (c.random && e.interval) {
        std::vector<Pair> pairs;
        for (std::size_t r = 0; r < c.replications; ++r) {
          const Pair pair{c.alternatives[j.alternative].values[m][r], c.alternatives[j.baseline].values[m][r]};
          if (std::isfinite(pair.a) && std::isfinite(pair.b)) pairs.push_back(pair);
        }
        Stream stream(c.seed, "bootstrap", m * c.alternatives.size() + j.alternative);
        const BootstrapSettings settings{.confidence = c.confidence};
        if (e.baseline_mean != 0)
          if (const auto b = bootstrap(pairs, relative_difference, stream, settings)) e.relative_interval = b->interval;
        if (metric.quantile)
          if (const auto b = bootstrap(pairs, mean_difference, stream, settings)) {
            e.interval = b->interval;
            // A verdict that its own interval contradicts is none.
            const auto v = e.finding.verdict;
            if (b->interval.contains(0) && (v == Verdict::better || v == Verdict::worse || v == Verdict::different))
              e.finding.verdict = Verdict::no_difference_shown;
          }
      }
      c.effects.push_back(e);
    }
  }
  std::stable_sort(c.effects.begin(), c.effects.end(), [](const Effect& a, const Effect& b) { return a.alternative < b.alternative; });

  c.text.clear();
  c.text.push_back(c.replication.text);
  if (!c.random) return;
  const std::string level = to_text(std::round(1000 * c.confidence) / 10) + " %";
  if (c.replications < 2) {
    c.text.emplace_back("One replication: there is no interval, and the differences may be chance.");
    return;
  }
  std::size_t compared = 0;
  for (std::size_t a = 0; a < c.alternatives.size(); ++a) compared += baseline_for(c, a) != a ? 1U : 0U;
  c.text.push_back(
      std::to_string(c.replications) + " replications; every alternative meets the same queries in each. Intervals of the difference at " +
      level + ", by Student's t over pairs, corrected for skewness" +
      (std::any_of(c.metrics.begin(), c.metrics.end(), [](const auto& m) { return m.quantile; }) ? ", of quantiles by the bootstrap (BCa)"
                                                                                                 : "") +
      (compared > 1 ? "; verdicts after Holm's correction for " + std::to_string(compared) + " comparisons of each metric" : "") +
      ". Verdicts are those of the paired t test, which may see less than an interval by the bootstrap does.");
  if (sequential) {
    bool met = true;
    for (const Effect& e : c.effects) {
      const auto& precision = c.metrics[e.metric].precision;
      if (!precision || !e.finding.interval) continue;
      const double limit =
          precision->kind == Precision::Kind::relative ? precision->half_width * std::abs(e.baseline_mean) : precision->half_width;
      met = met && e.finding.interval->half_width() <= limit;
    }
    c.text.emplace_back(met ? "The precision asked for is reached; intervals allow for having looked on the way."
                            : "The precision asked for is not reached within --max-replications.");
  }
}

}  // namespace tideline
