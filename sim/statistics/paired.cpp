#include "sim/statistics/paired.h"

#include "sim/statistics/student.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tideline::statistics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Hall's transformation of a studentised mean takes skewness out of its distribution; Willink writes it and its inverse with
// beta = skewness / (6 sqrt n).
double to_symmetric(double beta, double t) {
  if (beta == 0) return t;
  // (u^3 - 1) / (6 beta) with u = 1 + 2 beta t, without cancellation.
  const double u = 1 + 2 * beta * t;
  return beta + t * (u * u + u + 1) / 3;
}
double from_symmetric(double beta, double z) {
  if (beta == 0) return z;
  // (u - 1) / (2 beta) with u^3 = 1 + 6 beta (z - beta), without cancellation.
  const double u = std::cbrt(1 + 6 * beta * (z - beta));
  return 3 * (z - beta) / (u * u + u + 1);
}

}  // namespace

PairedSample::PairedSample(Correction correction) : correction_(correction) {
  if (!(correction.widening >= 0) || !std::isfinite(correction.widening))
    throw std::invalid_argument("the widening of a variance is finite and not negative");
}

void PairedSample::add(double a, double b) {
  const double d = a - b;
  if (!std::isfinite(d)) {
    ++missing_;
    return;
  }
  const auto before = static_cast<double>(count_++);
  const double n = before + 1;
  // Welford 1962; the third power as by Terriberry (2007) and Pebay (2008).
  const double delta = d - mean_, step = delta / n, term = delta * step * before;
  mean_ += step;
  m3_ += term * step * (n - 2) - 3 * step * m2_;
  m2_ += term;
  const double delta_a = a - mean_a_, delta_b = b - mean_b_;
  mean_a_ += delta_a / n;
  m2_a_ += delta_a * (a - mean_a_);
  mean_b_ += delta_b / n;
  m2_b_ += delta_b * (b - mean_b_);
  least_ = before == 0 ? d : std::min(least_, d);
  greatest_ = before == 0 ? d : std::max(greatest_, d);
  magnitude_ = std::max({magnitude_, std::abs(a), std::abs(b)});
}

double PairedSample::mean() const { return count_ == 0 ? nan : mean_; }
double PairedSample::mean_a() const { return count_ == 0 ? nan : mean_a_; }
double PairedSample::mean_b() const { return count_ == 0 ? nan : mean_b_; }
double PairedSample::variance() const { return count_ < 2 ? nan : m2_ / static_cast<double>(count_ - 1); }
double PairedSample::sd() const { return std::sqrt(variance()); }

double PairedSample::skewness() const {
  if (count_ < 3 || spread() != Spread::varying) return 0;
  const auto n = static_cast<double>(count_);
  return n * std::sqrt(n - 1) / (n - 2) * m3_ / (m2_ * std::sqrt(m2_));
}

double PairedSample::variance_ratio() const {
  const double independent = m2_a_ + m2_b_;
  return count_ < 2 || independent <= 0 ? nan : m2_ / independent;
}

double PairedSample::standard_error() const {
  const auto n = static_cast<double>(count_);
  const double after = count_ > correction_.fixed ? 1 - static_cast<double>(correction_.fixed) / n : 0;
  return std::sqrt(variance() * (1 + correction_.widening * after / n) / n);
}

double PairedSample::scale_of_rounding() const { return 4 * std::numeric_limits<double>::epsilon() * magnitude_; }

Spread PairedSample::spread() const {
  if (count_ < 2) return count_ == 0 ? Spread::none : Spread::single;
  return greatest_ - least_ <= scale_of_rounding() || m2_ <= 0 ? Spread::constant : Spread::varying;
}

bool PairedSample::identical() const { return count_ > 1 && std::max(-least_, greatest_) <= scale_of_rounding(); }

std::optional<Interval> PairedSample::interval(double confidence) const {
  if (!(confidence > 0 && confidence < 1)) throw std::invalid_argument("a confidence is between 0 and 1");
  if (spread() != Spread::varying) return {};
  const auto n = static_cast<double>(count_);
  const double t = student_quantile(n - 1, 0.5 * (1 + confidence)), error = standard_error();
  double below = t, above = t;
  if (correction_.skewness) {
    const double beta = skewness() / (6 * std::sqrt(n));
    below = std::max(t, from_symmetric(beta, t));
    above = std::max(t, -from_symmetric(beta, -t));
  }
  return Interval{mean_ - below * error, mean_ + above * error};
}

double PairedSample::half_width(double confidence) const {
  const auto i = interval(confidence);
  return i ? i->half_width() : nan;
}

/// p value of "the expectation is at or above the hypothesis". The differences vary.
double PairedSample::lower_tail(double hypothesis) const {
  const auto n = static_cast<double>(count_);
  const double t = (mean_ - hypothesis) / standard_error();
  const double p = student_cdf(n - 1, t);
  if (!correction_.skewness) return p;
  return std::max(p, student_cdf(n - 1, to_symmetric(skewness() / (6 * std::sqrt(n)), t)));
}

/// p value of "the expectation is at or below the hypothesis". The differences vary.
double PairedSample::upper_tail(double hypothesis) const {
  const auto n = static_cast<double>(count_);
  const double t = (mean_ - hypothesis) / standard_error();
  const double p = student_cdf(n - 1, -t);
  if (!correction_.skewness) return p;
  return std::max(p, student_cdf(n - 1, -to_symmetric(skewness() / (6 * std::sqrt(n)), t)));
}

double PairedSample::p_value() const {
  if (identical()) return 1;
  if (spread() != Spread::varying) return nan;
  return std::min(1.0, 2 * std::min(lower_tail(0), upper_tail(0)));
}

double PairedSample::equivalence_p(double margin) const {
  if (!(margin > 0) || !std::isfinite(margin)) throw std::invalid_argument("a margin of equivalence is above 0 and finite");
  if (identical()) return 0;
  if (spread() != Spread::varying) return nan;
  return std::max(lower_tail(margin), upper_tail(-margin));
}

double PairedSample::smallest_detectable(double alpha, double power) const {
  if (!(alpha > 0 && alpha < power && power < 1)) throw std::invalid_argument("a level is above 0 and below the power, a power below 1");
  if (spread() != Spread::varying) return nan;
  const auto df = static_cast<double>(count_ - 1);
  const double t = student_quantile(df, 1 - 0.5 * alpha);
  // The power grows with the noncentrality: bracket, then halve.
  double low = 0, high = 1;
  while (student_power(df, high, t) < power) low = high, high *= 2;
  for (int k = 0; k < 60 && high - low > 1e-13 * high; ++k) {
    const double middle = 0.5 * (low + high);
    (student_power(df, middle, t) < power ? low : high) = middle;
  }
  return 0.5 * (low + high) * standard_error();
}

}  // namespace tideline::statistics
