// Whose turn it is: the warm instances of a variant in a circle, in order of ids.
#pragma once

#include "sim/policy/view.h"

#include <cstdint>
#include <span>

namespace tideline {

/// Before the first turn.
inline constexpr std::int64_t no_turn = -1;

namespace detail {

/// The next larger id is often close by: looks at a few slots of the same site. None: not found there.
inline InstanceId turn_near(SiteId origin, VariantId variant, std::int64_t last, ClusterView view) {
  constexpr std::size_t slots_to_try = 16;
  if (last == no_turn) return {};
  const auto id = static_cast<std::uint32_t>(last);
  const SiteId site = view.site_of(InstanceId{id});
  const GroupId g = view.world().group(variant, site);
  if (!g || !view.route(origin, site).reachable) return {};
  const auto& rows = view.board(site).instances;
  const unsigned bits = view.world().instance_slot_bits();
  const std::size_t slot = id & ((std::uint32_t{1} << bits) - 1);
  for (std::size_t k = slot + 1; k < rows.size() && k <= slot + slots_to_try; ++k)
    if (rows[k].phase == Phase::warm && rows[k].group == g) return InstanceId{(std::size_t{site.index()} << bits) | k};
  return {};
}

}  // namespace detail

/// The warm instance of the groups, which `origin` can reach, with the least id above `last`, or else with the least. One of them must be
/// warm. What stays right when instances come and go is an id, not a position.
inline InstanceId turn_after(std::int64_t last, std::span<const GroupId> groups, SiteId origin, VariantId variant, ClusterView view) {
  if (const InstanceId near = detail::turn_near(origin, variant, last, view)) return near;
  InstanceId above, least;
  for (const GroupId g : groups)
    for (const InstanceId i : view.group(g).members) {
      if (view.instance(i).phase != Phase::warm) continue;
      if (i.index() > last && i < above) above = i;  // none is the largest id
      if (i < least) least = i;
    }
  return above ? above : least;
}

}  // namespace tideline
