// How a value is judged by what was accepted.
#include "src/baseline.h"
#include "sim/statistics/prediction.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tideline {
namespace {

using Values = std::vector<std::optional<double>>;

CheckedMetric by(ToleranceRule rule, double tolerance = 0) {
  CheckedMetric m;
  m.metric = &metrics().front();
  m.rule = rule;
  m.tolerance = tolerance;
  return m;
}

bool passes(ToleranceRule rule, double tolerance, const Values& accepted, std::optional<double> got) {
  return judge(by(rule, tolerance), accepted, got).passed;
}

TEST(PredictionInterval, is_that_of_the_text_book) {
  // Montgomery and Runger, Applied Statistics and Probability for Engineers, example 8-8: 22 tests with mean 13.71 and standard deviation
  // 3.55 (to two digits); the next one is between 6.16 and 21.26.
  const double a = 3.55 * std::sqrt(21.0 / 22.0);  // eleven pairs around the mean have that deviation
  std::vector<double> values;
  for (int k = 0; k < 11; ++k) {
    values.push_back(13.71 - a);
    values.push_back(13.71 + a);
  }
  const auto interval = statistics::prediction_interval(values, 0.95);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 6.16, 0.01);
  EXPECT_NEAR(interval->high, 21.26, 0.01);
}

TEST(PredictionInterval, needs_two_finite_values) {
  EXPECT_FALSE(statistics::prediction_interval(std::vector<double>{}, 0.95));
  EXPECT_FALSE(statistics::prediction_interval(std::vector<double>{1}, 0.95));
  EXPECT_FALSE(statistics::prediction_interval(std::vector<double>{1, NAN}, 0.95));
  const auto constant = statistics::prediction_interval(std::vector<double>{2, 2, 2}, 0.95);
  ASSERT_TRUE(constant);
  EXPECT_EQ(constant->low, 2);
  EXPECT_EQ(constant->high, 2);
}

TEST(Judge, exact_absolute_and_relative_with_both_ends_allowed) {
  EXPECT_TRUE(passes(ToleranceRule::exact, 0, {3}, 3));
  EXPECT_FALSE(passes(ToleranceRule::exact, 0, {3}, std::nextafter(3.0, 4.0)));
  EXPECT_TRUE(passes(ToleranceRule::absolute, 0.5, {3}, 3.5));
  EXPECT_TRUE(passes(ToleranceRule::absolute, 0.5, {3}, 2.5));
  EXPECT_FALSE(passes(ToleranceRule::absolute, 0.5, {3}, 3.51));
  EXPECT_TRUE(passes(ToleranceRule::relative, 0.25, {-4}, -5));
  EXPECT_FALSE(passes(ToleranceRule::relative, 0.25, {-4}, -5.01));
  EXPECT_TRUE(passes(ToleranceRule::relative, 0.25, {0}, 0));
  EXPECT_FALSE(passes(ToleranceRule::relative, 0.25, {0}, 1e-9));
}

TEST(Judge, a_value_has_to_be_there_as_before) {
  for (const auto rule : {ToleranceRule::exact, ToleranceRule::absolute, ToleranceRule::relative, ToleranceRule::statistical}) {
    EXPECT_TRUE(passes(rule, 1, {std::nullopt, std::nullopt, std::nullopt}, std::nullopt));
    EXPECT_FALSE(passes(rule, 1, {std::nullopt, std::nullopt, std::nullopt}, 1));
    EXPECT_FALSE(passes(rule, 1, {1, 2, 3}, std::nullopt));
  }
}

TEST(Judge, statistically_by_the_spread_of_replications) {
  const Values accepted{10, 12, 8, 11, 9};  // mean 10, deviation 1.58; 99 %: t = 4.604, so 10 -+ 7.97
  const Judged j = judge(by(ToleranceRule::statistical), accepted, 17.9);
  EXPECT_TRUE(j.passed);
  EXPECT_NEAR(*j.expected, 10, 1e-12);
  EXPECT_NEAR(*j.high, 10 + 4.6041 * std::sqrt(2.5 * 1.2), 1e-3);
  EXPECT_FALSE(passes(ToleranceRule::statistical, 0, accepted, 18.1));
  EXPECT_FALSE(passes(ToleranceRule::statistical, 0, accepted, 1.9));
}

TEST(Judge, what_did_not_change_passes_whatever_the_spread) {
  Values accepted(40, 1.0);
  accepted[0] = 9;  // the same seed gives the same: no reason to complain of an outlier
  EXPECT_TRUE(passes(ToleranceRule::statistical, 0, accepted, 9));
  EXPECT_FALSE(passes(ToleranceRule::statistical, 0, accepted, 9.1));
}

}  // namespace
}  // namespace tideline
