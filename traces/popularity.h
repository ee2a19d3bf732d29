// Which task a query asks for, as a process: ranks that drift, and tasks that have their day at different hours.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// Parameters of the popularity of tasks.
struct PopularityParams {
  double zipf_exponent = 1;          ///< the task of rank k has weight k^-exponent
  std::vector<double> weights = {};  ///< by rank, in place of it
  Duration swap{};                   ///< mean time between two swaps; 0: ranks stay
  bool neighbours = false;           ///< a swap is of a rank and the next, not of any two
  double phase_spread_h = 0;         ///< by how many hours the daily shape of the last task is behind that of the first
  double peak_to_trough = 2.2;       ///< of the daily shapes
  std::vector<std::string> tasks = {};

  static constexpr auto declare() {
    return param::fields(
        param::field("zipf_exponent", &PopularityParams::zipf_exponent, "The task of rank k has weight k to minus that.", {0, 20}),
        param::field("weights", &PopularityParams::weights, "Weights by rank in place of those of Zipf.", {0, 1e12}),
        param::field("swap_s", &PopularityParams::swap, "Mean time until two tasks swap their ranks, 1 ms or more; 0: ranks stay.",
                     {0, 3e9}),
        param::choice("swaps", &PopularityParams::neighbours, "Which two tasks swap ranks: any, or those of a rank and the next.",
                      {{"any", false}, {"neighbours", true}}),
        param::field("phase_spread_h", &PopularityParams::phase_spread_h,
                     "Hours by which the daily shapes of tasks are spread; shares change over the day, the rate of all does not.", {0, 24}),
        param::field("peak_to_trough", &PopularityParams::peak_to_trough, "Of the daily shape of a task, with phase_spread_h.", {1, 1e6}),
        param::field("tasks", &PopularityParams::tasks, "Tasks by their rank at time 0; default: all of the catalog."));
  }
};

/// Gives each query of `source` a task 0 .. `tasks` - 1, of rank 1 .. `tasks` at time 0. Arrivals are those of `source`; only their tasks
/// are drawn, from `draws`, those of swaps from a stream of its own: with and without drift the same queries come, and shares by rank are
/// the same. Swaps come after exponential times; where any two ranks may swap, both are uniform.
///
/// With a phase spread the weight of the k-th of n tasks has the factor 1 + a cos(2 pi (t - k spread / n) / day), a from
/// `peak_to_trough`; shares are the weights over their sum. Throws `std::invalid_argument` naming a parameter.
std::unique_ptr<ArrivalSource> with_popularity(std::unique_ptr<ArrivalSource> source, const PopularityParams& params, std::size_t tasks,
                                               Stream draws, Stream swaps);

}  // namespace tideline
