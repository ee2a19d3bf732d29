// Names that rows of a file repeat, as small numbers.
#pragma once

#include "sim/core/random.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Names by index and indexes by name.
class NameTable {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::uint32_t find(std::string_view name) {
    // Runs of one task are common, and comparing is cheaper than hashing.
    if (last_ < names_.size() && names_[last_] == name) return last_;
    const std::uint32_t index = slots_[slot_of(name)];
    if (index != none) last_ = index;
    return index;
  }
  std::uint32_t add(std::string_view name) {
    if (2 * (names_.size() + 1) > slots_.size()) {
      slots_.assign(2 * slots_.size(), none);
      for (std::size_t k = 0; k < names_.size(); ++k) slots_[slot_of(names_[k])] = static_cast<std::uint32_t>(k);
    }
    last_ = static_cast<std::uint32_t>(names_.size());
    slots_[slot_of(name)] = last_;
    names_.emplace_back(name);
    return last_;
  }
  std::uint32_t find_or_add(std::string_view name) {
    const std::uint32_t index = find(name);
    return index != none ? index : add(name);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
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
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < left; ++k) word |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[k])) << (8 * k);
    return mix(h ^ word);
  }
  std::size_t slot_of(std::string_view name) const {
    std::size_t slot = hash_of(name) & (slots_.size() - 1);
    while (slots_[slot] != none && names_[slots_[slot]] != name) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::string> names_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(16, none);  // a power of two, at most half full
  std::uint32_t last_ = 0;
};

}  // namespace tideline
