// How much a system can bear: the largest load (or the least count of something) at which a metric still meets a target.
#pragma once

#include "sim/statistics/interval.h"
#include "src/axis.h"
#include "src/compare.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

struct CapacityWishes {
  std::string scenario;
  std::vector<Layer> layers;
  std::vector<Axis> axes;
  std::string vary = "load";  ///< or a JSON pointer
  bool least = false;         ///< the least value that meets the target, not the largest
  bool whole = false;         ///< only whole numbers
  ComparedMetric metric;
  bool at_most = false;  ///< the metric has to be at or below the target
  double target = 0;
  double from = 0, to = 0;  ///< where to look first; 0: from 1 by factors of two
  double tolerance = 0.01;  ///< of the answer, relative
  std::uint32_t replications = 10;
  double confidence = 0.95;
  unsigned jobs = 1;
  std::vector<std::filesystem::path> outputs;  ///< what will be written: no file that a run reads
};

/// What one value of the varied quantity gave.
struct CapacityPoint {
  double x = 0;
  std::vector<double> values;  ///< of the metric, by replication
  double mean = 0;             ///< NaN where a replication has no value: the target is then not met
  bool met = false;
};

struct Capacity {
  std::string label;
  std::optional<double> answer;  ///< where the mean crosses the target, between the last two values tried; none: never or always met
  std::optional<statistics::Interval> interval;  ///< Student's, over where each replication by itself crosses it
  double last_met = 0;                           ///< the value tried that still met it; NaN: none did
  std::string remark;                            ///< why there is no answer, or why not to trust it
  std::vector<CapacityPoint> points;             ///< tried, in order of x
};

/// For each point of the axes. Brackets by factors of two, then bisects; every value meets the same queries as far as it has the same.
/// Throws what runs throw. Stops with what it has when `stop` is set.
std::vector<Capacity> find_capacity(const CapacityWishes& wishes, const PolicyRegistry& registry, const std::atomic<bool>& stop,
                                    const std::function<void(std::size_t runs)>& progress);

/// Answer, interval and remark from the points tried; apart from the runs, for tests.
void conclude(Capacity& c, const CapacityWishes& wishes);

}  // namespace tideline
