// Which of several options to take in each of several sets, under a bound on what all take together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// A multiple-choice knapsack: of each set at most one option, total weight in each bin at most 1, most value. Scratch is kept.
///
/// Greedy by added value per added weight along the upper convex hull of each set, then what still fits; or, where that is worth more,
/// the best single option and what fits beside it. With one bin that is at least half the optimum: a fractional solution is worth no
/// more than the steps taken before the first that does not fit, and the option that this one leads to.
/// Source: Sinha and Zoltners, "The multiple-choice knapsack problem", Operations Research 27(3), 1979.
class Knapsack {
 public:
  struct Option {
    std::uint32_t set = 0, bin = 0;
    double weight = 0;  ///< share of its bin, 0 or more
    double value = 0;
  };

  void clear() { options_.clear(); }
  /// Options of a set must follow each other. Those without value, and those that are too heavy alone, are never taken.
  void add(const Option& option) { options_.push_back(option); }
  std::span<const Option> options() const { return options_; }
  /// By option, whether it is taken.
  const std::vector<char>& solve();

 private:
  struct Step {
    std::uint32_t option = 0;
    double ratio = 0;  ///< value added per weight added
  };
  void find_steps();
  void add_steps_of_set(std::size_t first, std::size_t last);
  /// Takes all steps that fit, in order, besides what is taken; adds their value.
  double fill(std::vector<char>& taken);
  double used(const std::vector<char>& taken, std::uint32_t bin) const;

  std::vector<Option> options_;
  std::vector<Step> steps_;
  std::vector<std::uint32_t> hull_;
  std::vector<char> taken_, single_;
};

}  // namespace tideline
