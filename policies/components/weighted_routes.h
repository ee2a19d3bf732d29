// Where the queries of a class go by planned shares.
#pragma once

#include "sim/core/random.h"
#include "sim/policy/view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tideline {

/// Groups with weights, by class; groups of one variant follow each other.
class WeightedRoutes {
 public:
  struct Route {
    GroupId group;
    VariantId variant;
    double weight = 0;
  };
  explicit WeightedRoutes(std::size_t classes) : routes_(classes) {}

  void clear() {
    for (auto& list : routes_) list.clear();
  }
  void add(ClassId c, const Route& route) {
    auto& list = routes_[c.index()];
    auto at = list.end();
    while (at != list.begin() && std::prev(at)->variant > route.variant) --at;
    list.insert(at, route);
  }
  const std::vector<Route>& of(ClassId c) const { return routes_[c.index()]; }

  /// One of the class's groups that `allowed(group)` lets pass, by weight; none if there is none of weight above 0.
  template <class Allowed>
  GroupId draw(ClassId c, Stream& stream, Allowed&& allowed) const {
    return draw_among(routes_[c.index()], stream, allowed);
  }
  /// The same among those of the variant.
  template <class Allowed>
  GroupId draw(ClassId c, VariantId v, Stream& stream, Allowed&& allowed) const {
    return draw_among(routes_[c.index()], stream, [&](const GroupId g, VariantId k) { return k == v && allowed(g, k); });
  }

 private:
  template <class Allowed>
  static GroupId draw_among(const std::vector<Route>& list, Stream& stream, Allowed&& allowed) {
    double total = 0;
    std::uint32_t some = 0;
    GroupId last;
    for (const Route& r : list) {
      if (r.weight <= 0 || !allowed(r.group, r.variant)) continue;
      total += r.weight;
      last = r.group;
      ++some;
    }
    if (some < 2) return last;
    double at = uniform01(stream) * total;
    for (const Route& r : list) {
      if (r.weight <= 0 || !allowed(r.group, r.variant)) continue;
      at -= r.weight;
      if (at < 0) return r.group;
    }
    return last;
  }

  std::vector<std::vector<Route>> routes_;  // by class
};

/// A member of the group, starting or warm, each as likely as the other; none if it has none. `warm_only`: of those that are warm, as far
/// as there is one.
inline InstanceId draw_instance(ClusterView view, GroupId g, Stream& stream, bool warm_only) {
  const GroupRow& row = view.group(g);
  if (row.warm() == 0) warm_only = false;
  const auto takes = [&](InstanceId i) {
    const Phase phase = view.instance(i).phase;
    return phase == Phase::warm || (!warm_only && phase == Phase::starting);
  };
  const auto n = static_cast<std::uint32_t>(row.members.size());
  if (row.warm() + (warm_only ? 0 : row.starting()) == 0 || n == 0) return {};
  // Few members drain: some draws find one that does not.
  for (int k = 0; k < 16; ++k)
    if (const InstanceId i = row.members[n == 1 ? 0 : below(stream, n)]; takes(i)) return i;
  for (const InstanceId i : row.members)
    if (takes(i)) return i;
  return {};
}

}  // namespace tideline
