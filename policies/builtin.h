// The list of all policies of this repository, by kind. A policy has no header: its file ends in the function declared here.
#pragma once

#include "sim/policy/registry.h"

namespace tideline {

// admission
PolicyDefinition accept_all();
PolicyDefinition bounded_in_flight();
// selection
PolicyDefinition accuracy_max();
PolicyDefinition cheapest_feasible();
PolicyDefinition fixed_variant();
PolicyDefinition infaas();
// dispatch
// sharing
// batching
PolicyDefinition no_batching();
PolicyDefinition slo_aware();
PolicyDefinition timeout();
// autoscaling
// placement
// coldstart
// eviction

/// Adds all of the above.
void add_builtin_policies(PolicyRegistry& registry);

}  // namespace tideline
