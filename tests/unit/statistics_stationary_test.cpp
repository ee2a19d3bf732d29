#include "sim/statistics/stationary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Five observations about each mean.
std::vector<double> fives(const std::vector<double>& means) {
  std::vector<double> series;
  for (const double m : means)
    for (const double off : {-2.0, 1.0, 0.0, 2.0, -1.0}) series.push_back(m + off);
  return series;
}

TEST(Mser5, cuts_a_worked_example) {
  // Means 10 6 and ten of 1 3 1 3 ... By hand: without none 90.25/144 ..., without the first 24.545/121 = 0.203, without two 10/100,
  // without three 8.889/81 = 0.110, without four 8/64 = 0.125.
  const Truncation cut = mser5(fives({10, 6, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3}));
  EXPECT_EQ(cut.discard, 10U);
  EXPECT_NEAR(cut.statistic, 0.1, 1e-14);
  EXPECT_TRUE(cut.settled);
}

TEST(Mser5, cuts_nothing_from_a_series_without_a_beginning) {
  const Truncation cut = mser5(fives({1, 3, 1, 3, 1, 3, 1, 3, 1, 3}));
  EXPECT_EQ(cut.discard, 0U);
  EXPECT_NEAR(cut.statistic, 0.1, 1e-14);
  EXPECT_TRUE(mser5(std::vector<double>(60, 4.0)).settled);
  EXPECT_EQ(mser5(std::vector<double>(60, 4.0)).discard, 0U);
}

TEST(Mser5, a_series_that_still_moves_is_not_settled) {
  std::vector<double> growing;
  for (int k = 0; k < 200; ++k) growing.push_back(k);
  EXPECT_FALSE(mser5(growing).settled);
  const Truncation brief = mser5(std::vector<double>(49, 1.0));
  EXPECT_FALSE(brief.settled);
  EXPECT_EQ(brief.discard, 0U);
  EXPECT_TRUE(std::isnan(brief.statistic));
}

TEST(Mser5, leaves_a_last_incomplete_group_out) {
  auto series = fives({10, 6, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3});
  for (int k = 0; k < 4; ++k) series.push_back(1e6);
  EXPECT_EQ(mser5(series).discard, 10U);
}

TEST(SerialCheck, by_hand) {
  // 1 .. 8: squares about 4.5 sum to 42, the seven steps to 7: ratio 1 / (42/8), C = 1 - 7/84, z = C sqrt(63/6) = 2.9703.
  const auto check = serial_check(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
  ASSERT_TRUE(check);
  EXPECT_NEAR(check->von_neumann, 8.0 / 42, 1e-15);
  EXPECT_NEAR(check->lag1, 26.25 / 42, 1e-15);
  EXPECT_NEAR(check->p, 0.5 * std::erfc(77.0 / 84 * std::sqrt(63.0 / 6) / std::sqrt(2)), 1e-15);
  EXPECT_NEAR(check->p, 0.00149, 1e-5);
}

TEST(SerialCheck, alternating_values_are_not_positively_correlated) {
  const auto check = serial_check(std::vector<double>{1, 2, 1, 2, 1, 2, 1, 2});
  EXPECT_LT(check->lag1, -0.8);
  EXPECT_GT(check->p, 0.99);
}

TEST(SerialCheck, needs_values_that_vary) {
  EXPECT_FALSE(serial_check(std::vector<double>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_FALSE(serial_check(std::vector<double>(20, 3.0)));
}

TEST(BatchMeans, by_hand) {
  // Twenty batches of eight equal observations, 1 and 3 by turns: variance of means 20/19, t(19, .975) = 2.093024.
  std::vector<double> series;
  for (int k = 0; k < 160; ++k) series.push_back(k / 8 % 2 == 0 ? 1 : 3);
  const auto result = batch_means(series);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->batches, 20U);
  EXPECT_EQ(result->batch_size, 8U);
  EXPECT_DOUBLE_EQ(result->mean, 2);
  EXPECT_NEAR(result->interval.half_width(), 2.093024054408263 / std::sqrt(19.0), 1e-12);
  EXPECT_NEAR(result->asymptotic_variance, 8 * 20.0 / 19, 1e-12);
  // Single observations and pairs are alike; the 40 means of four, 1 1 3 3 ..., are not: C = 1 - 76/80, z = 0.05 sqrt(1599/38).
  EXPECT_EQ(result->uncorrelated_size, 4U);
  EXPECT_NEAR(result->check.p, 0.5 * std::erfc(0.05 * std::sqrt(1599.0 / 38) / std::sqrt(2)), 1e-12);
  EXPECT_TRUE(result->trusted());
}

TEST(BatchMeans, says_so_where_batches_are_correlated) {
  std::vector<double> drifting;
  for (int k = 0; k < 1000; ++k) drifting.push_back(std::sin(k / 200.0));
  const auto result = batch_means(drifting);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->uncorrelated_size, 0U);
  EXPECT_FALSE(result->trusted());
  EXPECT_LT(result->check.p, 0.05);
}

TEST(BatchMeans, leaves_the_first_observations_out_where_twenty_does_not_divide_the_length) {
  std::vector<double> series(19, 1e6);
  for (int k = 0; k < 160; ++k) series.push_back(k / 8 % 2 == 0 ? 1 : 3);
  EXPECT_DOUBLE_EQ(batch_means(series)->mean, 2);
}

TEST(BatchMeans, needs_a_series_that_is_long_enough_and_varies) {
  EXPECT_FALSE(batch_means(std::vector<double>(159, 1.0)));
  EXPECT_FALSE(batch_means(std::vector<double>(500, 1.0)));
}

TEST(Stationary, refuses_what_is_out_of_range) {
  std::vector<double> series(200, 1.0);
  EXPECT_THROW(batch_means(series, 1), std::invalid_argument);
  series[77] = nan;
  EXPECT_THROW(batch_means(series), std::invalid_argument);
  EXPECT_THROW(mser5(series), std::invalid_argument);
}

}  // namespace
}  // namespace tideline::statistics
