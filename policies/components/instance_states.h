// INFaaS's judgement of instances: active, overloaded or interfered, once a window, from differences of the boards' counters.
#pragma once

#include "sim/policy/view.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Constants of the judgement; defaults are those of the released code (query_executor.cc) and of the paper (ATC'21, figure 4).
struct InstanceStateRules {
  struct Interference {
    double slowdown = 1.5;    ///< time there over profile from which on it counts
    double load = 0.3;        ///< share of the peak rate above which it counts
    double recovered = 1.25;  ///< time there over profile below which it ends
    double decay = 1.5;       ///< divides the known time there in a window without an answer
  };
  std::uint32_t reference_batch = 32;  ///< of accelerators, at most; a CPU's is 1
  double overloaded = 1;               ///< share of the peak rate
  /// Share of the peak rate up to which a group is filled within a window (online best fit, ATC'21 section 4.2.3).
  double fill = 1 / 1.05;
  Interference accelerator{};
  /// Accelerators whose profile is shorter than `short_profile` may be slower by `short_allowance` / profile, at most `short_most`.
  Duration short_profile = 10ms, short_allowance = 15ms;
  double short_most = 5;
  Interference cpu{2.5, 0.5, 1.5, 15};
  double cpu_single_slowdown = 4, cpu_single_load = 1;  ///< where the group has one instance only
};

enum class InstanceState : std::uint8_t { active, overloaded, interfered };

/// The state of each instance as of the last window. An instance that became warm since is active.
class InstanceStates {
 public:
  InstanceStates(const World& world, const InstanceStateRules& rules);

  /// Ends a window: judges all warm instances. A site whose board has not been renewed since keeps its judgement.
  void observe(ClusterView view);

  InstanceState state(InstanceId i) const { return record(i).state; }
  /// Rate of the last window over the peak rate.
  double use(InstanceId i) const { return record(i).use; }
  /// Whether the group has an active instance that is not yet full in this window. O(1): one that stopped since the last window may be missed until the next.
  bool has_active(ClusterView view, GroupId g) const {
    const GroupRecord& group = groups_[g.index()];
    const GroupRow& row = view.group(g);
    if (row.warm() <= group.blocked) return false;
    // What was sent since the window began fills its active instances at their peak rate, one query each ahead of it.
    const double room = group.items + group.fill_rate * to_seconds(view.now() - group.began);
    return group.items_sent(row) < (row.warm() - group.blocked) * room;
  }
  /// What the group was sent in this window so far, over what its warm instances can take in it, in items. O(1).
  double use_so_far(ClusterView view, GroupId g) const {
    const GroupRow& row = view.group(g);
    const GroupRecord& group = groups_[g.index()];
    const double room = group.items + peak_rate(view.world()[g].variant) * to_seconds(view.now() - group.began);
    return group.items_sent(row) / (row.warm() * room);
  }
  /// What it was sent in the last window, over what its warm instances can take in one.
  double last_use(GroupId g) const { return groups_[g.index()].last_use; }
  /// Share of the last window in which the device ran batches.
  double utilisation(DeviceId d) const { return utilisation_[d.index()]; }

  /// What the judgement compares with: items a batch, its time by profile, and the rate that this makes.
  std::uint32_t reference_batch(VariantId v) const { return references_[v.index()].batch; }
  Duration reference_latency(VariantId v) const { return references_[v.index()].latency; }
  double peak_rate(VariantId v) const { return references_[v.index()].batch / to_seconds(references_[v.index()].latency); }

  /// One step of the state machine. `single`: the only instance of its group.
  InstanceState next(InstanceState state, double rate, Duration time_there, VariantId v, bool single) const;

 private:
  struct Reference {
    std::uint32_t batch = 1;
    Duration latency{};
  };
  struct Record {
    std::uint64_t sent = 0, answered = 0;
    Duration time_there{}, busy{};
    Duration average{};  ///< time there of an answer
    double use = 0;
    GroupId group;
    InstanceState state = InstanceState::active;
  };
  struct GroupRecord {
    std::uint32_t blocked = 0;
    double fill_rate = 0;    ///< of one instance, per second
    std::uint64_t sent = 0;  ///< to the group when the window began
    Time began{};            ///< of the window
    double last_use = 0;
    double items = 1;                        ///< of a visit, in the last window or, where none was answered in it, so far
    std::uint64_t answered = 0, served = 0;  ///< visits and items by the begin of the window
    double items_sent(const GroupRow& row) const { return static_cast<double>(row.counters.sent - sent) * items; }
  };
  const Record& record(InstanceId i) const;

  const World& world_;
  InstanceStateRules rules_;
  std::uint32_t slot_mask_;
  std::vector<Reference> references_;         // by variant
  std::vector<std::vector<Record>> records_;  // by site and slot
  std::vector<Time> observed_;                // by site
  std::vector<GroupRecord> groups_;
  std::vector<double> utilisation_;  // by device
};

}  // namespace tideline
