// Loads and batches as this machine does them: an instance is a network in memory, and the threads of its device's cores run it. What serving and policies
// expect comes from the catalog, as in simulated time; what happens comes from the kernels.
#pragma once

#include "sim/engine/pacer.h"
#include "sim/executor/executor.h"
#include "sim/executor/profiled.h"
#include "sim/metrics/histogram.h"
#include "sim/model/world.h"
#include "src/real/seen.h"
#include "src/real/worker.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace tideline::real {

/// Where the devices of a world are on this machine.
struct CorePlan {
  CoreSet loop;                  ///< of the thread that runs policies and the event loop
  std::vector<CoreSet> devices;  ///< by device
};

/// Gives each device as many cores as it needs, beside one for the loop: a partitioned device those of its hardware, any other as many as
/// the largest core option of its variants. Throws CannotRun, with the numbers, where this machine has not enough.
CorePlan plan_cores(const World& world, const CoreSet& usable);

/// How a variant is run.
struct Runnable {
  Backend* backend = nullptr;
  NetworkSpec spec;
};

/// What was seen of one variant's batches of one size and core option.
struct KernelTimes {
  VariantId variant;
  std::uint32_t items = 1;
  std::uint8_t option = 0;
  DurationHistogram alone;   ///< of kernels that ran while no other did
  DurationHistogram beside;  ///< of the others
};

/// What a real run saw of itself.
struct RealFacts {
  DurationHistogram late;      ///< of events: when they were handled after they were due
  DurationHistogram dispatch;  ///< from the start of a batch to that of its kernel
  DurationHistogram returned;  ///< from the end of a kernel to that of its batch
  std::vector<KernelTimes> kernels;
  struct Load {
    VariantId variant;
    LoadParts parts;
    Duration took{};  ///< from the start that was wished to the end
    bool before_start = false;
  };
  std::vector<Load> loads;
  std::uint64_t failed_batches = 0, failed_loads = 0;
  std::string first_failure;  ///< what the first of them said
  std::int64_t most_resident_bytes = 0;
};

class RealExecutor final : public Executor {
 public:
  /// `kernels` by variant; the world and the backends must outlive it.
  RealExecutor(const World& world, std::uint64_t seed, CorePlan placement, std::vector<std::optional<Runnable>> kernels);
  ~RealExecutor() override;

  Duration expected_load(const tideline::LoadParts& parts) const override { return profiled_.expected_load(parts); }
  std::optional<double> load(const LoadRun& run) override;
  /// Throws CannotRun where the load fails.
  void load_before_start(const LoadRun& run) override;
  void unload(InstanceId i) override;
  Duration expected_run(const BatchRun& run) const override { return profiled_.expected_run(run); }
  /// Throws CannotRun for what no kernel does: work other than 1, and cores that the network was not loaded for.
  Duration run(InstanceId i, const BatchRun& run) override;

  /// What is done by now and still of interest.
  std::optional<Completion> take();
  /// Waits until something is done, or until then.
  void wait_until(WallClock::time_point until) { mailbox_.wait_until(until); }
  RealFacts& facts() { return facts_; }
  /// Writes there what batches and loads take; must outlive the run.
  void watch(Seen& seen) { seen_ = &seen; }
  const CorePlan& placement() const { return placement_; }

 private:
  struct Instance {
    Workers* workers = nullptr;
    std::shared_ptr<NetworkSlot> slot;
    VariantId variant;
    DeviceId device;
    CoreSet cores;             // that it holds of a partitioned device
    std::uint64_t ticket = 0;  // of the job that it does
    WallClock::time_point wished;
    std::uint32_t items = 0;
    std::uint8_t option = 0;
    Duration expected{};  // of what it does, by the catalog
    std::uint64_t first_serial = 0;
    bool was_beside = false;
    std::int64_t resident_bytes = 0;
  };
  Instance& begin_load(const LoadRun& run);
  CoreSet cores_for(const LoadRun& run);
  void loaded(Instance& x, const Done& done, bool before_start);
  Workers& workers_on(const CoreSet& cores);
  KernelTimes& times_of(const Instance& x);

  const World& world_;
  ProfiledExecutor profiled_;
  CorePlan placement_;
  std::vector<std::optional<Runnable>> kernels_;
  std::vector<CoreSet> free_cores_;  // of partitioned devices, by device
  Mailbox mailbox_;
  std::unordered_map<std::uint32_t, Instance> instances_;
  std::unordered_map<std::uint64_t, std::uint32_t> doing_;  // instance by ticket
  std::vector<std::unique_ptr<Workers>> workers_;           // by cores; ended before the mailbox
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint8_t>, std::size_t> times_;
  std::uint64_t next_ticket_ = 1;
  std::uint32_t running_ = 0;  // kernels of batches
  std::int64_t resident_bytes_ = 0;
  RealFacts facts_;
  Seen* seen_ = nullptr;
};

}  // namespace tideline::real
