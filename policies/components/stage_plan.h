// InferLine's planner for one stage: hardware, batch and replicas by a simulation of the stage on a planning trace.
#pragma once

#include "policies/components/variant_plan.h"
#include "sim/core/random.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// Poisson arrivals to plan for, the same for each plan: gaps that are scaled to whatever rate is asked about. Their mean is exactly that of
/// the rate.
class PlanningTrace {
 public:
  PlanningTrace(Stream stream, std::uint32_t queries);

  /// The estimator: whether `instances` replicas, which take at most `batch` of one line as soon as they are free, keep the percentile of
  /// the latencies (0: their mean) within `left` at this rate. `latency`: of a batch, by items.
  bool meets(double rate, std::uint32_t instances, std::uint32_t batch, std::span<const Duration> latency, Duration left,
             double percentile);

 private:
  std::vector<double> arrivals_;  // at a rate of 1 per second
  std::vector<double> free_;      // scratch: when replicas are free, a heap
};

/// Algorithm 1: batches of one on the option that leaves most of the SLO (the fastest without one), with as many replicas as the estimator
/// asks for, however many there is room for. No option: none is fast enough.
/// Source: Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines", SoCC 2020,
/// doi:10.1145/3419111.3421285.
VariantPlan begin_stage(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules, PlanningTrace& trace);

/// Algorithm 2: from there greedily the feasible action that saves most: double the batch and fit the replicas anew; remove a replica;
/// change to cheaper hardware, with batch and replicas begun anew there. Ends where none saves anything. A downgrade may pass over types,
/// where the paper takes the next.
///
/// An instance is filled up to `utilization` at most: a class may have no SLO. Where what it ends with has no room (the paper's cluster has
/// no bounds) the next best option is begun with.
VariantPlan plan_stage(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules, PlanningTrace& trace);

}  // namespace tideline
