#include "sim/statistics/paired.h"

#include "sim/core/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// Hours of sleep gained by ten patients with two drugs (Student 1908; R's data set `sleep`).
constexpr std::array<double, 10> drug_1{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
constexpr std::array<double, 10> drug_2{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

PairedSample sleep(Correction correction = fixed_number) {
  PairedSample sample(correction);
  for (std::size_t k = 0; k < drug_1.size(); ++k) sample.add(drug_1[k], drug_2[k]);
  return sample;
}

PairedSample differences(const std::vector<double>& values, Correction correction = fixed_number) {
  PairedSample sample(correction);
  for (const double d : values) sample.add(d, 0);
  return sample;
}

TEST(PairedSample, agrees_with_the_paired_t_test_of_scipy_on_student_s_sleep_data) {
  // scipy 1.10 ttest_rel: statistic and p value; R's t.test prints t = -4.0621, p-value = 0.002833 and the interval -2.4598858
  // -0.7001142, whose further digits are those of t(9, .975) = 2.262157162798205 by mpmath (that of scipy 1.10 errs in the eleventh).
  const PairedSample s = sleep();
  EXPECT_EQ(s.count(), 10U);
  EXPECT_EQ(s.spread(), Spread::varying);
  EXPECT_NEAR(s.mean(), -1.58, 1e-14);
  EXPECT_NEAR(s.sd(), 1.2299954832798732, 1e-14);
  EXPECT_NEAR(s.mean() / s.standard_error(), -4.062127683382037, 1e-12);
  EXPECT_NEAR(s.p_value(), 0.00283289019738427, 1e-14);
  const auto interval = s.interval(0.95);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, -2.4598857632769824, 1e-12);
  EXPECT_NEAR(interval->high, -0.7001142367230176, 1e-12);
  EXPECT_NEAR(s.half_width(0.95), 0.8798857632769824, 1e-12);
  EXPECT_NEAR(s.skewness(), -1.7455496731913664, 1e-12);  // scipy skew(bias=False)
}

TEST(PairedSample, agrees_with_scipy_on_equivalence) {
  // max(t.sf((m + margin)/se, 9), t.cdf((m - margin)/se, 9)) of scipy 1.10.
  const PairedSample s = sleep();
  EXPECT_NEAR(s.equivalence_p(2.5), 0.021116860246500724, 1e-13);
  EXPECT_NEAR(s.equivalence_p(3), 0.0026555702927, 1e-12);
  EXPECT_TRUE(s.equivalent(2.5, 0.05));
  EXPECT_FALSE(s.equivalent(2.5, 0.01));
  EXPECT_GT(s.equivalence_p(1), 0.5);
}

TEST(PairedSample, equivalence_is_the_interval_of_twice_the_level_within_the_margin) {
  for (const Correction c : {fixed_number, Correction{4, 5, true}}) {
    const PairedSample s = sleep(c);
    const auto interval = s.interval(0.90);
    EXPECT_NEAR(s.equivalence_p(-interval->low), 0.05, 1e-10);
  }
}

TEST(PairedSample, agrees_with_the_noncentral_t_of_scipy_on_the_smallest_detectable_difference) {
  // scipy 1.10: root of nct.sf(t, n-1, x sqrt(n)/sd) + nct.cdf(-t, ...) = power. R: power.t.test(n = 10, power = .8, type = "paired")
  // gives delta = 0.996.
  struct Row {
    int n;
    double power, expected;
  };
  for (const Row& row : {Row{10, .8, 0.9960013714362282}, Row{20, .8, 0.6604416546229631}, Row{10, .9, 1.1545649888651355},
                         Row{34, .8, 0.4950280979734157}, Row{200, .8, 0.1990641754066413}, Row{2, .8, 11.549888436114902}}) {
    PairedSample s;
    for (int k = 0; k < row.n; ++k) s.add(k % 2, 1);  // of mean -0.5, which does not matter
    EXPECT_NEAR(s.smallest_detectable(0.05, row.power) / s.sd(), row.expected, 1e-7) << row.n;
  }
  EXPECT_NEAR(sleep().smallest_detectable(0.05), 1.2250771882071199, 1e-8);
}

TEST(PairedSample, sums_do_not_lose_small_differences_of_large_values) {
  PairedSample s;
  for (const double d : {0.25, 0.5, 0.75, 1.0}) s.add(1e9 + d, 1e9);
  EXPECT_DOUBLE_EQ(s.mean(), 0.625);
  EXPECT_NEAR(s.variance(), 0.3125 / 3, 1e-15);
}

TEST(PairedSample, without_pairs_or_with_one_there_is_no_interval) {
  PairedSample s;
  EXPECT_EQ(s.spread(), Spread::none);
  EXPECT_TRUE(std::isnan(s.mean()));
  EXPECT_TRUE(std::isnan(s.mean_b()));
  EXPECT_FALSE(s.identical());
  s.add(3, 1);
  EXPECT_EQ(s.spread(), Spread::single);
  EXPECT_EQ(s.mean(), 2);
  EXPECT_TRUE(std::isnan(s.sd()));
  EXPECT_FALSE(s.interval(0.95));
  EXPECT_TRUE(std::isnan(s.half_width(0.95)));
  EXPECT_TRUE(std::isnan(s.p_value()));
  EXPECT_TRUE(std::isnan(s.equivalence_p(5)));
  EXPECT_FALSE(s.equivalent(5, 0.05));
  EXPECT_TRUE(std::isnan(s.smallest_detectable(0.05)));
}

TEST(PairedSample, equal_pairs_are_identical) {
  PairedSample s;
  for (const double x : {1.5, 2.5, 0.1}) s.add(x, x);
  EXPECT_TRUE(s.identical());
  EXPECT_EQ(s.spread(), Spread::constant);
  EXPECT_EQ(s.mean(), 0);
  EXPECT_FALSE(s.interval(0.95));
  EXPECT_EQ(s.p_value(), 1);
  EXPECT_EQ(s.equivalence_p(0.01), 0);
}

TEST(PairedSample, an_equal_difference_is_exact_and_has_no_interval) {
  PairedSample s;
  for (const double x : {1.0, 2.3, 7.7, 0.3}) s.add(x + 0.1, x);  // differences that are equal but for rounding
  EXPECT_EQ(s.spread(), Spread::constant);
  EXPECT_FALSE(s.identical());
  EXPECT_NEAR(s.mean(), 0.1, 1e-15);
  EXPECT_FALSE(s.interval(0.95));
  EXPECT_TRUE(std::isnan(s.p_value()));
  EXPECT_TRUE(std::isnan(s.equivalence_p(1)));
  EXPECT_TRUE(std::isnan(s.smallest_detectable(0.05)));
}

TEST(PairedSample, one_difference_among_equal_ones_makes_an_interval) {
  PairedSample s;
  for (int k = 0; k < 9; ++k) s.add(5, 5);
  s.add(6, 5);
  EXPECT_EQ(s.spread(), Spread::varying);
  EXPECT_FALSE(s.identical());
  EXPECT_TRUE(s.interval(0.95)->contains(0));
}

TEST(PairedSample, values_that_are_not_finite_are_left_out_and_counted) {
  PairedSample s;
  s.add(nan, 1);
  for (std::size_t k = 0; k < drug_1.size(); ++k) {
    s.add(drug_1[k], drug_2[k]);
    s.add(1, nan);
  }
  s.add(infinity, 1);
  s.add(infinity, infinity);
  s.add(1.7e308, -1.7e308);
  EXPECT_EQ(s.missing(), 14U);
  EXPECT_EQ(s.count(), 10U);
  EXPECT_EQ(s.p_value(), sleep().p_value());
}

TEST(PairedSample, variance_ratio_says_what_common_random_numbers_leave) {
  PairedSample s;  // a: 1 2 3, b: 1 2 4: var 1 and 7/3; differences 0 0 -1: var 1/3
  s.add(1, 1);
  s.add(2, 2);
  s.add(3, 4);
  EXPECT_NEAR(s.variance_ratio(), 1.0 / 10, 1e-15);
  EXPECT_TRUE(std::isnan(PairedSample{}.variance_ratio()));
}

TEST(PairedSample, widening_multiplies_the_variance) {
  const PairedSample plain = sleep(), wide = sleep({2, 0, false});
  EXPECT_NEAR(wide.half_width(0.95), plain.half_width(0.95) * std::sqrt(1.2), 1e-14);
  EXPECT_NEAR(sleep({2, 5, false}).half_width(0.95), plain.half_width(0.95) * std::sqrt(1.1), 1e-14);
  EXPECT_EQ(sleep({2, 10, false}).half_width(0.95), plain.half_width(0.95));
  EXPECT_EQ(sleep({2, 99, false}).half_width(0.95), plain.half_width(0.95));
  EXPECT_EQ(wide.sd(), plain.sd());
}

TEST(PairedSample, each_end_is_the_outer_one_of_student_s_and_willink_s) {
  // Willink's interval of these differences, by numpy 1.24 from his formula: (-5.108251812944461, -0.9454393449641768).
  const auto interval = sleep({0, 0, true}).interval(0.95);
  EXPECT_NEAR(interval->low, -5.108251812944461, 1e-11);
  EXPECT_NEAR(interval->high, -0.7001142367230176, 1e-12);
  EXPECT_NEAR(sleep({0, 0, true}).p_value(), 0.00283289019738427, 1e-14);  // Willink's would be 2.3e-5
}

TEST(PairedSample, without_skewness_the_correction_changes_nothing) {
  const std::vector<double> symmetric{-3, -1, 0, 1, 3, 0.5, -0.5};
  EXPECT_NEAR(differences(symmetric, {0, 0, true}).half_width(0.95), differences(symmetric).half_width(0.95), 1e-12);
}

TEST(PairedSample, interval_and_p_value_agree_and_mirror) {
  Stream stream(1, "pairs", 0);
  for (int run = 0; run < 500; ++run) {
    const int n = 2 + run % 30;
    PairedSample s({4, 10, true}), mirrored({4, 10, true});
    for (int k = 0; k < n; ++k) {
      const double d = -std::log1p(-uniform01(stream)) - 0.5 - uniform01(stream);
      s.add(d, 0);
      mirrored.add(0, d);
    }
    for (const double confidence : {0.8, 0.95, 0.99}) {
      const auto i = s.interval(confidence), m = mirrored.interval(confidence);
      EXPECT_EQ(i->contains(0), s.p_value() > 1 - confidence) << run;
      EXPECT_NEAR(m->low, -i->high, 1e-9 * (1 + std::abs(i->high)));
      EXPECT_NEAR(m->high, -i->low, 1e-9 * (1 + std::abs(i->low)));
      EXPECT_TRUE(i->contains(s.mean()));
    }
  }
}

TEST(PairedSample, refuses_what_is_out_of_range) {
  const PairedSample s = sleep();
  for (const double confidence : {0.0, 1.0, -0.5, 2.0, nan}) EXPECT_THROW(s.interval(confidence), std::invalid_argument);
  for (const double margin : {0.0, -1.0, infinity, nan}) EXPECT_THROW(s.equivalence_p(margin), std::invalid_argument);
  EXPECT_THROW(s.smallest_detectable(0), std::invalid_argument);
  EXPECT_THROW(s.smallest_detectable(0.9, 0.8), std::invalid_argument);
  EXPECT_THROW(s.smallest_detectable(0.05, 1), std::invalid_argument);
  EXPECT_THROW(PairedSample({-1, 0, false}), std::invalid_argument);
  EXPECT_THROW(PairedSample({nan, 0, false}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline::statistics
