// The indexes of a group against a plain list of loads and times.
#include "sim/model/indexes.h"

#include "sim/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace tideline {
namespace {

Time at(std::uint32_t ns) { return Time{} + Duration{ns}; }

struct Loads {
  LevelIndex index;
  std::vector<LevelIndex::Place> places = std::vector<LevelIndex::Place>(64);
  std::map<std::uint32_t, std::uint32_t> load;  // by slot

  void insert(std::uint32_t slot, std::uint32_t n) { index.insert(slot, n, places), load[slot] = n; }
  void change(std::uint32_t slot, std::uint32_t n) { index.change(slot, n, places), load[slot] = n; }
  void remove(std::uint32_t slot) { index.remove(slot, places), load.erase(slot); }
  void check() const {
    ASSERT_EQ(index.size(), load.size());
    ASSERT_EQ(index.empty(), load.empty());
    if (load.empty()) {
      ASSERT_TRUE(index.least().empty());
      return;
    }
    std::uint32_t least = ~0U;
    for (const auto& [slot, n] : load) least = std::min(least, n);
    std::vector<std::uint32_t> ties;
    for (const auto& [slot, n] : load)
      if (n == least) ties.push_back(slot);
    std::vector<std::uint32_t> found(index.least().begin(), index.least().end());
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, ties);
    ASSERT_EQ(index.least_load(), least);
    std::uint32_t last = 0;
    std::vector<std::uint32_t> all;
    for (const std::uint32_t slot : index.all()) {
      ASSERT_EQ(index.load_of(slot, places), load.at(slot));
      ASSERT_GE(load.at(slot), last);
      last = load.at(slot);
      all.push_back(slot);
    }
    std::sort(all.begin(), all.end());
    ASSERT_EQ(std::unique(all.begin(), all.end()), all.end());
  }
};

TEST(the_index_by_load, is_empty_without_instances) {
  Loads s;
  s.check();
  s.insert(3, 5);
  s.check();
  s.remove(3);
  s.check();
}

TEST(the_index_by_load, moves_a_single_instance) {
  Loads s;
  s.insert(0, 2);
  for (const std::uint32_t n : {3U, 9U, 0U, 1U, 1U, 100U}) {
    s.change(0, n);
    s.check();
  }
}

TEST(the_index_by_load, jumps_over_levels) {
  Loads s;
  for (std::uint32_t k = 0; k < 8; ++k) s.insert(k, k / 2), s.check();
  s.change(0, 3);  // past two levels into the last
  s.check();
  s.change(7, 0);
  s.check();
  s.change(1, 10);  // past all
  s.check();
  s.change(1, 2);
  s.check();
  s.insert(8, 1);  // into the middle
  s.check();
  s.insert(9, 50);
  s.check();
  s.remove(4);
  s.check();
}

TEST(the_index_by_load, agrees_with_a_list_after_any_operations) {
  Stream random(42);
  for (int round = 0; round < 30; ++round) {
    Loads s;
    const std::uint32_t slots = 1 + below(random, 40), most = 1 + below(random, 12);
    for (int step = 0; step < 400; ++step) {
      const std::uint32_t slot = below(random, slots), n = below(random, most);
      if (s.load.count(slot) == 0)
        s.insert(slot, n);
      else if (below(random, 6) == 0)
        s.remove(slot);
      else if (below(random, 3) == 0)
        s.change(slot, n);
      else
        s.change(slot, below(random, 2) == 0 && s.load[slot] > 0 ? s.load[slot] - 1 : s.load[slot] + 1);
      s.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(the_index_by_time, agrees_with_a_list_after_any_operations) {
  Stream random(43);
  for (int round = 0; round < 30; ++round) {
    FreeIndex index;
    std::vector<std::uint32_t> positions(64);
    std::map<std::uint32_t, Time> times;
    const std::uint32_t slots = 1 + below(random, 40), most = 1 + below(random, 100);
    for (int step = 0; step < 400; ++step) {
      const std::uint32_t slot = below(random, slots);
      const Time t = at(below(random, most));
      if (times.count(slot) == 0)
        index.insert(slot, t, positions), times[slot] = t;
      else if (below(random, 4) == 0)
        index.remove(slot, positions), times.erase(slot);
      else
        index.change(slot, t, positions), times[slot] = t;
      ASSERT_EQ(index.size(), times.size());
      ASSERT_EQ(index.empty(), times.empty());
      for (const auto& [k, x] : times) ASSERT_EQ(index.time_of(k, positions), x);
      if (times.empty()) continue;
      const auto best = std::min_element(times.begin(), times.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
      ASSERT_EQ(index.earliest(), best->first) << "ties to the lowest slot";
      ASSERT_EQ(index.earliest_time(), best->second);
    }
  }
}

}  // namespace
}  // namespace tideline
