#include "policies/components/arima.h"

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <cmath>

namespace tideline {

namespace {

using Terms = Eigen::Vector4d;  // those that a model lacks are 0

/// Sums of a least-squares fit.
struct Fit {
  Eigen::Matrix4d squares = Eigen::Matrix4d::Zero();
  Terms products = Terms::Zero();

  void add(const Terms& x, double y) {
    squares += x * x.transpose();
    products += x * y;
  }
  /// A term that the others say already gets 0.
  Terms solve() const {
    Eigen::ColPivHouseholderQR<Eigen::Matrix4d> decomposition;
    decomposition.setThreshold(1e-9);
    return decomposition.compute(squares).solve(products);
  }
};

}  // namespace

std::optional<double> arima_forecast(std::span<const double> series) {
  constexpr std::size_t least_values = 8, lags = 2;
  if (series.size() < least_values) return {};
  const std::span<const double> x = series.last(std::min(series.size(), arima_window));
  const std::size_t n = x.size();
  // All models are judged by the same values, from the first that each can say something of: differenced once, after the errors of AR(2).
  constexpr std::size_t judged_from = 1 + lags + lags;
  const std::size_t judged = n - judged_from;
  double mean = 0, square = 0;
  for (const double v : x) mean += v / static_cast<double>(n);
  for (const double v : x) square += v * v;
  const double no_error = 1e-18 * square + 1e-300;

  double least = 0;
  std::optional<double> answer;
  for (const std::size_t d : {0U, 1U}) {
    // w[t] belongs to x[t]; with d = 1 there is none for the first.
    std::array<double, arima_window + 1> w{}, error{};
    for (std::size_t t = d; t < n; ++t) w[t] = d == 0 ? x[t] - mean : x[t] - x[t - 1];
    const auto terms = [&](std::size_t t, std::size_t p, std::size_t q) {
      Terms r = Terms::Zero();
      for (std::size_t k = 0; k < p; ++k) r[static_cast<Eigen::Index>(k)] = w[t - 1 - k];
      for (std::size_t k = 0; k < q; ++k) r[static_cast<Eigen::Index>(p + k)] = error[t - 1 - k];
      return r;
    };
    Fit first;
    for (std::size_t t = d + lags; t < n; ++t) first.add(terms(t, lags, 0), w[t]);
    const Terms ar = first.solve();
    for (std::size_t t = d + lags; t < n; ++t) error[t] = w[t] - ar.dot(terms(t, lags, 0));
    for (std::size_t p = 0; p <= lags; ++p)
      for (std::size_t q = 0; q <= lags; ++q) {
        Fit fit;
        for (std::size_t t = judged_from; t < n; ++t) fit.add(terms(t, p, q), w[t]);
        const Terms b = fit.solve();
        double squares = 0;
        for (std::size_t t = judged_from; t < n; ++t) squares += std::pow(w[t] - b.dot(terms(t, p, q)), 2);
        const auto count = static_cast<double>(judged), parameters = static_cast<double>(p + q + 1 - d) + 1;  // and the variance
        if (count - parameters - 1 <= 0) continue;
        const double aicc = count * std::log(std::max(squares, no_error) / count) + 2 * parameters +
                            2 * parameters * (parameters + 1) / (count - parameters - 1);
        const double next = (d == 0 ? mean : x[n - 1]) + b.dot(terms(n, p, q));
        if (!std::isfinite(next) || (answer && !(aicc < least))) continue;
        least = aicc;
        answer = next;
      }
  }
  return answer;
}

}  // namespace tideline
