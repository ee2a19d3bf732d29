// Time that advances by real numbers of nanoseconds and is read in whole ones.
#pragma once

#include "sim/core/time.h"

#include <cmath>
#include <cstdint>

namespace tideline {

/// Sums gaps without losing the part below a nanosecond: a double alone is too coarse after some weeks, and rounding every gap
/// would shift the rate of fast sources.
class FineTime {
 public:
  Time time() const { return Time{Duration{whole_}}; }
  std::int64_t whole_ns() const { return whole_; }
  double fraction_ns() const { return fraction_; }
  /// Moves on by `gap_ns` >= 0; returns false, and stays, where time would go beyond what `Time` holds.
  bool advance(double gap_ns) {
    const double sum = fraction_ + gap_ns;
    const double whole = std::floor(sum);
    if (!(whole < static_cast<double>(forever.count() - whole_) - 2048)) return false;  // 2048: spacing of doubles near 2^63
    whole_ += static_cast<std::int64_t>(whole);
    fraction_ = sum - whole;
    return true;
  }

 private:
  std::int64_t whole_ = 0;
  double fraction_ = 0;
};

}  // namespace tideline
