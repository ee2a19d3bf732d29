// What explain says of worlds that are small enough to do by hand.
#include "src/explain.h"

#include "tests/support/small_world.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <span>

namespace tideline {
namespace {

using test::WorldBuilder;
constexpr double infinite = std::numeric_limits<double>::infinity();

// --- the least utilisation of the fullest place ---

TEST(LeastUtilisation, of_one_place_is_the_sum) { EXPECT_DOUBLE_EQ(least_utilisation({{0.2}, {0.3}, {0.4}}), 0.9); }

TEST(LeastUtilisation, of_one_demand_is_what_its_places_make_of_it_together) {
  EXPECT_DOUBLE_EQ(least_utilisation({{1, 3}}), 0.75);  // three quarters here, one there
  EXPECT_DOUBLE_EQ(least_utilisation({{2, 2, 2, 2}}), 0.5);
  EXPECT_DOUBLE_EQ(least_utilisation({{2, infinite}}), 2);
}

TEST(LeastUtilisation, leaves_a_place_to_those_who_have_no_other) {
  // x of the second demand goes to the first place: 0.6 + 0.5 x = 1 - x.
  EXPECT_NEAR(least_utilisation({{0.6, infinite}, {0.5, 1}}), 0.6 + 0.5 * 4 / 15, 1e-12);
}

TEST(LeastUtilisation, sends_each_where_it_is_served_best) {
  EXPECT_NEAR(least_utilisation({{0.5, 5}, {5, 0.5}}), 0.5, 1e-12);
  // Both would rather go to the first place; who loses less makes room.
  EXPECT_NEAR(least_utilisation({{0.5, 1}, {0.5, 4}}), 2.0 / 3, 1e-12);  // 0.5 + 0.5 x = 1 - x
}

TEST(LeastUtilisation, is_below_every_split_of_many_demands) {
  // Random splits are upper bounds of the optimum, an equal one of all among them.
  Stream stream(1);
  for (int round = 0; round < 50; ++round) {
    const std::size_t demands = 1 + static_cast<std::size_t>(uniform01(stream) * 8),
                      places = 1 + static_cast<std::size_t>(uniform01(stream) * 5);
    std::vector<std::vector<double>> share(demands, std::vector<double>(places));
    for (auto& row : share) {
      for (double& x : row) x = uniform01(stream) < 0.3 ? infinite : 0.1 + uniform01(stream);
      row[static_cast<std::size_t>(uniform01(stream) * static_cast<double>(places))] = 0.5;
    }
    const double bound = least_utilisation(share);
    EXPECT_GT(bound, 0);
    for (int split = 0; split < 200; ++split) {
      std::vector<double> use(places);
      for (const auto& row : share) {
        std::vector<double> part(places);
        double sum = 0;
        for (std::size_t p = 0; p < places; ++p) sum += part[p] = row[p] == infinite ? 0 : split == 0 ? 1 : uniform01(stream);
        for (std::size_t p = 0; p < places; ++p)
          if (part[p] > 0) use[p] += part[p] / sum * row[p];
      }
      EXPECT_GE(*std::max_element(use.begin(), use.end()), bound - 1e-9);
    }
  }
}

TEST(LeastUtilisation, is_infinite_where_a_demand_has_no_place) { EXPECT_EQ(least_utilisation({{0.1}, {infinite}}), infinite); }

// --- worlds ---

Demand demand(const World& world, std::size_t declaration, std::vector<double> qps = {}) {
  Demand d;
  d.entry = d.name = "d";
  d.cls = world.class_of(declaration);
  d.qps = std::move(qps);
  return d;
}

Explanation explain_one(const World& world, const Demand& d) { return explain(world, std::span(&d, 1)); }

/// One site with two GPUs at 36 USD an hour; batches of 1 .. 4 take 10, 14, 18, 20 ms.
struct OneSite {
  WorldBuilder b;
  SiteId here = b.site("here");
  HardwareId gpu = b.hardware("gpu", 100);
  TaskId task = b.task("t");
  VariantId v = b.variant(
      "v", task, gpu, 0.7,
      [](std::uint32_t n) {
        return std::array{0ms, 10ms, 14ms, 18ms, 20ms}[n];
      },
      4, 30);
  PoolId pool = b.pool("gpus", here, gpu, 2, 36);
};

TEST(Explain, the_best_batch_that_is_in_time_bounds_the_rate) {
  OneSite s;
  s.b.add_class(s.task, 15ms);
  s.b.add_class(s.task, 20ms);
  const auto world = s.b.build();
  const Prospect tight = explain_one(*world, demand(*world, 0, {100, 200})).prospects[0];
  EXPECT_DOUBLE_EQ(tight.alone_qps, 200);  // 2 devices, a query in 10 ms
  EXPECT_NEAR(tight.batched_qps, 2 * 2 / 0.014, 1e-9);
  EXPECT_EQ(tight.offers[0].batch, 2U);
  EXPECT_NEAR(tight.utilisation->mean, 150 * 0.007 / 2, 1e-12);
  EXPECT_NEAR(tight.utilisation->peak, 200 * 0.007 / 2, 1e-12);
  EXPECT_EQ(tight.verdict, Verdict::tight);  // 0.7 is the border, and rounding is above it
  const Prospect loose = explain_one(*world, demand(*world, 1, {100, 200})).prospects[0];
  EXPECT_DOUBLE_EQ(loose.batched_qps, 400);
  EXPECT_EQ(loose.offers[0].batch, 4U);
  EXPECT_DOUBLE_EQ(loose.utilisation->peak, 0.5);
  EXPECT_EQ(loose.verdict, Verdict::fits);
}

TEST(Explain, a_peak_beyond_the_devices_is_impossible_with_an_slo_and_a_backlog_without) {
  OneSite s;
  s.b.add_class(s.task, 20ms);
  s.b.add_class(s.task);
  const auto world = s.b.build();
  EXPECT_EQ(explain_one(*world, demand(*world, 0, {100, 500})).prospects[0].verdict, Verdict::impossible);
  EXPECT_EQ(explain_one(*world, demand(*world, 1, {100, 500})).prospects[0].verdict, Verdict::tight);
  EXPECT_EQ(explain_one(*world, demand(*world, 1, {400, 500})).prospects[0].verdict, Verdict::impossible);
  EXPECT_EQ(explain_one(*world, demand(*world, 0)).prospects[0].verdict, Verdict::unknown);
  EXPECT_FALSE(explain_one(*world, demand(*world, 0)).prospects[0].utilisation);
}

TEST(Explain, a_query_of_several_items_takes_their_time) {
  OneSite s;
  s.b.add_class(s.task, 18ms);
  const auto world = s.b.build();
  Demand d = demand(*world, 0, {50});
  d.items = 3;
  d.mean_work = 3;
  const Prospect p = explain_one(*world, d).prospects[0];
  EXPECT_EQ(p.offers[0].fastest.latency, 18ms);
  EXPECT_DOUBLE_EQ(p.alone_qps, 2 / 0.018);
  EXPECT_NEAR(p.utilisation->mean, 50 * 0.018 / 2, 1e-12);
  EXPECT_DOUBLE_EQ(p.offers[0].fastest.price_usd, 3 * world->item_price_usd(s.v, 3));
}

TEST(Explain, tells_which_constraint_is_to_blame_and_what_would_do) {
  OneSite s;
  s.b.variant("w", s.task, s.gpu, 0.9, 40ms, 200);  // no device has room for it
  s.b.variant("x", s.task, s.gpu, 0.8, 30ms, 10);
  s.b.add_class(s.task, 20ms, 0.75);
  const auto world = s.b.build();
  const Prospect p = explain_one(*world, demand(*world, 0, {1})).prospects[0];
  EXPECT_FALSE(p.feasible());
  EXPECT_EQ(p.verdict, Verdict::impossible);
  EXPECT_EQ(p.options, 3U);
  std::map<Constraint, Hindrance> by;
  for (const Hindrance& h : p.hindrances) by[h.constraint] = h;
  EXPECT_EQ(by[Constraint::floor].met, 2U);
  EXPECT_DOUBLE_EQ(by[Constraint::floor].best_value, 0.9);
  EXPECT_DOUBLE_EQ(by[Constraint::floor].relaxed_value, 0.7);
  EXPECT_EQ(by[Constraint::floor].relaxed->variant, s.v);
  EXPECT_EQ(by[Constraint::slo].met, 1U);
  EXPECT_DOUBLE_EQ(by[Constraint::slo].best_value, 0.01);
  EXPECT_DOUBLE_EQ(by[Constraint::slo].relaxed_value, 0.03);
  EXPECT_EQ(by[Constraint::memory].met, 2U);
  EXPECT_FALSE(by[Constraint::memory].relaxed);  // w is too slow as well
  EXPECT_FALSE(by[Constraint::hardware].relaxed);
  EXPECT_FALSE(by.contains(Constraint::cost_cap));
  EXPECT_FALSE(by.contains(Constraint::pin));
}

TEST(Explain, a_pin_to_hardware_that_is_not_there_would_do_with_it_or_without_the_pin) {
  OneSite s;
  const HardwareId npu = s.b.hardware("npu", 100);
  const VariantId n = s.b.variant("n", s.task, npu, 0.8, 5ms);
  s.b.add_class(s.task, 20ms, 0.5);
  s.b.classes[0].pin_level = PinLevel::variant;
  s.b.classes[0].pin = "n";
  const auto world = s.b.build();
  const Prospect p = explain_one(*world, demand(*world, 0)).prospects[0];
  ASSERT_EQ(p.hindrances.size(), 2U);
  EXPECT_EQ(p.hindrances[0].constraint, Constraint::hardware);
  EXPECT_EQ(p.hindrances[0].relaxed->variant, n);
  EXPECT_EQ(p.hindrances[1].constraint, Constraint::pin);
  EXPECT_EQ(p.hindrances[1].met, 0U);
  EXPECT_EQ(p.hindrances[1].relaxed->variant, s.v);
}

TEST(Explain, a_cost_cap_may_be_met_in_batches_only) {
  OneSite s;  // a second of a device costs 1 cent: 1e-4 USD alone, 5e-5 in a batch of four
  s.b.add_class(s.task, 20ms);
  s.b.add_class(s.task, 15ms);
  s.b.classes[0].cost_cap_usd = 6e-5;
  s.b.classes[1].cost_cap_usd = 6e-5;
  const auto world = s.b.build();
  const Prospect batched = explain_one(*world, demand(*world, 0)).prospects[0];
  EXPECT_TRUE(batched.feasible());
  EXPECT_FALSE(batched.within_cap_alone);
  EXPECT_FALSE(explain_one(*world, demand(*world, 1)).prospects[0].feasible());  // four would be late
}

TEST(Explain, what_would_do_leaves_the_other_constraints_in_force) {
  OneSite s;
  s.b.add_class(s.task, 15ms);
  s.b.classes[0].cost_cap_usd = 6e-5;
  const auto world = s.b.build();
  const Prospect p = explain_one(*world, demand(*world, 0)).prospects[0];
  std::map<Constraint, Hindrance> by;
  for (const Hindrance& h : p.hindrances) by[h.constraint] = h;
  // A batch that is cheap enough has three items and takes 18 ms; one that is in time has two and costs 7e-5.
  EXPECT_DOUBLE_EQ(by[Constraint::slo].relaxed_value, 0.018);
  EXPECT_NEAR(by[Constraint::cost_cap].relaxed_value, 7e-5, 1e-15);
}

TEST(Explain, the_network_counts) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 10ms, 1e6);
  const HardwareId slow = b.hardware("slow"), fast = b.hardware("fast");
  const TaskId task = b.task("t");
  b.variant("local", task, slow, 0.6, 50ms);
  const VariantId remote = b.variant("remote", task, fast, 0.8, 5ms);
  b.pool("s", edge, slow, 1);
  b.pool("f", core, fast, 1);
  b.add_class(task, 60ms);
  b.add_class(task, 34ms, 0.7);
  const auto world = b.build();
  Demand d = demand(*world, 0, {10, 20});
  d.payload_bytes = 5000;  // 5 ms on the link
  d.mean_payload_bytes = 6000;
  d.answer_bytes = 1000;
  const Explanation all = explain_one(*world, d);
  ASSERT_EQ(all.prospects[0].offers.size(), 2U);
  EXPECT_EQ(all.prospects[0].offers[0].fastest.latency, 50ms);
  EXPECT_EQ(all.prospects[0].offers[1].fastest.latency, 10ms + 5ms + 5ms + 10ms + 1ms);
  EXPECT_EQ(all.prospects[0].offers[1].fastest.variant, remote);
  ASSERT_EQ(all.links.size(), 1U);
  EXPECT_DOUBLE_EQ(all.links[0].forward->mean, 6000 * 15);
  EXPECT_DOUBLE_EQ(all.links[0].forward->peak, 6000 * 20);
  EXPECT_DOUBLE_EQ(all.links[0].backward->peak, 1000 * 20);
  EXPECT_DOUBLE_EQ(all.links[0].forced_forward->peak, 0);  // it can be served at home
  EXPECT_NEAR(all.links[0].slo_share->first, 0.026 / 0.06, 1e-12);

  d.cls = world->class_of(1);
  const Explanation bound = explain_one(*world, d);
  EXPECT_TRUE(bound.prospects[0].feasible());
  EXPECT_DOUBLE_EQ(bound.links[0].forced_forward->peak, 6000 * 20);
  d.payload_bytes = 9000;
  EXPECT_FALSE(explain_one(*world, d).prospects[0].feasible());
}

TEST(Explain, a_link_carries_what_the_route_leads_over_it) {
  WorldBuilder b;
  const SiteId a = b.site("a"), hub = b.site("hub"), c = b.site("c");
  b.link(hub, a, 10ms);
  b.link(hub, c, 10ms);
  b.link(a, c, 50ms);
  const HardwareId h = b.hardware("h");
  const TaskId task = b.task("t");
  b.variant("v", task, h, 0.6, 5ms);
  b.pool("p", c, h, 1);
  b.add_class(task);
  const auto world = b.build();
  Demand d = demand(*world, 0, {10});
  d.mean_payload_bytes = 100;
  d.answer_bytes = 3;
  const Explanation all = explain_one(*world, d);
  EXPECT_DOUBLE_EQ(all.links[0].backward->mean, 1000);  // from its end `to`
  EXPECT_DOUBLE_EQ(all.links[0].forward->mean, 30);
  EXPECT_DOUBLE_EQ(all.links[1].forward->mean, 1000);
  EXPECT_DOUBLE_EQ(all.links[2].forward->mean, 0);
  EXPECT_FALSE(all.links[0].slo_share);
}

TEST(Explain, cores_are_shared_and_the_bound_knows_no_interference) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  b.catalog.hardware[0].interference = {1, 1.6};
  const TaskId task = b.task("t");
  b.variant(
      "v", task, cpu, 0.6, [](std::uint32_t) { return 100ms; }, 1, 1, {}, 2);
  b.pool("p", here, cpu, 1);
  b.add_class(task, 1s);
  const auto world = b.build();
  const Prospect p = explain_one(*world, demand(*world, 0, {13})).prospects[0];
  EXPECT_DOUBLE_EQ(p.batched_qps, 2 / 1.6 / 0.1);
  EXPECT_DOUBLE_EQ(p.utilisation->peak, 13 * 0.1 / 2);
  EXPECT_EQ(p.verdict, Verdict::tight);  // the bound is 0.65, but the devices reach less than what is offered
}

TEST(Explain, memory_limits_how_many_instances_run_side_by_side) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu", 100);
  b.catalog.hardware[0].concurrent_batches = 4;
  const TaskId task = b.task("t");
  b.variant("v", task, gpu, 0.6, 100ms, 40);
  b.pool("p", here, gpu, 3);
  b.add_class(task);
  const auto world = b.build();
  const Prospect p = explain_one(*world, demand(*world, 0, {1})).prospects[0];
  EXPECT_DOUBLE_EQ(p.batched_qps, 3 * 2 / 0.1);
  EXPECT_DOUBLE_EQ(p.utilisation->mean, 0.1 / 4 / 3);  // other variants might fill the rest
}

TEST(Explain, classes_on_the_same_devices_are_judged_together) {
  OneSite s;
  const HardwareId other = s.b.hardware("other");
  s.b.variant("o", s.task, other, 0.9, 100ms);
  s.b.pool("others", s.here, other, 1);
  s.b.add_class(s.task, 20ms);          // only v
  s.b.add_class(s.task, forever, 0.8);  // only o
  s.b.add_class(s.task);                // both
  const auto world = s.b.build();
  const std::vector<Demand> demands{demand(*world, 0, {240, 0}), demand(*world, 1, {4, 4}), demand(*world, 2, {0, 400})};
  const Explanation all = explain(*world, demands);
  ASSERT_EQ(all.together.size(), 1U);
  // First part: v's devices 0.6 of the time, o's 0.4. Second: 400 x between both, x of them at v: x = 0.4 + 40 (1 - x).
  EXPECT_NEAR(all.together[0].utilisation->peak, 40.4 / 41, 1e-9);
  EXPECT_EQ(all.devices[0].only_here->mean, 0.3);
  EXPECT_EQ(all.devices[0].only_here->peak, 0.6);
  EXPECT_DOUBLE_EQ(all.devices[1].only_here->peak, 0.4);
  // An unknown rate leaves a lower bound, but no verdict unless that is above 1.
  const std::vector<Demand> some{demands[0], demand(*world, 1)};
  EXPECT_EQ(explain(*world, some).together[0].verdict, Verdict::unknown);
  EXPECT_FALSE(explain(*world, some).devices[1].only_here);
  EXPECT_DOUBLE_EQ(explain(*world, some).together[0].utilisation->peak, 0.6);
}

TEST(Explain, memory_of_the_feasible_variants_is_added_up) {
  OneSite s;  // two devices of 100 bytes; v takes 30
  for (const int bytes : {60, 50, 40}) s.b.variant("m" + std::to_string(bytes), s.task, s.gpu, 0.7, 10ms, bytes);
  const VariantId large = s.b.variant("large", s.task, s.gpu, 0.7, 10ms, 101);
  s.b.variant("wrong", s.task, s.gpu, 0.1, 10ms, 100);
  s.b.add_class(s.task, forever, 0.5);
  const auto world = s.b.build();
  const DeviceFacts f = explain_one(*world, demand(*world, 0)).devices[0];
  EXPECT_EQ(f.variants, 4U);
  EXPECT_EQ(f.bytes, 180);
  EXPECT_EQ(f.largest_bytes, 60);
  EXPECT_EQ(f.at_once, 3U);  // 30 + 40, 50
  EXPECT_EQ(f.too_large, std::vector<VariantId>{large});
}

TEST(Explain, devices_that_are_shared_out_by_cores_hold_no_more_instances_than_they_have_cores_for) {
  OneSite s;  // two devices of 100 bytes; v takes 30
  Hardware& h = s.b.catalog.hardware[0];
  h.sharing = Sharing::partitioned;
  h.cores = 8;
  for (const std::uint32_t cores : {5U, 5U, 3U})
    s.b.variant(
        "c" + std::to_string(s.b.catalog.variants.size()), s.task, s.gpu, 0.7, [](std::uint32_t) { return 10ms; }, 1, 1, Duration{}, cores);
  s.b.add_class(s.task, forever, 0.5);
  const auto world = s.b.build();
  const DeviceFacts f = explain_one(*world, demand(*world, 0)).devices[0];
  EXPECT_EQ(f.variants, 4U);
  EXPECT_EQ(f.at_once, 3U);  // 1 + 3 cores, 5
}

TEST(Explain, a_cold_start_takes_the_load_and_the_batch) {
  OneSite s;
  Hardware& gpu = s.b.catalog.hardware[0];
  gpu.store_bytes_per_s = 100;
  gpu.disk_bytes_per_s = 1000;
  gpu.copy_bytes_per_s = 10000;
  Variant& v = s.b.catalog.variants[0];
  v.artefact_bytes = 50;  // 500 ms, then 50 ms; 5 ms to the device
  v.load.build = 200ms;
  v.load.runtime_init = 30ms;
  v.load.first_run = 20ms;
  s.b.add_class(s.task, 100ms);
  s.b.add_class(s.task, 200ms);
  s.b.add_class(s.task, 1s);
  const auto world = s.b.build();
  const Prospect p = explain_one(*world, demand(*world, 0)).prospects[0];
  ASSERT_EQ(p.cold_starts.size(), 1U);  // it is the fastest, the cheapest and the first
  EXPECT_EQ(p.cold_starts[0].bytes, 505ms);
  EXPECT_EQ(p.cold_starts[0].load, 755ms);
  EXPECT_EQ(p.cold_starts[0].answer, 765ms);
  EXPECT_EQ(p.cold_starts[0].answer_again, 55ms + 30ms + 20ms + 10ms);
  EXPECT_FALSE(p.survives_load);
  const Prospect again = explain_one(*world, demand(*world, 1)).prospects[0];
  EXPECT_TRUE(again.survives_load);
  EXPECT_FALSE(again.survives_first_load);
  EXPECT_TRUE(explain_one(*world, demand(*world, 2)).prospects[0].survives_first_load);
}

TEST(Explain, origins_are_shares_of_feasible_variants_each_counted_once) {
  OneSite s;
  const SiteId there = s.b.site("there");
  s.b.link(s.here, there, 1ms);
  s.b.pool("more", there, s.gpu, 1);
  s.b.variant("w", s.task, s.gpu, 0.8, 10ms);
  s.b.variant("wrong", s.task, s.gpu, 0.1, 10ms);
  s.b.catalog.variants[0].origin_latency = Origin::measured;
  s.b.catalog.variants[2].origin_latency = Origin::measured;
  s.b.add_class(s.task, forever, 0.5);
  const auto world = s.b.build();
  const Explanation all = explain_one(*world, demand(*world, 0));
  EXPECT_EQ(all.feasible_variants, 2U);
  EXPECT_EQ(all.latency, (OriginShares{0.5, 0, 0, 0.5}));
  EXPECT_EQ(all.load, (OriginShares{0, 0, 0, 1}));
}

}  // namespace
}  // namespace tideline
