#include "sim/statistics/prediction.h"

#include "sim/statistics/student.h"

#include <cmath>

namespace tideline::statistics {

std::optional<Interval> prediction_interval(std::span<const double> values, double confidence) {
  double mean = 0, squares = 0;
  std::size_t n = 0;
  for (const double x : values) {  // Welford
    if (!std::isfinite(x)) return {};
    const double d = x - mean;
    mean += d / static_cast<double>(++n);
    squares += d * (x - mean);
  }
  if (n < 2) return {};
  const double df = static_cast<double>(n - 1);
  const double half = student_quantile(df, 0.5 * (1 + confidence)) * std::sqrt(squares / df * (1 + 1 / static_cast<double>(n)));
  return Interval{mean - half, mean + half};
}

}  // namespace tideline::statistics
