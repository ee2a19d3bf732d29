// Who decides for a set of sites: one object of each policy and the knowledge that it goes by.
#pragma once

#include "sim/policy/policy.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// The policy objects of one controller. Several kinds may point to one object (a joint policy).
struct PolicySet {
  std::vector<std::unique_ptr<Policy>> objects;
  std::array<std::string, policy_kinds> names;  ///< by kind, for messages and output
  AdmissionPolicy* admission = nullptr;
  SelectionPolicy* selection = nullptr;
  DispatchPolicy* dispatch = nullptr;
  SharingPolicy* sharing = nullptr;
  BatchingPolicy* batching = nullptr;
  AutoscalingPolicy* autoscaling = nullptr;
  PlacementPolicy* placement = nullptr;
  ColdstartPolicy* coldstart = nullptr;
  EvictionPolicy* eviction = nullptr;

  /// Union of what its objects need.
  Needs needs() const;
};

/// A policy answered what no state could justify: exit code 4.
struct PolicyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Controller {
  ControllerId id{0};
  PolicySet policies;
  Knowledge knowledge;  ///< what admission, selection, dispatch, autoscaling and placement go by
  Knowledge live;       ///< what batching, sharing, coldstart and eviction see of their own site
  std::vector<Observer*> hear_arrivals, hear_batches, hear_batch_starts, hear_instances, hear_feedback, hear_visits, hear_ends, hear_votes;
  Plan plan;  ///< the last one
};

}  // namespace tideline
