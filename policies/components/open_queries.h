// What is remembered of queries that are under way.
#pragma once

#include "sim/core/random.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// Number of no query.
inline constexpr std::uint64_t no_query = ~std::uint64_t{0};

/// Records of queries, by the number of the query. A record has a member `query`, at first `no_query`. Asks for memory only when more are
/// open than ever before.
template <class Record>
class OpenQueries {
 public:
  OpenQueries() : slots_(1024) {}
  /// A new record, also where there is one.
  Record& insert(std::uint64_t query) {
    if (2 * (size_ + 1) > slots_.size()) {
      std::vector<Record> old(2 * slots_.size());
      old.swap(slots_);
      for (const Record& r : old)
        if (r.query != no_query) slots_[place(r.query)] = r;
    }
    Record& r = slots_[place(query)];
    if (r.query == no_query) ++size_;
    r = {};
    r.query = query;
    return r;
  }
  /// None: it is not among them.
  Record* find(std::uint64_t query) {
    Record& r = slots_[place(query)];
    return r.query == query ? &r : nullptr;
  }
  void erase(std::uint64_t query) {
    std::size_t hole = place(query);
    if (slots_[hole].query != query) return;
    --size_;
    // Those after it move up where they belong before the hole: searches end at the first free slot.
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t k = (hole + 1) & mask; slots_[k].query != no_query; k = (k + 1) & mask) {
      const std::size_t from_home = (k - home(slots_[k].query)) & mask, from_hole = (k - hole) & mask;
      if (from_home < from_hole) continue;
      slots_[hole] = slots_[k];
      hole = k;
    }
    slots_[hole].query = no_query;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t home(std::uint64_t query) const { return static_cast<std::size_t>(mix(query)) & (slots_.size() - 1); }
  std::size_t place(std::uint64_t query) const {
    std::size_t k = home(query);
    while (slots_[k].query != query && slots_[k].query != no_query) k = (k + 1) & (slots_.size() - 1);
    return k;
  }
  std::vector<Record> slots_;  // open addressing; a power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace tideline
