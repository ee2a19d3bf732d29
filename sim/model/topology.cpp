#include "sim/model/topology.h"

#include <algorithm>

namespace tideline {

namespace {

/// Floyd's and Warshall's algorithm, with the first hop of each route.
void find_routes(std::size_t sites, const std::vector<Link>& links, std::span<const char> down, std::vector<Route>& routes,
                 std::vector<Hop>& hops) {
  routes.assign(sites * sites, {});
  hops.assign(sites * sites, {});
  for (std::size_t s = 0; s < sites; ++s) routes[s * sites + s].reachable = true;
  const auto better = [](const Route& a, const Route& b) {
    if (!b.reachable) return a.reachable;
    return a.delay != b.delay ? a.delay < b.delay : a.seconds_per_byte < b.seconds_per_byte;
  };
  for (std::size_t k = 0; k < links.size(); ++k) {
    if (!down.empty() && down[k] != 0) continue;
    const Link& l = links[k];
    const Route r{true, l.delay + l.mean_jitter, l.bytes_per_s > 0 ? 1 / l.bytes_per_s : 0, l.price_per_byte_usd};
    for (const bool backward : {false, true}) {
      const SiteId a = backward ? l.to : l.from, b = backward ? l.from : l.to;
      const std::size_t at = a.index() * sites + b.index();
      if (!better(r, routes[at])) continue;
      routes[at] = r;
      hops[at] = {b, static_cast<std::uint32_t>(2 * k + (backward ? 1 : 0))};
    }
  }
  for (std::size_t k = 0; k < sites; ++k)
    for (std::size_t i = 0; i < sites; ++i)
      for (std::size_t j = 0; j < sites; ++j) {
        if (i == k || j == k) continue;
        const Route &a = routes[i * sites + k], &b = routes[k * sites + j];
        if (!a.reachable || !b.reachable) continue;
        const Route via{true, a.delay + b.delay, a.seconds_per_byte + b.seconds_per_byte, a.price_per_byte_usd + b.price_per_byte_usd};
        if (!better(via, routes[i * sites + j])) continue;
        routes[i * sites + j] = via;
        hops[i * sites + j] = hops[i * sites + k];
      }
}

}  // namespace

void Topology::complete() {
  nodes.clear();
  devices.clear();
  first_device_of_site.clear();
  for (std::size_t s = 0; s < sites.size(); ++s) {
    first_device_of_site.emplace_back(devices.size());
    for (std::size_t p = 0; p < pools.size(); ++p) {
      Pool& pool = pools[p];
      if (pool.site != SiteId{s}) continue;
      pool.first_node = NodeId{nodes.size()};
      pool.nodes = std::max(pool.max, pool.count);
      for (std::uint32_t n = 0; n < pool.nodes; ++n) {
        const NodeId node{nodes.size()};
        nodes.push_back({PoolId{p}, pool.site, n, DeviceId{devices.size()}, pool.devices_per_node});
        for (std::uint32_t d = 0; d < pool.devices_per_node; ++d) devices.push_back({node, PoolId{p}, pool.site, pool.hardware});
      }
    }
  }
  first_device_of_site.emplace_back(devices.size());
  find_routes({});
}

void Topology::find_routes(std::span<const char> down) { tideline::find_routes(sites.size(), links, down, routes, hops); }

}  // namespace tideline
