// Nodes: ordered and given back by plans; failed and restored by the environment.
#include "sim/serving/simulation.h"

#include <algorithm>

namespace tideline {

/// Makes up and booting nodes of the pool as many as wished.
void Simulation::scale_pool(PoolId p, std::uint32_t wished) {
  const Pool& pool = world_.topology()[p];
  if (wished < pool.min || wished > pool.max)
    wrong_answer(PolicyKind::autoscaling, "plans " + std::to_string(wished) + " nodes of pool '" + pool.name + "', which has " +
                                              std::to_string(pool.min) + " to " + std::to_string(pool.max));
  const PoolRow& row = cluster_.board(pool.site).pools[p.index()];
  const auto each_in = [&](NodePhase phase, auto&& f) {
    for (std::uint32_t k = 0; k < pool.nodes && row.up + row.booting != wished; ++k)
      if (const NodeId n{pool.first_node.index() + k}; cluster_[n].phase == phase) f(n);
  };
  if (row.up + row.booting < wished) {
    each_in(NodePhase::draining, [&](NodeId n) {
      if (noticed_[n.index()] > 0) return;
      given_back_[n.index()] = false;
      cluster_.node_phase(n, NodePhase::up, engine_.now());
    });
    each_in(NodePhase::off, [&](NodeId n) {
      if (noticed_[n.index()] == 0) order_node(n);
    });
    room_freed();
    return;
  }
  each_in(NodePhase::booting, [&](NodeId n) { cluster_.node_phase(n, NodePhase::off, engine_.now()); });
  if (row.up + row.booting == wished) return;
  // Those that can go soonest: least that loads or waits, then fewest instances; ties the highest id, so that the first nodes stay.
  struct Weight {
    std::uint32_t loading = 0, load = 0, instances = 0;
    auto operator<=>(const Weight&) const = default;  // NOLINT(modernize-use-nullptr): a false alarm of version 14
  };
  const auto weight = [&](NodeId n) {
    Weight w;
    for (std::uint32_t k = 0; k < pool.devices_per_node; ++k)
      for (const InstanceId i : cluster_[DeviceId{world_.topology()[n].first_device.index() + k}].instances) {
        w.loading += cluster_.row(i).phase == Phase::starting ? 1U : 0U;
        w.load += cluster_.row(i).load;
        ++w.instances;
      }
    return w;
  };
  std::vector<NodeId> nodes;
  for (std::uint32_t k = pool.nodes; k-- > 0;)
    if (const NodeId n{pool.first_node.index() + k}; cluster_[n].phase == NodePhase::up) nodes.push_back(n);
  std::stable_sort(nodes.begin(), nodes.end(), [&](NodeId a, NodeId b) { return weight(a) < weight(b); });
  nodes.resize(row.up + row.booting - wished);
  // All are closed before the first drains, so that no instance moves from one to the next.
  for (const NodeId n : nodes) {
    given_back_[n.index()] = true;
    cluster_.node_phase(n, NodePhase::draining, engine_.now());
  }
  for (const NodeId n : nodes) drain_node(n);
}

void Simulation::order_node(NodeId n) {
  const Duration boot = world_.topology()[world_.topology()[n].pool].boot;
  if (boot == Duration{}) return comes_up(n);
  cluster_.boot(n, engine_.now() + boot, engine_.now());
  schedule(engine_.now() + boot, EventKind::node_up, n.index());
}

void Simulation::node_up(NodeId n) {
  // At another time it is the event of an order that was called off.
  if (cluster_[n].phase != NodePhase::booting || cluster_[n].boot_ends != engine_.now()) return;
  comes_up(n);
  room_freed();
}

/// Unless it has a reason to be down, or is to go again.
void Simulation::comes_up(NodeId n) {
  given_back_[n.index()] = false;
  const bool down = reasons_down_[n.index()] > 0, leaves = noticed_[n.index()] > 0;
  cluster_.node_phase(n, down ? NodePhase::failed : leaves ? NodePhase::draining : NodePhase::up, engine_.now());
}

/// The node drains: what is idle goes, what works is served, what loads drains once it is warm.
void Simulation::drain_node(NodeId n) {
  const Node& node = world_.topology()[n];
  std::vector<InstanceId> here;
  for (std::uint32_t k = 0; k < node.devices; ++k)
    for (const InstanceId i : cluster_[DeviceId{node.first_device.index() + k}].instances) here.push_back(i);
  for (const InstanceId i : here) {
    // Stopping one may start another elsewhere in the slot of a third.
    if (cluster_.row(i).phase != Phase::warm || world_.topology()[cluster_.row(i).device].node != n) continue;
    if (is_idle(i))
      stop_instance(i, StopCause::plan);
    else
      drain_instance(i);
  }
  off_if_empty(n);
}

void Simulation::off_if_empty(NodeId n) {
  if (cluster_[n].phase != NodePhase::draining || noticed_[n.index()] > 0) return;
  const Node& node = world_.topology()[n];
  for (std::uint32_t k = 0; k < node.devices; ++k)
    if (!cluster_[DeviceId{node.first_device.index() + k}].instances.empty()) return;
  cluster_.node_phase(n, NodePhase::off, engine_.now());
}

void Simulation::fail_node(NodeId n) {
  const Node& node = world_.topology()[n];
  LostVisits lost;
  std::vector<InstanceId> gone;
  std::vector<VariantId> variants;
  for (std::uint32_t k = 0; k < node.devices; ++k)
    for (const InstanceId i : cluster_[DeviceId{node.first_device.index() + k}].instances) gone.push_back(i);
  // Who waits to load has not begun.
  for (std::uint32_t k = 0; k < node.devices; ++k) device_loads_[node.first_device.index() + k].waiting.clear();
  for (const InstanceId i : gone) {
    const VariantId variant = world_[cluster_.row(i).group].variant;
    fail_instance(i, lost);
    if (std::find(variants.begin(), variants.end(), variant) == variants.end()) variants.push_back(variant);
  }
  cluster_.node_phase(n, NodePhase::failed, engine_.now());
  lose_all(lost);
  for (const VariantId variant : variants) {
    const GroupId g = world_.group(variant, node.site);
    start_for_stranded(variant, g);
    restart_next(g);  // the one whose turn it was may be gone
  }
  after_transition();
}

/// It goes at once: what runs ends here without an answer, what waits leaves its line. Both are added to `lost`.
void Simulation::fail_instance(InstanceId i, LostVisits& lost) {
  const Time now = engine_.now();
  const VariantId variant = world_[cluster_.row(i).group].variant;
  if (cluster_[i].batch_count > 0) {
    const Instance& x = cluster_[i];
    stop_sharing(i);
    for (Recorder* r : hear_batches_) r->batch_lost(i, cluster_.row(i).device, variant, x.batch_items, now - x.batch_began, now);
    VisitId v = cluster_.cut_short(i, now);
    while (v) {
      const VisitId next = cluster_.returning(v);
      lost.emplace_back(v, variant);
      v = next;
    }
  }
  while (const VisitId v = cluster_.head(cluster_.own_line(i))) {
    cluster_.leave(v, now);
    lost.emplace_back(v, variant);
  }
  for (Recorder* r : recorders_) r->instance_stopped(i, StopCause::failed, now);
  Controller& c = controller_of(cluster_.site_id(i));
  for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::gone, live_view(c));
  if (cluster_.row(i).phase == Phase::starting) cancel_load(i);
  executor_.unload(i);
  cluster_.fail(i, now);
}

void Simulation::lose_all(const LostVisits& lost) {
  for (const auto& [v, variant] : lost) {
    if (cluster_[v].flags.cancelled) {
      const GatheringId g = cluster_[v].gathering;
      forget(g, v);
      cluster_.close(v);
      release_if_done(g);
    } else {
      cluster_.visit(v).flags.lost = true;
      lose(v, variant);
    }
  }
}

/// A real load did not come to its end.
void Simulation::load_failed(InstanceId i) {
  const GroupId g = cluster_.row(i).group;
  LostVisits lost;
  fail_instance(i, lost);
  lose_all(lost);
  start_for_stranded(world_[g].variant, g);
  restart_next(g);
  room_freed();
}

void Simulation::restore_node(NodeId n) {
  // One that was to go when it failed comes back for nobody.
  const bool leaves = noticed_[n.index()] > 0;
  cluster_.node_phase(n, given_back_[n.index()] ? NodePhase::off : leaves ? NodePhase::draining : NodePhase::up, engine_.now());
  each_going_on(Change::Kind::capacity, [&](const Change& c) {
    if (c.pool == world_.topology()[n].pool) scale_pool(c.pool, c.count);
  });
  room_freed();
}

}  // namespace tideline
