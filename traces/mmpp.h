// Poisson arrivals whose rate jumps between states.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>
#include <vector>

namespace tideline {

/// Parameters of source `mmpp`, a Markov-modulated Poisson process.
struct MmppParams {
  std::vector<double> rates_qps = {};    ///< by state; at least two, one of them above 0
  std::vector<double> stays_s = {};      ///< mean time in each state
  std::vector<double> transitions = {};  ///< row by row the weights of the state that follows; its own is not used; empty: all alike
  double rate_scale = 1;                 ///< factor on the rates, > 0

  static constexpr auto declare() {
    return param::fields(
        param::field("rates_qps", &MmppParams::rates_qps, "Rate in each state in queries per second.", {0, 1e9}, param::required),
        param::field("stays_s", &MmppParams::stays_s, "Mean time in each state, exponential.", {1e-6, 3e9}, param::required),
        param::field("transitions", &MmppParams::transitions, "Weights of the state that comes next, k rows of k; empty: all others alike.",
                     {0, 1e12}));
  }
};

/// Stationary: the first state is drawn by the share of time that each has. Never ends. Throws `std::invalid_argument` naming a parameter.
std::unique_ptr<ArrivalSource> make_mmpp(const MmppParams& params, Stream stream);

}  // namespace tideline
