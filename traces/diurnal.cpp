#include "traces/diurnal.h"

#include "traces/fine_time.h"
#include "traces/nanoseconds.h"

#include <boost/random/exponential_distribution.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>

namespace tideline {
namespace {

constexpr double day_s = 86400;
constexpr double hour_s = 3600;

/// A relative rate over the day with mean 1. Times are seconds since midnight; areas are integrals of the rate, in seconds.
class DailyShape {
 public:
  DailyShape(double peak_to_trough, double peak_hour)
      : amplitude_((peak_to_trough - 1) / (peak_to_trough + 1)), peak_s_(peak_hour * hour_s) {}

  explicit DailyShape(const std::vector<double>& hourly) : by_hour_(true) {
    double sum = 0;
    for (const double h : hourly) sum += h;
    for (std::size_t k = 0; k < 24; ++k) level_[k] = hourly[k] * (24 / sum);
    for (std::size_t k = 0; k < 25; ++k) area_[k + 1] = area_[k] + hour_s * 0.5 * (level(k) + level(k + 1));
  }

  /// Area from midnight to `at`, 0 .. 86400.
  double area(double at) const {
    if (by_hour_) return area_since_2330(at + hour_s / 2) - area_since_2330(hour_s / 2);
    return at + 2 * amplitude_ / omega * std::sin(omega * at / 2) * std::cos(omega * (at / 2 - peak_s_));
  }

  /// The span after `at` (0 .. 86400) that holds `area` >= 0.
  double span(double at, double area) const {
    const double days = std::floor(area / day_s);
    const double rest = area - days * day_s;
    return days * day_s + (by_hour_ ? span_by_hour(at, rest) : span_of_sinusoid(at, rest));
  }

 private:
  static constexpr double omega = 2 * std::numbers::pi / day_s;

  // Piece k is the hour from the middle of hour k - 1 to the middle of hour k, and `level(k)` the rate at its start.
  double level(std::size_t k) const { return level_[(k + 23) % 24]; }

  double area_since_2330(double s) const {
    const double hours = s / hour_s;
    const std::size_t k = std::min<std::size_t>(static_cast<std::size_t>(hours), 24);
    const double x = hours - static_cast<double>(k);
    return area_[k] + hour_s * x * (level(k) + 0.5 * x * (level(k + 1) - level(k)));
  }

  double span_by_hour(double at, double area) const {
    const double hours = at / hour_s + 0.5;
    std::size_t k = static_cast<std::size_t>(hours);
    double x = hours - static_cast<double>(k), rest = area / hour_s, passed = 0;
    while (true) {
      const double slope = level(k + 1) - level(k), here = level(k) + slope * x;
      const double piece = (1 - x) * 0.5 * (here + level(k + 1));
      if (rest <= piece) {
        if (rest <= 0) return passed * hour_s;
        // The root of here d + slope d^2 / 2 = rest in the form that does not cancel.
        const double root = std::sqrt(std::max(0.0, here * here + 2 * slope * rest));
        return (passed + std::min(2 * rest / (here + root), 1 - x)) * hour_s;
      }
      rest -= piece;
      passed += 1 - x;
      x = 0;
      ++k;
    }
  }

  double span_of_sinusoid(double at, double area) const {
    const double phase = omega * (at - peak_s_);
    double low = area / (1 + amplitude_), high = std::min(area / (1 - amplitude_), area + 2 * amplitude_ / omega);
    double x = area / (1 + amplitude_ * std::cos(phase));
    x = std::min(std::max(x, low), high);
    for (int round = 0; round < 200; ++round) {
      // sin(a + b) - sin(a) as a product: it does not cancel for the short spans of fast sources.
      const double excess = x + 2 * amplitude_ / omega * std::sin(omega * x / 2) * std::cos(phase + omega * x / 2) - area;
      const double step = excess / (1 + amplitude_ * std::cos(phase + omega * x));
      (excess > 0 ? high : low) = x;
      if (std::abs(step) < 1e-7) return std::max(0.0, x - step);  // the error after a step is far below its square
      const double newton = x - step;
      x = newton > low && newton < high ? newton : 0.5 * (low + high);
      if (high - low < 1e-10) return x;
    }
    return x;
  }

  bool by_hour_ = false;
  double amplitude_ = 0;
  double peak_s_ = 0;
  std::array<double, 24> level_{};
  std::array<double, 26> area_{};  // area_[k]: from 23:30 of the day before to the start of piece k
};

class DiurnalSource final : public ArrivalSource {
 public:
  DiurnalSource(double mean_qps, const DailyShape& shape, Stream stream) : mean_qps_(mean_qps), shape_(shape), stream_(stream) {}

  bool next(Arrival& out) override {
    const double at_s = (static_cast<double>(clock_.whole_ns() % day_ns) + clock_.fraction_ns()) * 1e-9;
    const double span_s = shape_.span(at_s, exponential_(stream_) / mean_qps_);
    if (!clock_.advance(span_s * 1e9)) return false;
    out = Arrival{};
    out.at = clock_.time();
    return true;
  }

  double mean_qps(Time from, Time to) const override {
    if (from >= to) return 0;
    const std::int64_t a = std::max<std::int64_t>(from.time_since_epoch().count(), 0), b = to.time_since_epoch().count();
    if (a >= b) return 0;
    const auto days = b / day_ns - a / day_ns;
    const double area = static_cast<double>(days) * day_s + shape_.area(static_cast<double>(b % day_ns) * 1e-9) -
                        shape_.area(static_cast<double>(a % day_ns) * 1e-9);
    return mean_qps_ * area / to_seconds(Duration{b - a});
  }

 private:
  double mean_qps_;
  DailyShape shape_;
  Stream stream_;
  boost::random::exponential_distribution<double> exponential_;
  FineTime clock_;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_diurnal(const DiurnalParams& params, Stream stream) {
  if (!(params.mean_qps > 0)) throw std::invalid_argument("mean_qps must be above 0");
  if (!(params.rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
  const double mean = params.mean_qps * params.rate_scale;
  if (!(mean > 0 && mean <= 1e9)) throw std::invalid_argument("mean_qps times rate_scale must be above 0 and at most 1e9");
  if (params.hourly.empty()) {
    if (!(params.peak_to_trough >= 1 && params.peak_to_trough <= 1e6)) throw std::invalid_argument("peak_to_trough must be 1 .. 1e6");
    if (!(params.peak_hour >= 0 && params.peak_hour <= 24)) throw std::invalid_argument("peak_hour must be 0 .. 24");
    return std::make_unique<DiurnalSource>(mean, DailyShape(params.peak_to_trough, params.peak_hour), stream);
  }
  if (params.hourly.size() != 24) throw std::invalid_argument("hourly must have 24 rates, not " + std::to_string(params.hourly.size()));
  double highest = 0;
  for (std::size_t k = 0; k < 24; ++k) {
    if (!(params.hourly[k] >= 0 && params.hourly[k] <= 1e12)) {
      throw std::invalid_argument("hourly: the rate of hour " + std::to_string(k) + " must be 0 .. 1e12");
    }
    highest = std::max(highest, params.hourly[k]);
  }
  if (!(highest >= 1e-12)) throw std::invalid_argument("hourly: at least one rate must be above 0");
  return std::make_unique<DiurnalSource>(mean, DailyShape(params.hourly), stream);
}

}  // namespace tideline
