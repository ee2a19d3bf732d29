// Incremental indexes of a group's warm instances: what makes a decision cost a look instead of a scan.
#pragma once

#include "sim/core/time.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// Instances of one group ordered by load, with all ties of the least load as one span.
/// Slots lie in one array sorted by load; each distinct load is a level, a contiguous part of it. A change of load swaps
/// the slot to the border of its level and moves the border: O(levels crossed), usually 1.
class LevelIndex {
 public:
  /// Where a slot lies; one per slot and site, shared by all groups (a slot belongs to one group).
  struct Place {
    std::uint32_t position = 0, level = 0;
  };

  bool empty() const { return order_.empty(); }
  std::size_t size() const { return order_.size(); }
  /// Slots of least load; empty if there are none.
  std::span<const std::uint32_t> least() const {
    return order_.empty() ? std::span<const std::uint32_t>{} : std::span{order_.data(), levels_[first_].end};
  }
  std::uint32_t least_load() const { return levels_[first_].load; }
  /// All slots, least load first.
  std::span<const std::uint32_t> all() const { return order_; }

  void insert(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places);
  void remove(std::uint32_t slot, std::vector<Place>& places);
  void change(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places) {
    const std::uint32_t level = places[slot].level;
    if (load > levels_[level].load)
      rise(slot, load, places);
    else if (load < levels_[level].load)
      fall(slot, load, places);
  }
  std::uint32_t load_of(std::uint32_t slot, const std::vector<Place>& places) const { return levels_[places[slot].level].load; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Level {
    std::uint32_t load, begin, end, previous, next;
  };
  void rise(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places);
  void fall(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places);
  std::uint32_t make_level(Level level);
  void unlink(std::uint32_t level);
  void put(std::uint32_t slot, std::uint32_t position, std::vector<Place>& places) {
    order_[position] = slot;
    places[slot].position = position;
  }

  std::vector<std::uint32_t> order_;
  std::vector<Level> levels_;
  std::vector<std::uint32_t> free_levels_;
  std::uint32_t first_ = none, last_ = none;
};

/// Slots by a time of each, as a tournament: the earliest, ties to the lowest slot, is known at once, and a change replays the matches
/// on the way up, without a branch that depends on the times, until one ends as it did before.
class FreeIndex {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::uint32_t earliest() const { return static_cast<std::uint32_t>(nodes_[1].slot); }
  /// `never` where there is none.
  Time earliest_time() const { return nodes_[1].at; }

  /// `positions`: where each slot lies, as for LevelIndex.
  void insert(std::uint32_t slot, Time at, std::vector<std::uint32_t>& positions);
  void remove(std::uint32_t slot, std::vector<std::uint32_t>& positions);
  [[gnu::always_inline]] void change(std::uint32_t slot, Time at, const std::vector<std::uint32_t>& positions) {
    const std::size_t leaf = leaves_ + positions[slot];
    if (nodes_[leaf].at == at) return;
    nodes_[leaf].at = at;
    replay(leaf);
  }
  Time time_of(std::uint32_t slot, const std::vector<std::uint32_t>& positions) const { return nodes_[leaves_ + positions[slot]].at; }

 private:
  struct Node {
    Time at = never;
    std::uint64_t slot = ~std::uint64_t{0};  // as wide as the time: copied and compared in one piece
    __extension__ using Order = __int128;
    Order order() const { return static_cast<Order>(at.time_since_epoch().count()) << 64 | static_cast<Order>(slot); }
  };
  /// The match of two nodes side by side.
  static Node winner(Node a, Node b) {
    const bool second = b.order() < a.order();
    return {second ? b.at : a.at, second ? b.slot : a.slot};
  }
  void replay(std::size_t at) {
    Node* const nodes = nodes_.data();
    Node best = nodes[at];
    while (at > 1) {
      best = winner(best, nodes[at ^ 1]);
      at /= 2;
      if (nodes[at].at == best.at && nodes[at].slot == best.slot) return;
      nodes[at] = best;
    }
  }

  std::size_t size_ = 0, leaves_ = 1;
  std::vector<Node> nodes_ = std::vector<Node>(2);  // [1] is the root, [leaves_ + k] the k-th leaf
};

}  // namespace tideline
