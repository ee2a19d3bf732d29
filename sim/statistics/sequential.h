// When to stop replicating: as soon as every difference that matters is known precisely enough.
#pragma once

#include "sim/statistics/paired.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tideline::statistics {

/// How narrow the interval of a difference has to be.
struct Precision {
  enum class Kind : std::uint8_t {
    absolute,  ///< half-width in the unit of the metric
    relative,  ///< half-width over |mean of b|, the baseline, without unit; where that mean is 0 only equal differences meet it
  };
  Kind kind = Kind::absolute;
  double half_width = 0;  ///< above 0 and finite

  /// The half-width asked for, in the unit of the metric; NaN without a pair where it is relative.
  double limit(const PairedSample& sample) const;
};

/// One metric of one alternative that has a target.
struct Watched {
  const PairedSample* sample = nullptr;  ///< not null; with `StoppingRule::correction`, or its interval covers less than it says
  Precision target;
};

/// Why replicating ends.
enum class StopCause : std::uint8_t {
  none,     ///< it goes on
  precise,  ///< every target is met
  at_most,  ///< the largest number is reached with targets left
};

/// What a look at the samples says.
struct Look {
  StopCause cause = StopCause::none;
  std::size_t next = 0;       ///< replications to have before looking again; as many as there are, where it stops
  std::size_t unmet = 0;      ///< targets that are not met
  std::size_t undefined = 0;  ///< targets of samples without a pair: nothing to wait for, they hold nothing up
  bool stop() const { return cause != StopCause::none; }
};

/// Stops at the first look at which all half-widths are at or below their targets, or at `most` (Chow and Robbins 1965; relative:
/// Nadas 1969).
///
/// A rule that looks at s stops where s is too small, and its intervals cover less than they say (Law and Kelton 1982; Singham and
/// Schruben 2012). Four things mend that: no look before `least`; looks only after batches of replications; samples with `correction()`,
/// so that the width judged is the corrected one, and interval, p value and verdict of the same sample are right after the stop; and no
/// look at means or p values, save the mean of the baseline in relative targets. README.md has the coverage
/// measured. `least` = 20 is better where single replications are strongly skewed (skewness of differences above 1.5).
struct StoppingRule {
  std::size_t least = 10;    ///< at least 3
  std::size_t most = 1000;   ///< at least `least`
  double confidence = 0.95;  ///< of the intervals judged, in (0, 1)
  double growth = 0.1;       ///< >= 0: a batch is this share of the replications so far, rounded up, and at least one

  /// What samples that this rule stops are made with. The widening, 4, is the least that kept errors of symmetric differences at 5 %.
  Correction correction() const { return {4, least, true}; }
  /// What the samples say after `replications` (missing pairs included). Never stops before `least`; without anything to watch it stops
  /// there. A target is met by a sample of at least `least` pairs with a half-width at or below it, or with equal differences. Throws
  /// std::invalid_argument where the rule or a target is out of range.
  Look look(std::size_t replications, std::span<const Watched> watched) const;
};

}  // namespace tideline::statistics
