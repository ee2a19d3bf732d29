// How uncertain a catalog's figures are, as draws: what a comparison says may hang on a profile that was measured a few percent off.
#pragma once

#include "sim/model/catalog.h"

#include <cstdint>

namespace tideline {

/// Standard deviations of the logarithm, and of the logit of an accuracy.
struct ProfileSpread {
  double hardware = 0.05;  ///< a factor on the latencies of all variants of one hardware type
  double variant = 0.05;   ///< a factor on those of one variant
  double accuracy = 0.1;   ///< a shift of the logit of one variant's accuracy: at 0.7 about 0.02
  double load = 0.2;       ///< a factor on build, runtime and first run of one variant
};

/// Draws all factors (lognormal, median 1) and shifts anew, keyed by the names of hardware and variant, so that the same `draw` changes the
/// same things in every scenario.
void perturb(Catalog& catalog, std::uint64_t draw, const ProfileSpread& spread);

}  // namespace tideline
