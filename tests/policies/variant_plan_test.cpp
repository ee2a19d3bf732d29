// S14a and A8: plans for a class and for a horizon.
//
// Whose examples these are:
//   mark: Zhang et al., USENIX ATC 2019
//   cheapest_plan: doi:10.1145/3419111.3421285
#include "policies/components/variant_plan.h"
#include "policies/builtin.h"
#include "policies/components/horizon_plan.h"
#include "policies/components/linear_program.h"
#include "sim/core/random.h"
#include "tests/support/affine.h"
#include "tests/support/run_bench.h"
#include "tests/support/run_scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

namespace tideline::test {
namespace {

// One item in 10 ms, 80 % at most: 100 a second take 1.25, so 2 instances. With 50 ms left, M/D/1 at 0.5: 10 + 5 ms.
TEST(VariantPlan, counts_instances_and_checks_latency) {
  const auto table = affine(0.01, 0, 1);
  EXPECT_NEAR(planned_latency_s(100, 2, 1, 0.01), 0.015, 1e-12);
  const std::vector<VariantOption> one{{table, 2, 0.7, 50ms}};
  const VariantPlan p = plan_cheaply(one, 100, {});
  EXPECT_EQ(p.option, 0U);
  EXPECT_EQ(p.instances, 2U);
  EXPECT_NEAR(p.needed, 1.25, 1e-12);
  EXPECT_DOUBLE_EQ(p.cost, 4);
  const std::vector<VariantOption> tight{{table, 2, 0.7, 14ms}};
  EXPECT_EQ(plan_cheaply(tight, 100, {}).option, VariantPlan::none);
  const std::vector<VariantOption> few{{table, 2, 0.7, 50ms, 1}};
  EXPECT_EQ(plan_cheaply(few, 100, {}).option, VariantPlan::none);
  // A batch of 4 in 20 ms forms in 3 / (2 x 100) = 15 ms: with 20 + 20 x .5 / (2 x .5) ms it takes 45.
  EXPECT_NEAR(planned_latency_s(100, 1, 4, 0.02), 0.045, 1e-12);
}

// At half load an M/D/1 queue of 10 ms waits 5 ms on average; a wait that is on average 10 ms for those who wait is above 39.1 ms for one in
// a hundred of all. A batch of four forms in 30 ms for its first.
TEST(VariantPlan, a_percentile_leaves_room_for_the_wait_of_the_unlucky) {
  EXPECT_NEAR(planned_latency_s(100, 2, 1, 0.01, 0.99), 0.01 + 0.01 * std::log(50), 1e-12);
  EXPECT_NEAR(planned_latency_s(100, 1, 4, 0.02, 0.99), 0.03 + 0.02 + 0.02 * std::log(50), 1e-12);
  EXPECT_NEAR(planned_latency_s(1, 2, 1, 0.01, 0.5), 0.01, 1e-12) << "the median does not wait";
  const auto table = affine(0.01, 0, 1);
  const std::vector<VariantOption> one{{table, 2, 0.7, 40ms}};
  VariantPlanRules rules;
  EXPECT_EQ(plan_cheaply(one, 100, rules).instances, 2U);
  rules.percentile = 0.99;
  EXPECT_EQ(plan_cheaply(one, 100, rules).option, VariantPlan::none) << "49.1 ms";
}

TEST(VariantPlan, is_the_best_of_all_combinations) {
  Stream draw(4);
  for (int k = 0; k < 200; ++k) {
    std::vector<std::vector<Duration>> tables;
    std::vector<VariantOption> options;
    for (int o = 0; o < 6; ++o)
      tables.push_back(affine(0.002 + 0.03 * uniform01(draw), 0.001 + 0.01 * uniform01(draw), 1 + below(draw, 16)));
    const Duration left = from_seconds(0.01 + 0.2 * uniform01(draw));
    for (const auto& t : tables) options.push_back({t, 0.1 + uniform01(draw), 0.5 + 0.5 * uniform01(draw), left, 1 + below(draw, 40)});
    const double rate = std::exp(7 * uniform01(draw));
    const VariantPlanRules rules{0.1, 0.8, k % 2 == 0 ? 0 : 2 * uniform01(draw)};
    double least = std::numeric_limits<double>::infinity();
    for (const VariantOption& o : options)
      for (std::uint32_t b = 1; b < o.latency.size(); ++b)
        for (std::uint32_t n = 1; n <= o.most; ++n) {
          const double l = to_seconds(o.latency[b]);
          // The plan holds as many as its utilisation asks for; more would only cost more.
          if (rate * 1.1 * l / b > 0.8 * n * (1 + 1e-9)) continue;
          if (planned_latency_s(rate, n, b, l) <= to_seconds(left))
            least = std::min(least, n * o.price - rules.accuracy_weight * o.accuracy);
          break;
        }
    const VariantPlan p = plan_cheaply(options, rate, rules);
    if (p.option == VariantPlan::none) {
      EXPECT_EQ(least, std::numeric_limits<double>::infinity());
      continue;
    }
    EXPECT_NEAR(p.cost - rules.accuracy_weight * options[p.option].accuracy, least, 1e-9);
  }
}

/// A cheap slow variant and a dear fast one, of one task.
struct Planned {
  WorldBuilder b;
  VariantId slow, fast;
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<Policy> made;

  Planned(Duration slo, double rate, const param::Object& params = {}) {
    const SiteId s = b.site("s");
    const HardwareId cpu = b.hardware("cpu"), gpu = b.hardware("gpu");
    const TaskId t = b.task("t");
    slow = b.variant(
        "slow", t, cpu, 0.7, [](std::uint32_t n) { return 20ms + n * 10ms; }, 8);
    fast = b.variant(
        "fast", t, gpu, 0.8, [](std::uint32_t n) { return 2ms + n * 1ms; }, 16);
    b.pool("cpus", s, cpu, 8, 1);
    b.pool("gpus", s, gpu, 4, 10);
    b.add_class(t, slo);
    bench = std::make_unique<ClusterBench>(b);
    for (const VariantId v : {slow, fast}) bench->cluster.set_batch_cap(bench->group(v), 16);
    tideline::Setup setup = bench->setup();
    setup.first_hour_qps = {&rate, 1};
    made = make_policy(cheapest_plan(), params, setup);
  }
  Plan plan() {
    Plan p;
    dynamic_cast<AutoscalingPolicy&>(*made).plan(bench->view(), p);
    return p;
  }
};

TEST(CheapestPlan, takes_the_cheap_variant_while_the_slo_leaves_time) {
  Planned loose(1s, 60, {{"percentile", 0}});
  Plan p = loose.plan();
  ASSERT_EQ(p.wishes.size(), 1U);
  EXPECT_EQ(p.wishes[0].group, loose.bench->group(loose.slow));
  // 6 in 80 ms: 75 a second, 60 of them used: one.
  EXPECT_EQ(p.wishes[0].instances, 1U);
  ASSERT_EQ(p.batch_caps.size(), 1U);
  EXPECT_EQ(p.batch_caps[0].items, 6U);
  const QueryView q = loose.bench->query(loose.bench->admit(ClassId{0}));
  EXPECT_EQ(dynamic_cast<SelectionPolicy&>(*loose.made).select(q, loose.bench->view()).variants[0], loose.slow);

  // Of 99 in a hundred the first of six would wait 83 ms for the others and up to 876 ms for the device: 2 in 40 ms on two devices it is.
  const Plan unlucky = Planned(1s, 60).plan();
  ASSERT_EQ(unlucky.wishes.size(), 1U);
  EXPECT_EQ(unlucky.wishes[0].group, loose.bench->group(loose.slow));
  EXPECT_EQ(unlucky.wishes[0].instances, 2U);
  EXPECT_EQ(unlucky.batch_caps.at(0).items, 2U);

  Planned tight(30ms, 60);
  p = tight.plan();
  ASSERT_EQ(p.wishes.size(), 1U);
  EXPECT_EQ(p.wishes[0].group, tight.bench->group(tight.fast));
  EXPECT_EQ(dynamic_cast<SelectionPolicy&>(*tight.made).select(q, tight.bench->view()).variants[0], tight.fast);

  Planned accurate(1s, 60, {{"accuracy_weight_usd_per_h", 1000}});
  EXPECT_EQ(accurate.plan().wishes[0].group, accurate.bench->group(accurate.fast));
}

struct Latencies final : Recorder {
  std::vector<Duration> of;
  void ended(const Visit& v, const QueryEnd& e) override { of.push_back(e.finish - v.arrival); }
};

// The planned instances in the simulator, each with the random share of a Poisson load that is planned for, batches up to the planned size
// as soon as it is free: 99 in a hundred are in time, or all on average. Of 40,000 queries a hundredth is 400, with a deviation of 20.
TEST(VariantPlan, is_feasible_where_it_is_replayed) {
  const std::vector<std::vector<Duration>> tables{affine(0.02, 0.01, 8), affine(0.003, 0.001, 8)};
  std::map<std::uint32_t, int> planned;
  for (const Duration slo : {40ms, 60ms, 150ms, 500ms})
    for (const double rate : {30.0, 200.0, 700.0})
      for (const double percentile : {0.99, 0.0}) {
        SCOPED_TRACE(std::to_string(to_seconds(slo)) + " s, " + std::to_string(rate) + " qps, percentile " + std::to_string(percentile));
        const std::vector<VariantOption> options{{tables[0], 1, 0.7, slo, 40}, {tables[1], 10, 0.7, slo, 10}};
        VariantPlanRules rules;
        rules.percentile = percentile;
        const VariantPlan p = plan_cheaply(options, rate, rules);
        ASSERT_NE(p.option, VariantPlan::none);
        ++planned[p.option];
        WorldBuilder b;
        const SiteId s = b.site("s");
        const TaskId t = b.task("t");
        const HardwareId h = b.hardware("h");
        const VariantId v = b.variant(
            "v", t, h, 0.7, [&](std::uint32_t n) { return options[p.option].latency[n]; }, 8);
        b.pool("p", s, h, p.instances);
        b.add_class(t, slo);
        RunBench r(b);
        Latencies latencies;
        r.also = &latencies;
        r.use(random());
        r.use(timeout(), {{"timeout_s", 0}, {"max_batch_size", p.batch}});
        for (std::uint32_t k = 0; k < p.instances; ++k) r.warm_at_start(v, k);
        r.arrivals(std::make_unique<PoissonSource>(21, rate, 40'000));
        r.run();
        ASSERT_EQ(latencies.of.size(), 40'000U);
        const auto late = std::count_if(latencies.of.begin(), latencies.of.end(), [&](Duration took) { return took > slo; });
        if (percentile > 0) {
          EXPECT_LE(late, 480) << p.instances << " of option " << p.option << ", batches of " << p.batch;
        }
        EXPECT_LE(r.notes.sum_s / 40'000, to_seconds(slo)) << p.instances << " of option " << p.option << ", batches of " << p.batch;
      }
  EXPECT_GT(planned[0], 3);
  EXPECT_GT(planned[1], 3);
}

/// The share of queries that a run answers in time whose instances, variants and batches are planned.
double share_in_time(double rate_qps, double slo_s) {
  const std::string text = R"json({
      "schema": 1,
      "catalog": { "name": "c", "tasks": [ { "name": "t", "metric": "top-1", "kind": "hit_rate" } ],
        "hardware": [ { "name": "cpu", "kind": "cpu", "memory_bytes": 1000, "price_per_hour_usd": 1 },
                    { "name": "gpu", "kind": "gpu", "memory_bytes": 1000, "price_per_hour_usd": 10 } ],
        "variants": [ { "name": "slow", "task": "t", "hardware": "cpu", "accuracy": 0.7, "memory_bytes": 600, "max_batch": 8,
                        "profile": { "affine": { "base_s": 0.02, "per_item_s": 0.01 } }, "load": { "first_run_s": 1 } },
                    { "name": "fast", "task": "t", "hardware": "gpu", "accuracy": 0.7, "memory_bytes": 600, "max_batch": 8,
                        "profile": { "affine": { "base_s": 0.003, "per_item_s": 0.001 } }, "load": { "first_run_s": 1 } } ] },
      "cluster": { "sites": [ { "name": "s" } ], "pools": [ { "name": "cpus", "site": "s", "hardware": "cpu", "count": 40 },
                                                          { "name": "gpus", "site": "s", "hardware": "gpu", "count": 10 } ] },
      "policies": { "joint": "cheapest_plan", "dispatch": "join_shortest_queue",
                    "batching": { "name": "slo_aware", "params": { "drop": false } } },
      "initial": "planned",
      "measure": { "warmup_s": 30, "duration_s": 600, "drain_s": 30 }, "seed": 1,
      "workload": [ { "name": "w", "task": "t", "origin": "s", "source": "poisson", "params": { "rate_qps": )json" +
                           std::to_string(rate_qps) + R"json( }, "classes": [ { "latency_slo_s": )json" + std::to_string(slo_s) +
                           R"json( } ] } ] })json";
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "cheapest_plan_scenario.json";
  std::ofstream(file) << text;
  std::unique_ptr<SummaryRecorder> summary;
  Run run = assemble(read_scenario(file.string(), {}, builtin_registry()), [&](const Scenario& s, const World& world) {
    summary = std::make_unique<SummaryRecorder>(world, s.billing);
    return std::vector<Recorder*>{summary.get()};
  });
  run.simulation->run();
  return summary->summary().total.slo_attainment;
}

// The whole way: the plan of the first hour's rate is there at the start, and those that follow go by what arrives.
TEST(CheapestPlan, serves_in_a_run_what_it_planned_for_in_time) {
  for (const double slo_s : {0.06, 0.15, 0.5})
    for (const double rate_qps : {30.0, 200.0, 700.0}) EXPECT_GT(share_in_time(rate_qps, slo_s), 0.985) << slo_s << ' ' << rate_qps;
}

// One type: as many as the largest forecast takes.
TEST(HorizonPlan, of_one_type_is_the_ceiling) {
  const std::vector<HorizonOption> one{{10, 1, 5, 2, 100}};
  EXPECT_EQ(plan_horizon(one, std::vector<double>{35, 52, 41}, 60), (std::vector<std::uint32_t>{6}));
  EXPECT_EQ(plan_horizon(one, std::vector<double>{5, 9, 3}, 60), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(plan_horizon(one, std::vector<double>{20, 20, 20}, 60), (std::vector<std::uint32_t>{2}));
}

TEST(HorizonPlan, a_short_need_takes_what_starts_cheaply_and_a_long_one_what_runs_cheaply) {
  const std::vector<HorizonOption> two{{10, 2, 0, 0, 100}, {10, 1, 100, 0, 100}};
  EXPECT_EQ(plan_horizon(two, std::vector<double>{0, 10, 0}, 60), (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(plan_horizon(two, std::vector<double>{10, 10, 10}, 60), (std::vector<std::uint32_t>{0, 1}));
}

TEST(HorizonPlan, meets_every_step_at_no_less_than_the_bound_of_the_linear_programme) {
  Stream draw(6);
  for (int k = 0; k < 100; ++k) {
    std::vector<HorizonOption> options;
    for (int o = 0; o < 4; ++o) options.push_back({5 + 50 * uniform01(draw), 0.2 + uniform01(draw), 20 * uniform01(draw), 0, 1000});
    std::vector<double> forecast;
    double peak = 0;
    for (int s = 0; s < 3; ++s) forecast.push_back(300 * uniform01(draw)), peak = std::max(peak, forecast.back());
    const auto n = plan_horizon(options, forecast, 60);
    double rate = 0, cost = 0;
    LinearProgram bound;
    const auto row = bound.add_row(peak, LinearProgram::infinity);
    for (std::size_t o = 0; o < options.size(); ++o) {
      rate += n[o] * options[o].rate;
      cost += n[o] * (180 * options[o].price + options[o].launch);
      bound.set(row, bound.add_variable(-(180 * options[o].price + options[o].launch)), options[o].rate);
    }
    EXPECT_GE(rate, peak * (1 - 1e-9));
    EXPECT_GE(cost, -bound.solve().objective - 1e-6);
  }
}

TEST(Mark, plans_for_the_forecast_and_reacts_between) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("t");
  const VariantId v = b.variant("net", t, gpu, 0.7, 100ms);
  b.pool("p", s, gpu, 30, 1);
  b.add_class(t, 1s);
  ClusterBench bench(b);
  const double rate = 45;
  tideline::Setup setup = bench.setup();
  setup.first_hour_qps = {&rate, 1};
  const auto made = make_policy(mark(), {{"interval_s", 60}, {"reaction_s", 5}}, setup);
  auto& planner = dynamic_cast<AutoscalingPolicy&>(*made);
  auto& observer = dynamic_cast<Observer&>(*made);
  Time now{};
  const auto step = [&](int arrivals) -> int {
    const VisitId q = bench.admit(ClassId{0}, now);
    for (int k = 0; k < arrivals; ++k) observer.arrived(bench.query(q), bench.view(now));
    Plan plan;
    planner.plan(bench.view(now), plan);
    now += 5s;
    if (plan.wishes.empty()) return -1;
    bench.cluster.set_wish(plan.wishes[0].group, plan.wishes[0].instances);
    return static_cast<int>(plan.wishes[0].instances);
  };
  EXPECT_EQ(step(0), 5);        // ceil(45 / 10), of the first hour
  EXPECT_EQ(step(5 * 50), -1);  // 50 a second are met
  EXPECT_EQ(step(5 * 130), 6);  // 80 are missing: a tenth of 8 instances, rounded up
  EXPECT_EQ(step(5 * 200), 8);  // of 14, two
  for (int k = 0; k < 8; ++k) EXPECT_EQ(step(5 * 80), -1);
  EXPECT_EQ(step(5 * 80), 8);  // the plan: no less than the rate now, the average of 45 and of this minute is less
  (void)v;
}

}  // namespace
}  // namespace tideline::test
