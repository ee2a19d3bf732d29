// Bootstrap intervals of a statistic of paired replications, for those of which Student's t knows nothing.
#pragma once

#include "sim/core/random.h"
#include "sim/statistics/interval.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace tideline::statistics {

/// The values of one metric in one replication of two alternatives; both finite.
struct Pair {
  double a = 0;
  double b = 0;
};

/// A function of the pairs that does not depend on their order: what is estimated. Called with at least one pair.
using Statistic = std::function<double(std::span<const Pair>)>;

/// Mean of a - b, in the unit of the metric.
double mean_difference(std::span<const Pair> pairs);
/// Median of a - b, in the unit of the metric: of half the replications the difference is smaller. The middle two averaged.
double median_difference(std::span<const Pair> pairs);
/// mean(a) / mean(b) - 1, without unit: by how much larger a is. Not finite where mean(b) is 0.
double relative_difference(std::span<const Pair> pairs);

/// Which interval it became.
enum class BootstrapMethod : std::uint8_t {
  bca,             ///< bias corrected and accelerated
  bias_corrected,  ///< without acceleration, which was too large for the confidence asked for
};

/// A bootstrap interval, with what it was made of.
struct BootstrapInterval {
  Interval interval;
  double estimate = 0;      ///< the statistic of the pairs as they are
  double bias = 0;          ///< z0: normal quantile of the share of resamples below the estimate
  double acceleration = 0;  ///< a: skewness of the jackknife values / 6
  BootstrapMethod method = BootstrapMethod::bca;
};

/// What to compute.
struct BootstrapSettings {
  double confidence = 0.95;        ///< in (0, 1)
  std::uint32_t resamples = 9999;  ///< at least 100; Hesterberg (2015) asks for 10,000 or more where the digits matter
};

/// BCa interval (Efron 1987; Efron and Tibshirani 1993, ch. 14) of `statistic` over resampled pairs, with levels expanded for small n
/// (Hesterberg 2015). README.md says why this one. Deterministic: it depends on the pairs, their order, the settings and the stream.
///
/// None for fewer than three pairs, where all resamples give one value, or where the statistic of the pairs, of a resample or of the
/// pairs but one is not finite. Throws std::invalid_argument where a value of a pair is not finite or the settings are out of range.
std::optional<BootstrapInterval> bootstrap(std::span<const Pair> pairs, const Statistic& statistic, Stream& stream,
                                           BootstrapSettings settings = {});

/// a of a statistic, from its values without one pair each: sum of (m - x)^3 / (6 (sum of (m - x)^2)^1.5), where m is their mean
/// (Efron and Tibshirani 1993, eq. 14.15); 0 where all are equal.
double jackknife_acceleration(std::span<const double> without_one);
/// The level in [0, 1] at which the distribution of resamples is read for an end whose normal quantile is z (eq. 14.10): P(Z <= z0 +
/// (z0 + z) / (1 - a (z0 + z))). NaN where the denominator is not above 0.
double bca_level(double bias, double acceleration, double z);

}  // namespace tideline::statistics
