// Which variants nobody would choose.
#pragma once

#include "sim/model/world.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace tideline {

/// Whether another variant of the list for the same hardware is as accurate and as fast at every batch, and better in something or of a
/// lower id.
inline bool is_beaten(const World& world, std::span<const VariantId> list, VariantId v) {
  const Variant& x = world[v];
  return std::any_of(list.begin(), list.end(), [&](VariantId other) {
    const Variant& y = world[other];
    if (other == v || y.hardware != x.hardware || y.accuracy < x.accuracy || y.profile.max_items() < x.profile.max_items()) return false;
    bool better = y.accuracy > x.accuracy || y.profile.max_items() > x.profile.max_items();
    for (std::uint32_t n = 1; n <= x.profile.max_items(); ++n) {
      if (y.profile.latency(n) > x.profile.latency(n)) return false;
      better = better || y.profile.latency(n) < x.profile.latency(n);
    }
    return better || other < v;
  });
}

}  // namespace tideline
