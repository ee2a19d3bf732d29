// What changes during a run without anybody deciding it: nodes fail, devices slow down, links get worse, prices and accuracies move.
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

/// From a time until another, perhaps `never`. Factors of changes that overlap multiply, additions add.
struct Change {
  enum class Kind : std::uint8_t {
    failure,   ///< the nodes are down: what they had is lost; they come up again empty
    slowdown,  ///< batches that start meanwhile on the nodes take `factor` times as long
    notice,    ///< the nodes will be reclaimed when it ends: they drain
    price,     ///< a node of the pool costs `factor` times as much
    carbon,    ///< power at the site comes with `amount` g CO2 per kWh; of those that overlap the one that began last
    capacity,  ///< the pool has `count` nodes; what it had comes back when it ends
    taken,     ///< others hold `bytes` of memory and `count` cores of each device, as far as idle instances leave them
    accuracy,  ///< answers of the variant are right, or score, `amount` more than its profile says, within 0 .. 1
    link       ///< the link has `bandwidth_factor` of its bandwidth and `delay_factor` times its delay, both ways
  };
  Kind kind = Kind::failure;
  Time from{}, to = never;
  NodeRange nodes{};
  double factor = 1;
  std::uint32_t link = 0;  ///< index in the topology
  double bandwidth_factor = 1, delay_factor = 1;
  PoolId pool{};
  SiteId site{};
  VariantId variant{};
  double amount = 0;
  std::int64_t bytes = 0;
  std::uint32_t count = 0;
};

/// Nodes that fail one by one: up and down for times that are exponential with these means (an alternating renewal process for each).
struct FailureProcess {
  NodeRange nodes;
  Duration mean_up{}, mean_down{};
  Duration notice{};  ///< they drain for so long before they are down
};

/// What money and energy are worth at present.
struct Prices {
  std::vector<double> pool_factor;     ///< on the price of a node, by pool
  std::vector<double> carbon_per_kwh;  ///< g CO2, by site
};

/// Labels of answers, for policies that learn from them.
struct Feedback {
  double share = 0;  ///< of the answered queries, drawn by query
  Duration delay{};  ///< from the answer on
};

struct Environment {
  std::vector<Change> changes;
  std::vector<FailureProcess> failures;
  Feedback feedback;
  std::vector<double> carbon_per_kwh;  ///< at the start, by site; empty: none
};

}  // namespace tideline
