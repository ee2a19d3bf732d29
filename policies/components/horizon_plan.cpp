#include "policies/components/horizon_plan.h"

#include <algorithm>
#include <limits>

namespace tideline {

std::vector<std::uint32_t> plan_horizon(std::span<const HorizonOption> options, std::span<const double> forecast, double step_s) {
  std::vector<std::uint32_t> n;
  std::vector<double> missing(forecast.begin(), forecast.end());  // by step; below 0: spare
  for (const HorizonOption& o : options) {
    n.push_back(o.have);
    for (double& m : missing) m -= o.have * o.rate;
  }
  const double tolerance = 1e-9 * std::max(1.0, *std::max_element(forecast.begin(), forecast.end()));
  for (;;) {
    const auto first = std::find_if(missing.begin(), missing.end(), [&](double m) { return m > tolerance; });
    if (first == missing.end()) break;
    const auto last = std::find_if(first, missing.end(), [&](double m) { return m <= tolerance; });
    std::size_t best = options.size();
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < options.size(); ++k) {
      const HorizonOption& o = options[k];
      if (n[k] >= o.most || o.rate <= 0) continue;
      double served = 0;
      for (auto m = first; m != last; ++m) served += std::min(*m, o.rate) * step_s;
      const double cost = (o.price * step_s * static_cast<double>(last - first) + o.launch) / served;
      if (cost < least) least = cost, best = k;
    }
    if (best == options.size()) return n;  // nothing more can be added
    ++n[best];
    // What is started serves until it is given back.
    for (double& m : missing) m -= options[best].rate;
  }
  const double spare = -*std::max_element(missing.begin(), missing.end());
  for (double left = spare;;) {
    std::size_t dearest = options.size();
    for (std::size_t k = 0; k < options.size(); ++k) {
      const HorizonOption& o = options[k];
      if (n[k] == 0 || n[k] > o.have || o.rate > left + tolerance) continue;
      if (dearest == options.size() || o.price * options[dearest].rate > options[dearest].price * o.rate) dearest = k;
    }
    if (dearest == options.size()) return n;
    --n[dearest];
    left -= options[dearest].rate;
  }
}

}  // namespace tideline
