// What a policy answered when it was asked, as recorders hear it.
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"
#include "sim/policy/policy.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace tideline {

/// What was answered. `decision_forms()` says of which kind of policy it is, and what a decision's numbers then mean.
enum class DecisionAnswer : std::uint8_t {
  admitted,
  refused,
  selected,
  bound_late,
  found_none,
  escalated,
  stands,
  to_instance,
  to_site,
  held,
  found_no_place,
  goes_next,
  started_batch,
  dropped,
  waits,
  wished,
  ordered_nodes,
  allotted,
  starts_for_held,
  placed,
  placed_nowhere,
  keeps,
  starts_again,
  prewarms,
  pins,
  evicts,
  evicts_none,
  gives_up
};

/// What `chosen` of a decision is an index of.
enum class DecisionSubject : std::uint8_t { nothing, variant, instance, site, group, pool, device };
std::string_view to_string(DecisionSubject subject);

/// How decisions with one answer read: its declaration for every output.
struct DecisionForm {
  DecisionAnswer answer;
  std::string_view name;
  PolicyKind kind;
  bool of_query = false;  ///< about one query
  DecisionSubject chosen = DecisionSubject::nothing;
  std::string_view amount, unit;  ///< what the amount counts; empty: nothing
};
/// All answers, in the order of the enumeration.
std::span<const DecisionForm> decision_forms();
inline const DecisionForm& form_of(DecisionAnswer answer) { return decision_forms()[static_cast<std::size_t>(answer)]; }

/// One answer of a policy.
struct Decision {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  DecisionAnswer answer{};
  Reason reason = 0;
  std::uint64_t query = ~std::uint64_t{0};  ///< serial, where the form says that it is about one
  std::uint32_t chosen = none;              ///< index of the form's subject
  std::uint32_t runner_up = none;           ///< the same of the second best, where the policy says
  std::int64_t amount = 0;
};

}  // namespace tideline
