// One long run that becomes stationary: where its beginning ends, and how precise the mean of the rest is.
#pragma once

#include "sim/statistics/interval.h"

#include <cstddef>
#include <optional>
#include <span>

namespace tideline::statistics {

/// Where MSER-5 cuts a series.
struct Truncation {
  std::size_t discard = 0;  ///< observations to leave out at the beginning, a multiple of 5
  double statistic = 0;     ///< its least value, in the squared unit of the series; NaN where there is none
  bool settled = false;     ///< the minimum is within the first half; otherwise the series is too short to trust the cut
};

/// MSER-5 (White 1997; Spratt 1998): means of 5 observations each, z_1 .. z_k; leaves out the first d that make
/// sum over i > d of (z_i - mean of those)^2 / (k - d)^2 least, d <= k - 5. Of equal minima the first. Where the least is beyond k/2,
/// `settled` is false and the series should be longer (White, Cobb and Spratt 2000). A tail of fewer than 5 observations is not used. A
/// series of fewer than 50 is not cut, and not settled. Throws std::invalid_argument where an observation is not finite.
Truncation mser5(std::span<const double> series);

/// Whether neighbours are alike.
struct SerialCheck {
  double lag1 = 0;         ///< sample autocorrelation of neighbours
  double von_neumann = 0;  ///< mean square of successive differences over the variance with divisor n: near 2 if independent
  double p = 1;            ///< one-sided, small for positive correlation
};

/// Von Neumann's ratio (1941) with the normal approximation of Young (1941) as Fishman (1978, sec. 5.4) uses it for batch means:
/// C = 1 - sum of squared steps / (2 sum of squares about the mean), and C sqrt((n^2 - 1) / (n - 2)) is standard normal if independent.
/// None for fewer than 8 values or where all are equal.
std::optional<SerialCheck> serial_check(std::span<const double> values);

/// The mean of a stationary series.
struct BatchMeans {
  double mean = 0;             ///< of the observations used
  Interval interval;           ///< Student's, over the means of batches
  std::size_t batches = 0;     ///< 20
  std::size_t batch_size = 0;  ///< observations
  /// Smallest batch, of 1, 2, 4, ..., whose means (30 or more of them) `serial_check` does not find correlated at level 0.05; 0 if none.
  std::size_t uncorrelated_size = 0;
  SerialCheck check;               ///< of the smaller batches that decided: the uncorrelated ones, or the last tried
  double asymptotic_variance = 0;  ///< batch_size times the variance of batch means: of the mean, times the length, in the squared unit
  /// Whether the interval can be trusted: batches are at least as long as the uncorrelated ones. Otherwise the run should be longer.
  bool trusted() const { return uncorrelated_size > 0 && uncorrelated_size <= batch_size; }
};

/// Nonoverlapping batch means (Law 2015, sec. 9.5; 20 batches, as Schmeiser 1982 finds that more than 30 bring little) with the length of
/// batches checked on more and shorter ones, where the check has power (Fishman 1978; Alexopoulos and Seila 1998). Where 20 does not
/// divide the length, the first observations are left out. None for fewer than 160 observations or where batch means do not vary; cut
/// the beginning with `mser5` first. Throws std::invalid_argument for a confidence outside (0, 1) or an observation that is not finite.
std::optional<BatchMeans> batch_means(std::span<const double> series, double confidence = 0.95);

}  // namespace tideline::statistics
