// The next value of a short series by ARIMA models.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace tideline {

/// Most values that a forecast looks at: the last ones.
inline constexpr std::size_t arima_window = 64;

/// One step ahead by the ARIMA(p, d, q) model, p and q at most 2 and d at most 1, of least AICc; models with d = 0 have a mean. None where
/// the series is too short (under 8 values) or the forecast is not finite. Allocates nothing.
///
/// Coefficients are those of Hannan and Rissanen, "Recursive estimation of mixed autoregressive-moving average order", Biometrika 69(1),
/// 1982: the errors of an AR(2) fit stand for those of the model, and a second least-squares fit takes them as regressors.
std::optional<double> arima_forecast(std::span<const double> series);

}  // namespace tideline
