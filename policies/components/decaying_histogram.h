// A histogram whose samples lose weight with age: what recommenders of resources keep of use.
#pragma once

#include "sim/core/time.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace tideline {

/// Buckets that grow by a constant factor; a sample of one half-life ago weighs half of one of now.
/// Source: the recommender of the Kubernetes vertical pod autoscaler (first bucket 0.01 cores, growth 5 %, half-life 24 h).
class DecayingHistogram {
 public:
  /// `first`: width of the first bucket; `growth` > 0: each bucket is wider than the one before by this share; `most`: largest value kept apart.
  DecayingHistogram(double first, double growth, double most, Duration half_life)
      : first_(first), growth_(growth), half_life_(to_seconds(half_life)), weight_(bucket(most) + 1) {}

  /// Times must not go back.
  void add(double value, Time at) {
    double age = to_seconds(at - reference_) / half_life_;
    if (age > 100) {  // weights relative to the reference would grow beyond what a double holds exactly enough
      const double shrink = std::exp2(-age);
      for (double& w : weight_) w *= shrink;
      total_ *= shrink;
      reference_ = at;
      age = 0;
    }
    const double w = std::exp2(age);
    weight_[std::min(bucket(value), weight_.size() - 1)] += w;
    total_ += w;
  }

  bool empty() const { return total_ <= 0; }
  /// The upper end of the first bucket up to which the share `p` (0 .. 1) of the weight lies; 0 where nothing was added.
  double percentile(double p) const {
    double sum = 0;
    for (std::size_t k = 0; k < weight_.size(); ++k) {
      sum += weight_[k];
      if (sum > 0 && sum >= p * total_ * (1 - 1e-12)) return begin_of(k + 1);
    }
    return 0;
  }

 private:
  double begin_of(std::size_t k) const { return first_ * (std::pow(1 + growth_, static_cast<double>(k)) - 1) / growth_; }
  std::size_t bucket(double value) const {
    if (value < first_) return 0;
    return static_cast<std::size_t>(std::log(value * growth_ / first_ + 1) / std::log(1 + growth_));
  }

  double first_, growth_, half_life_;
  std::vector<double> weight_;
  double total_ = 0;
  Time reference_{};
};

}  // namespace tideline
