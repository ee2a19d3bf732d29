// What a planner counts on from an instance.
#pragma once

#include "policies/components/batch_size.h"
#include "sim/model/world.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tideline {

/// Items per second of an instance that runs full batches of `batch` items or, without that, of the largest that takes at most `slo_share`
/// of the least SLO among the classes that the variant is a candidate of: a query that just misses a batch waits for all of it and is
/// served by the next (Shen et al., Nexus, SOSP 2019). Never more than `cap`.
inline double planned_rate(const World& world, VariantId v, std::uint8_t option, std::uint32_t cap, std::optional<std::uint32_t> batch,
                           double slo_share) {
  const Profile& profile = world[v].profile;
  Duration most = forever;
  for (std::size_t c = 0; c < world.classes().size(); ++c) {
    const Duration slo = world[ClassId{c}].slo;
    if (slo != forever && world.is_candidate(ClassId{c}, v)) most = std::min(most, from_seconds(slo_share * to_seconds(slo)));
  }
  const std::uint32_t largest = std::clamp(cap, 1U, profile.max_items());
  const std::uint32_t items = batch ? std::min(*batch, largest) : largest_within(profile, option, largest, most);
  return items / std::max(to_seconds(profile.latency(items, option)), 1e-9);
}

}  // namespace tideline
