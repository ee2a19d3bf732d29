// How a load and a batch happen. The profiled executor draws them from the catalog; a real one runs kernels and posts when
// they are done. Serving does not know the difference.
#pragma once

#include "sim/core/time.h"
#include "sim/model/cluster.h"

#include <cstdint>
#include <optional>

namespace tideline {

/// A batch to run.
struct BatchRun {
  VariantId variant;
  std::uint8_t option = 0;  ///< core option of the profile
  std::uint32_t items = 1;
  double work = 1;                 ///< item-weighted mean of the visits' work
  double slowdown = 1;             ///< of the device, interference included
  std::uint64_t first_serial = 0;  ///< of the query of its first visit: key of the service factor
  std::uint8_t first_attempt = 0;
};

/// An instance to load.
struct LoadRun {
  InstanceId instance;
  DeviceId device;
  std::uint8_t option = 0;  ///< core option of the profile
  LoadParts parts;
};

class Executor {
 public:
  virtual ~Executor() = default;
  /// What a load takes by profile where it has all bandwidth for itself: what policies may know.
  virtual Duration expected_load(const LoadParts& parts) const = 0;
  /// Begins a load: the factor on the time of each of its parts, or none if a completion will be posted.
  virtual std::optional<double> load(const LoadRun& run) = 0;
  /// The instance is warm before time 0: it has to be loaded when this returns.
  virtual void load_before_start(const LoadRun&) {}
  /// The instance is gone; what it does and what it would still post is of no interest.
  virtual void unload(InstanceId) {}
  /// What a batch takes by profile: work and slowdown included, no draw.
  virtual Duration expected_run(const BatchRun& run) const = 0;
  /// Starts a batch; its duration, or `forever` if a completion will be posted.
  virtual Duration run(InstanceId i, const BatchRun& run) = 0;
};

}  // namespace tideline
