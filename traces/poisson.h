// Poisson arrivals at a constant rate.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>

namespace tideline {

/// Parameters of source `poisson`.
struct PoissonParams {
  double rate_qps = 0;    ///< mean rate in queries per second; required; product with rate_scale in (0, 1e9]
  double rate_scale = 1;  ///< factor on rate_qps, > 0

  static constexpr auto declare() {
    return param::fields(
        param::field("rate_qps", &PoissonParams::rate_qps, "Mean rate in queries per second.", {1e-9, 1e9}, param::required));
  }
};

/// Independent exponential gaps, the first from time 0; never ends. Throws `std::invalid_argument` naming a parameter out of range.
std::unique_ptr<ArrivalSource> make_poisson(const PoissonParams& params, Stream stream);

}  // namespace tideline
