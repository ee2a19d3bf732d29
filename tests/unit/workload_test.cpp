#include "sim/serving/workload.h"
#include "sim/core/random.h"
#include "tests/support/small_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tideline {
namespace {

/// Yields a query every `gap`, `count` times, of a task where it names some.
class Regular final : public ArrivalSource {
 public:
  Regular(Duration gap, int count) : gap_(gap), count_(count) {}
  bool next(Arrival& out) override {
    if (count_-- == 0) return false;
    out = Arrival{};
    out.at = at_ += gap_;
    return true;
  }
  double mean_qps(Time, Time) const override { return 0; }

 private:
  Time at_{};
  Duration gap_;
  int count_;
};

WorkloadEntry entry(Duration gap, int count, std::vector<WorkloadEntry::Choice> classes) {
  WorkloadEntry e;
  e.source = std::make_unique<Regular>(gap, count);
  e.classes = {std::move(classes)};
  return e;
}

TEST(Workload, merges_entries_by_time_and_equal_times_by_entry) {
  std::vector<WorkloadEntry> entries;
  entries.push_back(entry(3s, 3, {{ClassId{0}, 1}}));
  entries.push_back(entry(2s, 4, {{ClassId{1}, 1}}));
  Workload w(std::move(entries), 1);
  std::vector<std::pair<double, std::uint32_t>> seen;
  while (w.next() != never) {
    Visit v;
    w.take(v);
    EXPECT_EQ(v.serial, seen.size());
    seen.emplace_back(to_seconds(v.arrival), v.entry);
  }
  const std::vector<std::pair<double, std::uint32_t>> expected{{2, 1}, {3, 0}, {4, 1}, {6, 0}, {6, 1}, {8, 1}, {9, 0}};
  EXPECT_EQ(seen, expected);
}

TEST(Workload, draws_classes_by_share_whatever_other_entries_do) {
  const auto classes_of_first = [](int others) {
    std::vector<WorkloadEntry> entries;
    entries.push_back(entry(1s, 20000, {{ClassId{0}, 3}, {ClassId{1}, 1}}));
    for (int k = 0; k < others; ++k) entries.push_back(entry(700ms, 100, {{ClassId{2}, 1}, {ClassId{3}, 1}}));
    Workload w(std::move(entries), 5);
    std::vector<std::uint32_t> out;
    while (w.next() != never) {
      Visit v;
      w.take(v);
      if (v.entry == 0) out.push_back(v.cls.index());
    }
    return out;
  };
  const auto alone = classes_of_first(0);
  EXPECT_EQ(alone, classes_of_first(3));
  // Binomial: 15000 +- 61; the seed is fixed, the bound 5 deviations.
  EXPECT_NEAR(static_cast<double>(std::count(alone.begin(), alone.end(), 0U)), 15000, 306);
}

}  // namespace
}  // namespace tideline
