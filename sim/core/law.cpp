#include "sim/core/law.h"

#include <boost/random/exponential_distribution.hpp>
#include <boost/random/gamma_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <cstddef>

namespace tideline {

Law Law::exponential() {
  Law law;
  law.kind_ = LawKind::exponential;
  return law;
}

Law Law::erlang(std::uint32_t k) {
  Law law;
  law.kind_ = LawKind::erlang;
  law.a_ = k;
  return law;
}

Law Law::gamma(double cv2) {
  Law law;
  law.kind_ = LawKind::gamma;
  law.a_ = 1 / cv2;
  law.b_ = cv2;
  return law;
}

Law Law::lognormal(double cv2) {
  Law law;
  law.kind_ = LawKind::lognormal;
  law.a_ = std::sqrt(std::log1p(cv2));
  law.b_ = -0.5 * law.a_ * law.a_;  // so that the mean is exp(mu + sigma^2/2) = 1
  return law;
}

Law Law::hyperexponential(double cv2) {
  Law law;
  law.kind_ = LawKind::hyperexponential;
  law.a_ = 0.5 * (1 + std::sqrt((cv2 - 1) / (cv2 + 1)));
  return law;
}

Law Law::quantiles(std::vector<std::pair<double, double>> points) {
  Law law;
  law.kind_ = LawKind::quantiles;
  double mean = 0;
  for (std::size_t i = 1; i < points.size(); ++i)
    mean += (points[i].first - points[i - 1].first) * 0.5 * (points[i].second + points[i - 1].second);
  for (auto& p : points) p.second /= mean;
  law.points_ = std::move(points);
  return law;
}

double Law::cv2() const {
  switch (kind_) {
    case LawKind::deterministic:
      return 0;
    case LawKind::exponential:
      return 1;
    case LawKind::erlang:
      return 1 / a_;
    case LawKind::gamma:
      return b_;
    case LawKind::lognormal:
      return std::expm1(a_ * a_);
    case LawKind::hyperexponential:
      return 1 / (2 * a_ * (1 - a_)) - 1;
    case LawKind::quantiles:
      break;
  }
  double second = 0;
  for (std::size_t i = 1; i < points_.size(); ++i) {
    const double w = points_[i].first - points_[i - 1].first, x = points_[i - 1].second, y = points_[i].second;
    second += w * (x * x + x * y + y * y) / 3;
  }
  return second - 1;
}

double Law::draw_factor(KeyedDraw& draw) const {
  switch (kind_) {
    case LawKind::deterministic:
      return 1;
    case LawKind::exponential:
      return boost::random::exponential_distribution<double>{}(draw);
    case LawKind::erlang: {
      double sum = 0;
      boost::random::exponential_distribution<double> phase;
      for (int k = 0; k < static_cast<int>(a_); ++k) sum += phase(draw);
      return sum / a_;
    }
    case LawKind::gamma:
      return boost::random::gamma_distribution<double>{a_, b_}(draw);
    case LawKind::lognormal:
      return std::exp(b_ + a_ * boost::random::normal_distribution<double>{}(draw));
    case LawKind::hyperexponential: {
      const double p = uniform01(draw) < a_ ? a_ : 1 - a_;
      return boost::random::exponential_distribution<double>{}(draw) / (2 * p);
    }
    case LawKind::quantiles:
      break;
  }
  const double u = uniform01(draw);
  std::size_t i = 1;
  while (i + 1 < points_.size() && points_[i].first <= u) ++i;
  const auto& [p0, x0] = points_[i - 1];
  const auto& [p1, x1] = points_[i];
  return x0 + (x1 - x0) * (u - p0) / (p1 - p0);
}

}  // namespace tideline
