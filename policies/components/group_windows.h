// What groups did between two rounds of an autoscaler.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tideline {

/// Instances of a group that are there, on their way, or wished for: what an autoscaler counts from.
inline std::uint32_t instances_in_use(const GroupRow& row) { return std::max(row.warm() + row.starting(), row.wish); }

/// Items of a visit, on average over those answered since the counters said `answered` and `items`; over all where none was since, 1 before any.
inline double items_per_visit(const Counters& now, std::uint64_t answered = 0, std::uint64_t items = 0) {
  if (now.answered > answered) return static_cast<double>(now.items - items) / static_cast<double>(now.answered - answered);
  return now.answered > 0 ? static_cast<double>(now.items) / static_cast<double>(now.answered) : 1;
}

/// Differences of the cumulative counters of each group. What is known of a site may be old: a window is the one between two states of
/// its board.
class GroupWindows {
 public:
  struct Window {
    Duration length{};       ///< 0: the board is still the same
    Duration busy{};         ///< of the batches that ended in it, over its instances
    std::uint64_t sent = 0;  ///< visits
    double sent_items = 0;   ///< of those: as many each as the visits that were answered in the window had, or else so far, or 1
    double busy_instances() const { return static_cast<double>(busy.count()) / static_cast<double>(length.count()); }
  };

  explicit GroupWindows(const World& world) : last_(world.groups().size()) {}
  /// Ends the group's window and begins the next.
  Window end(ClusterView view, GroupId g) {
    const Counters& now = view.group(g).counters;
    const Time at = view.now() - view.age(view.world()[g].site);
    State& last = last_[g.index()];
    if (at <= last.at) return {};
    const Window window{at - last.at, now.busy - last.busy, now.sent - last.sent,
                        static_cast<double>(now.sent - last.sent) * items_per_visit(now, last.answered, last.items)};
    last = {at, now.busy, now.sent, now.answered, now.items};
    return window;
  }

 private:
  struct State {
    Time at{};
    Duration busy{};
    std::uint64_t sent = 0, answered = 0, items = 0;
  };
  std::vector<State> last_;
};

}  // namespace tideline
