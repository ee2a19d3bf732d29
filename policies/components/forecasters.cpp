#include "policies/components/forecasters.h"

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tideline {

double SeasonalNaive::forecast(std::size_t steps) const {
  const std::size_t season = last_.size();
  if (count_ == 0) return 0;
  if (count_ < season) return last_[count_ - 1];
  return last_[(count_ + (steps - 1) % season) % season];
}

void Holt::add(double value) {
  ++count_;
  if (count_ == 1) {
    level_ = value;
    return;
  }
  if (count_ == 2) trend_ = value - level_;
  const double before = level_;
  level_ = level_weight_ * value + (1 - level_weight_) * (level_ + trend_);
  trend_ = trend_weight_ * (level_ - before) + (1 - trend_weight_) * trend_;
}

HoltWinters::HoltWinters(double level_weight, double trend_weight, double season_weight, std::size_t season)
    : level_weight_(level_weight), trend_weight_(trend_weight), season_weight_(season_weight), seasonal_(season), naive_(season) {
  first_seasons_.reserve(2 * season);
}

void HoltWinters::start(double level, double trend, std::span<const double> seasonal) {
  level_ = level;
  trend_ = trend;
  std::copy(seasonal.begin(), seasonal.end(), seasonal_.begin());
  started_ = true;
}

void HoltWinters::add(double value) {
  if (started_) return learn(value);
  naive_.add(value);
  first_seasons_.push_back(value);
  const std::size_t season = seasonal_.size();
  if (first_seasons_.size() < 2 * season) return;
  double level = 0, trend = 0;
  for (std::size_t k = 0; k < season; ++k) {
    level += first_seasons_[k] / static_cast<double>(season);
    trend += (first_seasons_[season + k] - first_seasons_[k]) / static_cast<double>(season * season);
  }
  for (std::size_t k = 0; k < season; ++k) seasonal_[k] = first_seasons_[k] - level;
  level_ = level;
  trend_ = trend;
  started_ = true;
  for (std::size_t k = season; k < 2 * season; ++k) learn(first_seasons_[k]);
}

void HoltWinters::learn(double value) {
  double& seasonal = seasonal_[step_];
  step_ = (step_ + 1) % seasonal_.size();
  const double before = level_;
  level_ = level_weight_ * (value - seasonal) + (1 - level_weight_) * (level_ + trend_);
  trend_ = trend_weight_ * (level_ - before) + (1 - trend_weight_) * trend_;
  seasonal = season_weight_ * (value - level_) + (1 - season_weight_) * seasonal;
}

double HoltWinters::forecast(std::size_t steps) const {
  if (!started_) return naive_.forecast(steps);
  return level_ + static_cast<double>(steps) * trend_ + seasonal_[(step_ + steps - 1) % seasonal_.size()];
}

double Autoregression::forecast(std::size_t steps) const {
  constexpr int most = static_cast<int>(most_order);
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, most, most>;
  using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, Eigen::ColMajor, most, 1>;
  const std::size_t n = std::min(count_, last_.size());
  if (n == 0) return 0;
  const auto at = [&](std::size_t k) { return last_[(count_ - n + k) % last_.size()]; };  // oldest first
  const auto size = static_cast<double>(n);
  double mean = 0;
  for (std::size_t k = 0; k < n; ++k) mean += at(k) / size;
  const std::size_t largest = std::min(order_ > 0 ? std::min(order_, most_order) : most_order, n - 1);
  std::array<double, most_order + 1> covariance{};
  for (std::size_t lag = 0; lag <= largest; ++lag)
    for (std::size_t k = lag; k < n; ++k) covariance[lag] += (at(k) - mean) * (at(k - lag) - mean) / size;
  if (covariance[0] <= 1e-12 * mean * mean) return mean;

  Vector best(0);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t order = order_ > 0 ? largest : 0; order <= largest; ++order) {
    const auto p = static_cast<Eigen::Index>(order);
    Matrix toeplitz(p, p);
    Vector right(p);
    for (Eigen::Index r = 0; r < p; ++r) {
      right[r] = covariance[static_cast<std::size_t>(r) + 1];
      for (Eigen::Index c = 0; c < p; ++c) toeplitz(r, c) = covariance[static_cast<std::size_t>(std::abs(r - c))];
    }
    Vector coefficients(p);
    if (p > 0) coefficients = toeplitz.ldlt().solve(right);
    const double variance = covariance[0] - (p > 0 ? coefficients.dot(right) : 0);
    const double criterion = size * std::log(std::max(variance, 1e-12 * covariance[0])) + 2 * static_cast<double>(order);
    if (!(criterion < least)) continue;
    least = criterion;
    best = coefficients;
  }
  // Deviations from the mean, the newest first.
  std::array<double, most_order> deviation{};
  const auto order = static_cast<std::size_t>(best.size());
  for (std::size_t k = 0; k < order; ++k) deviation[k] = at(n - 1 - k) - mean;
  double next = 0;
  for (std::size_t s = 0; s < steps && order > 0; ++s) {
    next = 0;
    for (std::size_t k = 0; k < order; ++k) next += best[static_cast<Eigen::Index>(k)] * deviation[k];
    std::copy_backward(deviation.begin(), deviation.end() - 1, deviation.end());
    deviation[0] = next;
  }
  return mean + next;
}

double Peak::forecast(std::size_t) const {
  const std::size_t n = std::min(count_, last_.size());
  return n == 0 ? 0 : *std::max_element(last_.begin(), last_.begin() + static_cast<std::ptrdiff_t>(n));
}

std::unique_ptr<Forecaster> make_forecaster(const ForecastSettings& s) {
  switch (s.method) {
    case ForecastMethod::seasonal_naive:
      return std::make_unique<SeasonalNaive>(s.season);
    case ForecastMethod::ewma:
      return std::make_unique<Ewma>(s.level_weight.value_or(0.3));
    case ForecastMethod::holt:
      return std::make_unique<Holt>(s.level_weight.value_or(0.5), s.trend_weight.value_or(0.5));
    case ForecastMethod::holt_winters:
      return std::make_unique<HoltWinters>(s.level_weight.value_or(0.5), s.trend_weight.value_or(0.1), s.seasonal_weight, s.season);
    case ForecastMethod::autoregression:
      return std::make_unique<Autoregression>(s.window);
    case ForecastMethod::peak:
      return std::make_unique<Peak>(s.window);
  }
  return nullptr;
}

}  // namespace tideline
