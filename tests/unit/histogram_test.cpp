#include "sim/metrics/histogram.h"

#include "sim/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tideline {
namespace {

std::int64_t nearest_rank(const std::vector<std::int64_t>& sorted, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size()) - 1e-9));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

TEST(DurationHistogram, an_empty_one_has_no_mean_and_no_percentile) {
  const DurationHistogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_TRUE(std::isnan(h.mean_s()));
  EXPECT_TRUE(std::isnan(h.percentile_s(0.5)));
  EXPECT_EQ(h.min(), Duration{});
  EXPECT_EQ(h.max(), Duration{});
}

TEST(DurationHistogram, count_sum_least_and_largest_are_exact) {
  DurationHistogram h;
  for (const std::int64_t ns : std::vector<std::int64_t>{7'000'000'001, 3, 123'456'789}) h.record(Duration{ns});
  EXPECT_EQ(h.count(), 3U);
  EXPECT_TRUE(h.sum() == Area{7'123'456'793});
  EXPECT_EQ(h.min(), Duration{3});
  EXPECT_EQ(h.max(), Duration{7'000'000'001});
  EXPECT_DOUBLE_EQ(h.mean_s(), 7.123456793 / 3);
}

TEST(DurationHistogram, equal_durations_are_every_percentile_exactly) {
  DurationHistogram h;
  for (int k = 0; k < 1000; ++k) h.record(Duration{10'000'019});
  for (const double p : {0.001, 0.5, 0.99, 1.0}) EXPECT_DOUBLE_EQ(h.percentile_s(p), 0.010000019);
}

TEST(DurationHistogram, small_durations_are_exact_by_nearest_rank) {
  DurationHistogram h;
  for (int k = 1; k <= 100; ++k) h.record(Duration{k});
  EXPECT_NEAR(h.percentile_s(0.5), 50e-9, 1e-15);
  EXPECT_NEAR(h.percentile_s(0.95), 95e-9, 1e-15);
  EXPECT_NEAR(h.percentile_s(0.951), 96e-9, 1e-15);
  EXPECT_NEAR(h.percentile_s(1), 100e-9, 1e-15);
  EXPECT_NEAR(h.percentile_s(0.001), 1e-9, 1e-15);
}

TEST(DurationHistogram, percentiles_are_off_by_less_than_four_per_mille) {
  Stream stream(7);
  std::vector<std::int64_t> values;
  DurationHistogram h;
  for (int k = 0; k < 20'000; ++k) {
    // Over nine decades, to the largest duration there is.
    const double u = static_cast<double>(stream() >> 11) * 0x1p-53;
    values.push_back(static_cast<std::int64_t>(std::exp(u * 43.6)));
    h.record(Duration{values.back()});
  }
  // And a bucket full at its lower edge only, which interpolation must not carry to the upper.
  for (int k = 0; k < 20'000; ++k) {
    values.push_back(std::int64_t{1} << 27);
    h.record(Duration{values.back()});
  }
  std::sort(values.begin(), values.end());
  for (int k = 1; k <= 1000; ++k) {
    const auto exact = static_cast<double>(nearest_rank(values, k / 1000.0)) * 1e-9;
    EXPECT_NEAR(h.percentile_s(k / 1000.0), exact, exact * 0.004 + 1e-15) << k;
  }
}

TEST(DurationHistogram, the_longest_duration_fits) {
  DurationHistogram h;
  h.record(Duration{1});
  h.record(forever);
  h.record(forever);
  h.record(Duration{-5});
  EXPECT_EQ(h.max(), forever);
  EXPECT_EQ(h.min(), Duration{0});
  EXPECT_NEAR(h.percentile_s(0.75) / to_seconds(forever), 1, 0.004);
}

TEST(DurationHistogram, a_bucket_counts_beyond_32_bits) {
  DurationHistogram h;
  h.record(Duration{100});
  h.record(Duration{200});
  h.record(Duration{200});
  for (int k = 0; k < 34; ++k) {
    const DurationHistogram same = h;
    h.merge(same);
  }
  EXPECT_EQ(h.count(), std::uint64_t{3} << 34);
  EXPECT_DOUBLE_EQ(h.percentile_s(0.333), 100e-9);
  EXPECT_DOUBLE_EQ(h.percentile_s(0.334), 200e-9);
  h.clear();
  h.record(Duration{100});
  h.record(Duration{200});
  EXPECT_DOUBLE_EQ(h.percentile_s(0.5), 100e-9);
}

TEST(DurationHistogram, merged_ones_are_as_if_recorded_in_one) {
  DurationHistogram a, b, both;
  for (int k = 0; k < 500; ++k) {
    const Duration x{k * 1'000'003}, y{k * k * 17};
    a.record(x);
    b.record(y);
    both.record(x);
    both.record(y);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_TRUE(a.sum() == both.sum());
  EXPECT_EQ(a.min(), both.min());
  EXPECT_EQ(a.max(), both.max());
  for (int k = 1; k <= 100; ++k) EXPECT_EQ(a.percentile_s(k / 100.0), both.percentile_s(k / 100.0));
}

TEST(DurationHistogram, cleared_ones_start_anew) {
  DurationHistogram h;
  h.record(5ms);
  h.record(90ms);
  h.clear();
  EXPECT_EQ(h.count(), 0U);
  h.record(20ms);
  EXPECT_DOUBLE_EQ(h.percentile_s(0.5), 0.02);
  EXPECT_DOUBLE_EQ(h.percentile_s(0.99), 0.02);
}

}  // namespace
}  // namespace tideline
