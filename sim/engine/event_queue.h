// Pending events: an implicit 4-ary heap of 16-byte entries.
#pragma once

#include "sim/core/time.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// An event: when, and a key of 4 bits kind, 34 bits sequence, 26 bits slot, so that at one instant kinds come in order
/// and within a kind the order of scheduling decides.
struct Event {
  static constexpr unsigned slot_bits = 26, sequence_bits = 34;
  static constexpr std::uint64_t max_slots = std::uint64_t{1} << slot_bits;

  std::uint64_t key = 0;
  Time at{};

  static Event make(Time at, unsigned kind, std::uint64_t sequence, std::uint32_t slot) {
    return {std::uint64_t{kind} << (slot_bits + sequence_bits) | (sequence << slot_bits) | slot, at};
  }
  unsigned kind() const { return static_cast<unsigned>(key >> (slot_bits + sequence_bits)); }
  std::uint32_t slot() const { return static_cast<std::uint32_t>(key & (max_slots - 1)); }
  /// Time and key as one number: compared without a branch.
  __extension__ using Order = __int128;
  Order order() const { return static_cast<Order>(at.time_since_epoch().count()) << 64 | static_cast<Order>(key); }
  friend bool operator<(const Event& a, const Event& b) { return a.order() < b.order(); }
};
static_assert(sizeof(Event) == 16);

/// A min-heap of events. A popped top leaves a hole that the next push fills: most events schedule their successor.
class EventQueue {
 public:
  bool empty() const { return heap_.size() == (hole_ ? 1U : 0U); }
  std::size_t size() const { return heap_.size() - (hole_ ? 1U : 0U); }

  /// The earliest event. The queue must not be empty.
  const Event& top() {
    close_hole();
    return heap_.front();
  }

  Event pop() {
    close_hole();
    hole_ = true;
    return heap_.front();
  }

  [[gnu::always_inline]] void push(Event e) {
    if (hole_) {
      hole_ = false;
      sift_down(e);
      return;
    }
    std::size_t i = heap_.size();
    heap_.push_back(e);
    while (i > 0) {
      const std::size_t up = (i - 1) / 4;
      if (!(e < heap_[up])) break;
      heap_[i] = heap_[up];
      i = up;
    }
    heap_[i] = e;
  }

 private:
  void close_hole() {
    if (!hole_) return;
    hole_ = false;
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sift_down(last);
  }

  void sift_down(Event e) {
    Event* const heap = heap_.data();
    const std::size_t n = heap_.size();
    std::size_t i = 0;
    for (;;) {
      const std::size_t first = 4 * i + 1;
      if (first >= n) break;
      std::size_t least = first;
      if (first + 4 <= n) {  // as a tournament: two matches at once
        const std::size_t left = first + (heap[first + 1] < heap[first] ? 1 : 0);
        const std::size_t right = first + 2 + (heap[first + 3] < heap[first + 2] ? 1 : 0);
        least = heap[right] < heap[left] ? right : left;
      } else {
        for (std::size_t c = first + 1; c < n; ++c)
          if (heap[c] < heap[least]) least = c;
      }
      if (!(heap[least] < e)) break;
      heap[i] = heap[least];
      i = least;
    }
    heap[i] = e;
  }

  std::vector<Event> heap_;
  bool hole_ = false;
};

}  // namespace tideline
