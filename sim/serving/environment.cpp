// The environment: what was foreseen for a time begins and ends, nodes fail and come back by chance.
#include "sim/core/random.h"
#include "sim/serving/simulation.h"

#include <algorithm>
#include <cmath>

namespace tideline {

// Slots of EventKind::change after those of the channels: begin and end of each change, then the nodes of the processes.

void Simulation::begin_environment() {
  const Environment& e = options_.environment;
  const auto base = static_cast<std::uint32_t>(channels_.size());
  for (std::uint32_t k = 0; k < e.changes.size(); ++k) {
    schedule(e.changes[k].from, EventKind::change, base + 2 * k);
    if (e.changes[k].to != never) schedule(e.changes[k].to, EventKind::change, base + 2 * k + 1);
  }
  nodes_before_.assign(e.changes.size(), 0);
  for (const FailureProcess& p : e.failures)
    for (std::uint32_t n = 0; n < p.nodes.count; ++n) {
      fates_.push_back({&p, NodeId{p.nodes.first.index() + n}, Stream(options_.seed, "environment", fates_.size()), Fate::up});
      schedule_fate(static_cast<std::uint32_t>(fates_.size() - 1));
    }
  if (!e.carbon_per_kwh.empty()) change_prices();
}

void Simulation::schedule_fate(std::uint32_t k) {
  NodeFate& f = fates_[k];
  const auto drawn = [&](Duration mean) { return from_seconds(-to_seconds(mean) * std::log1p(-uniform01(f.draws))); };
  const Duration lasts =
      f.fate == Fate::noticed ? f.process->notice : drawn(f.fate == Fate::down ? f.process->mean_down : f.process->mean_up);
  const Time at = later(engine_.now(), lasts);
  const auto slot = static_cast<std::uint32_t>(channels_.size() + 2 * options_.environment.changes.size() + k);
  if (at != never) schedule(at, EventKind::change, slot);
}

void Simulation::change(std::uint32_t slot) {
  if (slot < channels_.size()) return channel_event(slot);
  slot -= static_cast<std::uint32_t>(channels_.size());
  const auto& changes = options_.environment.changes;
  if (slot >= 2 * changes.size()) {
    const auto k = static_cast<std::uint32_t>(slot - 2 * changes.size());
    if (k >= fates_.size()) {
      const auto rest = static_cast<std::uint32_t>(k - fates_.size());
      return rest < control_slots() ? control_event(rest) : load_due(rest - control_slots());
    }
    NodeFate& f = fates_[k];
    if (f.fate == Fate::up && f.process->notice > Duration{}) {
      f.fate = Fate::noticed;
      notice(f.node);
    } else {
      if (f.fate == Fate::noticed) reclaim(f.node);
      f.fate = f.fate == Fate::down ? Fate::up : Fate::down;
      node_is_down(f.node, f.fate == Fate::down);
    }
    return schedule_fate(k);
  }
  const std::uint32_t k = slot / 2;
  const Change& c = changes[k];
  const bool begins = slot % 2 == 0;
  if (begins)
    going_on_.push_back(k);
  else
    going_on_.erase(std::find(going_on_.begin(), going_on_.end(), k));
  const auto each_node = [&](auto&& f) {
    for (std::uint32_t n = 0; n < c.nodes.count; ++n) f(NodeId{c.nodes.first.index() + n});
  };
  switch (c.kind) {
    case Change::Kind::failure:
      return each_node([&](NodeId n) { node_is_down(n, begins); });
    case Change::Kind::notice:
      return each_node([&](NodeId n) { begins ? notice(n) : reclaim(n); });
    case Change::Kind::slowdown:
      return each_node([&](NodeId n) { slow_down(n); });
    case Change::Kind::taken:
      return each_node([&](NodeId n) { take_from(n); });
    case Change::Kind::price:
    case Change::Kind::carbon:
      return change_prices();
    case Change::Kind::capacity: {
      // What fails, or will be reclaimed, is the pool's too.
      const Pool& pool = world_.topology()[c.pool];
      std::uint32_t nodes = 0, failed = 0;
      for (std::uint32_t n = 0; n < pool.nodes; ++n) {
        const NodeId id{pool.first_node.index() + n};
        const NodePhase phase = cluster_[id].phase;
        failed += phase == NodePhase::failed && !given_back_[id.index()] ? 1U : 0U;
        const bool leaves = phase == NodePhase::draining && noticed_[id.index()] > 0;
        nodes += phase == NodePhase::up || phase == NodePhase::booting || leaves ? 1U : 0U;
      }
      if (begins) nodes_before_[k] = std::clamp(nodes + failed, pool.min, pool.max);
      return scale_pool(c.pool, begins ? c.count : std::max(pool.min, nodes_before_[k] - std::min(failed, nodes_before_[k])));
    }
    case Change::Kind::accuracy:
      return change_accuracy(c.variant);
    case Change::Kind::link:
      return change_link(c.link);
  }
}

/// One more reason for the node to be down, or one less. A node that is off or boots has nothing to fail.
void Simulation::node_is_down(NodeId n, bool down) {
  if (down) {
    if (reasons_down_[n.index()]++ > 0) return;
    const NodePhase phase = cluster_[n].phase;
    if (phase == NodePhase::up || phase == NodePhase::draining) fail_node(n);
  } else if (--reasons_down_[n.index()] == 0 && cluster_[n].phase == NodePhase::failed) {
    restore_node(n);
  }
}

/// The node will be reclaimed: it takes nothing new and drains, but is paid for until it goes. One that is not up drains from when it is.
void Simulation::notice(NodeId n) {
  ++noticed_[n.index()];
  if (cluster_[n].phase != NodePhase::up) return;
  cluster_.node_phase(n, NodePhase::draining, engine_.now());
  drain_node(n);
}

/// Its notice is over, and it is down from now on: what comes back is another machine.
void Simulation::reclaim(NodeId n) {
  --noticed_[n.index()];
  cluster_.lose_artefacts(n);
}

void Simulation::slow_down(NodeId n) {
  double factor = 1;
  each_going_on(Change::Kind::slowdown, [&](const Change& c) {
    if (n.index() - c.nodes.first.index() < c.nodes.count) factor *= c.factor;
  });
  const Node& node = world_.topology()[n];
  for (std::uint32_t d = 0; d < node.devices; ++d) cluster_.set_slowdown(DeviceId{node.first_device.index() + d}, factor);
}

/// Idle instances make room for what others take.
void Simulation::take_from(NodeId n) {
  std::int64_t bytes = 0;
  std::uint32_t cores = 0;
  each_going_on(Change::Kind::taken, [&](const Change& c) {
    if (n.index() - c.nodes.first.index() >= c.nodes.count) return;
    bytes += c.bytes;
    cores += c.count;
  });
  const Node& node = world_.topology()[n];
  if (world_.catalog()[world_.topology()[node.pool].hardware].sharing != Sharing::partitioned) cores = 0;  // nobody holds any
  for (std::uint32_t k = 0; k < node.devices; ++k) {
    const DeviceId d{node.first_device.index() + k};
    const DeviceState& s = cluster_[d];
    const std::int64_t more = std::max<std::int64_t>(0, bytes - s.taken_bytes);
    const std::uint32_t more_cores = cores > s.taken_cores ? cores - s.taken_cores : 0;
    while (more > cluster_.row(d).memory_free || more_cores > cluster_.row(d).cores_free) {
      // One by one, since all together may never be enough.
      const std::int64_t memory = std::min(more, cluster_.row(d).memory_free + 1);
      const std::uint32_t free_cores = std::min(more_cores, cluster_.row(d).cores_free + 1);
      if (!evict_for(d, memory, free_cores, StartCause::held)) break;
    }
    cluster_.take(d, bytes, cores, engine_.now());
  }
  room_freed();
}

void Simulation::change_prices() {
  prices_.pool_factor.assign(world_.topology().pools.size(), 1);
  const auto& changes = options_.environment.changes;
  prices_.carbon_per_kwh = options_.environment.carbon_per_kwh;
  if (std::any_of(changes.begin(), changes.end(), [](const Change& c) { return c.kind == Change::Kind::carbon; }))
    prices_.carbon_per_kwh.resize(world_.site_count());
  each_going_on(Change::Kind::price, [&](const Change& c) { prices_.pool_factor[c.pool.index()] *= c.factor; });
  each_going_on(Change::Kind::carbon, [&](const Change& c) { prices_.carbon_per_kwh[c.site.index()] = c.amount; });
  cluster_.settle(engine_.now());
  for (Recorder* r : recorders_) r->prices(cluster_, prices_, engine_.now());
}

void Simulation::change_accuracy(VariantId v) {
  double accuracy = world_[v].accuracy;
  each_going_on(Change::Kind::accuracy, [&](const Change& c) {
    if (c.variant == v) accuracy += c.amount;
  });
  outcome_.set_accuracy(v, std::clamp(accuracy, 0.0, 1.0));
}

void Simulation::change_link(std::uint32_t link) {
  double bandwidth = world_.topology().links[link].bytes_per_s, delay = to_seconds(world_.topology().links[link].delay);
  links_down_[link] = 0;
  each_going_on(Change::Kind::link, [&](const Change& c) {
    if (c.link != link) return;
    bandwidth *= c.bandwidth_factor;
    delay *= c.delay_factor;
    if (c.bandwidth_factor == 0) links_down_[link] = 1;
  });
  // Over a link without bandwidth only what waited for it to come back has to be carried.
  if (world_.topology().links[link].bytes_per_s == 0) bandwidth = links_down_[link] != 0 ? 0 : 1e18;
  find_reach();
  for (std::uint32_t channel = 2 * link; channel < 2 * link + 2; ++channel) {
    channels_[channel].set_bandwidth(engine_.now(), bandwidth);
    delays_[channel] = from_seconds(delay);
    arm_channel(channel);
  }
  for (Controller& c : controllers_) {
    place_all_held(c);
    start_for_held(c);
  }
}

/// Who can be reached over the links that are up. Policies see it at once: who sends notices that nothing comes back.
void Simulation::find_reach() {
  reach_ = &world_;
  if (std::any_of(links_down_.begin(), links_down_.end(), [](char down) { return down != 0; })) {
    auto at = std::find_if(reaches_.begin(), reaches_.end(), [&](const auto& r) { return r.first == links_down_; });
    if (at == reaches_.end()) at = reaches_.insert(at, {links_down_, std::make_unique<World>(world_.without_links(links_down_))});
    reach_ = at->second.get();
  }
  for (Controller& c : controllers_) c.knowledge.world = c.live.world = reach_;
}

}  // namespace tideline
