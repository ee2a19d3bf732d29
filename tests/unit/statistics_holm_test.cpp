#include "sim/statistics/holm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tideline::statistics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void expect_adjusted(const std::vector<double>& p, const std::vector<double>& expected, std::size_t family = 0) {
  const std::vector<double> adjusted = holm(p, family);
  ASSERT_EQ(adjusted.size(), expected.size());
  for (std::size_t k = 0; k < expected.size(); ++k) {
    if (std::isnan(expected[k]))
      EXPECT_TRUE(std::isnan(adjusted[k])) << k;
    else
      EXPECT_NEAR(adjusted[k], expected[k], 1e-15) << k;
  }
}

TEST(Holm, gives_what_the_p_adjust_of_r_gives) {
  // p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
  expect_adjusted({0.01, 0.02, 0.03, 0.04, 0.05}, {0.05, 0.08, 0.09, 0.09, 0.09});
  // Out of order, by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 raised to the one before it.
  expect_adjusted({0.01, 0.04, 0.03, 0.005}, {0.03, 0.06, 0.06, 0.02});
}

TEST(Holm, is_at_most_one_and_equal_for_equal_values) {
  expect_adjusted({0.6, 0.7, 1}, {1, 1, 1});
  expect_adjusted({0.01, 0.01, 0.01}, {0.03, 0.03, 0.03});
  expect_adjusted({0, 0.5}, {0, 0.5});
  expect_adjusted({0.2}, {0.2});
  expect_adjusted({}, {});
}

TEST(Holm, leaves_out_what_could_not_be_tested) { expect_adjusted({0.01, nan, 0.03}, {0.02, nan, 0.03}); }

TEST(Holm, counts_a_larger_family) {
  // p.adjust(c(0.01, 0.02), "holm", n = 5)
  expect_adjusted({0.01, 0.02}, {0.05, 0.08}, 5);
  expect_adjusted({0.01, 0.02}, {0.02, 0.02}, 1);
}

TEST(Holm, refuses_what_is_no_probability) {
  EXPECT_THROW(holm(std::vector<double>{0.1, 1.1}), std::invalid_argument);
  EXPECT_THROW(holm(std::vector<double>{-0.1}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline::statistics
