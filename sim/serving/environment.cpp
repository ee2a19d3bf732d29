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
  going_on_.assign(e.changes.size(), false);
  for (const FailureProcess& p : e.failures)
    for (std::uint32_t n = 0; n < p.nodes.count; ++n) {
      fates_.push_back({&p, NodeId{p.nodes.first.index() + n}, Stream(options_.seed, "environment", fates_.size()), false});
      schedule_fate(static_cast<std::uint32_t>(fates_.size() - 1));
    }
  reasons_down_.assign(world_.topology().nodes.size(), 0);
}

void Simulation::schedule_fate(std::uint32_t k) {
  NodeFate& f = fates_[k];
  const Duration mean = f.down ? f.process->mean_down : f.process->mean_up;
  const Time at = later(engine_.now(), from_seconds(-to_seconds(mean) * std::log1p(-uniform01(f.draws))));
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
      const auto rest = static_cast<std::uint32_t>(k - fates_.size()), of_control = static_cast<std::uint32_t>(2 + controllers_.size());
      return rest < of_control ? control_event(rest) : load_due(rest - of_control);
    }
    fates_[k].down = !fates_[k].down;
    node_is_down(fates_[k].node, fates_[k].down);
    return schedule_fate(k);
  }
  const Change& c = changes[slot / 2];
  const bool begins = slot % 2 == 0;
  going_on_[slot / 2] = begins;
  switch (c.kind) {
    case Change::Kind::failure:
      for (std::uint32_t n = 0; n < c.nodes.count; ++n) node_is_down(NodeId{c.nodes.first.index() + n}, begins);
      break;
    case Change::Kind::slowdown:
      for (std::uint32_t n = 0; n < c.nodes.count; ++n) slow_down(NodeId{c.nodes.first.index() + n});
      break;
    case Change::Kind::link:
      change_link(c.link);
      break;
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

void Simulation::slow_down(NodeId n) {
  double factor = 1;
  for (std::size_t k = 0; k < going_on_.size(); ++k) {
    const Change& c = options_.environment.changes[k];
    if (going_on_[k] && c.kind == Change::Kind::slowdown && n.index() - c.nodes.first.index() < c.nodes.count) factor *= c.factor;
  }
  const Node& node = world_.topology()[n];
  for (std::uint32_t d = 0; d < node.devices; ++d) cluster_.set_slowdown(DeviceId{node.first_device.index() + d}, factor);
}

void Simulation::change_link(std::uint32_t link) {
  double bandwidth = world_.topology().links[link].bytes_per_s, delay = to_seconds(world_.topology().links[link].delay);
  for (std::size_t k = 0; k < going_on_.size(); ++k) {
    const Change& c = options_.environment.changes[k];
    if (!going_on_[k] || c.kind != Change::Kind::link || c.link != link) continue;
    bandwidth *= c.bandwidth_factor;
    delay *= c.delay_factor;
  }
  links_down_[link] = 0;
  for (std::size_t k = 0; k < going_on_.size(); ++k) {
    const Change& c = options_.environment.changes[k];
    if (going_on_[k] && c.kind == Change::Kind::link && c.link == link && c.bandwidth_factor == 0) links_down_[link] = 1;
  }
  // Over a link without bandwidth only what waited for it to come back has to be carried.
  if (world_.topology().links[link].bytes_per_s == 0) bandwidth = links_down_[link] != 0 ? 0 : 1e18;
  find_reach();
  for (std::uint32_t channel = 2 * link; channel < 2 * link + 2; ++channel) {
    channels_[channel].set_bandwidth(engine_.now(), bandwidth);
    delays_[channel] = from_seconds(delay);
    arm_channel(channel);
  }
  for (Controller& c : controllers_) place_all_held(c);
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
