// How many instances of some groups there are on each device.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tideline {

/// Instances by device: scratch of a placement decision.
class InstanceCounts {
 public:
  explicit InstanceCounts(const World& world) : there_(world.topology().devices.size()) {}
  void clear() { std::fill(there_.begin(), there_.end(), 0); }
  void add(ClusterView view, GroupId g) {
    for (const InstanceId i : view.group(g).members) ++there_[view.instance(i).device.index()];
  }
  void add_to(DeviceId d, std::uint32_t n) { there_[d.index()] += n; }
  void add_variant(ClusterView view, VariantId variant) {
    for (std::size_t s = 0; s < view.world().site_count(); ++s)
      if (const GroupId g = view.world().group(variant, SiteId{s})) add(view, g);
  }
  std::uint32_t operator[](DeviceId d) const { return there_[d.index()]; }

 private:
  std::vector<std::uint32_t> there_;
};

}  // namespace tideline
