// Linear programmes, with integer variables or without: the one door to the solver (CBC and CLP of COIN-OR).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tideline {

/// Maximise c.x under rows least <= a.x <= most and 0 <= x <= upper, some x whole numbers.
/// Source of the solver: Forrest and others, COIN-OR branch and cut, doi:10.5281/zenodo.2720283.
///
/// The same programme has the same solution each time: one thread, a fixed seed, limits by nodes and gap alone unless `most_s` is given.
class LinearProgram {
 public:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  /// Answers its index. With `whole` it takes whole numbers only.
  std::uint32_t add_variable(double objective, double upper = infinity, bool whole = false);
  /// Answers its index; `-infinity` and `infinity` where it has no bound.
  std::uint32_t add_row(double least, double most);
  /// The coefficient of a variable in a row, given once.
  void set(std::uint32_t row, std::uint32_t variable, double coefficient);
  std::size_t variables() const { return objective_.size(); }
  std::size_t rows() const { return least_.size(); }

  struct Limits {
    std::uint32_t nodes = 10'000;  ///< of the tree, at most
    double gap = 1e-6;             ///< bound / objective - 1 at which the search ends
    double most_s = infinity;      ///< of this machine's time: a run that uses it cannot be repeated
  };
  /// optimal: to within the gap. feasible: a limit ended the search. infeasible: no x. unsolved: a limit ended it before there was one,
  /// or the objective has no bound.
  enum class Status : std::uint8_t { optimal, feasible, infeasible, unsolved };
  struct Solution {
    Status status = Status::unsolved;
    double objective = 0;     ///< of x
    double bound = infinity;  ///< no x is worth more
    std::uint32_t nodes = 0;  ///< looked at
    std::vector<double> x;    ///< empty where there is none

    bool found() const { return status == Status::optimal || status == Status::feasible; }
    /// How far the bound is above the objective, as a share of the objective; 0 where both are 0.
    double gap() const;
  };
  /// `start`: an x to begin with; one that breaks a row is passed over.
  Solution solve(const Limits& limits, std::span<const double> start = {}) const;
  Solution solve() const { return solve(Limits{}); }
  /// The same without whole numbers.
  Solution relaxation() const;

 private:
  std::vector<double> objective_, upper_, least_, most_;
  std::vector<char> whole_;
  std::vector<int> row_of_, variable_of_;  // by coefficient
  std::vector<double> coefficients_;
};

}  // namespace tideline
