#include "policies/builtin.h"

namespace tideline {

void add_builtin_policies(PolicyRegistry& registry) {
  // admission
  registry.add(accept_all());
  registry.add(bounded_in_flight());
  // selection
  registry.add(accuracy_max());
  registry.add(cheapest_feasible());
  registry.add(fixed_variant());
  registry.add(infaas());
  // dispatch
  // sharing
  // batching
  registry.add(no_batching());
  registry.add(slo_aware());
  registry.add(timeout());
  // autoscaling
  // placement
  // coldstart
  // eviction
}

}  // namespace tideline
