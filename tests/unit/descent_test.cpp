// A descent to the least of a function of few positive numbers.
#include "sim/core/descent.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

struct Pair {
  double a = 1, b = 1;
};

TEST(Descent, ends_at_the_minimum_over_many_orders_of_magnitude) {
  // A narrow valley: the least is at a = 300, b = 2e-5.
  const auto misfit = [](const Pair& p) {
    const double x = std::log(p.a / 300), y = std::log(p.b / 2e-5);
    return x * x + y * y + 1.5 * x * y;
  };
  const Pair found = descend(Pair{}, {&Pair::a, &Pair::b}, misfit, {1.5, 1 + 1e-7, 1e-12});
  EXPECT_NEAR(found.a / 300, 1, 1e-3);
  EXPECT_NEAR(found.b / 2e-5, 1, 1e-3);
}

TEST(Descent, leaves_what_it_is_not_told_to_move) {
  const auto misfit = [](const Pair& p) { return (p.a - 3) * (p.a - 3) + (p.b - 7) * (p.b - 7); };
  const Pair found = descend(Pair{}, {&Pair::a}, misfit, {2, 1.0001, 1e-12});
  EXPECT_NEAR(found.a, 3, 1e-3);
  EXPECT_EQ(found.b, 1);
}

}  // namespace
}  // namespace tideline
