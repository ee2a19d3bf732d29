#include "policies/components/stage_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

namespace tideline {

PlanningTrace::PlanningTrace(Stream stream, std::uint32_t queries) : arrivals_(std::max(queries, 1U)) {
  double at = 0;
  for (double& a : arrivals_) a = at += -std::log1p(-uniform01(stream));
  const double scale = static_cast<double>(arrivals_.size()) / std::max(at, 1e-300);
  for (double& a : arrivals_) a *= scale;
}

bool PlanningTrace::meets(double rate, std::uint32_t instances, std::uint32_t batch, std::span<const Duration> latency, Duration left,
                          double percentile) {
  if (left == forever) return true;
  if (instances == 0 || rate <= 0) return instances > 0;
  const double slo_s = to_seconds(left), queries = static_cast<double>(arrivals_.size());
  const auto may_be_late = static_cast<std::size_t>(std::floor((1 - percentile) * queries + 1e-9));
  free_.assign(std::min<std::size_t>(instances, arrivals_.size()), 0.0);
  double sum_s = 0;
  std::size_t late = 0;
  for (std::size_t head = 0; head < arrivals_.size();) {
    const double start = std::max(free_.front(), arrivals_[head] / rate);
    std::size_t end = head + 1;
    while (end < arrivals_.size() && end - head < batch && arrivals_[end] / rate <= start) ++end;
    const double service_s = to_seconds(latency[end - head]);
    for (; head < end; ++head) {
      // In this order who does not wait takes exactly the service.
      const double took = (start - arrivals_[head] / rate) + service_s;
      sum_s += took;
      late += took > slo_s + 1e-9 ? 1 : 0;
    }
    if (percentile > 0 && late > may_be_late) return false;
    std::pop_heap(free_.begin(), free_.end(), std::greater<>{});
    free_.back() = start + service_s;
    std::push_heap(free_.begin(), free_.end(), std::greater<>{});
  }
  return percentile > 0 || sum_s <= slo_s * queries;
}

namespace {

/// The searches for one rate, each made once.
class StageSearch {
 public:
  StageSearch(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules, PlanningTrace& trace)
      : options_(options), rate_(rate * (1 + rules.headroom)), rules_(rules), trace_(trace), tuned_(options.size()) {}

  /// Those that are fast enough alone, best first.
  std::vector<std::uint32_t> best_first() const {
    std::vector<std::uint32_t> order;
    for (std::uint32_t k = 0; k < options_.size(); ++k)
      if (options_[k].latency.size() > 1 && options_[k].latency[1] <= options_[k].left) order.push_back(k);
    const auto slack = [&](std::uint32_t k) {
      return (options_[k].left == forever ? Duration{} : options_[k].left) - options_[k].latency[1];
    };
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return slack(a) != slack(b) ? slack(a) > slack(b) : options_[a].price < options_[b].price;
    });
    return order;
  }

  /// An option with the fewest replicas that do; it has to be fast enough alone.
  VariantPlan fit(std::uint32_t option, std::uint32_t batch) {
    // One that does where one less does not: more hardly ever make the estimate worse.
    const std::uint32_t least = least_replicas(option, batch);
    std::uint32_t step = 1, low = least, high = least;
    while (!does(option, batch, high)) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (does(option, batch, middle))
        high = middle;
      else
        low = middle + 1;
    }
    return plan_of(option, batch, high);
  }

  /// Algorithm 2 from a plan, or without the downgrades.
  VariantPlan improve(VariantPlan p, bool may_downgrade) {
    while (true) {
      VariantPlan best = p;
      const auto consider = [&](const VariantPlan& other) {
        if (is_better(other, best)) best = other;
      };
      if (const std::uint32_t batch = std::min(2 * p.batch, largest(p.option)); batch > p.batch) consider(fit(p.option, batch));
      if (p.instances > least_replicas(p.option, p.batch) && does(p.option, p.batch, p.instances - 1))
        consider(plan_of(p.option, p.batch, p.instances - 1));
      if (may_downgrade)
        for (std::uint32_t k = 0; k < options_.size(); ++k)
          if (options_[k].price < options_[p.option].price && options_[k].latency.size() > 1 && options_[k].latency[1] <= options_[k].left)
            consider(tuned(k));
      if (!is_better(best, p)) return p;
      p = best;
    }
  }
  bool has_room(const VariantPlan& p) const { return p.instances <= options_[p.option].most; }

 private:
  std::uint32_t largest(std::uint32_t option) const { return static_cast<std::uint32_t>(options_[option].latency.size() - 1); }
  double latency_s(std::uint32_t option, std::uint32_t batch) const { return std::max(to_seconds(options_[option].latency[batch]), 1e-9); }

  std::uint32_t least_replicas(std::uint32_t option, std::uint32_t batch) const {
    const double n = std::ceil(rate_ * latency_s(option, batch) / (batch * rules_.utilization) - 1e-9);
    return static_cast<std::uint32_t>(std::clamp(n, 1.0, 1e6));
  }
  bool does(std::uint32_t option, std::uint32_t batch, std::uint32_t instances) {
    const VariantOption& o = options_[option];
    // With as many as there are queries nobody waits.
    return instances >= 1'000'000 || trace_.meets(rate_, instances, batch, o.latency, o.left, rules_.percentile);
  }
  VariantPlan plan_of(std::uint32_t option, std::uint32_t batch, std::uint32_t instances) const {
    return {option, batch, instances, static_cast<double>(instances), instances * options_[option].price};
  }
  const VariantPlan& tuned(std::uint32_t option) {
    if (!tuned_[option]) tuned_[option] = improve(fit(option, 1), false);
    return *tuned_[option];
  }
  /// Cheaper; but first of all with room.
  bool is_better(const VariantPlan& a, const VariantPlan& b) const {
    if (has_room(a) != has_room(b)) return has_room(a);
    return a.cost < b.cost * (1 - 1e-12);
  }

  std::span<const VariantOption> options_;
  double rate_;
  VariantPlanRules rules_;
  PlanningTrace& trace_;
  std::vector<std::optional<VariantPlan>> tuned_;  // by option
};

}  // namespace

VariantPlan begin_stage(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules, PlanningTrace& trace) {
  StageSearch search(options, rate, rules, trace);
  const auto order = search.best_first();
  return order.empty() ? VariantPlan{} : search.fit(order.front(), 1);
}

VariantPlan plan_stage(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules, PlanningTrace& trace) {
  StageSearch search(options, rate, rules, trace);
  for (const std::uint32_t option : search.best_first()) {
    const VariantPlan p = search.improve(search.fit(option, 1), true);
    if (search.has_room(p)) return p;
  }
  return {};
}

}  // namespace tideline
