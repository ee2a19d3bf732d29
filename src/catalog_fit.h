// Curves of batch latency and of cores, fitted to the tables of a catalog, with what they miss.
#pragma once

#include "sim/model/catalog.h"
#include "src/json_document.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

/// t(x) of one of two forms: base + slope x; or (base^4 + (slope x)^4)^(1/4), which is flat first and a line through 0 later.
struct CurveFit {
  bool smooth_maximum = false;
  double base = 0, slope = 0;
  double rms = 0, largest = 0;  ///< residuals over what was measured
  double most = 0;              ///< the largest x that was measured
  double at(double x) const;
};

/// The curve of that form with the least sum of squared relative residuals; both parameters are at least 0. At least three points.
CurveFit fit_curve(const std::vector<std::pair<double, double>>& points, bool smooth_maximum);

/// Amdahl's law, serial + parallel / cores, as a line in 1 / cores: `base` is serial, `slope` parallel. Points are (cores, s).
CurveFit fit_cores(const std::vector<std::pair<double, double>>& cores);

/// Batches by items of a variant that were measured, and by cores those of one item. From the file, as a catalog in memory has no gaps left.
struct VariantPoints {
  std::string name;
  std::vector<std::pair<double, double>> batches;  ///< items, s; with cores those of the most cores
  std::vector<std::pair<double, double>> cores;    ///< cores, s of one item
  std::string latency = "measured";                ///< the origin of its latencies, but for those of the batches here
};
std::vector<VariantPoints> points_of(const Json& catalog);

/// Why there is no curve of batches: fewer than three were measured; empty where there is one.
std::string no_curve(const VariantPoints& v);

/// What `fit` prints: curves, and why the other variants have none. With `at` also the time of that many items, and an `InputError` for a
/// variant whose largest measured batch is less than half of it: curves that were fitted to a part of a real one miss the rest by a factor.
std::string fit_text(const std::vector<VariantPoints>& variants, std::optional<std::uint32_t> at);
Json fit_json(const std::vector<VariantPoints>& variants, std::optional<std::uint32_t> at);

}  // namespace tideline
