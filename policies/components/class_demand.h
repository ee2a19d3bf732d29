// What planners know of demand: rates by class, and what the network leaves of an SLO.
#pragma once

#include "sim/policy/policy.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tideline {

/// Items per second of each class, counted over windows and averaged with falling weights. Begins with the first hour's rates, as far as they
/// are known, spread evenly over the classes of a task.
class ClassDemand {
 public:
  ClassDemand(const Setup& setup, double weight)
      : world_(*setup.world),
        weight_(weight),
        asked_(world_.classes().size() * world_.site_count()),
        average_(world_.classes().size()),
        last_(world_.classes().size()) {
    if (setup.first_hour_qps.empty()) return;
    for (std::size_t c = 0; c < average_.size(); ++c) {
      double classes = 0;
      for (const QueryClass& other : world_.classes()) classes += other.task == world_[ClassId{c}].task ? 1 : 0;
      average_[c] = setup.first_hour_qps[world_[ClassId{c}].task.index()] / classes;
    }
  }

  void arrived(const QueryView& query) {
    Asked& a = asked_[query.class_id().index() * world_.site_count() + query.origin().index()];
    a.items += query.items();
    ++a.all;
    a.bytes += query.payload_bytes();
  }
  /// Ends a window; false where it has no length.
  bool end_window(Time now) {
    const double passed_s = to_seconds(now - counted_);
    if (passed_s <= 0) return false;
    for (std::size_t c = 0; c < average_.size(); ++c) {
      std::uint64_t items = 0;
      for (std::size_t s = 0; s < world_.site_count(); ++s) {
        Asked& a = asked_[c * world_.site_count() + s];
        items += a.items;
        a.average += weight_ * (static_cast<double>(a.items) / passed_s - a.average);
        a.items = 0;
      }
      last_[c] = static_cast<double>(items) / passed_s;
      average_[c] += weight_ * (last_[c] - average_[c]);
    }
    counted_ = now;
    return true;
  }
  double average(ClassId c) const { return average_[c.index()]; }
  double last(ClassId c) const { return last_[c.index()]; }
  std::size_t classes() const { return average_.size(); }
  /// What of the class's average came from a site, and whether it is known where it comes from.
  double average(ClassId c, SiteId origin) const {
    const double all = average_of_sites(c);
    return all > 0 ? average(c) * asked_[c.index() * world_.site_count() + origin.index()].average / all : 0;
  }
  bool knows_origins(ClassId c) const { return average_of_sites(c) > 0; }

  /// What the way leaves of the class's SLO at a site, for the farthest site that its queries came from; `forever` without an SLO; below 0
  /// where some of them cannot get there.
  Duration left_of_slo(ClassId c, SiteId s) const {
    Duration least = world_[c].slo;
    for (std::size_t o = 0; o < world_.site_count(); ++o)
      if (asked_[c.index() * world_.site_count() + o].all != 0) least = std::min(least, left_of_slo(c, SiteId{o}, s));
    return least;
  }
  /// The same for its queries from one site.
  Duration left_of_slo(ClassId c, SiteId origin, SiteId s) const {
    const Duration slo = world_[c].slo;
    if (origin == s) return slo;
    const Route &there = world_.topology().route(origin, s), &back = world_.topology().route(s, origin);
    if (!there.reachable) return Duration{-1};
    if (slo == forever) return forever;
    const Asked& a = asked_[c.index() * world_.site_count() + origin.index()];
    return slo - there.time(a.all == 0 ? 0 : a.bytes / a.all) - back.delay;
  }

 private:
  /// Of a class at a site.
  struct Asked {
    std::uint64_t items = 0;  ///< in this window
    std::uint64_t all = 0, bytes = 0;
    double average = 0;  ///< items per second
  };
  double average_of_sites(ClassId c) const {
    double sum = 0;
    for (std::size_t o = 0; o < world_.site_count(); ++o) sum += asked_[c.index() * world_.site_count() + o].average;
    return sum;
  }
  const World& world_;
  double weight_;
  std::vector<Asked> asked_;            // by class and site
  std::vector<double> average_, last_;  // by class
  Time counted_{};
};

/// How many instances of the group a device of its type has room for; 1 where they would take turns.
inline std::uint32_t instances_per_device(const World& world, GroupId g, ClusterView view) {
  const Variant& v = world[world[g].variant];
  const Hardware& h = world.catalog()[v.hardware];
  const std::int64_t bytes = v.memory_for(view.group(g).batch_cap);
  if (bytes > h.memory_bytes) return 0;
  if (h.sharing != Sharing::partitioned) return 1;
  const std::uint32_t cores = v.profile.cores()[view.group(g).option];
  const std::int64_t by_memory = bytes > 0 ? h.memory_bytes / bytes : 1'000'000;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(by_memory, cores > 0 ? h.cores / cores : 1));
}

/// Devices that are up, by site and hardware type.
inline void count_devices(const World& world, ClusterView view, std::vector<std::uint32_t>& counts) {
  const std::size_t types = world.catalog().hardware.size();
  counts.assign(world.site_count() * types, 0);
  for (std::size_t d = 0; d < world.topology().devices.size(); ++d)
    if (const Device& device = world.topology()[DeviceId{d}]; view.device(DeviceId{d}).up)
      ++counts[device.site.index() * types + device.hardware.index()];
}

}  // namespace tideline
