// What changes during a run without anybody deciding it: nodes fail, devices slow down, links get worse.
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Nodes side by side, as those of a pool are.
struct NodeRange {
  NodeId first;
  std::uint32_t count = 0;
};

/// From a time until another, perhaps `never`. Factors of changes that overlap multiply.
struct Change {
  enum class Kind : std::uint8_t {
    failure,   ///< the nodes are down: what they had is lost; they come up again empty
    slowdown,  ///< batches that start meanwhile on the nodes take `factor` times as long
    link       ///< the link has `bandwidth_factor` of its bandwidth and `delay_factor` times its delay, both ways
  };
  Kind kind = Kind::failure;
  Time from{}, to = never;
  NodeRange nodes{};
  double factor = 1;
  std::uint32_t link = 0;  ///< index in the topology
  double bandwidth_factor = 1, delay_factor = 1;
};

/// Nodes that fail one by one: up and down for times that are exponential with these means (an alternating renewal process for each).
struct FailureProcess {
  NodeRange nodes;
  Duration mean_up{}, mean_down{};
};

struct Environment {
  std::vector<Change> changes;
  std::vector<FailureProcess> failures;
};

}  // namespace tideline
