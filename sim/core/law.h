// Named laws of a positive factor with mean 1: how service times, load times and jitter vary about their profile.
#pragma once

#include "sim/core/random.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

enum class LawKind : std::uint8_t { deterministic, exponential, erlang, gamma, lognormal, hyperexponential, quantiles };

/// A law of a factor >= 0 with mean 1. Values are plain; `sample` draws from a keyed generator.
class Law {
 public:
  /// Always 1.
  Law() = default;
  static Law deterministic() { return {}; }
  static Law exponential();
  /// Sum of k exponentials; cv2 = 1/k. k in 1 .. 1000.
  static Law erlang(std::uint32_t k);
  /// Gamma with squared coefficient of variation cv2 > 0.
  static Law gamma(double cv2);
  static Law lognormal(double cv2);
  /// Two phases with balanced means: p1 = (1 + sqrt((cv2-1)/(cv2+1)))/2, rate_i = 2 p_i. cv2 >= 1.
  static Law hyperexponential(double cv2);
  /// Piecewise linear inverse distribution through (probability, value), probabilities from 0 to 1 strictly increasing,
  /// values >= 0 non-decreasing and not all 0; scaled so that its mean is 1.
  static Law quantiles(std::vector<std::pair<double, double>> points);

  LawKind kind() const { return kind_; }
  bool is_deterministic() const { return kind_ == LawKind::deterministic; }
  /// Squared coefficient of variation.
  double cv2() const;
  double sample(KeyedDraw& draw) const { return is_deterministic() ? 1.0 : draw_factor(draw); }

 private:
  double draw_factor(KeyedDraw& draw) const;

  LawKind kind_ = LawKind::deterministic;
  double a_ = 1;  // shape, sigma, or p1
  double b_ = 1;  // scale or mu
  std::vector<std::pair<double, double>> points_;
};

}  // namespace tideline
