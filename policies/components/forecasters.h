// What comes next in a series of equal steps, such as the arrivals of windows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tideline {

/// Learns a series value by value. All memory is taken when it is made, but for peaks of more than 1024 values.
class Forecaster {
 public:
  virtual ~Forecaster() = default;
  /// The next value of the series.
  virtual void add(double value) = 0;
  /// The value `steps` >= 1 after the last; 0 of an empty series. May be below 0.
  virtual double forecast(std::size_t steps) const = 0;
};

/// The value one season before; before a season is over the last value.
/// Source: Hyndman and Athanasopoulos, "Forecasting: principles and practice", 3rd edition, OTexts 2021, section 5.2.
class SeasonalNaive final : public Forecaster {
 public:
  explicit SeasonalNaive(std::size_t season) : last_(season) {}
  void add(double value) override { last_[count_++ % last_.size()] = value; }
  double forecast(std::size_t steps) const override;

 private:
  std::vector<double> last_;  // a ring of one season
  std::size_t count_ = 0;
};

/// Exponentially weighted moving average: level = weight x value + (1 - weight) x level, beginning with the first value.
class Ewma final : public Forecaster {
 public:
  explicit Ewma(double weight) : weight_(weight) {}
  void add(double value) override {
    level_ = empty_ ? value : weight_ * value + (1 - weight_) * level_;
    empty_ = false;
  }
  double forecast(std::size_t) const override { return level_; }

 private:
  double weight_, level_ = 0;
  bool empty_ = true;
};

/// Linear trend: level and trend, both averaged exponentially; they begin with the first value and the first difference.
/// Source: C. C. Holt, 1957, reprinted in International Journal of Forecasting 20(1), 2004.
class Holt final : public Forecaster {
 public:
  Holt(double level_weight, double trend_weight) : level_weight_(level_weight), trend_weight_(trend_weight) {}
  void add(double value) override;
  double forecast(std::size_t steps) const override { return level_ + static_cast<double>(steps) * trend_; }

 private:
  double level_weight_, trend_weight_, level_ = 0, trend_ = 0;
  std::size_t count_ = 0;
};

/// Linear trend and additive seasons, averaged exponentially.
/// Source: P. R. Winters, "Forecasting sales by exponentially weighted moving averages", Management Science 6(3), 1960.
///
/// It begins when two seasons are over: the level with the mean of the first, the trend with the mean of the second season's differences
/// to the first, by step, the seasonal terms with the first season less the level; then the second season is learnt. Before that it is
/// seasonal naive.
class HoltWinters final : public Forecaster {
 public:
  HoltWinters(double level_weight, double trend_weight, double season_weight, std::size_t season);
  void add(double value) override;
  double forecast(std::size_t steps) const override;
  /// Begins at the end of a season with what is known.
  void start(double level, double trend, std::span<const double> seasonal);

 private:
  void learn(double value);

  double level_weight_, trend_weight_, season_weight_;
  double level_ = 0, trend_ = 0;
  bool started_ = false;
  std::size_t step_ = 0;  // in its season, of the next value
  std::vector<double> seasonal_, first_seasons_;
  SeasonalNaive naive_;
};

/// Autoregression about the mean: each value depends on the last `order`. Coefficients by the Yule-Walker equations on biased
/// autocovariances (sums divided by n) of the last `window` values.
/// Source: Box, Jenkins and Reinsel, "Time series analysis", section 7.3; order by Akaike's criterion n ln(variance) + 2 order.
class Autoregression final : public Forecaster {
 public:
  static constexpr std::size_t most_order = 5;
  /// `order` 0: the one of 0 .. 5 that the criterion prefers.
  explicit Autoregression(std::size_t window, std::size_t order = 0) : order_(order), last_(window) {}
  void add(double value) override { last_[count_++ % last_.size()] = value; }
  double forecast(std::size_t steps) const override;

 private:
  std::size_t order_;
  std::vector<double> last_;  // a ring
  std::size_t count_ = 0;
};

/// The largest of the last `window` values.
class Peak final : public Forecaster {
 public:
  explicit Peak(std::size_t window) : window_(window) { last_.reserve(std::min<std::size_t>(window, 1024)); }
  void add(double value) override {
    // Grows with what came: a window for "all that was" would take its memory for each variant before the first.
    if (count_ < window_)
      last_.push_back(value);
    else
      last_[count_ % window_] = value;
    ++count_;
  }
  double forecast(std::size_t steps) const override;

 private:
  std::size_t window_;
  std::vector<double> last_;  // a ring once it is full
  std::size_t count_ = 0;
};

enum class ForecastMethod : std::uint8_t { seasonal_naive, ewma, holt, holt_winters, autoregression, peak };

/// What the methods are made with; each takes what it needs.
struct ForecastSettings {
  ForecastMethod method = ForecastMethod::ewma;
  std::size_t season = 1;                ///< steps; seasonal naive, Holt-Winters
  std::size_t window = 60;               ///< values; autoregression, peak
  std::optional<double> level_weight{};  ///< none: 0.3 of EWMA, 0.5 of Holt and Holt-Winters
  std::optional<double> trend_weight{};  ///< none: 0.5 of Holt, 0.1 of Holt-Winters
  double seasonal_weight = 0.1;          ///< Holt-Winters
};
std::unique_ptr<Forecaster> make_forecaster(const ForecastSettings& settings);

}  // namespace tideline
