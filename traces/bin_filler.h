// The arrivals of a bin of which only the number is known.
#pragma once

#include "sim/core/random.h"
#include "traces/counts.h"

#include <boost/random/exponential_distribution.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tideline {

/// Yields the arrivals of one bin after the other, in order, with no more memory than their number.
class BinFiller {
 public:
  BinFiller(BinPlacement placement, std::int64_t bin_ns) : placement_(placement), bin_ns_(bin_ns) {}

  void begin(std::uint64_t count) {
    count_ = count;
    used_ = 0;
    log_rest_ = 0;
    offset_ns_ = 0;
  }

  /// Nanoseconds since the bin's start, in 0 .. bin - 1, or -1 when the bin has no more.
  std::int64_t next(Stream& stream) {
    if (used_ == count_) return -1;
    switch (placement_) {
      case BinPlacement::uniform:
        return next_uniform(stream);
      case BinPlacement::even:
        return next_even();
      case BinPlacement::poisson:
        return next_poisson(stream);
    }
    return -1;
  }

 private:
  /// The smallest of m uniforms on the rest of the bin leaves the share V^(1/m) of that rest, V uniform; here in logarithms.
  std::int64_t next_uniform(Stream& stream) {
    log_rest_ -= exponential_(stream) / static_cast<double>(count_ - used_++);
    return std::min(static_cast<std::int64_t>(-std::expm1(log_rest_) * static_cast<double>(bin_ns_)), bin_ns_ - 1);
  }
  std::int64_t next_even() {
    const auto n = static_cast<std::int64_t>(count_), k = static_cast<std::int64_t>(used_++);
    return k * (bin_ns_ / n) + k * (bin_ns_ % n) / n + bin_ns_ / n / 2;
  }
  std::int64_t next_poisson(Stream& stream) {
    offset_ns_ += exponential_(stream) * (static_cast<double>(bin_ns_) / static_cast<double>(count_));
    if (offset_ns_ < static_cast<double>(bin_ns_)) return static_cast<std::int64_t>(offset_ns_);
    used_ = count_;
    return -1;
  }

  BinPlacement placement_;
  std::int64_t bin_ns_;
  std::uint64_t count_ = 0;
  std::uint64_t used_ = 0;
  double log_rest_ = 0;  // logarithm of the share of the bin after the last arrival
  double offset_ns_ = 0;
  boost::random::exponential_distribution<double> exponential_;
};

}  // namespace tideline
