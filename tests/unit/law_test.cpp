// Laws of a factor with mean 1: mean and squared coefficient of variation of what they draw.
#include "sim/core/law.h"

#include "sim/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace tideline {
namespace {

struct Named {
  std::string name;
  Law law;
  double cv2;
};

std::vector<Named> laws() {
  return {{"exponential", Law::exponential(), 1},
          {"erlang 4", Law::erlang(4), 0.25},
          {"gamma .3", Law::gamma(0.3), 0.3},
          {"gamma 2.5", Law::gamma(2.5), 2.5},
          {"lognormal .5", Law::lognormal(0.5), 0.5},
          {"lognormal 2", Law::lognormal(2), 2},
          {"hyperexponential 1", Law::hyperexponential(1), 1},
          {"hyperexponential 4", Law::hyperexponential(4), 4},
          // Uniform on 0 .. 2: variance 1/3.
          {"uniform", Law::quantiles({{0, 0}, {1, 7}}), 1.0 / 3}};
}

TEST(a_law, says_its_squared_coefficient_of_variation) {
  EXPECT_EQ(Law{}.cv2(), 0);
  EXPECT_TRUE(Law::deterministic().is_deterministic());
  for (const Named& n : laws()) EXPECT_NEAR(n.law.cv2(), n.cv2, 1e-12) << n.name;
}

TEST(a_law, draws_a_factor_of_mean_one_and_that_variance) {
  for (const Named& n : laws()) {
    const int draws = 400000;
    double sum = 0, squares = 0, fourth = 0, least = 1;
    for (std::uint64_t k = 0; k < draws; ++k) {
      KeyedDraw draw(7, Purpose::service, k);
      const double x = n.law.sample(draw), y = (x - 1) * (x - 1);
      least = std::min(least, x);
      sum += x;
      squares += y;
      fourth += y * y;
    }
    EXPECT_GE(least, 0) << n.name;
    EXPECT_NEAR(sum / draws, 1, 4 * std::sqrt(n.cv2 / draws)) << n.name;
    // The error of the variance follows from the fourth moment, which is estimated from the sample.
    const double error = std::sqrt((fourth / draws - n.cv2 * n.cv2) / draws);
    EXPECT_NEAR(squares / draws, n.cv2, 4.5 * error) << n.name;
  }
}

TEST(a_deterministic_law, takes_nothing_from_the_generator) {
  KeyedDraw a(1, Purpose::service, 1), b(1, Purpose::service, 1);
  EXPECT_EQ(Law{}.sample(a), 1.0);
  EXPECT_EQ(a(), b());
}

TEST(a_law_of_quantiles, has_the_mean_and_variance_of_its_integral) {
  const std::vector<std::pair<double, double>> points{{0, 0.5}, {0.1, 0.8}, {0.5, 1.0}, {0.9, 2.0}, {0.99, 6.0}, {1, 9.0}};
  const Law law = Law::quantiles(points);
  // By the midpoint rule over the inverse distribution.
  const auto inverse = [&](double u) {
    std::size_t i = 1;
    while (i + 1 < points.size() && points[i].first <= u) ++i;
    const auto& [p0, x0] = points[i - 1];
    const auto& [p1, x1] = points[i];
    return x0 + (x1 - x0) * (u - p0) / (p1 - p0);
  };
  const int steps = 1000000;
  double mean = 0, second = 0;
  for (int k = 0; k < steps; ++k) {
    const double x = inverse((k + 0.5) / steps);
    mean += x / steps;
    second += x * x / steps;
  }
  EXPECT_NEAR(law.cv2(), second / (mean * mean) - 1, 1e-9);
  double least = 100, most = 0, sum = 0;
  const int draws = 200000;
  for (std::uint64_t k = 0; k < draws; ++k) {
    KeyedDraw draw(3, Purpose::load, k);
    const double x = law.sample(draw);
    least = std::min(least, x);
    most = std::max(most, x);
    sum += x;
  }
  EXPECT_GE(least, 0.5 / mean - 1e-12);
  EXPECT_LE(most, 9.0 / mean + 1e-12);
  EXPECT_NEAR(sum / draws, 1, 4 * std::sqrt(law.cv2() / draws));
}

TEST(a_keyed_draw, depends_on_every_part_of_its_key) {
  const auto first = [](std::uint64_t seed, Purpose p, std::uint64_t serial, std::uint64_t detail) {
    return KeyedDraw(seed, p, serial, detail)();
  };
  const std::uint64_t base = first(1, Purpose::service, 2, 3);
  EXPECT_EQ(base, first(1, Purpose::service, 2, 3));
  EXPECT_NE(base, first(2, Purpose::service, 2, 3));
  EXPECT_NE(base, first(1, Purpose::answer, 2, 3));
  EXPECT_NE(base, first(1, Purpose::service, 3, 3));
  EXPECT_NE(base, first(1, Purpose::service, 2, 4));
}

}  // namespace
}  // namespace tideline
