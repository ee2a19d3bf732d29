// Durations counted in buckets whose width grows with the value: percentiles of any number of them in constant memory.
#pragma once

#include "sim/core/time.h"
#include "sim/model/entities.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// A log-linear histogram of durations: 256 buckets to every factor of two, exact below 512 ns. Count, sum, least and largest are exact.
class DurationHistogram {
 public:
  /// A duration of 0 or more; anything less counts as 0.
  [[gnu::always_inline]] void record(Duration d) {
    const std::uint64_t value = d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0;
    const std::size_t k = bucket(value);
    if (k >= counts_.size()) [[unlikely]]
      grow_to(k);
    if (++counts_[k] == 0) [[unlikely]]
      carry(k);
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  /// As if all that `other` recorded had been recorded here.
  void merge(const DurationHistogram& other);
  /// Forgets all but keeps the memory.
  void clear();

  std::uint64_t count() const { return count_; }
  /// In nanoseconds.
  Area sum() const { return sum_; }
  /// 0 where nothing was recorded.
  Duration min() const { return Duration{count_ == 0 ? 0 : static_cast<std::int64_t>(min_)}; }
  Duration max() const { return Duration{static_cast<std::int64_t>(max_)}; }
  /// In seconds; NaN where nothing was recorded.
  double mean_s() const;
  /// In seconds, by nearest rank: the ceil(p n)-th smallest of n, 0 < p <= 1, interpolated inside its bucket and so off by less than
  /// 1/256. NaN where nothing was recorded.
  double percentile_s(double p) const;
  /// How many were not longer than this: those in the bucket of `d` count by its part up to `d`.
  double count_up_to(Duration d) const;

 private:
  static constexpr unsigned sub_bits = 8;
  static constexpr std::size_t sub_buckets = std::size_t{1} << sub_bits;

  /// Values below 2^sub_bits have a bucket each; above, the leading bit and the `sub_bits` after it name the bucket.
  static std::size_t bucket(std::uint64_t value) {
    if (value < sub_buckets) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
    return (std::size_t{shift} << sub_bits) + (value >> shift);
  }
  static std::uint64_t lower_bound(std::size_t k);

  std::uint64_t in_bucket(std::size_t k) const;
  // What is rare is elsewhere, so that `record` is short enough to be inlined.
  void grow_to(std::size_t k);
  void carry(std::size_t k);

  // Half the cache lines of 64-bit counts: each class has a histogram, and every answer touches one.
  std::vector<std::uint32_t> counts_;
  std::vector<std::size_t> carries_;  // buckets, once for each 2^32 that their count has lost
  std::uint64_t count_ = 0;
  Area sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0}, max_ = 0;
};

}  // namespace tideline
