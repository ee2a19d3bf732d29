// Vertical scaling: instances get other cores, in place or by a restart.
#include "sim/serving/simulation.h"

#include <algorithm>

namespace tideline {

void Simulation::set_cores(const Plan::Cores& k) {
  cluster_.set_option(k.group, k.option);
  if (k.resize == Plan::Resize::none) return;
  if (k.resize == Plan::Resize::in_place) {
    resizes_instances_ = true;
    // A copy: room that one gives may start others of the group. Who shrinks goes first: others may grow into what it gives.
    const std::vector<InstanceId> members = cluster_.row(k.group).members;
    for (const bool shrinks : {true, false})
      for (const InstanceId i : members) {
        const InstanceRow& row = cluster_.row(i);
        if (row.phase == Phase::draining || (k.option < row.option) != shrinks) continue;
        cluster_.instance(i).wished_option = k.option;
        if (row.option != k.option) try_resize(i);
      }
    return;
  }
  restarts_[k.group.index()] = true;
  restart_next(k.group);
}

/// At once where no batch runs and its device has the cores; otherwise when that is so.
void Simulation::try_resize(InstanceId i) {
  const Instance& x = cluster_[i];
  const InstanceRow& row = cluster_.row(i);
  if (x.batch_count > 0 || row.phase == Phase::draining || row.phase == Phase::gone) return;
  if (!cluster_.can_resize(i, x.wished_option)) {
    if (std::find(growing_.begin(), growing_.end(), i) == growing_.end()) growing_.push_back(i);
    return;
  }
  const std::uint32_t before = row.cores;
  cluster_.resize(i, x.wished_option, engine_.now());
  for (Recorder* r : recorders_) r->instance_resized(i, before, engine_.now());
  if (row.cores < before) room_freed();
}

/// Cores may be free: who waited longest grows first.
void Simulation::grow_waiting() {
  std::vector<InstanceId> waiting;
  waiting.swap(growing_);
  for (const InstanceId i : waiting) {
    const Phase phase = cluster_.row(i).phase;
    if ((phase == Phase::starting || phase == Phase::warm) && cluster_[i].wished_option != cluster_.row(i).option) {
      // While a batch runs it keeps its place; its end asks again.
      if (cluster_[i].batch_count > 0)
        growing_.push_back(i);
      else
        try_resize(i);
    }
  }
}

/// The least loaded instance with another core option than its group's drains, unless one of the group is on its way already.
void Simulation::restart_next(GroupId g) {
  const GroupRow& group = cluster_.row(g);
  if (!restarts_[g.index()] || group.starting() > 0) return;
  InstanceId pick;
  for (const InstanceId i : group.members) {
    if (cluster_[i].restarts) return;
    if (cluster_.row(i).phase != Phase::warm || cluster_.row(i).option == group.option) continue;
    if (!pick || cluster_.row(i).load < cluster_.row(pick).load || (cluster_.row(i).load == cluster_.row(pick).load && i < pick)) pick = i;
  }
  if (!pick) {
    restarts_[g.index()] = false;
    return;
  }
  cluster_.instance(pick).restarts = true;
  restart_to_[g.index()] = group.starting() + group.warm();
  if (is_idle(pick))
    stop_instance(pick, StopCause::plan);
  else
    drain_instance(pick);
}

/// One that was to restart is gone: another takes its place, unless somebody else saw to that already.
void Simulation::restart_stopped(GroupId g) {
  const GroupRow& group = cluster_.row(g);
  const std::uint32_t have = group.starting() + group.warm();
  if (have >= restart_to_[g.index()]) return restart_next(g);
  const VariantId variant = world_[g].variant;
  if (start_instance(variant, g, StartCause::plan)) return;
  // A wish waits for room; without one the next query asks.
  const bool asked =
      std::any_of(pending_.begin(), pending_.end(), [&](const PendingStart& p) { return p.group == g && p.cause == StartCause::plan; });
  if (have < group.wish && !asked) pending_.push_back({variant, g, StartCause::plan});
}

}  // namespace tideline
