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

/// Instances of one group by the time at which their work is done: a 4-ary heap of (time, slot).
class FreeIndex {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  std::uint32_t earliest() const { return heap_.front().slot; }
  Time earliest_time() const { return heap_.front().at; }

  void insert(std::uint32_t slot, Time at, std::vector<std::uint32_t>& positions);
  void remove(std::uint32_t slot, std::vector<std::uint32_t>& positions);
  void change(std::uint32_t slot, Time at, std::vector<std::uint32_t>& positions);
  Time time_of(std::uint32_t slot, const std::vector<std::uint32_t>& positions) const { return heap_[positions[slot]].at; }

 private:
  struct Entry {
    Time at;
    std::uint32_t slot;
    friend bool operator<(const Entry& a, const Entry& b) { return a.at != b.at ? a.at < b.at : a.slot < b.slot; }
  };
  void up(std::size_t i, Entry e, std::vector<std::uint32_t>& positions);
  void down(std::size_t i, Entry e, std::vector<std::uint32_t>& positions);

  std::vector<Entry> heap_;
};

}  // namespace tideline
