#include "policies/builtin.h"

namespace tideline {

void add_builtin_policies(PolicyRegistry& registry) {
  // admission

  // selection

  // dispatch
  registry.add(join_shortest_queue());
  registry.add(least_expected_latency());
  registry.add(power_of_d());
  registry.add(random());
  registry.add(round_robin());
  registry.add(shared_line());

  // sharing
  registry.add(oldest_first());

  // batching

  // autoscaling
  registry.add(fixed());
  registry.add(target_utilization());

  // placement
  registry.add(best_fit());

  // coldstart
  registry.add(fixed_keep_alive());
  registry.add(preload_and_persist());

  // eviction
  registry.add(greedy_dual_size_frequency());
  registry.add(lru());
}

}  // namespace tideline
