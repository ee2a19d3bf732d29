// The list of all policies of this program.
#pragma once

#include "sim/policy/registry.h"

namespace tideline {

// admission

// selection

// dispatch
PolicyDefinition join_shortest_queue();
PolicyDefinition least_expected_latency();
PolicyDefinition power_of_d();
PolicyDefinition random();
PolicyDefinition round_robin();
PolicyDefinition shared_line();

// sharing
PolicyDefinition oldest_first();

// batching

// autoscaling
PolicyDefinition fixed();
PolicyDefinition target_utilization();

// placement
PolicyDefinition best_fit();

// coldstart
PolicyDefinition fixed_keep_alive();
PolicyDefinition preload_and_persist();

// eviction
PolicyDefinition greedy_dual_size_frequency();
PolicyDefinition lru();

/// Adds all of the above.
void add_builtin_policies(PolicyRegistry& registry);

}  // namespace tideline
