#include "sim/metrics/accounts.h"

namespace tideline {

void Accounts::read(const Cluster& cluster, Time now) {
  at = now;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const DeviceState& s = cluster[DeviceId{d}];
    devices[d] = {s.busy, s.loading, s.idle, s.memory_area, s.core_area};
  }
  for (std::size_t n = 0; n < node_on.size(); ++n) {
    node_power[n] = cluster[NodeId{n}].on;
    node_on[n] = cluster[NodeId{n}].on + cluster[NodeId{n}].rounded_up;
  }
}

double held_share(const Hardware& hardware, double memory_bytes, double cores) {
  if (hardware.sharing == Sharing::partitioned) return hardware.cores > 0 ? cores / hardware.cores : 0;
  return hardware.memory_bytes > 0 ? memory_bytes / static_cast<double>(hardware.memory_bytes) : 0;
}

double provisioning_cost_usd(const World& world, Billing billing, const Accounts& from, const Accounts& to,
                             const std::vector<double>& pool_factor) {
  const Topology& topology = world.topology();
  const auto factor = [&](PoolId p) { return pool_factor.empty() ? 1.0 : pool_factor[p.index()]; };
  double cost = 0;
  if (billing == Billing::nodes) {
    for (std::size_t n = 0; n < to.node_on.size(); ++n)
      cost += topology[topology.nodes[n].pool].price_per_hour_usd / 3600 * to_seconds(Duration{to.node_on[n] - from.node_on[n]}) *
              factor(topology.nodes[n].pool);
    return cost;
  }
  for (std::size_t d = 0; d < to.devices.size(); ++d) {
    const Hardware& hardware = world.catalog()[topology.devices[d].hardware];
    const auto memory = static_cast<double>(to.devices[d].memory - from.devices[d].memory);
    const auto cores = static_cast<double>(to.devices[d].cores - from.devices[d].cores);
    cost += world.device_price_per_s(DeviceId{d}) * held_share(hardware, memory, cores) * 1e-9 * factor(topology.devices[d].pool);
  }
  return cost;
}

}  // namespace tideline
