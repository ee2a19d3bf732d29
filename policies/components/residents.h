// What eviction and keep-alive remember of instances beyond the board, and the choice of the one that is worth least.
#pragma once

#include "sim/policy/view.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tideline {

/// A record for each instance, by site and slot. Slots are used again: once it has grown to the most instances of a site it asks for
/// no more memory. Who starts an instance writes its record anew.
template <class T>
class InstanceTable {
 public:
  explicit InstanceTable(const World& world) : slot_bits_(world.instance_slot_bits()), sites_(world.site_count()) {}
  T& operator[](InstanceId i) {
    std::vector<T>& site = sites_[i.index() >> slot_bits_];
    const std::size_t slot = i.index() & ((std::uint32_t{1} << slot_bits_) - 1);
    if (slot >= site.size()) site.resize(slot + 1);
    return site[slot];
  }

 private:
  unsigned slot_bits_;
  std::vector<std::vector<T>> sites_;
};

/// Memory that a new instance of the group holds: that of the largest batch it is started for.
inline std::int64_t memory_of_new(ClusterView view, GroupId g) {
  return view.world()[view.world()[g].variant].memory_for(view.group(g).batch_cap);
}

/// The instance of least `key(i)`; ties: least recently used, then lowest id, as for all victims. None of none.
template <class Key>
InstanceId least_of(std::span<const InstanceId> instances, ClusterView view, Key&& key) {
  if (instances.empty()) return {};
  InstanceId best = instances.front();  // in order of ids
  auto least = key(best);
  for (const InstanceId i : instances.subspan(1)) {
    auto k = key(i);
    if (k < least || (!(least < k) && view.instance(i).idle_since < view.instance(best).idle_since)) {
      best = i;
      least = std::move(k);
    }
  }
  return best;
}

}  // namespace tideline
