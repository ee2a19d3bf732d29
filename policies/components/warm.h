// The warm instances of several groups as one numbered list, without making it.
#pragma once

#include "sim/policy/view.h"

#include <cstdint>
#include <span>

namespace tideline {

/// How many warm instances the groups have together.
inline std::uint32_t warm_count(std::span<const GroupId> groups, ClusterView view) {
  std::uint32_t n = 0;
  for (const GroupId g : groups) n += view.warm(g);
  return n;
}

/// The k-th of them, k < warm_count; needs the index `by_load`.
inline InstanceId warm_at(std::span<const GroupId> groups, std::uint32_t k, ClusterView view) {
  for (const GroupId g : groups) {
    const InstanceSpan here = view.warm_instances(g);
    if (k < here.size()) return here[k];
    k -= static_cast<std::uint32_t>(here.size());
  }
  return {};
}

}  // namespace tideline
