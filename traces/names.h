// Names that rows of a file repeat, as small numbers.
#pragma once

#include "sim/core/random.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tideline {

/// Names by index and indexes by name.
class NameTable {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::uint32_t find(std::string_view name) const { return slots_[slot_of(name, hash_of(name))].index; }
  std::uint32_t add(std::string_view name) {
    if (2 * (names_.size() + 1) > slots_.size()) {
      const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
      for (const Slot& slot : old)
        if (slot.index != none) slots_[slot_of(names_[slot.index], slot.hash)] = slot;
    }
    const auto index = static_cast<std::uint32_t>(names_.size());
    const std::uint64_t hash = hash_of(name);
    slots_[slot_of(name, hash)] = {hash, index};
    names_.emplace_back(name);
    return index;
  }
  std::uint32_t find_or_add(std::string_view name) {
    const std::uint32_t index = find(name);
    return index != none ? index : add(name);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t index = none;
  };

  /// Eight bytes at a time. Which slot a name is in shows nowhere.
  static std::uint64_t hash_of(std::string_view name) {
    std::uint64_t h = name.size();
    const char* p = name.data();
    std::size_t left = name.size();
    for (; left >= 8; left -= 8, p += 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
      h ^= h >> 32;
    }
    if (left >= 4) {
      std::uint32_t first, last;  // they may overlap
      std::memcpy(&first, p, 4);
      std::memcpy(&last, p + left - 4, 4);
      return mix(h ^ (std::uint64_t{last} << 32 | first));
    }
    const auto byte = [p](std::size_t k) { return std::uint64_t{static_cast<unsigned char>(p[k])}; };
    return mix(left == 0 ? h : h ^ (byte(0) | byte(left / 2) << 8 | byte(left - 1) << 16));
  }
  /// Where a name is, or would be.
  std::size_t slot_of(std::string_view name, std::uint64_t hash) const {
    std::size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot].index != none && (slots_[slot].hash != hash || names_[slots_[slot].index] != name))
      slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::string> names_;
  std::vector<Slot> slots_ = std::vector<Slot>(16);  // a power of two, at most half full
};

}  // namespace tideline
