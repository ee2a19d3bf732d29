// The list of all built-in policies. Each is defined at the end of its own file, which is named as it is.
#pragma once

#include "sim/policy/registry.h"

namespace tideline {

// admission
PolicyDefinition accept_all();
PolicyDefinition bounded_in_flight();
PolicyDefinition deadline_feasible();
PolicyDefinition priority_shedding();
PolicyDefinition token_bucket();

// selection
PolicyDefinition accuracy_max();
PolicyDefinition cascade();
PolicyDefinition cheapest_feasible();
PolicyDefinition cocktail();
PolicyDefinition ensemble();
PolicyDefinition epsilon_greedy();
PolicyDefinition exp3();
PolicyDefinition exp4();
PolicyDefinition fixed_variant();
PolicyDefinition infaas();
PolicyDefinition lin_ucb();
PolicyDefinition model_switching();
PolicyDefinition static_hardware();
PolicyDefinition thompson();
PolicyDefinition ucb1();

// dispatch
PolicyDefinition deficit_round_robin();
PolicyDefinition hedged();
PolicyDefinition join_shortest_queue();
PolicyDefinition least_expected_latency();
PolicyDefinition locality();
PolicyDefinition power_of_d();
PolicyDefinition random();
PolicyDefinition round_robin();
PolicyDefinition shared_line();
PolicyDefinition weighted_round_robin();

// sharing
PolicyDefinition earliest_deadline();
PolicyDefinition oldest_first();

// batching
PolicyDefinition aimd();
PolicyDefinition dynamic_batcher();
PolicyDefinition early_drop();
PolicyDefinition fixed_size();
PolicyDefinition no_batching();
PolicyDefinition proteus_batching();
PolicyDefinition slo_aware();
PolicyDefinition timeout();

// autoscaling
PolicyDefinition announced_surges();
PolicyDefinition demand_knapsack();
PolicyDefinition fixed();
PolicyDefinition infaas_scaling();
PolicyDefinition inferline_tuner();
PolicyDefinition knative_kpa();
PolicyDefinition kubernetes_hpa();
PolicyDefinition mark();
PolicyDefinition predictive();
PolicyDefinition scheduled();
PolicyDefinition swayam();
PolicyDefinition target_tracking();
PolicyDefinition target_utilization();
PolicyDefinition vertical();

// placement
PolicyDefinition best_fit();
PolicyDefinition cheapest();
PolicyDefinition infaas_placement();
PolicyDefinition spread();

// coldstart
PolicyDefinition fixed_keep_alive();
PolicyDefinition forecast_prewarm();
PolicyDefinition hybrid_histogram();
PolicyDefinition no_keep_alive();
PolicyDefinition pinned_top_k();
PolicyDefinition preload_and_persist();

// eviction
PolicyDefinition cost_to_reload();
PolicyDefinition fifo();
PolicyDefinition greedy_dual_size_frequency();
PolicyDefinition landlord();
PolicyDefinition lfu();
PolicyDefinition lru();
PolicyDefinition oracle_belady();
PolicyDefinition predicted_use();
PolicyDefinition sieve();
PolicyDefinition size_aware();

// joint
PolicyDefinition accuracy_scaling();
PolicyDefinition accuracy_scaling_greedy();
PolicyDefinition cheapest_plan();
PolicyDefinition clockwork();
PolicyDefinition downgrade_then_shed();
PolicyDefinition inferline_planner();
PolicyDefinition jellyfish();
PolicyDefinition nexus();
PolicyDefinition proportional();
PolicyDefinition slackfit();

/// Adds them all, by kind.
void add_builtin_policies(PolicyRegistry& registry);

}  // namespace tideline
