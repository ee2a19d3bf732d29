// Measures networks: batches by size, and loads.
#pragma once

#include "src/real/backend.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tideline::real {

/// How long a batch is repeated. First some that do not count: three, and as many more as fit into 50 ms.
struct MeasureRules {
  double interval = 0.01;     ///< half the width of the 95 % interval of the median, relative to it, that is narrow enough
  std::uint32_t least = 30;   ///< repetitions
  std::uint32_t most = 2000;  ///< repetitions
  double seconds = 5;         ///< of one batch size
  std::uint32_t loads = 5;    ///< of each network
};

/// Times of one batch size, ascending, in s.
struct BatchTimes {
  std::uint32_t items = 0;
  std::vector<double> sorted;
  bool narrow = false;              ///< the interval was reached before repetitions or time ran out
  double quantile(double q) const;  ///< interpolated; q in 0 .. 1
  double median() const { return quantile(0.5); }
};

/// Half the width of the interval of the median by order statistics, which presumes no distribution, relative to the median.
double interval_of_median(const std::vector<double>& sorted);

struct MeasuredNetwork {
  std::vector<BatchTimes> batches;
  std::vector<LoadParts> loads;
  std::int64_t weight_bytes = 0, base_bytes = 0, item_bytes = 0;  ///< memory without items, and of each
  std::int64_t resident_bytes = 0;        ///< that the first load added to the process; less where freed memory was taken
  std::optional<double> joules_per_item;  ///< of the largest batch
  std::string kernels;
};

/// Batches ascending. Says before each part what it does. Throws CannotRun.
MeasuredNetwork measure(Backend& backend, const NetworkSpec& spec, const std::vector<std::uint32_t>& batches, unsigned threads,
                        const MeasureRules& rules, const std::function<void(const std::string&)>& say);

/// Ratios of times to the median of their batch size, all of them, as (probability, value): a law of a factor. `mean` is that of the law
/// as it interpolates.
struct RatioLaw {
  std::vector<std::pair<double, double>> points;
  double mean = 1;
};
RatioLaw ratio_law(std::vector<double> ratios);

}  // namespace tideline::real
