// S14b: InferLine's planner for a stage, and what it plans in a run.
//
// Whose examples these are:
//   inferline_planner: doi:10.1145/3419111.3421285
#include "policies/builtin.h"
#include "policies/components/stage_plan.h"
#include "tests/support/affine.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace tideline::test {
namespace {

constexpr VariantPlanRules rules{.headroom = 0, .utilization = 0.95, .accuracy_weight = 0, .percentile = 0.99};

/// A stage: hardware that is dearer the faster it is, or nearly so.
struct Problem {
  std::vector<std::vector<Duration>> tables;
  std::vector<VariantOption> options;
  double rate = 0;

  explicit Problem(Stream& draw, std::uint32_t types = 4, std::uint32_t largest = 16) {
    for (std::uint32_t o = 0; o < types; ++o) {
      const double speed = std::pow(2.0, o) * (0.7 + 0.6 * uniform01(draw));
      tables.push_back(affine(0.02 / speed * uniform01(draw), 0.02 / speed * uniform01(draw) + 1e-4, 1 + below(draw, largest)));
    }
    const Duration left = from_seconds(0.01 + 0.2 * uniform01(draw));
    for (std::uint32_t o = 0; o < types; ++o)
      options.push_back({tables[o], std::pow(1.8, o) * (0.8 + 0.4 * uniform01(draw)), 0.7, left, 1'000'000});
    rate = std::exp(1 + 5 * uniform01(draw));
  }
};

// Erlang C with one server and deterministic service: at a utilisation of 0.9 and 10 ms the mean wait is 45 ms.
TEST(PlanningTrace, estimates_what_queueing_theory_says) {
  PlanningTrace trace(Stream(3), 1'000'000);
  const auto table = affine(0.01, 0, 1);
  EXPECT_TRUE(trace.meets(90, 1, 1, table, 58ms, 0));
  EXPECT_FALSE(trace.meets(90, 1, 1, table, 52ms, 0));
  // Half of all are served at once at a utilisation of a half, in 10 ms.
  EXPECT_TRUE(trace.meets(49, 1, 1, table, 10ms, 0.5));
  EXPECT_FALSE(trace.meets(52, 1, 1, table, 10ms, 0.5));
  // Batches: 8 in 17 ms would be 470 a second, one in 10 only 100.
  const auto batches = affine(0.009, 0.001, 8);
  EXPECT_FALSE(trace.meets(300, 1, 1, batches, 100ms, 0.99));
  EXPECT_TRUE(trace.meets(300, 1, 8, batches, 100ms, 0.99));
  EXPECT_TRUE(trace.meets(1, 1, 1, table, forever, 0.99));
}

TEST(StagePlan, costs_no_more_than_what_it_begins_with) {
  Stream draw(11);
  PlanningTrace trace(Stream(5), 1000);
  int planned = 0, cheaper = 0;
  for (int k = 0; k < 300; ++k) {
    const Problem p(draw);
    const VariantPlan first = begin_stage(p.options, p.rate, rules, trace), last = plan_stage(p.options, p.rate, rules, trace);
    ASSERT_EQ(first.option == VariantPlan::none, last.option == VariantPlan::none);
    if (first.option == VariantPlan::none) continue;
    ++planned;
    cheaper += last.cost < first.cost ? 1 : 0;
    EXPECT_EQ(first.batch, 1U);
    EXPECT_LE(last.cost, first.cost);
    const VariantOption& o = p.options[last.option];
    EXPECT_TRUE(trace.meets(p.rate, last.instances, last.batch, o.latency, o.left, rules.percentile));
    EXPECT_DOUBLE_EQ(last.cost, last.instances * o.price);
  }
  EXPECT_GT(planned, 200);
  EXPECT_GT(cheaper, planned / 2);
}

// What an action leads to is found here by trying each number of replicas from 1 on.
TEST(StagePlan, no_single_action_improves_it) {
  Stream draw(12);
  PlanningTrace trace(Stream(6), 500);
  int planned = 0;
  for (int k = 0; k < 100; ++k) {
    const Problem p(draw, 3, 8);
    const VariantPlan last = plan_stage(p.options, p.rate, rules, trace);
    if (last.option == VariantPlan::none) continue;
    ++planned;
    const auto does = [&](std::uint32_t o, std::uint32_t b, std::uint32_t n) {
      return p.rate * to_seconds(p.options[o].latency[b]) <= rules.utilization * b * n * (1 + 1e-9) &&
             trace.meets(p.rate, n, b, p.options[o].latency, p.options[o].left, rules.percentile);
    };
    const auto fewest = [&](std::uint32_t o, std::uint32_t b) {
      std::uint32_t n = 1;
      while (!does(o, b, n)) ++n;
      return n;
    };
    const auto largest = [&](std::uint32_t o) { return static_cast<std::uint32_t>(p.options[o].latency.size() - 1); };
    const std::uint32_t o = last.option;
    EXPECT_FALSE(last.instances > 1 && does(o, last.batch, last.instances - 1)) << "a replica less";
    EXPECT_GE(fewest(o, std::min(2 * last.batch, largest(o))), last.instances) << "twice the batch";
    for (std::uint32_t other = 0; other < p.options.size(); ++other) {
      if (p.options[other].price >= p.options[o].price || p.options[other].latency[1] > p.options[other].left) continue;
      // There, batches are doubled as long as that takes fewer replicas.
      std::uint32_t b = 1, n = fewest(other, 1);
      while (b < largest(other)) {
        const std::uint32_t next = std::min(2 * b, largest(other)), m = fewest(other, next);
        if (m >= n) break;
        b = next, n = m;
      }
      EXPECT_GE(n * p.options[other].price, last.cost * (1 - 1e-9)) << "cheaper hardware";
    }
  }
  EXPECT_GT(planned, 60);
}

TEST(StagePlan, begins_elsewhere_where_there_is_no_room) {
  PlanningTrace trace(Stream(7), 1000);
  const auto fast = affine(0.005, 0, 1), slow = affine(0.01, 0, 1);
  std::vector<VariantOption> options{{fast, 1, 0.7, 100ms, 1}, {slow, 2, 0.7, 100ms, 9}};
  const VariantPlan p = plan_stage(options, 400, rules, trace);  // three of the fast, of which there is one
  EXPECT_EQ(p.option, 1U);
  EXPECT_GE(p.instances, 5U);
  options[1].most = 2;
  EXPECT_EQ(plan_stage(options, 400, rules, trace).option, VariantPlan::none);
  // A batch that needs fewer replicas has room where single queries have none.
  const auto batches = affine(0.008, 0.001, 8);
  const std::vector<VariantOption> few{{batches, 1, 0.7, 100ms, 1}};
  const VariantPlan q = plan_stage(few, 250, rules, trace);
  EXPECT_EQ(q.instances, 1U);
  EXPECT_GE(q.batch, 4U);
}

/// A GPU that is fast and dear, a CPU that is slow and cheap; batches of up to 8.
WorldBuilder two_types(Duration slo) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId cpu = b.hardware("cpu"), gpu = b.hardware("gpu");
  const TaskId t = b.task("t");
  b.variant(
      "slow", t, cpu, 0.7, [](std::uint32_t n) { return 20ms + n * 10ms; }, 8);
  b.variant(
      "fast", t, gpu, 0.7, [](std::uint32_t n) { return 3ms + n * 1ms; }, 8);
  b.pool("cpus", s, cpu, 40, 1);
  b.pool("gpus", s, gpu, 10, 10);
  b.add_class(t, slo);
  return b;
}

struct Planned {
  explicit Planned(Duration slo, double rate, std::uint64_t seed = 1) : bench(two_types(slo)) {
    for (std::size_t v = 0; v < 2; ++v) bench.cluster.set_batch_cap(bench.group(VariantId{v}), 16);
    tideline::Setup setup = bench.setup(seed);
    setup.first_hour_qps = {&rate, 1};
    made = make_policy(inferline_planner(), {}, setup);
    dynamic_cast<AutoscalingPolicy&>(*made).plan(bench.view(), plan);
  }
  std::string variant() const { return plan.wishes.size() == 1 ? (*bench.world)[(*bench.world)[plan.wishes[0].group].variant].name : "?"; }

  ClusterBench bench;
  std::unique_ptr<Policy> made;
  Plan plan;
};

TEST(InferlinePlanner, downgrades_where_the_slo_leaves_time) {
  Planned loose(500ms, 200);
  EXPECT_EQ(loose.variant(), "slow");
  ASSERT_EQ(loose.plan.batch_caps.size(), 1U);
  EXPECT_GT(loose.plan.batch_caps[0].items, 1U);
  const QueryView q = loose.bench.query(loose.bench.admit(ClassId{0}));
  EXPECT_EQ(dynamic_cast<SelectionPolicy&>(*loose.made).select(q, loose.bench.view()).variants[0], VariantId{0});
  EXPECT_EQ(Planned(25ms, 60).variant(), "fast");
  // More than all devices serve: the fastest, on demand.
  Planned too_much(25ms, 9000);
  EXPECT_TRUE(too_much.plan.wishes.empty());
  EXPECT_EQ(dynamic_cast<SelectionPolicy&>(*too_much.made).select(q, loose.bench.view()).variants[0], VariantId{1});
}

TEST(InferlinePlanner, plans_the_same_for_the_same_stream) {
  for (const double rate : {20.0, 300.0, 900.0}) {
    const Planned once(150ms, rate), again(150ms, rate);
    ASSERT_EQ(once.plan.wishes.size(), again.plan.wishes.size());
    EXPECT_EQ(once.variant(), again.variant());
    EXPECT_EQ(once.plan.wishes[0].instances, again.plan.wishes[0].instances);
    ASSERT_EQ(once.plan.batch_caps.size(), again.plan.batch_caps.size());
    EXPECT_EQ(once.plan.batch_caps[0].items, again.plan.batch_caps[0].items);
  }
}

struct Latencies final : Recorder {
  std::vector<Duration> of;
  void ended(const Visit& v, const QueryEnd& e) override { of.push_back(e.finish - v.arrival); }
};

// The planned replicas in the simulator, on another trace of the same rate: one line, batches up to the planned size as soon as one is free.
// Of 40,000 queries a hundredth is 400; an estimate from 100,000 may be off by some tens of these.
TEST(InferlinePlanner, a_plan_meets_the_slo_in_a_run_at_the_planned_rate) {
  for (const Duration slo : {25ms, 60ms, 150ms, 500ms})
    for (const double rate : {30.0, 200.0, 700.0}) {
      SCOPED_TRACE(std::to_string(to_seconds(slo)) + " s, " + std::to_string(rate) + " qps");
      std::vector<std::vector<Duration>> tables{affine(0.02, 0.01, 8), affine(0.003, 0.001, 8)};
      const std::vector<VariantOption> options{{tables[0], 1, 0.7, slo, 40}, {tables[1], 10, 0.7, slo, 10}};
      PlanningTrace trace(Stream(9), 100'000);
      const VariantPlan p = plan_stage(options, rate, rules, trace);
      ASSERT_NE(p.option, VariantPlan::none);
      RunBench r(two_types(slo));
      Latencies latencies;
      r.also = &latencies;
      r.use(fixed_variant(), {{"variants", param::List{p.option == 0 ? "slow" : "fast"}}});
      r.use(shared_line());
      r.use(timeout(), {{"timeout_s", 0}, {"max_batch_size", p.batch}});
      for (std::uint32_t k = 0; k < p.instances; ++k) r.warm_at_start(VariantId{p.option}, (p.option == 0 ? 0 : 40) + k);
      r.arrivals(std::make_unique<PoissonSource>(21, rate, 40'000));
      r.run();
      ASSERT_EQ(latencies.of.size(), 40'000U);
      const auto late = std::count_if(latencies.of.begin(), latencies.of.end(), [&](Duration took) { return took > slo; });
      EXPECT_LE(late, 480) << p.instances << " of option " << p.option << ", batches of " << p.batch;
    }
}

}  // namespace
}  // namespace tideline::test
