#include "policies/builtin.h"

namespace tideline {

void add_builtin_policies(PolicyRegistry& registry) {
  // admission
  registry.add(accept_all());
  registry.add(bounded_in_flight());
  registry.add(deadline_feasible());
  registry.add(priority_shedding());
  registry.add(token_bucket());

  // selection
  registry.add(accuracy_max());
  registry.add(cascade());
  registry.add(cheapest_feasible());
  registry.add(cocktail());
  registry.add(ensemble());
  registry.add(epsilon_greedy());
  registry.add(exp3());
  registry.add(exp4());
  registry.add(fixed_variant());
  registry.add(infaas());
  registry.add(lin_ucb());
  registry.add(model_switching());
  registry.add(static_hardware());
  registry.add(thompson());
  registry.add(ucb1());

  // dispatch
  registry.add(deficit_round_robin());
  registry.add(hedged());
  registry.add(join_shortest_queue());
  registry.add(least_expected_latency());
  registry.add(locality());
  registry.add(power_of_d());
  registry.add(random());
  registry.add(round_robin());
  registry.add(shared_line());
  registry.add(weighted_round_robin());

  // sharing
  registry.add(earliest_deadline());
  registry.add(oldest_first());

  // batching
  registry.add(aimd());
  registry.add(dynamic_batcher());
  registry.add(early_drop());
  registry.add(fixed_size());
  registry.add(no_batching());
  registry.add(proteus_batching());
  registry.add(slo_aware());
  registry.add(timeout());

  // autoscaling
  registry.add(announced_surges());
  registry.add(demand_knapsack());
  registry.add(fixed());
  registry.add(infaas_scaling());
  registry.add(inferline_tuner());
  registry.add(knative_kpa());
  registry.add(mark());
  registry.add(predictive());
  registry.add(scheduled());
  registry.add(kubernetes_hpa());
  registry.add(swayam());
  registry.add(target_tracking());
  registry.add(target_utilization());
  registry.add(vertical());

  // placement
  registry.add(best_fit());
  registry.add(cheapest());
  registry.add(infaas_placement());
  registry.add(spread());

  // coldstart
  registry.add(fixed_keep_alive());
  registry.add(forecast_prewarm());
  registry.add(hybrid_histogram());
  registry.add(no_keep_alive());
  registry.add(pinned_top_k());
  registry.add(preload_and_persist());

  // eviction
  registry.add(cost_to_reload());
  registry.add(fifo());
  registry.add(greedy_dual_size_frequency());
  registry.add(landlord());
  registry.add(lfu());
  registry.add(lru());
  registry.add(oracle_belady());
  registry.add(predicted_use());
  registry.add(sieve());
  registry.add(size_aware());

  // joint
  registry.add(accuracy_scaling());
  registry.add(accuracy_scaling_greedy());
  registry.add(cheapest_plan());
  registry.add(clockwork());
  registry.add(downgrade_then_shed());
  registry.add(inferline_planner());
  registry.add(jellyfish());
  registry.add(nexus());
  registry.add(proportional());
  registry.add(slackfit());
}

}  // namespace tideline
