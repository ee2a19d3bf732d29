#include "policies/builtin.h"
#include "policies/components/class_planner.h"
#include "policies/components/stage_plan.h"

#include <cstdint>
#include <tuple>

namespace tideline {

namespace {

/// InferLine's planner: for each class hardware, batch and replicas, begun with the fastest and made cheaper step by step as long as a
/// simulation of the stage on a planning trace keeps the 99th percentile of the latencies within the SLO (policy S14b).
/// Source: Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines", SoCC 2020,
/// doi:10.1145/3419111.3421285, algorithms 1 and 2; the search is in components/stage_plan.h.
///
/// Our reading. Pipelines have one stage: queries here have no others. A stage's hardware is a candidate of its class at a site, so that a
/// downgrade may change the variant within the floor. The planning trace is Poisson at the rate that is planned for, and drawn once; plans
/// are made anew each interval for the averaged rate, and are carried out, as in cheapest_plan (components/class_planner.h). Each class has
/// whole replicas of its own; those that chose one group share them, which no estimate counts on. The tuner that InferLine has beside it
/// is the autoscaler inferline_tuner.
class InferlinePlanner final : public ClassPlanner {
 public:
  struct Params : ClassPlannerParams {
    std::uint32_t trace = 10'000;
    Params() { utilization = 0.95; }
    static constexpr auto declare() {
      return std::tuple_cat(declare_shared<Params>(), param::fields(param::field("trace_queries", &Params::trace,
                                                                                 "Length of the planning trace.", {100, 10'000'000})));
    }
  };
  InferlinePlanner(const Params& params, const Setup& setup)
      : ClassPlanner(params, setup), rules_{params.headroom, params.utilization, 0, 0}, trace_(setup.stream, params.trace) {}

 protected:
  VariantPlan solve(std::span<const VariantOption> options, double rate, double percentile) override {
    rules_.percentile = percentile;
    return plan_stage(options, rate, rules_, trace_);
  }

 private:
  VariantPlanRules rules_;
  PlanningTrace trace_;
};

}  // namespace

PolicyDefinition inferline_planner() {
  return define<InferlinePlanner>(
      "inferline_planner", "Plans hardware, batch and replicas of each class by InferLine's greedy search with a simulation of the stage.",
      {Provenance::our_reading,
       R"(Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines", SoCC 2020, doi:10.1145/3419111.3421285)"});
}

}  // namespace tideline
