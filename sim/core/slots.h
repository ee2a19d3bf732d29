// A pool of reusable slots: entities live in one vector, freed slots are handed out again, last freed first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// Slots of T addressed by `IdType`. Growing moves the elements: hold ids, not references, across `take`.
template <class T, class IdType>
class Slots {
 public:
  /// A free slot, with what its last user left in it.
  IdType take() {
    ++used_;
    if (free_.empty()) {
      items_.emplace_back();
      if (free_.capacity() < items_.capacity()) free_.reserve(items_.capacity());  // so that release never allocates
      return IdType{items_.size() - 1};
    }
    const IdType id = free_.back();
    free_.pop_back();
    return id;
  }
  void release(IdType id) {
    --used_;
    free_.push_back(id);
  }
  T& operator[](IdType id) { return items_[id.index()]; }
  const T& operator[](IdType id) const { return items_[id.index()]; }
  std::size_t used() const { return used_; }
  std::size_t size() const { return items_.size(); }

 private:
  std::vector<T> items_;
  std::vector<IdType> free_;
  std::size_t used_ = 0;
};

}  // namespace tideline
