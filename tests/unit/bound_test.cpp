// S15: bounds of a clairvoyant, and the optimum of tiny instances.
#include "src/bound.h"

#include "policies/builtin.h"
#include "tests/support/run_bench.h"
#include "tests/support/tiny_cluster.h"

#include <gtest/gtest.h>

namespace tideline::test {
namespace {

/// l(b) = 4 + b ms; 0.8 queries a millisecond on one device, with 24 ms each.
struct Steady {
  WorldBuilder b;
  std::unique_ptr<World> world;
  std::vector<BoundQuery> queries;

  explicit Steady(double per_ms, std::uint32_t most = 64, double accuracy = 0.7) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("t");
    b.variant(
        "v", t, gpu, accuracy, [](std::uint32_t n) { return 4ms + n * 1ms; }, most);
    b.pool("p", s, gpu, 1);
    b.add_class(t, 24ms);
    world = b.build();
    for (int k = 0; k < 20'000; ++k) queries.push_back({Time{} + from_seconds(k / per_ms * 1e-3), ClassId{0}, s});
  }
  double bound(BoundObjective o = BoundObjective::on_time) const {
    return clairvoyant_bound(*world, queries, o, bound_window(*world, queries));
  }
};

// Batches of 20 take all 24 ms: 0.8333 a millisecond. With half of them, as planners count, it would be 8 in 12 ms.
TEST(Bound, serves_all_that_the_largest_batch_in_time_could) {
  EXPECT_EQ(bound_window(*Steady(0.8).world, Steady(0.8).queries), 24ms);
  EXPECT_NEAR(Steady(0.8).bound(), 20'000, 1e-6);
  EXPECT_NEAR(Steady(0.8).bound(BoundObjective::worth), 14'000, 1e-6);
  EXPECT_NEAR(Steady(1).bound(), 20'000 * 0.8333, 0.02 * 20'000);  // blocks and their tails add a little
  EXPECT_GE(Steady(1).bound(), 20'000 * 20.0 / 24);
  EXPECT_NEAR(Steady(1, 8).bound(), 20'000 * 8.0 / 12, 0.02 * 20'000);
}

// Two types at 36 and 360 dollars an hour, the second four times as fast: a query costs 0.02 cents on the first and 0.05 on the second. One
// device of the first serves 50 a second; of 80 a second the other 30 need the second.
TEST(Bound, costs_no_less_than_the_cheapest_devices_and_then_the_next) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId slow = b.hardware("slow", 100), fast = b.hardware("fast", 100);
  const TaskId t = b.task("t");
  b.variant("a", t, slow, 0.7, 20ms, 50);
  b.variant("b", t, fast, 0.7, 5ms, 25);
  b.pool("p", s, slow, 1, 36);
  b.pool("q", s, fast, 1, 360);
  b.add_class(t, 1s);
  const auto world = b.build();
  const auto at_rate = [&](double qps, double answered, Billing billing) {
    std::vector<BoundQuery> queries;
    for (int k = 0; k < 4000; ++k) queries.push_back({Time{} + from_seconds(k / qps), ClassId{0}, s});
    return least_cost_bound(*world, queries, answered * 4000, billing, 1s);
  };
  EXPECT_NEAR(at_rate(40, 1, Billing::nodes), 4000 * 2e-4, 0.01);
  EXPECT_NEAR(at_rate(40, 0.5, Billing::nodes), 2000 * 2e-4, 0.005);
  EXPECT_NEAR(at_rate(80, 1, Billing::nodes), 2500 * 2e-4 + 1500 * 5e-4, 0.03);
  EXPECT_LE(at_rate(80, 1, Billing::nodes), 2500 * 2e-4 + 1500 * 5e-4);
  EXPECT_NEAR(at_rate(40, 1, Billing::held), 4000 * 1e-4, 0.005) << "half of the memory";
  EXPECT_EQ(at_rate(40, 0, Billing::held), 0);
}

// Property X4.
TEST(Bound, another_device_or_a_longer_slo_never_lowers_it) {
  double before = 0;
  for (const std::uint32_t devices : {1U, 2U, 3U}) {
    Steady s(2);
    s.b.topology.pools[0].count = s.b.topology.pools[0].min = s.b.topology.pools[0].max = devices;
    const double bound = clairvoyant_bound(*s.b.build(), s.queries, BoundObjective::on_time, 24ms);
    EXPECT_GT(bound, before);
    before = bound;
  }
  before = 0;
  for (const Duration slo : {8ms, 16ms, 24ms, 48ms}) {
    Steady s(2);
    s.b.classes[0].slo = slo;
    const double bound = clairvoyant_bound(*s.b.build(), s.queries, BoundObjective::worth, 8ms);
    EXPECT_GE(bound, before);
    before = bound;
  }
}

TEST(Bound, nobody_is_served_whom_nothing_serves_in_time) {
  Steady s(1);
  EXPECT_EQ(clairvoyant_bound(*s.world, {}, BoundObjective::on_time, 1s), 0);
  WorldBuilder b = s.b;
  b.classes[0].slo = 4ms;
  EXPECT_EQ(clairvoyant_bound(*b.build(), s.queries, BoundObjective::on_time, 4ms), 0);
}

// Two variants: 3 ms at 0.9 and 1 ms at 0.5, alone. Three queries at once, due after 4 ms: one of the first and one of the second, or three
// of the second; one device.
TEST(Bound, exact_optimum_of_a_case_by_hand) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("t");
  b.variant("good", t, gpu, 0.9, 3ms);
  b.variant("quick", t, gpu, 0.5, 1ms);
  b.pool("p", s, gpu, 1);
  b.add_class(t, 4ms);
  const auto world = b.build();
  const std::vector<BoundQuery> three(3, {Time{}, ClassId{0}, s});
  ASSERT_TRUE(is_tiny(*world, three));
  EXPECT_EQ(exact_optimum(*world, three, BoundObjective::on_time), 3);
  EXPECT_NEAR(exact_optimum(*world, three, BoundObjective::worth), 1.5, 1e-12);
  const std::vector<BoundQuery> two(2, {Time{}, ClassId{0}, s});
  EXPECT_NEAR(exact_optimum(*world, two, BoundObjective::worth), 1.4, 1e-12);
}

// What any policy reaches <= the optimum <= the bound.
TEST(Bound, policy_optimum_and_bound_are_in_order_on_random_tiny_clusters) {
  Stream draw(8);
  int strict = 0;
  for (int k = 0; k < 1000; ++k) {
    const TinyCluster tiny(draw);
    WorldBuilder b = tiny.b;
    const auto world = b.build();
    const auto queries = tiny.queries();
    ASSERT_TRUE(is_tiny(*world, queries));
    const Duration window = bound_window(*world, queries);
    std::array<double, 2> best{}, bound{};
    for (const BoundObjective o : {BoundObjective::on_time, BoundObjective::worth}) {
      const auto at = static_cast<std::size_t>(o);
      best[at] = exact_optimum(*world, queries, o);
      bound[at] = clairvoyant_bound(*world, queries, o, window);
      EXPECT_LE(best[at], bound[at] + 1e-6);
    }
    strict += best[0] < static_cast<double>(queries.size()) ? 1 : 0;
    for (const auto& [selection, batching] : {std::pair{accuracy_max(), slo_aware()}, std::pair{cheapest_feasible(), early_drop()}}) {
      RunBench run(tiny.b);
      run.use(selection);
      run.use(batching);
      run.use(join_shortest_queue());
      for (std::size_t v = 0; v < world->catalog().variants.size(); ++v)
        for (std::size_t d = 0; d < world->topology().devices.size(); ++d) run.warm_at_start(VariantId{v}, d);
      auto source = std::make_unique<PlainSource>();
      for (const Time t : tiny.at) source->list.emplace_back(t, 0);
      run.arrivals(std::move(source));
      run.run();
      double on_time = 0, worth = 0;
      for (const QueryEnd& e : run.notes.ends) {
        if (e.ending != Ending::answered || e.network + e.load + e.queue + e.service > world->classes()[0].slo) continue;
        ++on_time;
        worth += e.accuracy;
      }
      EXPECT_LE(on_time, best[0] + 1e-9) << selection.name;
      EXPECT_LE(worth, best[1] + 1e-9) << selection.name;
    }
  }
  EXPECT_GT(strict, 50);
}

}  // namespace
}  // namespace tideline::test
