#include "sim/statistics/bootstrap.h"

#include "sim/core/normal.h"
#include "sim/statistics/paired.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

// Test A of 26 children with neurological trouble (Efron and Tibshirani 1993, table 14.1).
constexpr std::array<double, 26> spatial{48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6,
                                         0,  33, 28, 34, 4,  32, 24, 47, 41, 24, 26, 30, 41};

double variance_of_a(std::span<const Pair> pairs) {
  double mean = 0, squares = 0;
  for (const Pair& p : pairs) mean += p.a / static_cast<double>(pairs.size());
  for (const Pair& p : pairs) squares += (p.a - mean) * (p.a - mean);
  return squares / static_cast<double>(pairs.size());
}

std::vector<Pair> spatial_pairs() {
  std::vector<Pair> pairs;
  for (const double a : spatial) pairs.push_back({a, 0});
  return pairs;
}

std::vector<Pair> normal_pairs(int n) {
  std::vector<Pair> pairs;
  for (int k = 0; k < n; ++k) pairs.push_back({normal_quantile((k + 0.5) / n), 0});
  return pairs;
}

TEST(Bootstrap, levels_are_those_of_efron_and_tibshirani) {
  // p. 186: a = 0.061 and z0 = 0.146 turn the levels 0.05 and 0.95 into 0.110 and 0.985.
  EXPECT_NEAR(bca_level(0.146, 0.061, -1.645), 0.110, 5e-4);
  EXPECT_NEAR(bca_level(0.146, 0.061, 1.645), 0.985, 6e-4);
  EXPECT_NEAR(bca_level(0, 0, -1.959963984540054), 0.025, 1e-15);
  EXPECT_TRUE(std::isnan(bca_level(0, 0.5, 2)));
}

TEST(Bootstrap, acceleration_is_that_of_efron_and_tibshirani) {
  const auto pairs = spatial_pairs();
  Stream stream(1);
  const auto result = bootstrap(pairs, variance_of_a, stream, {0.90, 2000});
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->estimate, 171.5, 0.05);      // p. 178
  EXPECT_NEAR(result->acceleration, 0.061, 5e-4);  // p. 186
  EXPECT_NEAR(result->bias, 0.146, 0.10);          // theirs is of 2000 other resamples: its standard error is 0.03
  EXPECT_EQ(result->method, BootstrapMethod::bca);
  // Theirs, with levels that are not expanded, is (115.8, 259.6); expanding moves both ends out.
  EXPECT_LT(result->interval.low, 118);
  EXPECT_GT(result->interval.high, 255);
}

TEST(Bootstrap, of_the_mean_of_a_symmetric_sample_is_near_student_s) {
  const auto pairs = normal_pairs(40);
  PairedSample sample;
  for (const Pair& p : pairs) sample.add(p.a, p.b);
  Stream stream(2);
  const auto result = bootstrap(pairs, mean_difference, stream, {0.95, 19999});
  EXPECT_NEAR(result->estimate, 0, 1e-12);
  EXPECT_NEAR(result->acceleration, 0, 1e-12);
  EXPECT_NEAR(result->interval.half_width(), sample.half_width(0.95), 0.02 * sample.half_width(0.95));
}

TEST(Bootstrap, leans_to_the_side_of_the_skewness) {
  std::vector<Pair> pairs;
  for (int k = 0; k < 30; ++k) pairs.push_back({-std::log1p(-(k + 0.5) / 30), 0});
  Stream stream(3);
  const auto result = bootstrap(pairs, mean_difference, stream);
  EXPECT_GT(result->acceleration, 0);
  EXPECT_GT(result->interval.high - result->estimate, 1.2 * (result->estimate - result->interval.low));
}

TEST(Bootstrap, is_the_same_for_the_same_seed) {
  const auto pairs = spatial_pairs();
  Stream a(7, "bootstrap", 0), b(7, "bootstrap", 0), c(8, "bootstrap", 0);
  const auto first = bootstrap(pairs, median_difference, a), same = bootstrap(pairs, median_difference, b);
  EXPECT_EQ(first->interval.low, same->interval.low);
  EXPECT_EQ(first->interval.high, same->interval.high);
  EXPECT_NE(bootstrap(pairs, mean_difference, b)->interval.low, bootstrap(pairs, mean_difference, c)->interval.low);
}

TEST(Bootstrap, statistics_by_hand) {
  const std::vector<Pair> odd{{1, 0}, {5, 1}, {3, 1}}, even{{1, 0}, {5, 1}, {3, 1}, {9, 1}};  // differences 1 4 2, and 8
  EXPECT_DOUBLE_EQ(mean_difference(odd), 7.0 / 3);
  EXPECT_DOUBLE_EQ(median_difference(odd), 2);
  EXPECT_DOUBLE_EQ(median_difference(even), 3);
  EXPECT_DOUBLE_EQ(relative_difference(odd), 3.5);
  // Values 1 2 6: mean 3, deviations 2 1 -3: (8 + 1 - 27) / (6 x 14^1.5).
  EXPECT_NEAR(jackknife_acceleration(std::vector<double>{1, 2, 6}), -18 / (6 * std::pow(14, 1.5)), 1e-15);
  EXPECT_EQ(jackknife_acceleration(std::vector<double>{2, 2, 2}), 0);
}

TEST(Bootstrap, has_no_interval_where_there_is_nothing_to_resample) {
  Stream stream(1);
  EXPECT_FALSE(bootstrap({}, mean_difference, stream));
  EXPECT_FALSE(bootstrap(std::vector<Pair>{{1, 0}, {2, 0}}, mean_difference, stream));
  EXPECT_FALSE(bootstrap(std::vector<Pair>{{3, 1}, {4, 2}, {5, 3}}, mean_difference, stream));        // equal differences
  EXPECT_FALSE(bootstrap(std::vector<Pair>{{3, 0}, {4, 0}, {5, 0}}, relative_difference, stream));    // infinite
  EXPECT_FALSE(bootstrap(std::vector<Pair>{{3, 0}, {4, 0}, {5, 0.1}}, relative_difference, stream));  // in some resamples
}

TEST(Bootstrap, falls_back_where_the_acceleration_is_too_large) {
  std::vector<Pair> pairs(100, Pair{0, 0});
  pairs.front().a = 1;
  for (std::size_t k = 1; k < pairs.size(); ++k) pairs[k].a = 1e-6 * static_cast<double>(k);
  Stream stream(5);
  const auto result = bootstrap(pairs, mean_difference, stream, {1 - 1e-9, 999});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->method, BootstrapMethod::bias_corrected);
  EXPECT_LE(result->interval.low, result->estimate);
  EXPECT_GE(result->interval.high, result->estimate);
}

TEST(Bootstrap, refuses_what_is_out_of_range) {
  const auto pairs = spatial_pairs();
  Stream stream(1);
  EXPECT_THROW(bootstrap(pairs, mean_difference, stream, {1, 999}), std::invalid_argument);
  EXPECT_THROW(bootstrap(pairs, mean_difference, stream, {0.95, 99}), std::invalid_argument);
  const std::vector<Pair> missing{{1, 0}, {std::numeric_limits<double>::quiet_NaN(), 0}, {2, 0}};
  EXPECT_THROW(bootstrap(missing, mean_difference, stream), std::invalid_argument);
}

}  // namespace
}  // namespace tideline::statistics
