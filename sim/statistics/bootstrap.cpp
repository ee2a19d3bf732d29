#include "sim/statistics/bootstrap.h"

#include "sim/core/normal.h"
#include "sim/statistics/student.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

/// The quantile of a level among sorted values, as (N + 1) p counts them, between neighbours in proportion.
double read_off(const std::vector<double>& sorted, double level) {
  const double last = static_cast<double>(sorted.size() - 1);
  const double place = std::clamp(level * static_cast<double>(sorted.size() + 1) - 1, 0.0, last);
  const double below_it = std::floor(place);
  const auto k = static_cast<std::size_t>(below_it);
  if (k + 1 == sorted.size()) return sorted[k];
  return sorted[k] + (place - below_it) * (sorted[k + 1] - sorted[k]);
}

void check(std::span<const Pair> pairs, const BootstrapSettings& settings) {
  if (!(settings.confidence > 0 && settings.confidence < 1)) throw std::invalid_argument("a confidence is between 0 and 1");
  if (settings.resamples < 100) throw std::invalid_argument("a bootstrap takes at least 100 resamples");
  for (const Pair& p : pairs)
    if (!std::isfinite(p.a) || !std::isfinite(p.b)) throw std::invalid_argument("a pair for a bootstrap has two finite values");
}

}  // namespace

double mean_difference(std::span<const Pair> pairs) {
  double sum = 0;
  for (const Pair& p : pairs) sum += p.a - p.b;
  return sum / static_cast<double>(pairs.size());
}

double median_difference(std::span<const Pair> pairs) {
  std::vector<double> d;
  d.reserve(pairs.size());
  for (const Pair& p : pairs) d.push_back(p.a - p.b);
  const auto middle = d.begin() + static_cast<std::ptrdiff_t>(d.size() / 2);
  std::nth_element(d.begin(), middle, d.end());
  if (d.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(d.begin(), middle));
}

double relative_difference(std::span<const Pair> pairs) {
  double a = 0, b = 0;
  for (const Pair& p : pairs) a += p.a, b += p.b;
  return a / b - 1;
}

double jackknife_acceleration(std::span<const double> without_one) {
  double mean = 0;
  for (const double x : without_one) mean += x;
  mean /= static_cast<double>(without_one.size());
  double squares = 0, cubes = 0;
  for (const double x : without_one) {
    const double d = mean - x;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0 ? cubes / (6 * squares * std::sqrt(squares)) : 0;
}

double bca_level(double bias, double acceleration, double z) {
  const double shifted = bias + z, denominator = 1 - acceleration * shifted;
  if (!(denominator > 0)) return std::numeric_limits<double>::quiet_NaN();
  return normal_cdf(bias + shifted / denominator);
}

std::optional<BootstrapInterval> bootstrap(std::span<const Pair> pairs, const Statistic& statistic, Stream& stream,
                                           BootstrapSettings settings) {
  check(pairs, settings);
  const std::size_t n = pairs.size();
  if (n < 3) return {};

  BootstrapInterval result;
  result.estimate = statistic(pairs);
  if (!std::isfinite(result.estimate)) return {};

  std::vector<Pair> drawn(n);
  std::vector<double> values(settings.resamples);
  for (double& value : values) {
    for (Pair& p : drawn) p = pairs[below(stream, static_cast<std::uint32_t>(n))];
    value = statistic(drawn);
    if (!std::isfinite(value)) return {};
  }
  std::sort(values.begin(), values.end());
  if (values.front() == values.back()) return {};

  // Resamples that give the estimate itself count half; one of the others is taken to be on either side.
  const auto [from, to] = std::equal_range(values.begin(), values.end(), result.estimate);
  const auto resamples = static_cast<double>(values.size());
  const double share = 0.5 * static_cast<double>((from - values.begin()) + (to - values.begin())) / resamples;
  result.bias = normal_quantile(std::clamp(share, 0.5 / resamples, 1 - 0.5 / resamples));

  std::vector<double> without_one(n);
  drawn.assign(pairs.begin() + 1, pairs.end());
  for (std::size_t k = 0;; ++k) {
    without_one[k] = statistic(drawn);
    if (!std::isfinite(without_one[k])) return {};
    if (k + 1 == n) break;
    drawn[k] = pairs[k];
  }
  result.acceleration = jackknife_acceleration(without_one);

  // Resamples vary less than samples do, by (n - 1)/n, and their tails are normal ones: Hesterberg reads them further out.
  const auto count = static_cast<double>(n);
  const double z = std::sqrt(count / (count - 1)) * student_quantile(count - 1, 0.5 * (1 + settings.confidence));
  double low = bca_level(result.bias, result.acceleration, -z), high = bca_level(result.bias, result.acceleration, z);
  if (std::isnan(low) || std::isnan(high)) {
    result.method = BootstrapMethod::bias_corrected;
    low = bca_level(result.bias, 0, -z), high = bca_level(result.bias, 0, z);
  }
  result.interval = {read_off(values, low), read_off(values, high)};
  return result;
}

}  // namespace tideline::statistics
