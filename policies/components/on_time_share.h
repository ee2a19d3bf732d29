// How many queries a variant would answer in time at a load: a small simulation of it alone, tabulated over loads.
#pragma once

#include "sim/core/random.h"
#include "sim/core/time.h"
#include "sim/model/catalog.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Devices that run one variant and nothing else: Poisson arrivals of one item each in one line, first come first served; a free device
/// starts what is there, up to `batch_cap` items, and takes what the profile says.
struct AloneQueue {
  const Profile* profile = nullptr;
  std::uint32_t servers = 1, batch_cap = 1;
  Duration slo{};  ///< from arrival there to the end of the batch

  /// Queries per second that it can serve at most.
  double capacity_qps() const;
  /// Share in time of `queries` arrivals at a rate, after a tenth as many before them. The same stream gives the same arrivals but for
  /// their scale.
  double on_time_share(double qps, std::uint32_t queries, Stream stream) const;
};

/// That share over the rate, linear between points at every 20th of the capacity up to 1.2 times it.
class OnTimeTable {
 public:
  OnTimeTable() = default;
  OnTimeTable(const AloneQueue& queue, std::uint32_t queries, const Stream& stream);
  /// Beyond the last point: as there.
  double at(double qps) const;

 private:
  double step_qps_ = 1;
  std::vector<double> shares_;
};

}  // namespace tideline
