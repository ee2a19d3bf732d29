#include "sim/statistics/holm.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tideline::statistics {

std::vector<double> holm(std::span<const double> p, std::size_t family) {
  std::vector<std::size_t> order;
  order.reserve(p.size());
  for (std::size_t k = 0; k < p.size(); ++k) {
    if (std::isnan(p[k])) continue;
    if (p[k] < 0 || p[k] > 1) throw std::invalid_argument("a p value is between 0 and 1");
    order.push_back(k);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return p[x] < p[y] || (p[x] == p[y] && x < y); });

  std::vector<double> adjusted(p.begin(), p.end());
  std::size_t left = std::max(family, order.size());
  double largest = 0;
  for (const std::size_t k : order) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(left--) * p[k]));
    adjusted[k] = largest;
  }
  return adjusted;
}

}  // namespace tideline::statistics
