#include "sim/statistics/stationary.h"

#include "sim/core/normal.h"
#include "sim/statistics/student.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

constexpr std::size_t group = 5;  // of MSER-5
constexpr std::size_t batches = 20;
constexpr std::size_t checked = 30;  // batches at least, for the check to have power
constexpr double level = 0.05;

void must_be_finite(std::span<const double> series) {
  for (const double x : series)
    if (!std::isfinite(x)) throw std::invalid_argument("an observation of a series is finite");
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Means of consecutive batches of `size`, those at the end of the series; the rest at its beginning is left out.
std::vector<double> means_at_end(std::span<const double> series, std::size_t size) {
  std::vector<double> means;
  means.reserve(series.size() / size);
  for (std::size_t k = series.size() % size; k < series.size(); k += size) means.push_back(mean_of(series.subspan(k, size)));
  return means;
}

}  // namespace

Truncation mser5(std::span<const double> series) {
  must_be_finite(series);
  Truncation result{0, std::numeric_limits<double>::quiet_NaN(), false};
  if (series.size() < 10 * group) return result;

  const std::size_t count = series.size() / group;
  // From the end, so that each cut adds one mean to the sums.
  double mean = 0, squares = 0;
  std::size_t best = count;
  for (std::size_t d = count; d-- > 0;) {
    const double z = mean_of(series.subspan(d * group, group));
    const auto kept = static_cast<double>(count - d);
    const double delta = z - mean;
    mean += delta / kept;
    squares += delta * (z - mean);
    if (count - d < group) continue;  // the last few may agree by chance
    const double statistic = squares / (kept * kept);
    if (best == count || statistic <= result.statistic) best = d, result.statistic = statistic;
  }
  result.discard = best * group;
  result.settled = 2 * best <= count;
  return result;
}

std::optional<SerialCheck> serial_check(std::span<const double> values) {
  if (values.size() < 8) return {};
  const double mean = mean_of(values);
  double squares = 0, neighbours = 0, steps = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double d = values[k] - mean;
    squares += d * d;
    if (k == 0) continue;
    const double step = values[k] - values[k - 1];
    neighbours += d * (values[k - 1] - mean);
    steps += step * step;
  }
  if (squares <= 0) return {};
  const auto n = static_cast<double>(values.size());
  SerialCheck result;
  result.lag1 = neighbours / squares;
  result.von_neumann = steps / (n - 1) / (squares / n);
  const double c = 1 - steps / (2 * squares);
  result.p = normal_cdf(-c * std::sqrt((n * n - 1) / (n - 2)));
  return result;
}

std::optional<BatchMeans> batch_means(std::span<const double> series, double confidence) {
  if (!(confidence > 0 && confidence < 1)) throw std::invalid_argument("a confidence is between 0 and 1");
  must_be_finite(series);
  if (series.size() < 8 * batches) return {};

  BatchMeans result;
  result.batches = batches;
  result.batch_size = series.size() / batches;
  const std::vector<double> means = means_at_end(series.subspan(series.size() % batches), result.batch_size);
  result.mean = mean_of(means);
  double squares = 0;
  for (const double m : means) squares += (m - result.mean) * (m - result.mean);
  if (squares <= 0) return {};
  const double variance = squares / static_cast<double>(batches - 1);
  const double half =
      student_quantile(static_cast<double>(batches - 1), 0.5 * (1 + confidence)) * std::sqrt(variance / static_cast<double>(batches));
  result.interval = {result.mean - half, result.mean + half};
  result.asymptotic_variance = variance * static_cast<double>(result.batch_size);

  for (std::size_t size = 1; series.size() / size >= checked; size *= 2) {
    const auto check = serial_check(means_at_end(series, size));
    if (!check) continue;
    result.check = *check;
    if (check->p > level) {
      result.uncorrelated_size = size;
      break;
    }
  }
  return result;
}

}  // namespace tideline::statistics
