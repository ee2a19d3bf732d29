// p values of several comparisons, adjusted so that all of them hold together.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tideline::statistics {

/// Holm's step-down adjusted p values (Holm 1979), in the order given: rejecting where the adjusted value is at most alpha errs in any of
/// them with probability at most alpha, however they depend on each other. The k-th smallest of m becomes the largest of
/// (m - j + 1) p_j over j <= k, at most 1.
///
/// NaN (no test was possible) stays NaN and is not counted. `family`: m, where more comparisons were meant than there are p values, as n
/// of R's p.adjust; below their number it has no effect. Other values outside [0, 1] throw std::invalid_argument.
std::vector<double> holm(std::span<const double> p, std::size_t family = 0);

}  // namespace tideline::statistics
