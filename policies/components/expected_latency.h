// Where a query's answer is expected first: the search that dispatch policies share, and what they may add to the latency.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tideline {

/// From now until the answer is back at the query's origin if it went to this warm instance: way there and back, what is left by
/// profile of the work ahead when it gets there, and the batch it will be in. Needs the index `by_free`.
inline Duration expected_latency(ClusterView view, const QueryView& query, VariantId variant, GroupId g, InstanceId i, const Route& route) {
  const Profile& profile = view.world()[variant].profile;
  const InstanceRow& row = view.instance(i);
  const std::uint32_t cap = view.group(g).batch_cap;
  Time free = view.free_at(i);
  std::uint32_t batch = query.items();
  if (cap > 1) {
    // What waits fills whole batches and a last one; the query joins that one if it has room.
    const std::uint32_t last = (row.load - row.in_service) % cap;
    if (last > 0 && last + batch <= cap) {
      free -= profile.latency(last, row.option);
      batch += last;
    }
  }
  const Duration there = query.prepares(variant) + route.time(query.payload_bytes(variant));
  const Duration wait = std::max(Duration{}, free - (view.now() + there));
  return there + wait + profile.latency(std::min(batch, profile.max_items()), row.option) + route.delay;
}

/// The warm instance of least score: expected latency, and what a policy adds to it. Each group offers the instance that is free first,
/// so a decision costs a look per site. Instances of a group have the same hardware; where their cores differ, this may pass over one
/// that is free later but faster. Ties: nearest site, then lowest id.
class LeastScore {
 public:
  struct Found {
    InstanceId best, second, nearest;  ///< none where nothing is warm; `nearest`: of the first group that has one
    Duration best_score = forever, second_score = forever, nearest_score = forever;
  };

  explicit LeastScore(const World& world) {
    for (const Variant& v : world.catalog().variants) {
      Duration shortest = forever;
      for (std::uint32_t o = 0; o < v.profile.cores().size(); ++o)
        for (std::uint32_t b = 1; b <= v.profile.max_items(); ++b) shortest = std::min(shortest, v.profile.latency(b, o));
      shortest_.push_back(shortest);
    }
  }

  /// `added(site, route)` is never negative; `forever`: not there.
  template <class Added>
  Found search(const QueryView& query, VariantId variant, ClusterView view, Added added) const {
    Found found;
    const SiteId origin = query.origin();
    for (const GroupId g : view.groups_of(variant, origin)) {
      const SiteId site = view.world()[g].site;
      const Route& route = view.route(origin, site);
      // Nearest first: a site this far away, even with nothing to do, cannot answer earlier than the best so far.
      if (found.best && found.best_score <= 2 * route.delay + shortest_[variant.index()]) break;
      const InstanceId i = view.earliest_free(g);
      if (!i) continue;
      const Duration more = added(site, route);
      if (more == forever) continue;
      const Duration score = expected_latency(view, query, variant, g, i, route) + more;
      if (!found.nearest) {
        found.nearest = i;
        found.nearest_score = score;
      }
      if (score < found.best_score) {
        found.second = found.best;
        found.second_score = found.best_score;
        found.best = i;
        found.best_score = score;
      } else if (score < found.second_score) {
        found.second = i;
        found.second_score = score;
      }
    }
    return found;
  }

 private:
  std::vector<Duration> shortest_;  // time of any batch, by variant
};

}  // namespace tideline
