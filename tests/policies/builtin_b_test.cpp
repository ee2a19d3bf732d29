// Whole runs with every combination of dispatch, autoscaling, cold-start and eviction policies: they survive, and equal seeds
// give equal results.
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <set>

namespace tideline {
namespace {

using namespace test;

/// Two sites, each with accelerators that hold one of three variants, and a CPU of four cores; bursts and pauses.
std::unique_ptr<RunBench> small_run(const std::vector<PolicyDefinition>& policies, std::uint64_t seed, std::uint32_t nodes) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 5ms, 1e6);
  const HardwareId gpu = b.hardware("gpu", 9), cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  const TaskId t = b.task("classify");
  const auto linear = [](std::uint32_t n) { return 5ms + n * 10ms; };
  std::vector<std::size_t> classes;
  for (const char* name : {"big", "middle", "small"}) b.variant(name, t, gpu, 0.8, linear, 4, 5, 300ms);
  b.variant("slow", t, cpu, 0.6, linear, 1, 10, 100ms, 2);
  for (const char* name : {"big", "middle", "small", "slow"}) {
    const std::size_t c = b.add_class(t);
    b.classes[c].pin_level = PinLevel::variant;
    b.classes[c].pin = name;
  }
  for (auto& v : b.catalog.variants) v.service = Law::exponential();
  if (nodes > 0) {
    b.pool("edge gpus", edge, gpu, nodes);
    b.pool("core gpus", core, gpu, nodes);
    b.pool("cpus", core, cpu, 1);
  }
  auto r = std::make_unique<RunBench>(b);
  for (const auto& p : policies) r->use(p);
  r->options.seed = seed;
  r->options.duration = 1h;
  r->classes = 4;
  auto source = std::make_unique<PlainSource>();
  source->names = {"big", "middle", "small", "slow"};
  Stream s(seed);
  Time now{};
  for (int k = 0; k < 1500; ++k) {
    now += Duration{below(s, 40'000'000)} + (below(s, 50) == 0 ? 20s : 0s);
    source->list.emplace_back(now, below(s, 4));
  }
  r->arrivals(std::move(source));
  return r;
}

using Make = PolicyDefinition (*)();

void expect_repeats_itself(const std::vector<PolicyDefinition>& policies) {
  std::string name;
  for (const auto& p : policies) name += p.name + " ";
  std::vector<double> sums;
  for (int twice = 0; twice < 2; ++twice) {
    const auto r = small_run(policies, 3, 1);
    r->run();
    EXPECT_EQ(r->notes.ends.size(), 1500U) << name;
    for (const QueryEnd& e : r->notes.ends) ASSERT_EQ(e.ending, Ending::answered) << name;
    sums.push_back(r->notes.sum_s);
  }
  EXPECT_EQ(sums[0], sums[1]) << name;
}

TEST(builtin, every_combination_survives_and_repeats_itself) {
  for (const Make dispatch : {random, round_robin, join_shortest_queue, power_of_d, least_expected_latency, locality, shared_line, hedged})
    for (const Make autoscaling : {fixed, target_utilization})
      for (const Make coldstart : {fixed_keep_alive, preload_and_persist})
        for (const Make eviction : {lru, greedy_dual_size_frequency})
          expect_repeats_itself(
              {dispatch(), eviction == lru ? oldest_first() : earliest_deadline(), autoscaling(), best_fit(), coldstart(), eviction()});
}

TEST(builtin, others_survive_and_repeat_themselves) {
  for (const Make coldstart : {no_keep_alive, hybrid_histogram})
    for (const Make eviction : {fifo, lfu, size_aware, sieve, cost_to_reload, oracle_belady, landlord, predicted_use})
      expect_repeats_itself({coldstart == no_keep_alive ? weighted_round_robin() : deficit_round_robin(), target_utilization(),
                             coldstart == no_keep_alive ? spread() : cheapest(), coldstart(), eviction()});
}

TEST(builtin, autoscalers_and_batching_survive_together_and_repeat_themselves) {
  expect_repeats_itself({dynamic_batcher(), kubernetes_hpa(), forecast_prewarm(), lru(), least_expected_latency()});
  expect_repeats_itself({early_drop(), knative_kpa(), fixed_keep_alive(), lru(), shared_line()});
  expect_repeats_itself({slo_aware(), target_utilization(), infaas_placement(), fixed_keep_alive(), lru(), hedged()});
  expect_repeats_itself({proteus_batching(), predictive(), no_keep_alive(), lru(), round_robin()});
  expect_repeats_itself({slo_aware(), demand_knapsack(), fixed_keep_alive(), greedy_dual_size_frequency(), join_shortest_queue()});
}

TEST(builtin, selections_that_learn_survive_and_repeat_themselves) {
  for (const Make selection :
       {epsilon_greedy, ucb1, thompson, lin_ucb, exp3, exp4, model_switching, cocktail, slackfit, downgrade_then_shed})
    expect_repeats_itself({selection(), target_utilization(), least_expected_latency(), fixed_keep_alive(), lru(), best_fit()});
}

TEST(builtin, a_cluster_without_nodes_is_survived) {
  for (const Make dispatch : {random, round_robin, join_shortest_queue, power_of_d, least_expected_latency, locality, shared_line,
                              weighted_round_robin, deficit_round_robin, hedged}) {
    const auto r = small_run({dispatch(), target_utilization(), preload_and_persist(), greedy_dual_size_frequency(), best_fit()}, 3, 0);
    r->run();
    for (const QueryEnd& e : r->notes.ends) EXPECT_NE(e.ending, Ending::answered);
  }
  for (const Make selection :
       {epsilon_greedy, ucb1, thompson, lin_ucb, exp3, exp4, model_switching, cocktail, slackfit, downgrade_then_shed}) {
    const auto r = small_run({selection(), least_expected_latency(), oracle_belady()}, 3, 0);
    r->run();
    for (const QueryEnd& e : r->notes.ends) EXPECT_NE(e.ending, Ending::answered);
  }
  for (const Make autoscaling : {demand_knapsack, kubernetes_hpa, knative_kpa, predictive}) {
    const auto r = small_run({least_expected_latency(), autoscaling(), forecast_prewarm(), lru(), best_fit()}, 3, 0);
    r->run();
    for (const QueryEnd& e : r->notes.ends) EXPECT_NE(e.ending, Ending::answered);
  }
}

TEST(builtin, each_policy_is_listed_once_with_help_and_a_default_per_kind) {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  for (const auto& p : registry.list()) {
    EXPECT_TRUE(p.help.ends_with('.')) << p.name;
    EXPECT_EQ(registry.find(p.name), &p);
  }
  for (const PolicyKind k : {PolicyKind::dispatch, PolicyKind::sharing, PolicyKind::autoscaling, PolicyKind::placement,
                             PolicyKind::coldstart, PolicyKind::eviction}) {
    int defaults = 0;
    for (const auto& p : registry.list()) defaults += p.has(k) && p.is_default ? 1 : 0;
    EXPECT_EQ(defaults, 1) << to_string(k);
  }
}

}  // namespace
}  // namespace tideline
