// What is there: sites, links between them, pools of identical nodes.
#pragma once

#include "sim/core/id.h"
#include "sim/core/law.h"
#include "sim/core/time.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tideline {

/// A link carries both ways. Its price is per byte, in US dollars.
struct Link {
  SiteId from, to;
  Duration delay{};
  double bytes_per_s = 0;  ///< 0: unlimited
  double price_per_byte_usd = 0;
  Duration mean_jitter{};  ///< comes on top of the delay, drawn anew for each crossing
  Law jitter{};            ///< of it, as a factor on its mean
};

/// The first link on the least-delay route from one site to another.
struct Hop {
  SiteId next;                ///< where it leads; none: there is no route, or it is here
  std::uint32_t channel = 0;  ///< of the link and its direction: twice its index, plus one from its `to` to its `from`
};

/// What a query's way begins with: nothing where connections stay open; otherwise the round trip that opens one, and slow start.
enum class Transport : std::uint8_t { open_connection, new_connection };

/// The least-delay route between two sites: propagation with mean jitter, and time per byte summed over its links (store and forward).
struct Route {
  bool reachable = false;
  Duration delay{};
  double seconds_per_byte = 0;
  double price_per_byte_usd = 0;
  double bytes_per_s = 0;  ///< of its slowest link; 0: unlimited
  Transport transport = Transport::open_connection;

  /// Of so many bytes that a query takes along: from its origin to here, with what its connection takes.
  Duration time(std::uint64_t bytes) const { return crossing(bytes) + opening(bytes); }
  /// Of its answer, on the same connection.
  Duration time_back(std::uint64_t bytes) const { return crossing(bytes) + slow_start(bytes); }
  /// What `time` has beside delay and bytes.
  Duration opening(std::uint64_t bytes) const {
    return transport == Transport::open_connection ? Duration{} : 2 * delay + slow_start(bytes);
  }
  /// On a new connection, what a sender of so many bytes waits for acknowledgements: it begins with a window of 14,600 bytes (RFC 6928)
  /// that doubles each round trip until it fills the path. Of a path that nobody else uses, and without losses. 0 on an open one.
  Duration slow_start(std::uint64_t bytes) const { return transport == Transport::open_connection ? Duration{} : slow_start_of_new(bytes); }

 private:
  Duration crossing(std::uint64_t bytes) const {
    return seconds_per_byte > 0 ? delay + from_seconds(seconds_per_byte * static_cast<double>(bytes)) : delay;
  }
  Duration slow_start_of_new(std::uint64_t bytes) const;
};

/// Between the clients of a site and the site. Each client has its own: nobody shares it.
struct AccessLink {
  Duration delay{};
  double bytes_per_s = 0;  ///< 0: unlimited

  Duration time(std::uint64_t bytes) const {
    return bytes_per_s > 0 ? delay + from_seconds(static_cast<double>(bytes) / bytes_per_s) : delay;
  }
};

struct Pool {
  std::string name;
  SiteId site;
  HardwareId hardware;
  std::uint32_t count = 1;         ///< nodes that are on at time 0
  std::uint32_t min = 1, max = 1;  ///< what autoscaling may order
  std::uint32_t devices_per_node = 1;
  Duration boot{};
  double price_per_hour_usd = 0;  ///< of a node
  NodeId first_node{};            ///< its nodes are contiguous; filled by `Topology::complete`
  std::uint32_t nodes = 0;        ///< that can be on at most; filled too
};

struct Node {
  PoolId pool;
  SiteId site;
  std::uint32_t index_in_pool = 0;
  DeviceId first_device;
  std::uint32_t devices = 1;
};

/// Static facts of a device; what changes is in the board.
struct Device {
  NodeId node;
  PoolId pool;
  SiteId site;
  HardwareId hardware;
};

struct Topology {
  std::vector<std::string> sites;
  std::vector<AccessLink> access;  ///< by site; empty: all clients are at their sites
  std::vector<Link> links;
  std::vector<Pool> pools;
  std::vector<Node> nodes;                           ///< by pool, each pool with its max
  std::vector<Device> devices;                       ///< by site, then pool, then node: the devices of a site are contiguous
  std::vector<DeviceId> first_device_of_site;        ///< one more than sites
  std::vector<Route> routes;                         ///< sites x sites
  std::vector<Hop> hops;                             ///< sites x sites
  Duration billing_granularity{};                    ///< a node is paid for in whole multiples of this, each time that it is on
  SiteId store;                                      ///< where artefacts come from, over links; none: nodes have them from outside
  Transport transport = Transport::open_connection;  ///< of queries
  double bytes_per_pixel =
      0;  ///< queries are made smaller at their origin: to 3 x resolution^2 x this for an item; 0: they travel as they are

  const Route& route(SiteId from, SiteId to) const { return routes[from.index() * sites.size() + to.index()]; }
  const Hop& hop(SiteId from, SiteId to) const { return hops[from.index() * sites.size() + to.index()]; }
  const Link& link_of(std::uint32_t channel) const { return links[channel / 2]; }
  const Node& operator[](NodeId id) const { return nodes[id.index()]; }
  const Device& operator[](DeviceId id) const { return devices[id.index()]; }
  const Pool& operator[](PoolId id) const { return pools[id.index()]; }
  /// Makes nodes, devices, routes and hops from sites, links and pools. Call once after reading.
  void complete();
  /// Routes and hops without the links that have an entry other than 0 in `down`; all links where it is empty.
  void find_routes(std::span<const char> down);
};

}  // namespace tideline
