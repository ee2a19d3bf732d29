// The mechanics of what lives and dies in a run. What policies may see of it is in the boards (board.h).
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// 128-bit sums of nanoseconds x counts: exact over any run.
__extension__ using Area = unsigned __int128;

/// Visits, and gatherings, at one time: events name them with 26 bits.
inline constexpr std::size_t most_in_flight = std::size_t{1} << 26;

enum class VisitState : std::uint8_t { free, deciding, held, travelling, waiting, in_service, returning };

/// Facts of a visit that are true or false.
struct VisitFlags {
  bool measured : 1 = false;         ///< its query arrived in the measured window
  bool triggered_load : 1 = false;   ///< its arrival triggered a load: a cold start
  bool delayed_by_load : 1 = false;  ///< it waits for a load that another query triggered
  bool cancelled : 1 = false;        ///< its gathering no longer needs it; runs to its end, if in service, as waste
  bool lost : 1 = false;             ///< its instance failed under it
  bool resumes : 1 = false;          ///< goes on where an early exit of the same network left off: `work` is of the rest
};

/// One stay of a query at a variant. A plain query is one visit, so the slot carries the query's own fields too.
struct Visit {
  Time arrival{};            ///< of the query at its origin
  Time joined{};             ///< its present line
  std::uint64_t serial = 0;  ///< of the query: key of its draws
  VisitId next, prev;        ///< in its lane or batch
  ClassId cls;
  LineId line;            ///< where it travels to or waits
  GatheringId gathering;  ///< none for a plain query
  float work = 1;         ///< factor on service time
  std::uint32_t payload_bytes = 0;
  std::uint16_t items = 1, tenant = 0;
  std::uint16_t origin = 0;  ///< site
  std::uint16_t entry = 0;   ///< of the workload: answer bytes, name
  VisitState state = VisitState::free;
  std::uint8_t attempt = 0;  ///< earlier visits of the query at the same variant: part of the key of its service time
  std::uint8_t stale = 0;    ///< times its placement came to nothing
  VisitFlags flags;
};
static_assert(sizeof(Visit) == 64, "one visit is one cache line");

/// How the answers of a gathering's visits become one. Majority: each has a vote; weighted: each has the log-odds of its accuracy;
/// learnt: each has the weight that the selection policy gives it.
enum class Combine : std::uint8_t { first, best, last, majority, weighted, learnt };
inline bool is_vote(Combine c) { return c >= Combine::majority; }

/// The visits of one query that has, or may get, more than one: ensemble, cascade, hedge, retry.
struct Gathering {
  static constexpr std::size_t most_visits = 16;
  std::uint8_t open = 0;     ///< visits not yet ended
  std::uint8_t answers = 0;  ///< visits that ended with an answer
  std::uint8_t quorum = 1;   ///< answers that resolve it
  std::uint8_t stage = 0;    ///< of a cascade, from 0
  std::uint8_t made = 0;     ///< visits made so far
  std::uint8_t retries_left = 0;
  Combine combine = Combine::best;
  bool resolved = false;
  std::array<VisitId, most_visits> visits;      ///< open ones, none where ended
  std::array<VariantId, most_visits> variants;  ///< of all visits made
  std::array<VariantId, most_visits> answered;  ///< variants that answered, in order
  Time due = never;                             ///< dispatch asks to be asked again
  Time scheduled = never;                       ///< of the live timer event
};

inline constexpr std::uint32_t no_lane = ~std::uint32_t{0};

/// Visits of one class in one line, in order.
struct Lane {
  ClassId cls;
  VisitId head, tail;
  std::uint32_t count = 0;
  std::uint32_t next = no_lane;  ///< further lane of the same line
};

enum class LineKind : std::uint8_t { own, shared, late, held };
/// Who leaves a line first. Priority: the higher, then arrival; newest: the latest arrival.
enum class LineOrder : std::uint8_t { by_arrival, by_deadline, by_priority, newest };

/// Where visits wait: one lane per class present. Its head is the least of the lane heads. What a visit that joins touches is one cache
/// line, the accounts another.
struct alignas(64) Line {
  Lane lane;                     ///< the first lane lives here; it is relabelled when empty
  std::uint32_t more = no_lane;  ///< first of the further lanes
  std::uint32_t count = 0;
  std::uint32_t bound = ~std::uint32_t{0};  ///< visits that may wait in it
  std::uint32_t items = 0;
  LineKind kind = LineKind::own;
  LineOrder order = LineOrder::by_arrival;
  InstanceId instance;  ///< own
  GroupId group;        ///< own and shared
  VariantId variant;    ///< own, shared, held
  TaskId task;          ///< late
  SiteId site;          ///< own, shared, late
  // The accounts.
  Time changed{};
  std::uint64_t joined = 0, left = 0;
  Area area = 0;   ///< integral of count over time
  Area waits = 0;  ///< sum over those who left of the time from joining to leaving
};
static_assert(sizeof(Line) == 128 && offsetof(Line, changed) == 64);

enum class Phase : std::uint8_t { gone, starting, warm, draining };
inline constexpr std::size_t phases = 4;

/// Why an instance was started.
enum class StartCause : std::uint8_t { initial, held, plan, prewarm, preload };

/// A variant loaded or loading on a device: mechanics. What every visit and batch touches comes first: two cache lines.
struct alignas(64) Instance {
  // Touched when a visit is sent to it.
  const Duration* work = nullptr;  ///< time of a batch by items, of its core option
  Time batch_until{};              ///< by profile
  Time keep_due = never;           ///< of its keep-alive
  Time retry_due = never;          ///< of batching
  bool exclusive = true;           ///< its device is
  bool waits_for_others = false;   ///< shares an exclusive device: its time is that of the device
  bool put_off = false;            ///< batching waits: not asked again until the line changes or the retry time
  bool in_ready = false;
  bool idle_told = false;  ///< coldstart was asked about its present idleness
  bool batch_of_own_line = true;
  std::uint32_t batch_count = 0;  ///< visits in service
  VisitId batch_head;
  std::uint32_t batch_items = 0;
  std::uint32_t cores = 0;
  double batch_work = 1;  ///< item-weighted mean of its visits' work
  // Touched when a batch begins and ends.
  Time batch_began{}, batch_ends = never;  ///< ends: time of the live completion
  Area batch_joined = 0;                   ///< sum over its visits of when they joined the line
  Time warm_at{};
  std::uint32_t serial = 0;        ///< number of the start, from 0; for output only
  std::uint8_t wished_option = 0;  ///< core option that it is to have; changes when no batch runs and the cores are free
  bool restarts = false;           ///< drains to be started anew with its group's core option
  // The rest.
  Time retry_scheduled = never, keep_scheduled = never;
  Time started{}, load_ends = never;
  Time cores_since{};  ///< holds its present cores
  std::int64_t memory_bytes = 0;
  std::uint32_t position_on_device = 0, position_in_group = 0;
  std::uint32_t largest_batch = 1;  ///< items it was started for
  StartCause cause = StartCause::initial;
  bool waits_to_load = false;  ///< its turn on the device has not come
  Duration batch_alone{};      ///< on a shared device: what its batch would have taken alone
};
static_assert(offsetof(Instance, batch_began) == 64);

/// Mechanics and accounts of a device.
struct alignas(64) DeviceState {
  std::vector<InstanceId> instances;  ///< that hold memory on it
  std::vector<InstanceId> ready;      ///< have work, are not running and not put off
  std::int64_t off = 0;
  Time holding_changed{};  ///< up to where memory and cores are accounted
  // Touched by every batch. Where its time went, in ns: exactly one of busy, loading, idle and off at any instant.
  Time changed{};
  std::int64_t busy = 0, loading = 0, idle = 0;
  std::int64_t served = 0;      ///< sum of the times of ended batches; on one-batch devices this equals `busy`
  std::int64_t concurrent = 0;  ///< integral of running batches
  double slowdown = 1;
  std::int64_t taken_bytes = 0;   ///< by others
  std::uint32_t taken_cores = 0;  ///< by others
  std::uint32_t starting = 0;
  Area memory_area = 0, core_area = 0;   ///< integrals of bytes and cores held
  Area memory_held = 0, cores_held = 0;  ///< the same, summed over ended instances and, of cores, over former sizes
};

/// draining: up, takes no more instances, goes off with the last of them. failed: off until it is restored.
enum class NodePhase : std::uint8_t { off, booting, up, draining, failed };

struct NodeState {
  NodePhase phase = NodePhase::off;
  Time since{};         ///< of the present phase
  std::int64_t on = 0;  ///< ns booting, up or draining
  Time on_since{};
  std::int64_t rounded_up = 0;  ///< ns that billing adds to what ended
  Time boot_ends = never;
};

}  // namespace tideline
