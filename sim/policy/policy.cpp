#include "sim/policy/policy.h"

namespace tideline {

std::string_view to_string(PolicyKind kind) {
  static constexpr std::array<std::string_view, policy_kinds> names{"admission",   "selection", "dispatch",  "sharing", "batching",
                                                                    "autoscaling", "placement", "coldstart", "eviction"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace tideline
