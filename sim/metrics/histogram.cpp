#include "sim/metrics/histogram.h"

#include <cmath>
#include <limits>

namespace tideline {

std::uint64_t DurationHistogram::lower_bound(std::size_t k) {
  if (k < 2 * sub_buckets) return k;
  const std::size_t shift = (k >> sub_bits) - 1;
  return static_cast<std::uint64_t>(k - (shift << sub_bits)) << shift;
}

// To the end of its factor of two: a later value of similar size needs no more memory.
[[gnu::cold]] void DurationHistogram::grow_to(std::size_t k) { counts_.resize((k | (sub_buckets - 1)) + 1); }

[[gnu::cold]] void DurationHistogram::carry(std::size_t k) { carries_.push_back(k); }

void DurationHistogram::merge(const DurationHistogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t k = 0; k < other.counts_.size(); ++k) {
    counts_[k] += other.counts_[k];
    if (counts_[k] < other.counts_[k]) carries_.push_back(k);
  }
  carries_.insert(carries_.end(), other.carries_.begin(), other.carries_.end());
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void DurationHistogram::clear() {
  if (count_ == 0) return;
  // Only what was touched: an interval's latencies span few buckets.
  std::fill(counts_.begin() + static_cast<std::ptrdiff_t>(bucket(min_)), counts_.begin() + static_cast<std::ptrdiff_t>(bucket(max_)) + 1,
            0U);
  carries_.clear();
  count_ = 0;
  sum_ = 0;
  min_ = ~std::uint64_t{0};
  max_ = 0;
}

std::uint64_t DurationHistogram::in_bucket(std::size_t k) const {
  return counts_[k] + (static_cast<std::uint64_t>(std::count(carries_.begin(), carries_.end(), k)) << 32);
}

double DurationHistogram::mean_s() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(sum_) / static_cast<double>(count_) / 1e9;
}

double DurationHistogram::percentile_s(double p) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  // p n a hair above a whole number because of rounding (0.95 x 100) is that whole number.
  const double exact = p * static_cast<double>(count_);
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(exact - exact * 1e-12)), 1, count_);
  if (rank == 1) return static_cast<double>(min_) / 1e9;
  if (rank == count_) return static_cast<double>(max_) / 1e9;
  std::uint64_t below = 0;
  std::size_t k = bucket(min_);
  while (below + in_bucket(k) < rank) below += in_bucket(k++);
  // The bucket's values lie in [low, high], closer where the least or the largest of all is in it.
  const double low = static_cast<double>(std::max(lower_bound(k), min_)),
               high = static_cast<double>(std::min(lower_bound(k + 1) - 1, max_));
  const double part = (static_cast<double>(rank - below) - 0.5) / static_cast<double>(in_bucket(k));
  return (low + part * (high - low)) / 1e9;
}

double DurationHistogram::count_up_to(Duration d) const {
  if (count_ == 0 || d < min()) return 0;
  if (d >= max()) return static_cast<double>(count_);
  const auto value = static_cast<std::uint64_t>(d.count());
  const std::size_t last = bucket(value);
  std::uint64_t below = 0;
  for (std::size_t k = bucket(min_); k < last; ++k) below += in_bucket(k);
  // As in percentile_s: the bucket's values lie in [low, high].
  const std::uint64_t low = std::max(lower_bound(last), min_), high = std::min(lower_bound(last + 1) - 1, max_);
  const double part = static_cast<double>(value - low + 1) / static_cast<double>(high - low + 1);
  return static_cast<double>(below) + part * static_cast<double>(in_bucket(last));
}

}  // namespace tideline
