#include "sim/statistics/sequential.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// n pairs with a baseline of mean 2 and differences of mean 0 and spread +- `spread`.
PairedSample sample_of(int n, double spread, double baseline = 2) {
  PairedSample sample(StoppingRule{}.correction());
  for (int k = 0; k < n; ++k) sample.add(baseline + (k % 2 == 0 ? spread : -spread), baseline);
  return sample;
}

TEST(StoppingRule, goes_on_until_every_target_is_met) {
  const StoppingRule rule;
  const PairedSample narrow = sample_of(10, 0.1), wide = sample_of(10, 1);
  const std::array<Watched, 2> watched{{{&narrow, {Precision::Kind::absolute, 0.1}}, {&wide, {Precision::Kind::absolute, 0.1}}}};
  const Look look = rule.look(10, watched);
  EXPECT_FALSE(look.stop());
  EXPECT_EQ(look.unmet, 1U);
  EXPECT_EQ(look.next, 11U);
  EXPECT_EQ(rule.look(10, std::span(watched).first(1)).cause, StopCause::precise);
}

TEST(StoppingRule, a_target_is_met_at_the_half_width_itself) {
  const StoppingRule rule;
  const PairedSample sample = sample_of(10, 1);
  const double half = sample.half_width(0.95);
  const std::array<Watched, 1> at{{{&sample, {Precision::Kind::absolute, half}}}};
  const std::array<Watched, 1> below{{{&sample, {Precision::Kind::absolute, std::nextafter(half, 0)}}}};
  EXPECT_TRUE(rule.look(10, at).stop());
  EXPECT_FALSE(rule.look(10, below).stop());
}

TEST(StoppingRule, a_relative_target_is_a_share_of_the_baseline) {
  const PairedSample sample = sample_of(10, 1, -4);
  EXPECT_DOUBLE_EQ((Precision{Precision::Kind::relative, 0.1}.limit(sample)), 0.4);
  EXPECT_DOUBLE_EQ((Precision{Precision::Kind::absolute, 0.1}.limit(sample)), 0.1);
  const StoppingRule rule;
  const PairedSample of_zero = sample_of(10, 1e-9, 0);
  EXPECT_EQ(rule.look(10, std::array<Watched, 1>{{{&of_zero, {Precision::Kind::relative, 0.5}}}}).unmet, 1U);
}

TEST(StoppingRule, looks_after_batches_that_grow) {
  const StoppingRule rule{.least = 10, .most = 200};
  const PairedSample sample = sample_of(150, 1);
  const std::array<Watched, 1> watched{{{&sample, {Precision::Kind::absolute, 1e-6}}}};
  EXPECT_EQ(rule.look(0, watched).next, 10U);
  EXPECT_EQ(rule.look(9, watched).next, 10U);
  EXPECT_EQ(rule.look(10, watched).next, 11U);
  EXPECT_EQ(rule.look(11, watched).next, 13U);
  EXPECT_EQ(rule.look(150, watched).next, 165U);
  EXPECT_EQ(rule.look(195, watched).next, 200U);
  EXPECT_EQ((StoppingRule{.growth = 0}).look(50, watched).next, 51U);
  EXPECT_EQ((StoppingRule{.most = 500, .growth = 1e300}).look(50, watched).next, 500U);
}

TEST(StoppingRule, ends_at_most_with_targets_left) {
  const StoppingRule rule{.least = 10, .most = 20};
  const PairedSample sample = sample_of(20, 1);
  const Look look = rule.look(20, std::array<Watched, 1>{{{&sample, {Precision::Kind::absolute, 1e-6}}}});
  EXPECT_EQ(look.cause, StopCause::at_most);
  EXPECT_EQ(look.unmet, 1U);
  EXPECT_EQ(look.next, 20U);
}

TEST(StoppingRule, does_not_stop_before_least) {
  const StoppingRule rule;
  const PairedSample sample = sample_of(5, 1e-6);
  EXPECT_FALSE(rule.look(5, std::array<Watched, 1>{{{&sample, {Precision::Kind::absolute, 1}}}}).stop());
  EXPECT_FALSE(rule.look(9, {}).stop());
  EXPECT_TRUE(rule.look(10, {}).stop());
}

TEST(StoppingRule, equal_differences_are_precise_enough) {
  const StoppingRule rule;
  const PairedSample identical = sample_of(10, 0);
  EXPECT_TRUE(rule.look(10, std::array<Watched, 1>{{{&identical, {Precision::Kind::relative, 0.01}}}}).stop());
}

TEST(StoppingRule, waits_for_pairs_of_a_metric_that_is_defined_at_times_only) {
  const StoppingRule rule;
  PairedSample some = sample_of(6, 1e-6), never(StoppingRule{}.correction());
  for (int k = 0; k < 6; ++k) some.add(nan, 1), never.add(nan, nan);
  const std::array<Watched, 2> watched{{{&some, {Precision::Kind::absolute, 1}}, {&never, {Precision::Kind::absolute, 1}}}};
  const Look look = rule.look(12, watched);
  EXPECT_FALSE(look.stop());
  EXPECT_EQ(look.unmet, 1U);
  EXPECT_EQ(look.undefined, 1U);
  EXPECT_TRUE(rule.look(12, std::span(watched).last(1)).stop());
}

TEST(StoppingRule, refuses_what_is_out_of_range) {
  const PairedSample sample = sample_of(10, 1);
  EXPECT_THROW((StoppingRule{.least = 2}.look(0, {})), std::invalid_argument);
  EXPECT_THROW((StoppingRule{.least = 10, .most = 9}.look(0, {})), std::invalid_argument);
  EXPECT_THROW((StoppingRule{.confidence = 1}.look(0, {})), std::invalid_argument);
  EXPECT_THROW((StoppingRule{.growth = -0.1}.look(0, {})), std::invalid_argument);
  for (const double bad : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()})
    EXPECT_THROW(StoppingRule{}.look(0, std::array<Watched, 1>{{{&sample, {Precision::Kind::absolute, bad}}}}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline::statistics
