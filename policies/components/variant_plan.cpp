#include "policies/components/variant_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tideline {

double planned_latency_s(double rate, std::uint32_t instances, std::uint32_t batch, double latency_s, double percentile) {
  const double own = rate / instances, busy = own * latency_s / batch;
  if (busy >= 1) return std::numeric_limits<double>::infinity();
  const double forming = own > 0 ? (batch - 1) / (2 * own) : 0;
  const double wait = busy * latency_s / (2 * (1 - busy));
  if (percentile <= 0) return forming + wait + latency_s;
  return 2 * forming + (busy > 0 ? wait / busy * std::max(std::log(busy / (1 - percentile)), 0.0) : 0) + latency_s;
}

VariantPlan plan_cheaply(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules) {
  VariantPlan best;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint32_t k = 0; k < options.size(); ++k) {
    const VariantOption& o = options[k];
    for (std::uint32_t b = 1; b < o.latency.size(); ++b) {
      const double latency_s = std::max(to_seconds(o.latency[b]), 1e-9);
      const double needed = rate * (1 + rules.headroom) * latency_s / (b * rules.utilization);
      const double whole = std::max(1.0, std::ceil(needed - 1e-9));
      if (whole > o.most) continue;
      const auto n = static_cast<std::uint32_t>(whole);
      if (o.left != forever && planned_latency_s(rate, n, b, latency_s, rules.percentile) > to_seconds(o.left)) continue;
      const double cost = n * o.price, score = cost - rules.accuracy_weight * o.accuracy;
      if (score > least || (score == least && o.accuracy <= options[best.option].accuracy)) continue;
      least = score;
      best = {k, b, n, needed, cost};
    }
  }
  return best;
}

}  // namespace tideline
