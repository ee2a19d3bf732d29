// What exists: tasks, hardware types, variants with their profiles and load times. Values only; nothing here changes in a run.
#pragma once

#include "sim/core/id.h"
#include "sim/core/law.h"
#include "sim/core/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

/// Where a figure comes from.
enum class Origin : std::uint8_t { measured, computed, derived, assumed };

/// A task that clients ask for.
struct Task {
  std::string name;
  std::string metric;        ///< e.g. "top-1" or "mAP@0.5:0.95"
  bool hit_rate = false;     ///< an answer is right or wrong; otherwise it has a score
  double correlation = 0.5;  ///< rho: latent correlation of the variants' answers on one query, 0 .. 1
  double information = 0.8;  ///< kappa: how much the confidence knows, 0 .. <1
  double concentration = 0;  ///< of a score's Beta distribution about its mean; 0: the score is the accuracy itself
  double best_accuracy = 0;  ///< of its variants in this catalog
  std::vector<VariantId> variants;
};

enum class Sharing : std::uint8_t {
  exclusive,   ///< instances take turns; `concurrent_batches` at once
  shared,      ///< batches of different instances run at once, k of them at rate k^-`sharing_exponent` each
  partitioned  ///< an instance holds its cores while it lives; batches of different instances run side by side
};

/// Which artefact goes where a tier of a node is full.
enum class TierEviction : std::uint8_t { lru, greedy_dual_size_frequency };

/// A type of device, with what a node of it costs. Bandwidths in bytes/s; 0 means that the step takes no time.
struct Hardware {
  std::string name;
  std::string kind;  ///< "cpu", "gpu", "npu", ...
  bool accelerator = true;
  Sharing sharing = Sharing::exclusive;
  std::uint32_t concurrent_batches = 1;  ///< exclusive and shared devices
  double sharing_exponent = 1;           ///< of shared devices
  std::uint32_t cores = 1;               ///< partitioned devices: cores or slices to hold
  std::int64_t memory_bytes = 0;         ///< for instances
  bool unified_memory = false;           ///< host and device memory are the same bytes: no copy
  double store_bytes_per_s = 0;          ///< from the artefact store to the node
  std::int64_t disk_bytes = 0;           ///< of the node's disk for artefacts; 0: no bound
  std::int64_t host_bytes = 0;           ///< of the node's memory that keeps artefacts at hand for its devices; 0: none
  TierEviction tier_eviction = TierEviction::lru;
  std::uint32_t concurrent_loads = 1;  ///< of a device
  double load_slowdown = 1;            ///< factor on batches that start on a device while an instance loads on it
  double disk_bytes_per_s = 0;         ///< from the node's disk to host memory
  double copy_bytes_per_s = 0;         ///< from host to device memory
  double price_per_hour_usd = 0;       ///< of a node with one such device
  double idle_watts = 0, busy_watts = 0;
  Duration boot{};
  std::vector<double> interference;  ///< service time factor when k batches run side by side: element k-1; the last goes on
};

/// Batch latency by batch size and by number of cores: dense tables, read on the hot path.
class Profile {
 public:
  Profile() = default;
  /// `tables[o][b]` is the time of a batch of b items (0 unused, 1 .. max) with core option o. `cores[o]` its cores, ascending.
  Profile(std::vector<std::uint32_t> cores, std::vector<std::vector<Duration>> tables);

  /// Time of a batch of `items` (1 .. max_items()), padding and work on the host included.
  Duration latency(std::uint32_t items, std::uint32_t option = 0) const { return table_[option * stride_ + items]; }
  /// The times of one core option, by items.
  const Duration* table(std::uint32_t option) const { return table_.data() + option * stride_; }
  std::uint32_t max_items() const { return stride_ == 0 ? 0 : static_cast<std::uint32_t>(stride_ - 1); }
  const std::vector<std::uint32_t>& cores() const { return cores_; }
  /// Takes so much for each item off every time: it is spent elsewhere.
  void shorten(Duration per_item);

 private:
  std::size_t stride_ = 0;
  std::vector<std::uint32_t> cores_;
  std::vector<Duration> table_;
};

/// What starting an instance takes.
struct LoadTimes {
  Duration build{};         ///< engine build, once per variant and node
  Duration runtime_init{};  ///< once per framework process on a device
  Duration first_run{};     ///< each time
  Law law;                  ///< of the sum, drawn by (seed, node, variant, n-th load there)
};

/// The network that stands for a variant where a scenario runs for real (src/real). A simulated run does not look at it.
struct Kernel {
  std::string network;  ///< name of its shape, e.g. "yolov5"
  double depth = 1;     ///< multiple of the repeats of a block
  double width = 1;     ///< multiple of the channels
  std::uint32_t resolution = 0;
  std::string precision;  ///< "f32" or "bf16"
  std::string backend;    ///< what runs it: "cpu", "eigen" or "cuda"
  std::uint32_t threads = 1;
  std::uint64_t seed = 1;  ///< of its random weights
};

/// One way to answer a task: a model made for one hardware type.
struct Variant {
  std::string name;
  TaskId task;
  HardwareId hardware;
  std::string base_model, model, transformation, framework, precision;
  std::uint32_t resolution = 0;
  double accuracy = 0;                     ///< 0 .. 1, profiled
  std::uint32_t max_batch = 1;             ///< items
  std::vector<std::uint32_t> batch_sizes;  ///< if any: only these; a smaller batch is padded to the next
  std::int64_t artefact_bytes = 0;
  std::int64_t memory_bytes = 0, memory_per_item_bytes = 0;
  double energy_per_item_j = -1;  ///< < 0: from the device's watts
  Profile profile;
  Law service;               ///< of a batch's time about its profile
  Duration pre{};            ///< work before the batch on each item: part of the profile
  Duration pre_at_origin{};  ///< the same where queries are made smaller at their origin: part of their way there, not of the profile
  LoadTimes load;
  Origin origin_latency = Origin::assumed, origin_accuracy = Origin::assumed, origin_load = Origin::assumed,
         origin_memory = Origin::assumed;
  double accuracy_quantile = 0;  ///< normal quantile of the accuracy: an answer is right iff its latent is at most this

  std::optional<Kernel> kernel;  ///< none: it cannot run for real

  VariantId resumes;  ///< the same network up to an early exit: where it runs after that on one device, it only does the rest

  /// Factors on the time of a batch that starts while one of the other variant runs on the device.
  std::vector<std::pair<VariantId, double>> beside;

  double slowdown_beside(VariantId other) const {
    for (const auto& [v, factor] : beside)
      if (v == other) return factor;
    return 1;
  }
  /// Of its own time for one item what is left after the exit that took `done`.
  double share_after(const Variant& exit) const { return 1 - to_seconds(exit.profile.latency(1)) / to_seconds(profile.latency(1)); }
  /// Memory of an instance started for batches of up to `items`.
  std::int64_t memory_for(std::uint32_t items) const { return memory_bytes + memory_per_item_bytes * items; }
};

struct Catalog {
  std::string name;
  std::vector<Task> tasks;
  std::vector<Hardware> hardware;
  std::vector<Variant> variants;

  const Task& operator[](TaskId id) const { return tasks[id.index()]; }
  const Hardware& operator[](HardwareId id) const { return hardware[id.index()]; }
  const Variant& operator[](VariantId id) const { return variants[id.index()]; }
  /// Fills what follows from the rest: tasks' variants and best accuracies, quantiles. Call once after reading.
  void complete();
};

}  // namespace tideline
