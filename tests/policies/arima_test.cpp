// One-step forecasts of short series.
#include "policies/components/arima.h"
#include "sim/core/random.h"
#include "tests/support/allocation_counter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tideline {
namespace {

TEST(Arima, goes_on_with_what_goes_on) {
  EXPECT_NEAR(*arima_forecast(std::vector<double>(10, 300)), 300, 1e-6);
  std::vector<double> line, turns;
  for (int k = 0; k < 12; ++k) {
    line.push_back(300 + 10 * k);
    turns.push_back(k % 2 == 0 ? 300 : 400);
  }
  EXPECT_NEAR(*arima_forecast(line), 420, 1e-6);
  EXPECT_NEAR(*arima_forecast(turns), 300, 1);
}

TEST(Arima, needs_eight_values_and_looks_at_the_last_ones) {
  EXPECT_FALSE(arima_forecast(std::vector<double>(7, 300)));
  std::vector<double> x(100, 1e6);
  x.resize(100 + arima_window, 300);
  EXPECT_NEAR(*arima_forecast(x), 300, 1e-6);
}

TEST(Arima, knows_an_autoregression_and_a_moving_average) {
  // x(t) = 500 + 0.8 (x(t-1) - 500) + e and x(t) = 500 + e + 0.8 e(t-1): forecasts are better than the mean by about what theory says,
  // errors of 1 against 1 / (1 - 0.64) = 2.8 and 1.64 in squares.
  Stream s(5);
  const auto noise = [&] { return std::sqrt(-2 * std::log1p(-uniform01(s))) * std::cos(6.283185307179586 * uniform01(s)); };
  double of_ar = 0, mean_of_ar = 0, of_ma = 0, mean_of_ma = 0;
  constexpr int n = 300;
  for (int k = 0; k < n; ++k) {
    std::vector<double> ar, ma;
    double x = 0, last = noise();
    for (int t = 0; t < 80; ++t) {
      const double e = noise();
      x = 0.8 * x + e;
      ar.push_back(500 + x);
      ma.push_back(500 + e + 0.8 * last);
      last = e;
    }
    const auto judge = [&](std::vector<double>& series, double& squares, double& of_mean) {
      const double truth = series.back();
      series.pop_back();
      squares += std::pow(*arima_forecast(series) - truth, 2) / n;
      of_mean += std::pow(500 - truth, 2) / n;
    };
    judge(ar, of_ar, mean_of_ar);
    judge(ma, of_ma, mean_of_ma);
  }
  EXPECT_LT(of_ar, 0.55 * mean_of_ar);
  EXPECT_LT(of_ma, 0.85 * mean_of_ma);
  EXPECT_LT(of_ar, 1.35);
  EXPECT_LT(of_ma, 1.45);
}

TEST(Arima, allocates_nothing) {
  std::vector<double> x;
  for (int k = 0; k < 40; ++k) x.push_back(300 + k * k % 17);
  EXPECT_EQ(test::allocations_of([&] { (void)arima_forecast(x); }), 0U);
}

}  // namespace
}  // namespace tideline
