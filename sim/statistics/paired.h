// Replications of two alternatives with the same seeds: what the differences of one metric say of the difference of its expectations.
#pragma once

#include "sim/statistics/interval.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tideline::statistics {

/// What an interval allows for beyond Student's, which takes a number of normal differences that was fixed beforehand.
struct Correction {
  /// c >= 0: the variance of the mean is s^2 (1 + c (1 - fixed/n) / n) / n where n > `fixed`. A run that stops when its interval is narrow
  /// stops where s happens to be small; Chow and Robbins (1965) add 1/n to s^2, Woodroofe (1977) multiplies the bound on n by 1 + c/n,
  /// which has no unit. A run that stops at the first occasion had its number fixed beforehand: hence the share of the others.
  double widening = 0;
  std::size_t fixed = 0;  ///< replications that would have been made in any case
  /// Each end is the outer one of Student's and of that after removing skewness (Hall 1992, in the closed form of Willink 2005), and a p
  /// value the larger of both. Hall's alone is too short for symmetric differences with heavy tails, Student's for skewed ones.
  bool skewness = false;
};
/// Student's interval: for a number of replications fixed beforehand. `StoppingRule::correction` is for those that it stopped.
inline constexpr Correction fixed_number{};

/// What the differences look like.
enum class Spread : std::uint8_t {
  none,      ///< no pair
  single,    ///< one pair
  constant,  ///< two or more equal differences: the difference is exact as far as the run shows, and has no interval
  varying,   ///< at least two different ones: intervals and tests exist
};

/// The pairs (a, b) of one metric in the replications so far, kept as sums: adding one is O(1) and allocates nothing.
///
/// Everything is about the differences a - b, in the unit of the metric, unless it says otherwise. A pair in which a value is not finite
/// (a metric that is undefined in a replication) or whose difference is not is counted as missing and left out: what is said then holds
/// for replications where both exist. Differences within 4 x 2^-52 of the largest |a| or |b| of each other are equal (they are rounded).
/// Values are below 1e100 in magnitude. The order of pairs shows in the last bits: who wants the same bits adds them in the same order.
class PairedSample {
 public:
  /// Throws std::invalid_argument where `widening` is negative or not finite.
  explicit PairedSample(Correction correction = fixed_number);

  /// The values of one replication.
  void add(double a, double b);

  /// Pairs that count.
  std::size_t count() const { return count_; }
  /// Pairs left out; those where a alone, b alone or both are not finite, or where the difference overflows.
  std::size_t missing() const { return missing_; }
  const Correction& correction() const { return correction_; }

  /// Means; NaN without a pair.
  double mean() const;
  double mean_a() const;
  double mean_b() const;
  /// Sample variance of the differences with divisor n - 1, in the squared unit, and its root; NaN for fewer than two pairs.
  double variance() const;
  double sd() const;
  /// Sample skewness of the differences, G1 = k3 / k2^1.5 (Joanes and Gill 1998); 0 where it is undefined: n < 3 or equal differences.
  double skewness() const;
  /// Variance of the differences over that of independent pairs, Var(a - b) / (Var a + Var b): what common random numbers leave of the
  /// replications, 1 where they do not help. NaN where a and b do not vary.
  double variance_ratio() const;
  /// Standard error of the mean, with `widening`; NaN for fewer than two pairs.
  double standard_error() const;

  Spread spread() const;
  /// Whether all differences are zero, as far as rounding tells; false for fewer than two pairs.
  bool identical() const;

  /// The interval of the expected difference, mean +- t(n-1, (1 + confidence)/2) standard_error() with `fixed_number`; none unless the
  /// differences vary. `confidence` is in (0, 1), otherwise it throws std::invalid_argument.
  std::optional<Interval> interval(double confidence) const;
  /// Half its width; NaN where there is none.
  double half_width(double confidence) const;
  /// Two-sided p value of "the expected difference is zero", at most 1 - confidence exactly where the interval does not hold 0. 1 for
  /// identical pairs, NaN where there is no interval otherwise.
  double p_value() const;
  /// p value of "the expected difference is `margin` or more either way", the larger of two one-sided tests (Schuirmann 1987). 0 for
  /// identical pairs, NaN where there is no interval otherwise. `margin` is above 0 and finite, otherwise it throws
  /// std::invalid_argument.
  double equivalence_p(double margin) const;
  /// Whether |expected difference| < `margin` is shown at level `alpha`: the interval of confidence 1 - 2 alpha lies within the margin.
  bool equivalent(double margin, double alpha) const { return equivalence_p(margin) <= alpha; }
  /// The least expected difference that a two-sided t test at level `alpha` would have shown with probability `power`, had the standard
  /// deviation been the observed one: of n and sd, not of the mean (Hoenig and Heisey 2001). From the noncentral t distribution, without
  /// regard to skewness. NaN where there is no interval. 0 < alpha < power < 1, otherwise it throws std::invalid_argument.
  double smallest_detectable(double alpha, double power = 0.8) const;

 private:
  double scale_of_rounding() const;
  double lower_tail(double hypothesis) const;
  double upper_tail(double hypothesis) const;

  Correction correction_;
  std::size_t count_ = 0;
  std::size_t missing_ = 0;
  double mean_ = 0, m2_ = 0, m3_ = 0;  // of differences: mean, and sums of second and third powers about it
  double mean_a_ = 0, m2_a_ = 0;
  double mean_b_ = 0, m2_b_ = 0;
  double least_ = 0, greatest_ = 0;  // differences
  double magnitude_ = 0;             // the largest |a| or |b|
};

}  // namespace tideline::statistics
