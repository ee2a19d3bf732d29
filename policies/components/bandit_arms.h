// What is known of the arms of a bandit, whose rewards lie in 0 .. 1 and may come long after the pull.
#pragma once

#include "sim/core/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// The allowed arm of most `score(arm)`, ties to the first; `allowed.size()` where none is allowed.
template <class Score>
std::size_t best_arm(std::span<const char> allowed, Score&& score) {
  std::size_t best = allowed.size();
  double most = 0;
  for (std::size_t k = 0; k < allowed.size(); ++k) {
    if (allowed[k] == 0) continue;
    const double s = score(k);
    if (best == allowed.size() || s > most) {
      best = k;
      most = s;
    }
  }
  return best;
}

/// Sums of rewards by arm. With a discount below 1 each reward weighs that much less after every further one (discounted UCB: Garivier and
/// Moulines, ALT 2011, doi:10.1007/978-3-642-24412-4_16). Pulls without a reward yet count as pulls.
class ArmMeans {
 public:
  ArmMeans(std::size_t arms, double discount) : arms_(arms), discount_(discount) {}
  void pull(std::size_t arm) { ++arms_[arm].pending; }
  /// No reward will come of a pull.
  void forget(std::size_t arm) { --arms_[arm].pending; }
  /// The reward of a pull.
  void learn(std::size_t arm, double reward) {
    if (discount_ < 1)
      for (Arm& a : arms_) {
        a.weight *= discount_;
        a.sum *= discount_;
      }
    Arm& a = arms_[arm];
    --a.pending;
    a.weight += 1;
    a.sum += reward;
  }
  bool is_known(std::size_t arm) const { return arms_[arm].weight > 0; }
  /// Of the rewards; 1 where there is none yet.
  double mean(std::size_t arm) const { return is_known(arm) ? arms_[arm].sum / arms_[arm].weight : 1; }
  double pulls(std::size_t arm) const { return arms_[arm].weight + static_cast<double>(arms_[arm].pending); }
  /// Sums of rewards, and of what they lack to 1.
  double gains(std::size_t arm) const { return arms_[arm].sum; }
  double losses(std::size_t arm) const { return std::max(0.0, arms_[arm].weight - arms_[arm].sum); }
  double all_pulls() const {
    double sum = 0;
    for (std::size_t k = 0; k < arms_.size(); ++k) sum += pulls(k);
    return sum;
  }
  /// mean + sqrt(2 ln t / n) (UCB1: Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002, doi:10.1023/A:1013689704352), t = `all_pulls`;
  /// infinite before the first pull.
  double upper_bound(std::size_t arm, double all) const {
    const double n = pulls(arm);
    return n > 0 ? mean(arm) + std::sqrt(2 * std::log(std::max(all, 1.0)) / n) : HUGE_VAL;
  }

 private:
  struct Arm {
    double weight = 0, sum = 0;
    std::int64_t pending = 0;
  };
  std::vector<Arm> arms_;
  double discount_;
};

/// Weights of Exp3 in the form of Clipper's code: w *= exp(-eta x loss / p), where p was the arm's probability when it was pulled (Auer,
/// Cesa-Bianchi, Freund and Schapire, SIAM Journal on Computing 32(1), 2002, doi:10.1137/S0097539701398375; Clipper, NSDI 2017), and of its
/// Exp4, where all arms are pulled. With a discount below 1 the logarithms of all weights shrink by it with each reward.
class ExponentialWeights {
 public:
  static constexpr double least_probability = 1e-3;
  ExponentialWeights(std::size_t arms, double eta, double discount) : weights_(arms, 1.0), eta_(eta), discount_(discount) {}
  double weight(std::size_t arm) const { return weights_[arm]; }
  /// Of the arm among those allowed.
  double probability(std::size_t arm, std::span<const char> allowed) const { return weights_[arm] / sum(allowed); }
  /// Draws an allowed arm by its weight; `allowed.size()` where none is.
  std::size_t draw(std::span<const char> allowed, Stream& stream) const {
    double left = uniform01(stream) * sum(allowed);
    std::size_t last = allowed.size();
    for (std::size_t k = 0; k < allowed.size(); ++k) {
      if (allowed[k] == 0) continue;
      last = k;
      if ((left -= weights_[k]) < 0) break;
    }
    return last;
  }
  void learn(std::size_t arm, double loss, double probability) {
    forget_some();
    shrink(arm, loss, std::max(probability, least_probability));
    keep_in_range();
  }
  /// Of some arms at once, each by what it lost itself (Exp4).
  void learn(std::span<const std::uint8_t> arms, std::span<const double> losses) {
    forget_some();
    for (std::size_t k = 0; k < arms.size(); ++k) shrink(arms[k], losses[k], 1);
    keep_in_range();
  }

 private:
  void forget_some() {
    if (discount_ < 1)
      for (double& w : weights_) w = std::pow(w, discount_);
  }
  void shrink(std::size_t arm, double loss, double probability) { weights_[arm] *= std::exp(-eta_ * loss / probability); }
  /// Only their ratios count: those of long runs would come to nothing, or discounts to infinity.
  void keep_in_range() {
    double most = 0;
    for (const double w : weights_) most = std::max(most, w);
    if (most > 1e-100 && most < 1e100) return;
    for (double& w : weights_) w = most > 0 ? std::max(w / most, 1e-100) : 1;
  }
  double sum(std::span<const char> allowed) const {
    double s = 0;
    for (std::size_t k = 0; k < allowed.size(); ++k) s += allowed[k] != 0 ? weights_[k] : 0;
    return s;
  }
  std::vector<double> weights_;
  double eta_, discount_;
};

/// A linear model of the reward for each arm, by ridge regression: A = I + sum xx', b = sum R x (disjoint LinUCB: Li, Chu, Langford and
/// Schapire, WWW 2010, doi:10.1145/1772690.1772758). With a discount below 1 sums shrink by it with each reward of the arm, and the ridge
/// stays (as in Russac, Vernade and Cappe, NeurIPS 2019).
class LinearArms {
 public:
  static constexpr std::size_t dimensions = 4;
  using Context = std::array<double, dimensions>;
  LinearArms(std::size_t arms, double discount) : arms_(arms), discount_(discount) {}
  struct Estimate {
    double mean = 0;   ///< theta . x
    double width = 0;  ///< sqrt(x' A^-1 x)
  };
  Estimate at(std::size_t arm, const Context& x) const;
  void learn(std::size_t arm, const Context& x, double reward);

 private:
  using Matrix = std::array<double, dimensions * dimensions>;
  static constexpr Matrix identity() {
    Matrix m{};
    for (std::size_t k = 0; k < dimensions; ++k) m[k * dimensions + k] = 1;
    return m;
  }
  struct Arm {
    Matrix a = identity(), inverse = identity();
    Context b{}, theta{};
  };
  std::vector<Arm> arms_;
  double discount_;
};

}  // namespace tideline
