// N3: surges that are announced.
//
// Whose examples these are:
//   announced_surges: Zhang et al., USENIX ATC 2019
#include "policies/builtin.h"
#include "tests/support/run_bench.h"
#include "tests/support/run_scenario.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tideline {
namespace {

using namespace test;

/// Wishes over time of a group that another autoscaler wants two of.
TEST(announced_surges, hold_the_factor_from_the_lead_to_the_end_and_then_let_go) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, gpu, 0.7, 10ms, 1, 60s);
  b.pool("p", s, gpu, 16);
  b.add_class(t);
  ClusterBench bench(b);
  for (std::size_t k = 0; k < 2; ++k) bench.warm(v, k);
  tideline::Setup setup = bench.setup();
  const std::vector<AnnouncedSurge> surges{{Time{} + 400s, Time{} + 1000s, Time{} + 1600s, 3, t}};
  setup.surges = surges;
  const auto wish_at = [&](const std::unique_ptr<AutoscalingPolicy>& p, Duration at) {
    Plan plan;
    p->plan(bench.view(Time{} + at), plan);
    std::uint32_t n = bench.view().group(bench.group(v)).wish;
    for (const Plan::Wish& w : plan.wishes) bench.cluster.set_wish(w.group, n = w.instances);
    return n;
  };
  auto p = make<AutoscalingPolicy>(announced_surges(), setup, {{"autoscaler", "fixed"}, {"lead_s", 200}});
  EXPECT_EQ(wish_at(p, 0s), 0U);
  EXPECT_EQ(wish_at(p, 420s), 0U);
  EXPECT_EQ(wish_at(p, 780s), 0U);
  EXPECT_EQ(wish_at(p, 840s), 6U);  // 3 x the two that are there
  EXPECT_EQ(wish_at(p, 1500s), 6U);
  EXPECT_EQ(wish_at(p, 1620s), 2U);
  EXPECT_EQ(p->reasons().back(), "surge");
  // Without a lead that is named: two rounds of 60 s and the load.
  bench.cluster.set_wish(bench.group(v), 0);
  auto own = make<AutoscalingPolicy>(announced_surges(), setup, {{"autoscaler", "fixed"}});
  EXPECT_EQ(wish_at(own, 780s), 0U);
  EXPECT_EQ(wish_at(own, 840s), 6U);
}

struct AroundASurge {
  std::uint64_t missed = 0, cold_starts = 0;  ///< late or not answered; that found nothing and had it loaded
};

/// Ten minutes before and after the begin of a surge of three times the load, which is announced ten minutes ahead or not; a load takes a
/// minute. Of two variants the second has hardware of its own and no instance. The surge outlasts what is measured: copies of its last queries
/// come crowded.
AroundASurge around_a_surge(bool is_announced, const std::string& selection, double cv) {
  const std::string text = R"json({
    "schema": 1,
    "catalog": { "name": "c", "tasks": [ { "name": "t", "metric": "top-1", "kind": "hit_rate" } ],
      "hardware": [ { "name": "gpu", "kind": "gpu", "memory_bytes": 1000, "price_per_hour_usd": 1 },
                    { "name": "other", "kind": "gpu", "memory_bytes": 1000, "price_per_hour_usd": 2 } ],
      "variants": [ { "name": "net", "task": "t", "hardware": "gpu", "accuracy": 0.7, "memory_bytes": 600,
                      "profile": { "latency_s": { "1": 0.1 } }, "load": { "first_run_s": 60 } },
                    { "name": "spare", "task": "t", "hardware": "other", "accuracy": 0.7, "memory_bytes": 600,
                      "profile": { "latency_s": { "1": 0.1 } }, "load": { "first_run_s": 60 } } ] },
    "cluster": { "sites": [ { "name": "s" } ], "pools": [ { "name": "p", "site": "s", "hardware": "gpu", "count": 12 },
                                                          { "name": "q", "site": "s", "hardware": "other", "count": 2 } ] },
    "workload": [ { "name": "w", "task": "t", "origin": "s", "source": "gamma", "params": { "rate_qps": 14, "cv": )json" +
                           std::to_string(cv) + R"json( }, "classes": [ { "latency_slo_s": 2 } ] } ],
    "environment": [ { "at_s": 1800, "change": "surge", "entry": "w", "factor": 3, "for_s": 1200)json" +
                           std::string(is_announced ? R"(, "announced_s": 600)" : "") + R"json( } ],
    "policies": { "selection": )json" +
                           selection + R"json(,
                  "autoscaling": { "name": "announced_surges", "params": { "autoscaler": "predictive", "params": { "interval_s": 30 } } } },
    "initial": [ { "variant": "net", "pool": "p", "count": 2 } ],
    "measure": { "warmup_s": 1200, "duration_s": 1200, "drain_s": 300 }, "seed": 1 })json";
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "surge_scenario.json";
  std::ofstream(file) << text;
  std::unique_ptr<SummaryRecorder> summary;
  Run run = assemble(read_scenario(file.string(), {}, builtin_registry()), [&](const Scenario& s, const World& world) {
    summary = std::make_unique<SummaryRecorder>(world, s.billing);
    return std::vector<Recorder*>{summary.get()};
  });
  run.simulation->run();
  const Summary found = summary->summary();
  return {found.total.queries_missed, found.total.cold_starts};
}

// Queries that go where an answer is expected first wait for those that are loaded: none has anything loaded.
TEST(announced_surges, are_met_with_what_was_loaded_ahead) {
  const AroundASurge ahead = around_a_surge(true, R"("cheapest_feasible")", 1), late = around_a_surge(false, R"("cheapest_feasible")", 1);
  EXPECT_LT(ahead.missed, 20U);
  EXPECT_GT(late.missed, 1000U);
}

// "surge 3x announced 10 min ahead, load time 60 s: no cold start; unannounced: cold starts": where overload makes queries have another
// variant loaded. Arrivals are even, so that nothing is overloaded but by the surge.
TEST(announced_surges, cause_no_cold_starts_where_others_do) {
  const std::string infaas = R"({ "name": "infaas", "params": { "memory_reserve_bytes": 0, "fill": null } })";
  const AroundASurge ahead = around_a_surge(true, infaas, 0.05), late = around_a_surge(false, infaas, 0.05);
  EXPECT_EQ(ahead.cold_starts, 0U);
  EXPECT_EQ(ahead.missed, 0U);
  EXPECT_GT(late.cold_starts, 0U);
  EXPECT_GT(late.missed, 1000U);
}

}  // namespace
}  // namespace tideline
