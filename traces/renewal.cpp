#include "traces/renewal.h"

#include "traces/fine_time.h"

#include <boost/random/gamma_distribution.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace tideline {
namespace {

constexpr double highest_qps = 1e9;

/// Squared coefficient of variation of a Weibull law.
double weibull_cv2(double shape) { return std::exp(std::lgamma(1 + 2 / shape) - 2 * std::lgamma(1 + 1 / shape)) - 1; }

double weibull_shape(double cv) {
  double low = std::log(0.1), high = std::log(100.0);
  for (int round = 0; round < 100; ++round) {
    const double middle = 0.5 * (low + high);
    (weibull_cv2(std::exp(middle)) > cv * cv ? low : high) = middle;
  }
  return std::exp(0.5 * (low + high));
}

void check_cv(double cv) {
  if (!(cv >= 0.05 && cv <= 50)) throw std::invalid_argument("cv must be 0.05 .. 50");
}

class RenewalSource final : public ArrivalSource {
 public:
  RenewalSource(double rate_qps, UnitGaps gaps, Stream stream) : rate_qps_(rate_qps), gaps_(gaps), stream_(stream) {}

  bool next(Arrival& out) override {
    const double gap = is_first_ ? gaps_.first(stream_) : gaps_.next(stream_);
    is_first_ = false;
    if (!clock_.advance(gap * 1e9 / rate_qps_)) return false;
    out = Arrival{};
    out.at = clock_.time();
    return true;
  }
  double mean_qps(Time from, Time to) const override { return from < to ? rate_qps_ : 0; }

 private:
  double rate_qps_;
  UnitGaps gaps_;
  Stream stream_;
  FineTime clock_;
  bool is_first_ = true;
};

std::unique_ptr<ArrivalSource> make_renewal(GapFamily family, const RenewalParams& params, Stream stream) {
  if (!(params.rate_qps > 0)) throw std::invalid_argument("rate_qps must be above 0");
  if (!(params.rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
  check_cv(params.cv);
  const double rate = params.rate_qps * params.rate_scale;
  if (!(rate > 0 && rate <= highest_qps)) throw std::invalid_argument("rate_qps times rate_scale must be above 0 and at most 1e9");
  return std::make_unique<RenewalSource>(rate, UnitGaps(family, params.cv), stream);
}

/// A rate on straight lines between points; after the last it is constant, or all begins anew.
class RateCurve {
 public:
  struct Point {
    double at_s, qps;
  };
  /// The first point is at 0; two at one time are a step. `period_s` 0: the last rate goes on.
  RateCurve(std::vector<Point> points, double period_s) : points_(std::move(points)), period_s_(period_s) {
    if (period_s_ > 0) points_.push_back({period_s_, points_.back().qps});
    area_.push_back(0);
    for (std::size_t k = 1; k < points_.size(); ++k)
      area_.push_back(area_.back() + 0.5 * (points_[k].at_s - points_[k - 1].at_s) * (points_[k].qps + points_[k - 1].qps));
  }
  /// Queries expected in [0, at_s).
  double area(double at_s) const {
    double out = 0;
    if (period_s_ > 0) {
      const double rounds = std::floor(at_s / period_s_);
      out = rounds * area_.back();
      at_s = std::max(0.0, at_s - rounds * period_s_);
    }
    std::size_t k = 0;
    while (k + 1 < points_.size() && points_[k + 1].at_s <= at_s) ++k;
    const double rest = at_s - points_[k].at_s;
    return out + area_[k] + rest * (points_[k].qps + 0.5 * slope(k) * rest);
  }
  /// When so many are expected to have come; infinite where they never do. Arguments of calls do not decrease.
  double time_of(double area) {
    while (period_s_ > 0 && area - passed_ > area_.back()) {
      if (!(area_.back() > 0)) return std::numeric_limits<double>::infinity();
      passed_ += area_.back();
      ++rounds_;
      piece_ = 0;
    }
    const double inside = area - passed_;
    while (piece_ + 1 < points_.size() && area_[piece_ + 1] < inside) ++piece_;
    const double rest = std::max(0.0, inside - area_[piece_]), qps = points_[piece_].qps, bend = slope(piece_);
    const double root = std::sqrt(std::max(0.0, qps * qps + 2 * bend * rest));
    if (!(qps + root > 0)) return std::numeric_limits<double>::infinity();
    return rounds_ * period_s_ + points_[piece_].at_s + 2 * rest / (qps + root);
  }

 private:
  double slope(std::size_t k) const {
    return k + 1 < points_.size() && points_[k + 1].at_s > points_[k].at_s
               ? (points_[k + 1].qps - points_[k].qps) / (points_[k + 1].at_s - points_[k].at_s)
               : 0;
  }

  std::vector<Point> points_;
  std::vector<double> area_;  // up to each point
  double period_s_;
  double passed_ = 0, rounds_ = 0;
  std::size_t piece_ = 0;
};

class CurveSource final : public ArrivalSource {
 public:
  CurveSource(RateCurve curve, double cv, Stream stream) : curve_(std::move(curve)), gaps_(GapFamily::gamma, cv), stream_(stream) {}

  bool next(Arrival& out) override {
    area_ += is_first_ ? gaps_.first(stream_) : gaps_.next(stream_);
    is_first_ = false;
    const double at_s = curve_.time_of(area_);
    if (!(at_s < 9.2e9)) return false;
    out = Arrival{};
    last_ = std::max(last_, from_seconds(at_s).count());
    out.at = Time{Duration{last_}};
    return true;
  }
  double mean_qps(Time from, Time to) const override {
    from = std::max(from, Time{});
    if (from >= to) return 0;
    return (curve_.area(to_seconds(to - Time{})) - curve_.area(to_seconds(from - Time{}))) / to_seconds(to - from);
  }

 private:
  RateCurve curve_;
  UnitGaps gaps_;
  Stream stream_;
  double area_ = 0;
  std::int64_t last_ = 0;
  bool is_first_ = true;
};

std::unique_ptr<ArrivalSource> make_curve(std::vector<RateCurve::Point> points, double period_s, double rate_scale, double cv,
                                          Stream stream) {
  check_cv(cv);
  if (!(rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
  for (auto& p : points) {
    p.qps *= rate_scale;
    if (!(p.qps >= 0 && p.qps <= highest_qps)) throw std::invalid_argument("rates times rate_scale must be 0 .. 1e9");
  }
  if (std::all_of(points.begin(), points.end(), [](const auto& p) { return p.qps == 0; }))
    throw std::invalid_argument("one of the rates must be above 0");
  return std::make_unique<CurveSource>(RateCurve(std::move(points), period_s), cv, stream);
}

}  // namespace

UnitGaps::UnitGaps(GapFamily family, double cv) : family_(family) {
  shape_ = family == GapFamily::gamma ? 1 / (cv * cv) : weibull_shape(cv);
  scale_ = family == GapFamily::gamma ? 1 / shape_ : std::exp(-std::lgamma(1 + 1 / shape_));
}

double UnitGaps::draw(double shape, Stream& stream) const { return boost::random::gamma_distribution<double>(shape, 1)(stream); }

double UnitGaps::next(Stream& stream) const {
  return scale_ * (family_ == GapFamily::gamma ? draw(shape_, stream) : std::pow(draw(1, stream), 1 / shape_));
}

double UnitGaps::first(Stream& stream) const {
  // An instant falls into a gap by its length: those around it have a gamma law of one more in its shape, those of a Weibull law the
  // power of such a one.
  const double covering =
      scale_ * (family_ == GapFamily::gamma ? draw(shape_ + 1, stream) : std::pow(draw(1 + 1 / shape_, stream), 1 / shape_));
  return uniform01(stream) * covering;
}

std::unique_ptr<ArrivalSource> make_gamma(const GammaParams& params, Stream stream) {
  return make_renewal(GapFamily::gamma, params, stream);
}

std::unique_ptr<ArrivalSource> make_weibull(const WeibullParams& params, Stream stream) {
  return make_renewal(GapFamily::weibull, params, stream);
}

std::unique_ptr<ArrivalSource> make_ramp(const RampParams& params, Stream stream) {
  const double at = to_seconds(params.at);
  return make_curve({{0, params.from_qps}, {at, params.from_qps}, {at + to_seconds(params.over), params.to_qps}}, 0, params.rate_scale,
                    params.cv, stream);
}

std::unique_ptr<ArrivalSource> make_spike(const SpikeParams& params, Stream stream) {
  const double at = to_seconds(params.at), end = at + to_seconds(params.length), every = to_seconds(params.every);
  if (every > 0 && every < to_seconds(params.length)) throw std::invalid_argument("every_s must be at least for_s");
  if (every == 0)
    return make_curve({{0, params.base_qps}, {at, params.base_qps}, {at, params.peak_qps}, {end, params.peak_qps}, {end, params.base_qps}},
                      0, params.rate_scale, params.cv, stream);
  if (end > every) throw std::invalid_argument("every_s must be at least at_s + for_s");
  return make_curve({{0, params.base_qps}, {at, params.base_qps}, {at, params.peak_qps}, {end, params.peak_qps}, {end, params.base_qps}},
                    every, params.rate_scale, params.cv, stream);
}

std::unique_ptr<ArrivalSource> make_flash_crowd(const FlashCrowdParams& params, Stream stream) {
  const double at = to_seconds(params.at), top = at + to_seconds(params.rise), fall = top + to_seconds(params.hold);
  std::vector<RateCurve::Point> points{{0, params.base_qps}, {at, params.base_qps}, {top, params.peak_qps}, {fall, params.peak_qps}};
  // Straight lines over eighths of the time constant: off by less than 0.2 % of what is above the base.
  constexpr int steps_of_decay = 8, decays = 12;
  for (int k = 1; k <= decays * steps_of_decay; ++k) {
    const double x = static_cast<double>(k) / steps_of_decay;
    points.push_back({fall + x * to_seconds(params.decay), params.base_qps + (params.peak_qps - params.base_qps) * std::exp(-x)});
  }
  points.push_back({points.back().at_s, params.base_qps});
  return make_curve(std::move(points), 0, params.rate_scale, params.cv, stream);
}

}  // namespace tideline
