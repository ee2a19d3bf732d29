// The parameters of policies that forecast.
#pragma once

#include "policies/components/forecasters.h"
#include "sim/core/param.h"
#include "sim/core/time.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>

namespace tideline {

/// What a policy that forecasts window by window takes as parameters. Its own derive from it and declare these too, with std::tuple_cat.
struct ForecastParams {
  ForecastMethod method = ForecastMethod::ewma;
  Duration interval = 60s;
  Duration season = 24h;
  std::uint32_t window = 60;
  std::optional<double> level_weight, trend_weight;
  double seasonal_weight = 0.1;

  static constexpr auto declare_forecast() {
    return param::fields(
        param::choice("method", &ForecastParams::method, "How arrivals are forecast.",
                      {{"seasonal_naive", ForecastMethod::seasonal_naive},
                       {"ewma", ForecastMethod::ewma},
                       {"holt", ForecastMethod::holt},
                       {"holt_winters", ForecastMethod::holt_winters},
                       {"autoregression", ForecastMethod::autoregression},
                       {"peak", ForecastMethod::peak}}),
        param::field("interval_s", &ForecastParams::interval, "Time between two forecasts: one window.", {0.001, 86400}),
        param::field("season_s", &ForecastParams::season, "Length of a season; methods seasonal_naive and holt_winters.",
                     {0.001, 31536000}),
        param::field("window", &ForecastParams::window, "Windows looked back at; methods autoregression and peak.", {1, 100'000}),
        param::field("level_weight", &ForecastParams::level_weight,
                     "Of a new value in the level; none: 0.3 of ewma, 0.5 of holt and holt_winters.", {1e-6, 1}),
        param::field("trend_weight", &ForecastParams::trend_weight,
                     "Of a new difference in the trend; none: 0.5 of holt, 0.1 of holt_winters.", {0, 1}),
        param::field("seasonal_weight", &ForecastParams::seasonal_weight, "Of a new value in its seasonal term; method holt_winters.",
                     {0, 1}));
  }

  /// Throws std::invalid_argument where a season is no whole number of windows.
  ForecastSettings settings() const {
    if (method != ForecastMethod::seasonal_naive && method != ForecastMethod::holt_winters)
      return {method, 1, window, level_weight, trend_weight, seasonal_weight};
    if (season % interval != Duration{}) throw std::invalid_argument("season_s: not a multiple of interval_s");
    if (season / interval > 1'000'000) throw std::invalid_argument("season_s: more than a million windows");
    return {method, static_cast<std::size_t>(season / interval), window, level_weight, trend_weight, seasonal_weight};
  }
  /// The largest forecast of the windows that begin within the horizon, at least 0.
  double most(const Forecaster& forecaster, Duration horizon) const {
    const std::int64_t steps = std::max<std::int64_t>(1, (horizon + interval - Duration{1}) / interval);
    double most = 0;
    for (std::int64_t k = 1; k <= steps; ++k) most = std::max(most, forecaster.forecast(static_cast<std::size_t>(k)));
    return most;
  }
};

}  // namespace tideline
