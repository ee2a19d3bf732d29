#include "sim/statistics/verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Ten differences of mean `mean`, half of them `spread` above it and half below.
PairedSample sample_of(double mean, double spread) {
  PairedSample sample;
  for (int k = 0; k < 10; ++k) sample.add(5 + mean + (k % 2 == 0 ? spread : -spread), 5);
  return sample;
}

Verdict verdict(const PairedSample& sample, const Question& question, const Adjusted& adjusted = {}) {
  return judge(sample, question, adjusted).verdict;
}

constexpr Question higher{.direction = Direction::higher_is_better}, lower{.direction = Direction::lower_is_better}, neutral{};

TEST(Verdict, a_significant_difference_is_better_worse_or_different) {
  EXPECT_EQ(verdict(sample_of(1, 0.5), higher), Verdict::better);
  EXPECT_EQ(verdict(sample_of(-1, 0.5), higher), Verdict::worse);
  EXPECT_EQ(verdict(sample_of(1, 0.5), lower), Verdict::worse);
  EXPECT_EQ(verdict(sample_of(-1, 0.5), lower), Verdict::better);
  EXPECT_EQ(verdict(sample_of(-1, 0.5), neutral), Verdict::different);
}

TEST(Verdict, neither_difference_nor_equivalence_is_no_difference_shown) {
  EXPECT_EQ(verdict(sample_of(0.1, 1), higher), Verdict::no_difference_shown);
  EXPECT_EQ(verdict(sample_of(0.1, 1), {.margin = 0.2}), Verdict::no_difference_shown);
}

TEST(Verdict, within_the_margin_it_is_equivalent_be_it_significant_or_not) {
  EXPECT_EQ(verdict(sample_of(0, 0.1), {.margin = 0.2}), Verdict::equivalent);
  const PairedSample tiny = sample_of(0.1, 0.05);
  EXPECT_LT(tiny.p_value(), 0.001);
  EXPECT_EQ(verdict(tiny, {.direction = Direction::higher_is_better, .margin = 0.2}), Verdict::equivalent);
  EXPECT_EQ(verdict(tiny, higher), Verdict::better);
  EXPECT_EQ(verdict(tiny, {.direction = Direction::higher_is_better, .margin = 0.11}), Verdict::better);
}

TEST(Verdict, goes_by_adjusted_p_values) {
  const PairedSample sample = sample_of(0.5, 0.5);  // p = 0.015
  EXPECT_EQ(verdict(sample, higher), Verdict::better);
  EXPECT_EQ(verdict(sample, higher, {.p = 0.15}), Verdict::no_difference_shown);
  EXPECT_EQ(verdict(sample, higher, {.p = 0.05 - 1e-12}), Verdict::better);
  const Question close{.margin = 1};
  EXPECT_EQ(verdict(sample, close), Verdict::equivalent);
  EXPECT_EQ(verdict(sample, close, {.equivalence_p = 0.06}), Verdict::different);
}

TEST(Verdict, equal_pairs_are_identical_whatever_is_asked) {
  EXPECT_EQ(verdict(sample_of(0, 0), {.margin = 1}), Verdict::identical);
  EXPECT_EQ(verdict(sample_of(0, 0), higher, {.p = 1}), Verdict::identical);
  EXPECT_TRUE(judge(sample_of(0, 0), higher).exact);
}

TEST(Verdict, an_exact_difference_has_no_interval_but_its_value) {
  const Finding f = judge(sample_of(0.5, 0), {.direction = Direction::higher_is_better, .margin = 1});
  EXPECT_EQ(f.verdict, Verdict::no_interval);
  EXPECT_TRUE(f.exact);
  EXPECT_DOUBLE_EQ(f.difference, 0.5);
  EXPECT_FALSE(f.interval);
  EXPECT_TRUE(std::isnan(f.p));
  EXPECT_TRUE(std::isnan(f.adjusted_p));
}

TEST(Verdict, fewer_than_two_pairs_have_no_interval) {
  PairedSample sample;
  EXPECT_EQ(verdict(sample, higher), Verdict::no_interval);
  sample.add(nan, 1);
  sample.add(2, 1);
  const Finding f = judge(sample, higher, {.p = 0.001});
  EXPECT_EQ(f.verdict, Verdict::no_interval);
  EXPECT_FALSE(f.exact);
  EXPECT_EQ(f.pairs, 1U);
  EXPECT_EQ(f.missing, 1U);
}

TEST(Verdict, has_the_numbers_behind_it) {
  const PairedSample sample = sample_of(0.5, 0.5);
  const Finding f = judge(sample, {.confidence = 0.9, .margin = 1, .power = 0.7}, {.p = 0.3});
  EXPECT_DOUBLE_EQ(f.difference, 0.5);
  EXPECT_DOUBLE_EQ(f.interval->half_width(), sample.half_width(0.9));
  EXPECT_EQ(f.p, sample.p_value());
  EXPECT_EQ(f.adjusted_p, 0.3);
  EXPECT_EQ(f.equivalence_p, sample.equivalence_p(1));
  EXPECT_NEAR(f.smallest_detectable, sample.smallest_detectable(0.1, 0.7), 1e-12);
  EXPECT_TRUE(std::isnan(judge(sample, neutral).equivalence_p));
  // One of five comparisons has to reach a fifth of the level.
  EXPECT_NEAR(judge(sample, {.confidence = 0.9}, {.comparisons = 5}).smallest_detectable, sample.smallest_detectable(0.02), 1e-12);
}

TEST(Verdict, has_names) {
  EXPECT_EQ(to_string(Verdict::no_difference_shown), "no difference shown");
  EXPECT_EQ(to_string(Verdict::no_interval), "no interval");
  EXPECT_EQ(to_string(Verdict::better), "better");
}

TEST(Verdict, refuses_what_is_out_of_range) {
  const PairedSample sample = sample_of(0.5, 0.5);
  EXPECT_THROW(judge(sample, {.confidence = 1}), std::invalid_argument);
  EXPECT_THROW(judge(sample, {.margin = -1}), std::invalid_argument);
  EXPECT_THROW(judge(sample, {.power = 0.01}), std::invalid_argument);
  EXPECT_THROW(judge(sample, neutral, {.p = 1.5}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline::statistics
