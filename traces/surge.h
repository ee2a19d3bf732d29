// Surges of demand over any source: for a time its queries come several times, or only some of them.
#pragma once

#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>
#include <vector>

namespace tideline {

struct Surge {
  Time from{}, to{};
  double factor = 1;       ///< on the rate, 0 or more
  Time announced = never;  ///< when policies may know
};

/// Each query that arrives in a surge of factor f is there f times in the mean: it stays with probability f where f < 1; else copies of it
/// come, each at a uniform time within 10 s after it, but before the surge ends. Surges that overlap multiply.
std::unique_ptr<ArrivalSource> with_surges(std::unique_ptr<ArrivalSource> source, std::vector<Surge> surges, Stream draws);

}  // namespace tideline
