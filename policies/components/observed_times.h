// A percentile of the times that were observed of late.
#pragma once

#include "sim/core/time.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// Times in buckets that are at most 1/64 of their times wide, and where among them the percentile lies. Once twice as many are there as
/// shall count, each counts half. An observation moves the percentile by some buckets as a rule; reading it costs nothing.
class ObservedTimes {
 public:
  /// `percentile`: of 1. `recent`: at least so many of the last observations count, at most 30,000.
  ObservedTimes(double percentile, std::uint32_t recent) : percentile_(percentile), recent_(recent), counts_(bucket(longest) + 1) {}

  void add(Duration time) {
    const std::size_t k = bucket(std::clamp<std::int64_t>(time.count(), 0, longest));
    ++counts_[k];
    ++total_;
    if (k < at_) ++below_;
    if (total_ >= 2 * recent_) halve();
    const double wanted = percentile_ * total_ * (1 - 1e-12);
    while (below_ + counts_[at_] < wanted) below_ += counts_[at_++];
    while (at_ > 0 && below_ >= wanted) below_ -= counts_[--at_];
  }
  /// How many count; all that were ever added, until they are forgotten.
  std::uint32_t size() const { return total_; }
  /// What that share of them does not exceed: the end of their bucket. Something must have been added.
  Duration percentile() const { return Duration{begin_of(at_ + 1)}; }

 private:
  static constexpr int bits = 6;
  static constexpr std::int64_t longest = std::int64_t{1} << 45;  // some hours

  static std::size_t bucket(std::int64_t ns) {
    const auto x = static_cast<std::uint64_t>(ns);
    const int shift = std::max(static_cast<int>(std::bit_width(x)) - 1 - bits, 0);
    return (static_cast<std::size_t>(shift) << bits) + (x >> shift);
  }
  static std::int64_t begin_of(std::size_t k) {
    const std::size_t octave = k >> bits;
    if (octave < 2) return static_cast<std::int64_t>(k);
    const std::size_t in_octave = (k & ((std::size_t{1} << bits) - 1)) | (std::size_t{1} << bits);
    return static_cast<std::int64_t>(in_octave) << (octave - 1);
  }
  void halve() {
    // What is up to each bucket is halved, so that single ones far out do not all go.
    std::uint32_t up_to = 0, kept = 0;
    for (std::uint16_t& n : counts_) {
      up_to += n;
      n = static_cast<std::uint16_t>(up_to / 2 - kept);
      kept += n;
    }
    total_ = kept;
    at_ = 0;
    below_ = 0;
  }

  double percentile_;
  std::uint32_t recent_, total_ = 0;
  std::size_t at_ = 0;       // bucket of the percentile
  std::uint32_t below_ = 0;  // observations in those before it
  std::vector<std::uint16_t> counts_;
};

}  // namespace tideline
