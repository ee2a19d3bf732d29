// A range of values between two ends.
#pragma once

namespace tideline::statistics {

/// A confidence interval, in the unit of what it is of; low <= high.
struct Interval {
  double low = 0;
  double high = 0;
  double half_width() const { return 0.5 * (high - low); }
  bool contains(double x) const { return low <= x && x <= high; }
};

}  // namespace tideline::statistics
