#include "sim/model/topology.h"

#include <algorithm>

namespace tideline {

namespace {

/// Floyd's and Warshall's algorithm, with the first hop of each route.
void find_routes(std::size_t sites, const std::vector<Link>& links, std::span<const char> down, std::vector<Route>& routes,
                 std::vector<Hop>& hops, Transport transport) {
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
    Route r;
    r.reachable = true;
    r.delay = l.delay + l.mean_jitter;
    r.seconds_per_byte = l.bytes_per_s > 0 ? 1 / l.bytes_per_s : 0;
    r.price_per_byte_usd = l.price_per_byte_usd;
    r.bytes_per_s = l.bytes_per_s;
    r.transport = transport;
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
        Route via = a;
        via.delay += b.delay;
        via.seconds_per_byte += b.seconds_per_byte;
        via.price_per_byte_usd += b.price_per_byte_usd;
        if (b.bytes_per_s > 0 && (a.bytes_per_s == 0 || b.bytes_per_s < a.bytes_per_s)) via.bytes_per_s = b.bytes_per_s;
        if (!better(via, routes[i * sites + j])) continue;
        routes[i * sites + j] = via;
        hops[i * sites + j] = hops[i * sites + k];
      }
}

}  // namespace

Duration Route::slow_start_of_new(std::uint64_t bytes) const {
  const Duration round_trip = 2 * delay;
  Duration waited{};
  double window = 14'600, left = static_cast<double>(bytes);
  while (left > window) {
    const Duration wait = bytes_per_s > 0 ? round_trip - from_seconds(window / bytes_per_s) : round_trip;
    if (wait <= Duration{}) break;
    waited += wait;
    left -= window;
    window *= 2;
  }
  return waited;
}

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

void Topology::find_routes(std::span<const char> down) { tideline::find_routes(sites.size(), links, down, routes, hops, transport); }

}  // namespace tideline
