// What batches and loads took in a real run, and simulated runs that take as long: what such a run departs by from the real one is not the
// machine's doing.
#pragma once

#include "sim/executor/executor.h"
#include "sim/executor/profiled.h"
#include "sim/model/world.h"

#include <cstdint>
#include <vector>

namespace tideline::real {

/// Times over those of the catalog, by variant.
struct Seen {
  struct Batch {
    std::uint64_t first_serial = 0;  ///< of the query of its first visit: says when it was, in both modes
    double factor = 1;               ///< from its start to its end as the loop saw them, over its profile
  };
  std::vector<std::vector<Batch>> batches;  ///< in the order in which they ended
  std::vector<std::vector<double>> loads;   ///< in the order in which they ended; those before the start excepted

  explicit Seen(const World& world) : batches(world.catalog().variants.size()), loads(world.catalog().variants.size()) {}
  /// Batches in the order of their first queries.
  void sort();
};

/// Simulated: expects what the catalog says, and takes what was seen of the variant's batch that is nearest by its first query; loads by turns, and
/// after the last of them like the last. A variant of which nothing was seen takes what the catalog says.
class SeenExecutor final : public Executor {
 public:
  /// `seen` is sorted; it and the world must outlive the executor.
  SeenExecutor(const World& world, std::uint64_t seed, const Seen& seen);

  Duration expected_load(const tideline::LoadParts& parts) const override { return profiled_.expected_load(parts); }
  std::optional<double> load(const LoadRun& run) override;
  Duration expected_run(const BatchRun& run) const override { return profiled_.expected_run(run); }
  Duration run(InstanceId i, const BatchRun& run) override;

 private:
  ProfiledExecutor profiled_;
  const Seen& seen_;
  std::vector<std::size_t> loaded_;  // by variant
};

}  // namespace tideline::real
