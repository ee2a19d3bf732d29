// The warm instances with the fewest visits, over several groups.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tideline {

/// Those of least load among the warm instances of the groups, as one numbered list. Made on the fly: a look at each group, and of one that
/// is taken out or of a longer list a search among the loads of its group. Needs the index `by_load`.
class ShortestQueues {
 public:
  /// `without`: this one is left out, if any. `longer_by`: those with so many visits more than the least are among them.
  ShortestQueues(std::span<const GroupId> groups, ClusterView view, InstanceId without = {}, std::uint32_t longer_by = 0)
      : groups_(groups), view_(view), without_(without) {
    std::uint32_t least = ~std::uint32_t{0};
    for (const GroupId g : groups) {
      const LevelIndex& index = view.group(g).by_load;
      if (index.empty()) continue;
      const std::uint32_t here = least_load(g, index);
      if (here > least) continue;
      if (longer_by == 0) size_ = (here < least ? 0 : size_) + part(g, index, here).size;
      least = here;
    }
    most_ = least;
    if (longer_by == 0 || least == ~std::uint32_t{0}) return;
    most_ += longer_by;
    for (const GroupId g : groups)
      if (const LevelIndex& index = view.group(g).by_load; !index.empty()) size_ += part(g, index, most_).size;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// The k-th of them.
  InstanceId operator[](std::size_t k) const {
    for (const GroupId g : groups_) {
      const LevelIndex& index = view_.group(g).by_load;
      if (index.empty()) continue;
      const Part here = part(g, index, most_);
      const InstanceSpan all = view_.warm_instances(g);
      if (k < here.size) return here.lacks_one && all[k] == without_ ? all[here.size] : all[k];
      k -= here.size;
    }
    return {};
  }

 private:
  /// The first `size` of a group, least load first; with the one that is left out among one more.
  struct Part {
    std::size_t size = 0;
    bool lacks_one = false;
  };

  std::uint32_t load(InstanceId i) const { return view_.instance(i).load; }
  bool left_out(GroupId g) const {
    return without_ && view_.instance(without_).group == g && view_.instance(without_).phase == Phase::warm;
  }
  /// `~0`: there is none but the one that is left out.
  std::uint32_t least_load(GroupId g, const LevelIndex& index) const {
    if (!without_ || index.least().size() > 1 || !left_out(g) || load(without_) != index.least_load()) return index.least_load();
    return index.size() > 1 ? load(view_.warm_instances(g)[1]) : ~std::uint32_t{0};
  }
  Part part(GroupId g, const LevelIndex& index, std::uint32_t most) const {
    if (index.least_load() > most) return {};
    const std::size_t n = index.least_load() == most ? index.least().size() : up_to(most, view_.warm_instances(g));
    const bool lacks_one = without_ && left_out(g) && load(without_) <= most;
    return {n - (lacks_one ? 1 : 0), lacks_one};
  }
  /// How many of them have at most this load.
  std::size_t up_to(std::uint32_t most, const InstanceSpan& all) const {
    std::size_t some = 0, end = all.size();
    while (some < end) {
      const std::size_t middle = (some + end) / 2;
      if (load(all[middle]) <= most)
        some = middle + 1;
      else
        end = middle;
    }
    return some;
  }

  std::span<const GroupId> groups_;
  ClusterView view_;
  InstanceId without_;
  std::uint32_t most_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tideline
