// A pool of reusable slots: entities live in one vector, freed slots are handed out again, last freed first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

/// A pool is full: the system has more of something at once than the simulator has room for.
struct PoolFull : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Slots of T addressed by `IdType`, at most `most` at once: one more throws PoolFull. Growing moves the elements: hold ids, not
/// references, across `take`.
template <class T, class IdType, std::size_t most>
class Slots {
 public:
  /// A free slot, with what its last user left in it.
  IdType take() {
    if (free_count_ == 0) [[unlikely]]
      return add();
    return free_[--free_count_];
  }
  void release(IdType id) { free_[free_count_++] = id; }
  T& operator[](IdType id) { return items_[id.index()]; }
  const T& operator[](IdType id) const { return items_[id.index()]; }
  std::size_t used() const { return items_.size() - free_count_; }
  std::size_t size() const { return items_.size(); }

 private:
  IdType add() {
    if (items_.size() >= most) throw PoolFull("more than " + std::to_string(most) + " at once");
    items_.emplace_back();
    free_.emplace_back();
    return IdType{items_.size() - 1};
  }

  std::vector<T> items_;
  std::vector<IdType> free_;  // a stack with room for all, of which the first `free_count_` are in it
  std::size_t free_count_ = 0;
};

}  // namespace tideline
