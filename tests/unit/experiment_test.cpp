// What replications of a comparison change: traces in blocks, profiles with errors.
#include "src/blocks.h"
#include "src/perturb.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace tideline {
namespace {

/// One arrival a second, numbered by its payload.
class Ticks final : public ArrivalSource {
 public:
  explicit Ticks(std::uint32_t count) : count_(count) {}
  bool next(Arrival& out) override {
    if (at_ == count_) return false;
    out = Arrival{};
    out.at = Time{} + std::chrono::seconds(at_);
    out.payload_bytes = at_++;
    return true;
  }
  double mean_qps(Time, Time) const override { return 1; }

 private:
  std::uint32_t at_ = 0, count_;
};

std::vector<Arrival> all(ArrivalSource& source) {
  std::vector<Arrival> out;
  for (Arrival a; source.next(a);) out.push_back(a);
  return out;
}

TEST(Blocks, a_trace_is_put_together_from_whole_stretches_of_itself) {
  const auto source = in_blocks(std::make_unique<Ticks>(1000), 100s, 1000s, 7);
  const auto arrivals = all(*source);
  ASSERT_EQ(arrivals.size(), 1000U);
  std::set<std::int64_t> shifts;
  for (std::size_t k = 1; k < arrivals.size(); ++k) {
    EXPECT_GE(arrivals[k].at, arrivals[k - 1].at);
    const bool new_block = (arrivals[k].at - Time{}) / 100s != (arrivals[k - 1].at - Time{}) / 100s;
    if (!new_block) {
      EXPECT_EQ(arrivals[k].payload_bytes, arrivals[k - 1].payload_bytes + 1);
    }
    EXPECT_LT(arrivals[k].payload_bytes, 1000U);
    shifts.insert(arrivals[k].payload_bytes - (arrivals[k].at - Time{}) / 1s);
  }
  EXPECT_GE(shifts.size(), 8U);
}

TEST(Blocks, one_draw_chooses_the_same_times_for_every_source) {
  const auto a = all(*in_blocks(std::make_unique<Ticks>(1000), 100s, 1000s, 7)),
             b = all(*in_blocks(std::make_unique<Ticks>(5000), 100s, 1000s, 7)),
             c = all(*in_blocks(std::make_unique<Ticks>(1000), 100s, 1000s, 8));
  ASSERT_EQ(a.size(), b.size());
  bool same_as_other_draw = a.size() == c.size();
  for (std::size_t k = 0; k < a.size(); ++k) {
    EXPECT_EQ(a[k].payload_bytes, b[k].payload_bytes);
    EXPECT_EQ(a[k].at, b[k].at);
    same_as_other_draw = same_as_other_draw && k < c.size() && a[k].payload_bytes == c[k].payload_bytes;
  }
  EXPECT_FALSE(same_as_other_draw);
}

TEST(Blocks, a_block_longer_than_the_trace_leaves_it_as_it_is) {
  EXPECT_EQ(all(*in_blocks(std::make_unique<Ticks>(50), 100s, 100s, 7)).size(), 50U);
  EXPECT_TRUE(all(*in_blocks(std::make_unique<Ticks>(0), 10s, 100s, 7)).empty());
}

Catalog two_kinds() {
  Catalog c;
  c.tasks.emplace_back().name = "see";
  for (const char* name : {"cpu", "gpu"}) {
    Hardware h;
    h.name = name;
    c.hardware.push_back(h);
  }
  for (std::size_t k = 0; k < 4; ++k) {
    Variant v;
    v.name = "v" + std::to_string(k);
    v.task = TaskId{0};
    v.hardware = HardwareId{k / 2};
    v.accuracy = 0.7;
    v.max_batch = 2;
    v.profile = Profile({1}, {{0s, 100ms, 150ms}});
    v.load.first_run = 10s;
    c.variants.push_back(v);
  }
  c.complete();
  return c;
}

TEST(Perturb, factors_have_the_spread_asked_for_and_are_shared_by_hardware) {
  constexpr int draws = 4000;
  double sum2 = 0, together = 0, apart = 0, load2 = 0, logit2 = 0;
  for (int d = 0; d < draws; ++d) {
    Catalog c = two_kinds();
    perturb(c, static_cast<std::uint64_t>(d), {.hardware = 0.1, .variant = 0.05, .accuracy = 0.2, .load = 0.3});
    const auto log_factor = [&](std::size_t k) { return std::log(to_seconds(c.variants[k].profile.latency(1)) / 0.1); };
    EXPECT_NEAR(to_seconds(c.variants[0].profile.latency(2)) / to_seconds(c.variants[0].profile.latency(1)), 1.5, 1e-6);
    sum2 += log_factor(0) * log_factor(0);
    together += log_factor(0) * log_factor(1);
    apart += log_factor(0) * log_factor(2);
    load2 += std::pow(std::log(to_seconds(c.variants[0].load.first_run) / 10), 2);
    logit2 += std::pow(std::log(c.variants[0].accuracy / (1 - c.variants[0].accuracy)) - std::log(0.7 / 0.3), 2);
  }
  // The standard error of a variance over 4,000 normal draws is 2.2 % of it.
  EXPECT_NEAR(sum2 / draws, 0.0125, 0.0010);
  EXPECT_NEAR(together / draws, 0.01, 0.0010);
  EXPECT_NEAR(apart / draws, 0, 0.0008);
  EXPECT_NEAR(load2 / draws, 0.09, 0.0070);
  EXPECT_NEAR(logit2 / draws, 0.04, 0.0030);
}

TEST(Perturb, without_spread_nothing_changes_and_a_draw_is_the_same_each_time) {
  Catalog c = two_kinds(), a = two_kinds(), b = two_kinds();
  perturb(c, 3, {.hardware = 0, .variant = 0, .accuracy = 0, .load = 0});
  EXPECT_EQ(c.variants[1].profile.latency(2), 150ms);
  EXPECT_NEAR(c.variants[1].accuracy, 0.7, 1e-12);
  perturb(a, 3, {});
  perturb(b, 3, {});
  EXPECT_EQ(a.variants[2].profile.latency(1), b.variants[2].profile.latency(1));
  EXPECT_NE(a.variants[2].profile.latency(1), 100ms);
  EXPECT_EQ(a.variants[2].accuracy, b.variants[2].accuracy);
}

}  // namespace
}  // namespace tideline
