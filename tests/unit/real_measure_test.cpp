#include "src/real/measure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace tideline::real {
namespace {

/// A network whose batches take no time worth mentioning, and that counts them.
class CountedNetwork final : public Network {
 public:
  CountedNetwork(std::uint32_t max_items, int& runs) : max_items_(max_items), runs_(runs) {}
  void run(std::uint32_t items) override {
    if (items > max_items_) throw std::runtime_error("too many");
    ++runs_;
  }
  void set_input(std::uint32_t, std::span<const float>) override {}
  std::vector<float> output(std::uint32_t) const override { return {}; }
  const LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override { return 1000; }
  std::int64_t resident_bytes() const override { return 1500 + 200 * std::int64_t{max_items_}; }

 private:
  std::uint32_t max_items_;
  int& runs_;
  LoadParts parts_{1, 2, 3, 4};
};

class CountedBackend final : public Backend {
 public:
  std::string name() const override { return "counted"; }
  std::string version() const override { return "1"; }
  void check(const NetworkSpec&) const override {}
  std::unique_ptr<Network> load(const NetworkSpec&, std::uint32_t max_items, unsigned) override {
    ++loads;
    return std::make_unique<CountedNetwork>(max_items, runs);
  }
  int loads = 0, runs = 0;
};

TEST(RealMeasure, the_interval_of_a_median_is_that_of_order_statistics) {
  std::vector<double> sorted;
  for (int k = 1; k <= 100; ++k) sorted.push_back(k);
  // Ranks 50 -+ 9.8: the values 41 and 61, from rank 40 and 60 counted from 0.
  EXPECT_DOUBLE_EQ(interval_of_median(sorted), (61.0 - 41.0) / 2 / 50.5);
  EXPECT_EQ(interval_of_median({2, 2, 2, 2}), 0);
}

TEST(RealMeasure, memory_is_split_into_what_items_need_and_the_rest) {
  CountedBackend backend;
  MeasureRules rules;
  rules.interval = 1e-12;
  rules.most = 50;
  rules.loads = 3;
  const MeasuredNetwork m = measure(backend, {}, {1, 4}, 1, rules, [](const std::string&) {});
  EXPECT_EQ(m.item_bytes, 200);
  EXPECT_EQ(m.base_bytes, 1500);
  EXPECT_EQ(m.weight_bytes, 1000);
  EXPECT_EQ(m.loads.size(), 3U);
  EXPECT_EQ(m.loads.front().sum(), 10);
  EXPECT_EQ(backend.loads, 4);  // one more for a single item
  ASSERT_EQ(m.batches.size(), 2U);
  EXPECT_EQ(m.batches[1].items, 4U);
  EXPECT_LE(m.batches[1].sorted.size(), 50U);
  EXPECT_GE(m.batches[1].sorted.size(), 30U);
  EXPECT_TRUE(std::is_sorted(m.batches[1].sorted.begin(), m.batches[1].sorted.end()));
}

TEST(RealMeasure, a_law_of_ratios_has_their_quantiles_and_the_mean_of_its_lines) {
  std::vector<double> ratios;
  for (int k = 0; k <= 1000; ++k) ratios.push_back(0.5 + k / 1000.0);
  const RatioLaw law = ratio_law(ratios);
  EXPECT_EQ(law.points.front(), std::pair(0.0, 0.5));
  EXPECT_EQ(law.points.back(), std::pair(1.0, 1.5));
  EXPECT_NEAR(law.mean, 1, 1e-12);
  const RatioLaw one = ratio_law({1, 1, 1});
  EXPECT_EQ(one.mean, 1);
}

}  // namespace
}  // namespace tideline::real
