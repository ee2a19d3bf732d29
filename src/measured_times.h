// What networks took when they were measured on this machine, as catalogs say it.
#pragma once

#include "sim/model/world.h"
#include "src/json_document.h"
#include "src/real/measure.h"

#include <cstddef>

namespace tideline {

/// Parts of a variant. A law has the mean 1: the profile is what has the median that was measured, times that law.
struct MeasuredTimes {
  Json latencies;          ///< s, by items of a batch
  Json service, load;      ///< laws with their times
  std::size_t raised = 0;  ///< batches that took less time than a smaller one and got its time
};
MeasuredTimes measured_times(const real::MeasuredNetwork& network);

/// The catalog with times of now for the variants that the world's devices run: batches, their spread, loads. Each is measured by a thread on
/// the cores of its device, while the core of the event loop is busy, as in a real run. `catalog` is the JSON of the world's. Throws InputError for variants without a kernel or whose batches are not plain numbers, WorldError for what this machine cannot.
Json measured_again(Json catalog, const World& world, const real::MeasureRules& rules);

}  // namespace tideline
