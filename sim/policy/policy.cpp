#include "sim/policy/policy.h"

namespace tideline {

std::string_view to_string(PolicyKind kind) {
  static constexpr std::array<std::string_view, policy_kinds> names{"admission",   "selection", "dispatch",  "sharing", "batching",
                                                                    "autoscaling", "placement", "coldstart", "eviction"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(PlanSolution::Status status) {
  static constexpr std::array<std::string_view, 3> names{"optimal", "feasible", "short of demand"};
  return names[static_cast<std::size_t>(status)];
}

}  // namespace tideline
