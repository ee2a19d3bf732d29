// What the replications say of one metric: a word, with the numbers behind it.
#pragma once

#include "sim/statistics/paired.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace tideline::statistics {

/// Which way a metric is good.
enum class Direction : std::uint8_t { higher_is_better, lower_is_better, neutral };

/// Of a, against b.
enum class Verdict : std::uint8_t {
  better,
  worse,
  equivalent,           ///< the difference is shown to be within the margin, be it significant or not
  no_difference_shown,  ///< neither a difference nor equivalence is shown
  identical,            ///< equal in every replication
  different,            ///< as better or worse, of a neutral metric
  no_interval,          ///< fewer than two pairs; or the difference is the same, and not zero, in all: then `exact`
};
std::string_view to_string(Verdict verdict);

/// What is asked of a metric.
struct Question {
  Direction direction = Direction::neutral;
  double confidence = 0.95;  ///< in (0, 1); differences and equivalence are shown at level 1 - confidence
  double margin = 0;         ///< of equivalence, in the unit of the metric; 0: equivalence is not asked for
  double power = 0.8;        ///< of the smallest detectable difference, in (1 - confidence, 1)
};

/// p values that several comparisons share, e.g. from `holm`; NaN: the sample's own.
struct Adjusted {
  double p = std::numeric_limits<double>::quiet_NaN();
  double equivalence_p = std::numeric_limits<double>::quiet_NaN();
  std::size_t comparisons = 1;  ///< that share the level: one alone has to reach level / comparisons to be shown (Holm's first step)
};

/// The answer. What does not exist is NaN.
struct Finding {
  Verdict verdict = Verdict::no_interval;
  bool exact = false;                ///< equal differences: `difference` is what every replication shows
  double difference = 0;             ///< mean of a - b, in the unit of the metric
  std::optional<Interval> interval;  ///< of this metric by itself: it may leave out 0 where the adjusted p value shows nothing
  double p = 0;                      ///< of the sample
  double adjusted_p = 0;             ///< what the verdict went by
  double equivalence_p = 0;          ///< what the verdict went by; NaN without a margin
  double smallest_detectable = 0;    ///< in the unit of the metric
  std::size_t pairs = 0;
  std::size_t missing = 0;
};

/// Identical; without an interval; equivalent where the p value of equivalence is at most 1 - confidence; better, worse or different where
/// the adjusted p value is; else no difference is shown: the first that holds. Throws std::invalid_argument where the question is out of
/// range or a p value is neither NaN nor in [0, 1].
Finding judge(const PairedSample& sample, const Question& question, const Adjusted& adjusted = {});

}  // namespace tideline::statistics
