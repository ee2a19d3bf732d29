// What one more observation may be, after some.
#pragma once

#include "sim/statistics/interval.h"

#include <optional>
#include <span>

namespace tideline::statistics {

/// The two-sided interval that the next of independent normal observations lies in with probability `confidence`: mean +- t s
/// sqrt(1 + 1/n), with t the (1 + confidence)/2 quantile of Student's distribution with n - 1 degrees of freedom (Meeker, Hahn and Escobar
/// 2017, chapter 4). Nothing of fewer than two, or of values that are not finite.
std::optional<Interval> prediction_interval(std::span<const double> values, double confidence);

}  // namespace tideline::statistics
