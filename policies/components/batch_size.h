// How many visits of a line make a batch of at most so many items.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>
#include <cstdint>

namespace tideline {

struct BatchSize {
  std::uint32_t visits = 0, items = 0;
};

/// Most items of a batch at an instance: what its group is told, never more than its profile knows.
[[gnu::always_inline]] inline std::uint32_t batch_cap(ClusterView view, InstanceId i) {
  const GroupId g = view.instance(i).group;
  return std::clamp(view.group(g).batch_cap, 1U, view.world()[view.world()[g].variant].profile.max_items());
}

/// Items of the largest batch of at most `cap` that takes at most `most` by profile; 1 where none does.
inline std::uint32_t largest_within(const Profile& profile, std::uint8_t option, std::uint32_t cap, Duration most) {
  std::uint32_t items = std::max(std::min(cap, profile.max_items()), 1U);
  while (items > 1 && profile.latency(items, option) > most) --items;
  return items;
}

/// Most items that one query alone may have at an instance: such a query is taken alone even if it is larger than the cap.
inline std::uint32_t most_items(ClusterView view, InstanceId i) { return view.world()[view.variant_of(i)].profile.max_items(); }

/// The longest start of the line, after `skip` visits, with at most `cap` items; a first query of more is taken alone. Not asked of an
/// empty line.
inline BatchSize longest_batch(const LineView& line, std::uint32_t cap, std::uint32_t skip = 0) {
  if (line.items() == line.size()) {  // one item each
    const std::uint32_t n = std::min(line.size() - skip, cap);
    return {n, n};
  }
  BatchSize size;
  for (const QueryView query : line) {
    if (skip > 0) {
      --skip;
      continue;
    }
    if (size.visits > 0 && size.items + query.items() > cap) break;
    ++size.visits;
    size.items += query.items();
    if (size.items >= cap) break;
  }
  return size;
}

}  // namespace tideline
