#include "sim/model/indexes.h"

#include <algorithm>
#include <utility>

namespace tideline {

std::uint32_t LevelIndex::make_level(Level level) {
  std::uint32_t id;
  if (free_levels_.empty()) {
    id = static_cast<std::uint32_t>(levels_.size());
    levels_.push_back(level);
    if (free_levels_.capacity() < levels_.capacity()) free_levels_.reserve(levels_.capacity());
  } else {
    id = free_levels_.back();
    free_levels_.pop_back();
    levels_[id] = level;
  }
  (level.previous == none ? first_ : levels_[level.previous].next) = id;
  (level.next == none ? last_ : levels_[level.next].previous) = id;
  return id;
}

void LevelIndex::unlink(std::uint32_t level) {
  const Level& l = levels_[level];
  (l.previous == none ? first_ : levels_[l.previous].next) = l.next;
  (l.next == none ? last_ : levels_[l.next].previous) = l.previous;
  free_levels_.push_back(level);
}

void LevelIndex::rise(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places) {
  std::uint32_t level = places[slot].level;
  for (;;) {
    Level& at = levels_[level];
    const std::uint32_t above = at.next;
    const bool joins = above != none && levels_[above].load <= load;
    if (!joins && at.end - at.begin == 1) {  // alone: its level moves with it
      at.load = load;
      return;
    }
    const std::uint32_t edge = --at.end;
    const std::uint32_t other = order_[edge];
    put(other, places[slot].position, places);
    put(slot, edge, places);
    if (!joins) {
      places[slot].level = make_level({load, edge, edge + 1, level, above});
      return;
    }
    levels_[above].begin = edge;
    places[slot].level = above;
    if (levels_[level].begin == levels_[level].end) unlink(level);
    level = above;
    if (levels_[level].load == load) return;
  }
}

void LevelIndex::fall(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places) {
  std::uint32_t level = places[slot].level;
  for (;;) {
    Level& at = levels_[level];
    const std::uint32_t below = at.previous;
    const bool joins = below != none && levels_[below].load >= load;
    if (!joins && at.end - at.begin == 1) {
      at.load = load;
      return;
    }
    const std::uint32_t edge = at.begin++;
    const std::uint32_t other = order_[edge];
    put(other, places[slot].position, places);
    put(slot, edge, places);
    if (!joins) {
      places[slot].level = make_level({load, edge, edge + 1, below, level});
      return;
    }
    levels_[below].end = edge + 1;
    places[slot].level = below;
    if (levels_[level].begin == levels_[level].end) unlink(level);
    level = below;
    if (levels_[level].load == load) return;
  }
}

void LevelIndex::insert(std::uint32_t slot, std::uint32_t load, std::vector<Place>& places) {
  const auto position = static_cast<std::uint32_t>(order_.size());
  order_.push_back(slot);
  places[slot].position = position;
  if (last_ != none && levels_[last_].load == load) {
    levels_[last_].end = position + 1;
    places[slot].level = last_;
    return;
  }
  // Enter above all others, then fall to the load.
  const std::uint32_t top = last_ == none ? load : std::max(load, levels_[last_].load + 1);
  places[slot].level = make_level({top, position, position + 1, last_, none});
  if (top != load) fall(slot, load, places);
}

void LevelIndex::remove(std::uint32_t slot, std::vector<Place>& places) {
  if (levels_[last_].load != load_of(slot, places)) rise(slot, levels_[last_].load, places);
  Level& at = levels_[last_];
  const std::uint32_t edge = --at.end;
  put(order_[edge], places[slot].position, places);
  order_.pop_back();
  if (at.begin == at.end) unlink(last_);
}

void FreeIndex::insert(std::uint32_t slot, Time at, std::vector<std::uint32_t>& positions) {
  if (size_ == leaves_) {  // twice as many leaves, all matches anew
    std::vector<Node> wider(4 * leaves_);
    std::copy(nodes_.begin() + static_cast<std::ptrdiff_t>(leaves_), nodes_.end(),
              wider.begin() + static_cast<std::ptrdiff_t>(2 * leaves_));
    leaves_ *= 2;
    nodes_ = std::move(wider);
    for (std::size_t k = leaves_ - 1; k > 0; --k) nodes_[k] = winner(nodes_[2 * k], nodes_[2 * k + 1]);
  }
  positions[slot] = static_cast<std::uint32_t>(size_);
  const std::size_t leaf = leaves_ + size_++;
  nodes_[leaf] = {at, slot};
  replay(leaf);
}

void FreeIndex::remove(std::uint32_t slot, std::vector<std::uint32_t>& positions) {
  const std::size_t hole = leaves_ + positions[slot], last = leaves_ + --size_;
  const Node moved = nodes_[last];
  nodes_[last] = {};
  replay(last);
  if (hole == last) return;
  nodes_[hole] = moved;
  positions[moved.slot] = static_cast<std::uint32_t>(hole - leaves_);
  replay(hole);
}

}  // namespace tideline
