// How instances come to be warm: their artefacts climb from the store over links, disk and host memory to the device, at the bandwidth that
// loads of one node, or queries on the same links, leave each other; then engine, runtime and first run take their time.
#include "sim/serving/simulation.h"

#include <algorithm>
#include <cassert>

namespace tideline {

// Channels after those of links: of each node from the store and from its disk; of each device from host memory.

std::uint32_t Simulation::node_channel(NodeId n, bool store) const {
  return static_cast<std::uint32_t>(2 * world_.topology().links.size()) + 2 * n.index() + (store ? 0 : 1);
}
std::uint32_t Simulation::device_channel(DeviceId d) const {
  return static_cast<std::uint32_t>(2 * (world_.topology().links.size() + world_.topology().nodes.size())) + d.index();
}

/// Channels for what may be loaded; none where no load moves bytes.
void Simulation::make_load_channels() {
  const Topology& topology = world_.topology();
  const auto& variants = world_.catalog().variants;
  device_loads_.resize(topology.devices.size());
  loads_move_ = std::any_of(variants.begin(), variants.end(), [&](const Variant& v) {
    const Hardware& h = world_.catalog()[v.hardware];
    return v.artefact_bytes > 0 && (topology.store || h.store_bytes_per_s > 0 || h.disk_bytes_per_s > 0 || h.copy_bytes_per_s > 0);
  });
  if (!loads_move_) return;
  for (const Node& n : topology.nodes) {
    const Hardware& h = world_.catalog()[topology[n.pool].hardware];
    channels_.emplace_back(h.store_bytes_per_s);
    channels_.emplace_back(h.disk_bytes_per_s);
  }
  for (const Device& d : topology.devices) channels_.emplace_back(world_.catalog()[d.hardware].copy_bytes_per_s);
}

/// The instance starts to load, when it is its turn on the device.
void Simulation::begin_load(InstanceId i) {
  const DeviceId d = cluster_.row(i).device;
  const Hardware& h = world_.catalog()[world_.topology()[d].hardware];
  DeviceLoads& on = device_loads_[d.index()];
  cluster_.instance(i).load_ends = not_known;
  // What policies may expect: one after the other, each with all bandwidth for itself.
  const Duration alone = executor_.expected_load(cluster_.load_parts(i));
  const Time from = h.concurrent_loads == 1 ? std::max(engine_.now(), on.until) : engine_.now();
  on.until = later(from, alone);
  cluster_.expect_warm(i, on.until);
  if (on.loading < h.concurrent_loads && on.waiting.empty()) return start_load(i);
  cluster_.instance(i).waits_to_load = true;
  on.waiting.push_back(i);
}

/// The load that it pays for.
LoadRun Simulation::load_run(InstanceId i) { return {i, cluster_.row(i).device, cluster_.row(i).option, cluster_.pay_load(i)}; }

void Simulation::start_load(InstanceId i) {
  const DeviceId d = cluster_.row(i).device;
  ++device_loads_[d.index()].loading;
  cluster_.instance(i).waits_to_load = false;
  const LoadRun run = load_run(i);
  const LoadParts& parts = run.parts;
  const std::optional<double> factor = executor_.load(run);
  double usd = 0;
  const Topology& topology = world_.topology();
  if (parts.from_store && topology.store)
    usd = topology.route(topology.store, topology[d].site).price_per_byte_usd * static_cast<double>(world_[parts.variant].artefact_bytes);
  for (Recorder* r : recorders_) r->load_began(i, parts, usd, engine_.now());
  if (!factor) {  // a real one: it says itself when it is done
    cluster_.instance(i).load_ends = never;
    return;
  }
  const Variant& v = world_[parts.variant];
  Duration fixed = v.load.first_run;
  if (parts.runtime_init) fixed += v.load.runtime_init;
  if (!loads_move_ && v.load.build == Duration{}) return end_load_at(i, scaled(fixed, *factor));
  if (free_loads_.empty()) {
    free_loads_.push_back(static_cast<std::uint32_t>(loads_.size()));
    loads_.emplace_back();
  }
  const std::uint32_t k = free_loads_.back();
  free_loads_.pop_back();
  Load& load = loads_[k];
  load = {i, parts, scaled(fixed, *factor), *factor, LoadStep::begins, topology.store, no_channel, never};
  go_on_loading(k);
}

/// It is warm after this time.
void Simulation::end_load_at(InstanceId i, Duration after) {
  Instance& x = cluster_.instance(i);
  x.load_ends = later(engine_.now(), after);
  schedule(x.load_ends, EventKind::warm, i.index());
}

/// A step of the load is done: on to the next that takes time, or waits for another load of the node.
void Simulation::go_on_loading(std::uint32_t k) {
  const Topology& topology = world_.topology();
  while (true) {
    Load& load = loads_[k];
    const Variant& v = world_[load.parts.variant];
    const SiteId site = topology[load.parts.node].site;
    const DeviceId device = cluster_.row(load.instance).device;
    const bool unified = world_.catalog()[v.hardware].unified_memory;
    // One load fetches, or builds, for all of the node that want the same.
    const auto another = [&](auto is) {
      return std::any_of(loads_.begin(), loads_.end(), [&](const Load& o) {
        return &o != &load && o.instance && o.parts.node == load.parts.node && o.parts.variant == load.parts.variant && is(o);
      });
    };
    const auto other = [&](LoadStep step) { return another([&](const Load& o) { return o.step == step; }); };
    switch (load.step) {
      case LoadStep::begins:
        if (load.parts.from_store) {
          load.step = LoadStep::comes;
          if (load.at && load.at != site) return travel_load(k);
          break;
        }
        load.step = LoadStep::waits_for_fetch;
        break;
      case LoadStep::waits_for_fetch:
        if (other(LoadStep::comes) || other(LoadStep::fetches)) return;
        if (load.parts.from_host && another([](const Load& o) { return o.step == LoadStep::reads && !o.parts.from_host; })) return;
        load.step = LoadStep::reads;
        if (!load.parts.from_host && transfer_for_load(k, node_channel(load.parts.node, false))) return;
        break;
      case LoadStep::comes:
        load.step = LoadStep::fetches;
        if (transfer_for_load(k, node_channel(load.parts.node, true))) return;
        break;
      case LoadStep::fetches:
        load.step = LoadStep::reads;
        wake_loads(LoadStep::waits_for_fetch, load.parts);
        break;
      case LoadStep::reads:
        load.step = LoadStep::copies;
        wake_loads(LoadStep::waits_for_fetch, load.parts);
        if (!unified && transfer_for_load(k, device_channel(device))) return;
        break;
      case LoadStep::copies:
        if (load.parts.build) {
          load.step = LoadStep::builds;
          if (const Duration takes = scaled(v.load.build, load.factor); takes > Duration{}) return schedule_load(k, takes);
          break;
        }
        load.step = LoadStep::waits_for_build;
        break;
      case LoadStep::waits_for_build:
        if (another([](const Load& o) { return o.parts.build; })) return;  // it builds, or will
        return finish_load(k);
      case LoadStep::builds: {
        const LoadParts parts = load.parts;
        finish_load(k);
        return wake_loads(LoadStep::waits_for_build, parts);
      }
    }
  }
}

/// Nothing is shared any more.
void Simulation::finish_load(std::uint32_t k) {
  const InstanceId i = loads_[k].instance;
  const Duration fixed = loads_[k].fixed;
  loads_[k].instance = {};
  free_loads_.push_back(k);
  end_load_at(i, fixed);
}

void Simulation::wake_loads(LoadStep step, const LoadParts& parts) {
  for (std::uint32_t k = 0; k < loads_.size(); ++k) {
    const Load& o = loads_[k];
    if (o.instance && o.step == step && o.parts.node == parts.node && o.parts.variant == parts.variant) go_on_loading(k);
  }
}

/// False where it takes no time.
bool Simulation::transfer_for_load(std::uint32_t k, std::uint32_t channel) {
  Load& load = loads_[k];
  const double bytes = static_cast<double>(world_[load.parts.variant].artefact_bytes) * load.factor;
  if (!loads_move_ || bytes <= 0 || !channels_[channel].carries()) return false;
  load.channel = channel;
  channels_[channel].begin(engine_.now(), bytes, of_load | k);
  arm_channel(channel);
  return true;
}

void Simulation::schedule_load(std::uint32_t k, Duration after) {
  loads_[k].due = engine_.now() + after;
  schedule(loads_[k].due, EventKind::change, load_slot(k));
}

/// The artefact is at `at` and crosses the next link on its way from the store.
void Simulation::travel_load(std::uint32_t k) {
  Load& load = loads_[k];
  const SiteId site = world_.topology()[load.parts.node].site;
  const double bytes = static_cast<double>(world_[load.parts.variant].artefact_bytes) * load.factor;
  Duration delay{};
  while (load.at != site) {
    const Hop& hop = next_hop(load.at, site);
    const Link& link = world_.topology().link_of(hop.channel);
    if ((bytes > 0 && link.bytes_per_s > 0) || links_down_[hop.channel / 2] != 0) {
      if (delay > Duration{}) return schedule_load(k, delay);
      load.channel = hop.channel;
      channels_[hop.channel].begin(engine_.now(), std::max(bytes, 1.0), of_load | k);
      return arm_channel(hop.channel);
    }
    delay += delays_[hop.channel];
    load.at = hop.next;
  }
  if (delay > Duration{}) return schedule_load(k, delay);
  go_on_loading(k);
}

/// Its bytes have passed the channel.
void Simulation::load_passed(std::uint32_t payload, std::uint32_t channel) {
  const std::uint32_t k = payload & ~of_load;
  Load& load = loads_[k];
  load.channel = no_channel;
  if (channel >= 2 * world_.topology().links.size()) return go_on_loading(k);
  const Link& link = world_.topology().link_of(channel);
  load.at = channel % 2 == 0 ? link.to : link.from;
  if (delays_[channel] > Duration{}) return schedule_load(k, delays_[channel]);
  travel_load(k);
}

void Simulation::load_due(std::uint32_t k) {
  Load& load = loads_[k];
  if (!load.instance || load.due != engine_.now()) return;  // of what had this slot before
  load.due = never;
  if (load.step == LoadStep::comes && load.at && load.at != world_.topology()[load.parts.node].site) return travel_load(k);
  go_on_loading(k);
}

/// The instance is warm, or gone before it was: the device may load the next.
void Simulation::load_over(DeviceId d) {
  DeviceLoads& on = device_loads_[d.index()];
  assert(on.loading > 0);
  --on.loading;
  load_next(d);
}

void Simulation::load_next(DeviceId d) {
  DeviceLoads& on = device_loads_[d.index()];
  if (on.loading == 0 && on.waiting.empty()) on.until = engine_.now();
  if (on.waiting.empty() || on.loading >= world_.catalog()[world_.topology()[d].hardware].concurrent_loads) return;
  const InstanceId next = on.waiting.front();
  on.waiting.erase(on.waiting.begin());
  start_load(next);
}

/// The instance goes while it loads.
void Simulation::cancel_load(InstanceId i) {
  const auto at = std::find_if(loads_.begin(), loads_.end(), [&](const Load& l) { return l.instance == i; });
  if (at == loads_.end() && cluster_[i].load_ends == not_known) return;  // it waited for its turn
  if (at != loads_.end()) {
    const auto k = static_cast<std::uint32_t>(at - loads_.begin());
    if (at->channel != no_channel) {
      channels_[at->channel].cancel(engine_.now(), of_load | k);
      arm_channel(at->channel);
    }
    const bool came = !at->parts.from_store || at->step > LoadStep::fetches;
    cluster_.load_called_off(at->parts, came);
    at->instance = {};
    free_loads_.push_back(k);
  }
  load_over(cluster_.row(i).device);
}

}  // namespace tideline
