// A10: forecasters, by worked examples that were computed independently.
#include "policies/components/forecasters.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tideline {
namespace {

template <class F>
void add_all(F& f, std::initializer_list<double> values) {
  for (const double v : values) f.add(v);
}

TEST(Forecasters, seasonal_naive_is_the_value_one_season_before) {
  SeasonalNaive f(3);
  EXPECT_EQ(f.forecast(1), 0);
  add_all(f, {1, 2});
  EXPECT_EQ(f.forecast(2), 2) << "no season yet: the last value";
  add_all(f, {3, 4});
  EXPECT_EQ(f.forecast(1), 2);
  EXPECT_EQ(f.forecast(2), 3);
  EXPECT_EQ(f.forecast(3), 4);
  EXPECT_EQ(f.forecast(4), 2);
}

TEST(Forecasters, ewma_begins_with_the_first_value) {
  Ewma f(0.3);
  add_all(f, {10, 12, 13, 15, 14, 16, 18, 17});
  EXPECT_NEAR(f.forecast(1), 15.6556, 5e-5);
  EXPECT_EQ(f.forecast(7), f.forecast(1));
}

TEST(Forecasters, holt_follows_a_trend) {
  Holt f(0.5, 0.5);
  f.add(100);
  EXPECT_EQ(f.forecast(3), 100);
  add_all(f, {110, 120, 135});
  EXPECT_DOUBLE_EQ(f.forecast(1), 143.75);
  EXPECT_DOUBLE_EQ(f.forecast(2), 155);
  EXPECT_DOUBLE_EQ(f.forecast(3), 166.25);
}

TEST(Forecasters, holt_winters_follows_trend_and_season) {
  const std::vector<double> y{10, 20, 30, 20, 12, 22, 32, 22, 14, 24, 34, 24};
  const std::vector<double> one_step{10.5, 21.825, 32.4963, 22.8071, 12.9971, 24.001, 34.5356, 24.7942};
  // Begun with what the first two seasons say, so that the forecasts within the second can be compared too.
  HoltWinters known(0.5, 0.1, 0.1, 4), f(0.5, 0.1, 0.1, 4);
  known.start(20, 0.5, std::vector<double>{-10, 0, 10, 0});
  for (std::size_t k = 0; k < y.size(); ++k) {
    if (k >= 4) {
      EXPECT_NEAR(known.forecast(1), one_step[k - 4], 6e-5) << k;
      known.add(y[k]);
    }
    if (k >= 8) {
      EXPECT_NEAR(f.forecast(1), one_step[k - 4], 6e-5) << k;
    }
    f.add(y[k]);
  }
  const std::vector<double> next{15.0648, 25.4505, 35.8924, 26.3661};
  for (std::size_t h = 1; h <= 4; ++h) {
    EXPECT_NEAR(f.forecast(h), next[h - 1], 6e-5);
    EXPECT_DOUBLE_EQ(known.forecast(h), f.forecast(h));
  }
}

TEST(Forecasters, holt_winters_is_naive_before_two_seasons) {
  HoltWinters f(0.5, 0.1, 0.1, 3);
  EXPECT_EQ(f.forecast(1), 0);
  add_all(f, {1, 2, 3, 4, 5});
  EXPECT_EQ(f.forecast(1), 3);
  HoltWinters steady(0.5, 0.1, 0.1, 3);
  add_all(steady, {1, 2, 6, 1, 2, 6});
  for (std::size_t h = 1; h <= 4; ++h) EXPECT_NEAR(steady.forecast(h), h == 2 ? 2 : h == 3 ? 6 : 1, 1e-12) << "the same again";
}

TEST(Forecasters, autoregression_returns_to_the_mean) {
  Autoregression f(100, 1);
  add_all(f, {10, 12, 13, 15, 14, 16, 18, 17});
  EXPECT_NEAR(f.forecast(1), 15.815, 5e-5);  // mean 14.375, coefficient .548559
  EXPECT_NEAR((f.forecast(1) - 14.375) / (17 - 14.375), 0.548559, 5e-7);
  EXPECT_NEAR(f.forecast(2), 15.1649, 5e-5);
  EXPECT_NEAR(f.forecast(3), 14.8083, 5e-5);
  EXPECT_NEAR(f.forecast(1000), 14.375, 1e-9);
}

TEST(Forecasters, autoregression_chooses_its_order) {
  Autoregression chosen(100), first(100, 1), second(100, 2);
  add_all(chosen, {10, 12, 13, 15, 14, 16, 18, 17});
  add_all(first, {10, 12, 13, 15, 14, 16, 18, 17});
  EXPECT_DOUBLE_EQ(chosen.forecast(1), first.forecast(1));
  // A wave of five steps needs two lags: x_t = 2 cos(72 degrees) x_{t-1} - x_{t-2}.
  Autoregression wave(400);
  for (int t = 0; t < 400; ++t) wave.add(10 + 5 * std::cos(2 * std::acos(-1.0) * t / 5));
  EXPECT_NEAR(wave.forecast(1), 15, 0.1);
  EXPECT_NEAR(wave.forecast(3), 10 + 5 * std::cos(2 * std::acos(-1.0) * 402 / 5), 0.1);
}

TEST(Forecasters, autoregression_copes_with_little) {
  Autoregression f(4);
  EXPECT_EQ(f.forecast(1), 0);
  f.add(3);
  EXPECT_EQ(f.forecast(1), 3);
  for (int k = 0; k < 10; ++k) f.add(7);
  EXPECT_NEAR(f.forecast(5), 7, 1e-12) << "constant";
}

TEST(Forecasters, peak_is_the_largest_of_the_window) {
  Peak f(3);
  EXPECT_EQ(f.forecast(1), 0);
  add_all(f, {5, 1, 2});
  EXPECT_EQ(f.forecast(1), 5);
  f.add(3);
  EXPECT_EQ(f.forecast(1), 3);
}

TEST(Forecasters, each_method_is_made) {
  for (const ForecastMethod m : {ForecastMethod::seasonal_naive, ForecastMethod::ewma, ForecastMethod::holt, ForecastMethod::holt_winters,
                                 ForecastMethod::autoregression, ForecastMethod::peak}) {
    const auto f = make_forecaster({.method = m, .season = 4});
    ASSERT_NE(f, nullptr);
    for (int k = 0; k < 20; ++k) f->add(6);
    EXPECT_NEAR(f->forecast(2), 6, 1e-9);
  }
}

}  // namespace
}  // namespace tideline
