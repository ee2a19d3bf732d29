// What policies see of a site: columns and indexes of its groups, instances, devices and tasks. The live board is kept in
// place by the cluster; a copy of it (a plain value) is how an old state is seen.
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"
#include "sim/model/entities.h"
#include "sim/model/indexes.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

/// Which indexes are kept; policies declare what they read.
struct Indexes {
  bool by_load = false;  ///< `least_loaded`
  bool by_free = false;  ///< `earliest_free`, `free_at` of instances and devices
  Indexes operator|(Indexes o) const { return {by_load || o.by_load, by_free || o.by_free}; }
};

/// Cumulative counters: policies that work in intervals take differences. What is sent is counted in visits; how many items they have shows
/// when they are served.
struct Counters {
  std::uint64_t sent = 0;      ///< visits sent there
  std::uint64_t answered = 0;  ///< visits served
  std::uint64_t items = 0;     ///< of those
  std::uint64_t batches = 0;
  Duration time_there{};  ///< sum over answered of joining to end of service
  Duration busy{};        ///< sum of ended batches' times
};

struct InstanceRow {
  Time free_at{};     ///< by profile: its batch, then what waits and travels; starting: also the load
  Time idle_since{};  ///< end of its last batch, or when it became warm
  GroupId group;
  DeviceId device;
  std::uint32_t load = 0;  ///< visits travelling to, waiting or in service at it
  std::uint32_t in_service = 0;
  Phase phase = Phase::gone;
  std::uint8_t option = 0;  ///< core option of the profile
  std::uint16_t padding = 0;
  std::uint32_t cores = 0;
};

struct GroupRow {
  std::array<std::uint32_t, phases> count{};  ///< instances by phase
  std::uint32_t wish = 0;                     ///< of the plan in force: instances to have
  std::uint32_t batch_cap = 1;                ///< items
  std::uint8_t option = 0;                    ///< core option of instances to come
  double share = 0;                           ///< of routing, where a plan gives one
  std::uint32_t waiting = 0;                  ///< visits in its shared line
  Counters counters;
  std::vector<InstanceId> members;  ///< all that are not gone
  LevelIndex by_load;               ///< warm ones
  FreeIndex by_free;

  std::uint32_t starting() const { return count[static_cast<std::size_t>(Phase::starting)]; }
  std::uint32_t warm() const { return count[static_cast<std::size_t>(Phase::warm)]; }
  std::uint32_t draining() const { return count[static_cast<std::size_t>(Phase::draining)]; }
};

struct DeviceRow {
  std::int64_t memory_free = 0;
  std::uint32_t cores_free = 0;
  std::uint32_t running = 0;  ///< batches
  Duration pending{};         ///< exclusive: profiled work that waits at all its instances
  Time run_until{};           ///< by profile: when what runs is done
  bool up = false;

  Time free_at() const { return run_until + pending; }
};

/// Nodes of a pool by phase.
struct PoolRow {
  std::uint32_t up = 0, booting = 0, draining = 0;
};

/// By task, of the queries that originate at the site.
struct TaskRow {
  std::uint64_t arrived = 0;
  std::uint32_t in_flight = 0;
};

struct Board {
  SiteId site;
  Time taken_at{};
  std::uint64_t version = 0;
  std::vector<InstanceRow> instances;  ///< by slot
  std::vector<Counters> counters;      ///< by slot
  std::vector<LevelIndex::Place> by_load_places;
  std::vector<std::uint32_t> by_free_positions;
  std::vector<GroupRow> groups;  ///< of the site, in the order of ids
  std::vector<DeviceRow> devices;
  std::vector<PoolRow> pools;  ///< by pool; those of other sites stay empty
  std::vector<TaskRow> tasks;
};

}  // namespace tideline
