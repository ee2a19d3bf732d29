#include "policies/builtin.h"
#include "policies/components/class_planner.h"

#include <tuple>

namespace tideline {

namespace {

/// Plans for each class variant, hardware, batch and number of instances together, the cheapest that meet SLO and floor for its demand
/// (policy S14a; see components/class_planner.h).
/// Source: components/variant_plan.h. Our reading: exhaustive for a class; classes in order of falling rate share the devices that are left.
///
/// A plan keeps a percentile of its latencies within the SLO, the 99th as InferLine's does, by closed form where InferLine simulates
/// (inferline_planner does); where no plan does, the mean counts. Time until a plan takes effect: `solve_s`.
class CheapestPlan final : public ClassPlanner {
 public:
  struct Params : ClassPlannerParams {
    double accuracy_weight_usd_per_h = 0;
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_shared<Params>(),
          param::fields(param::field("accuracy_weight_usd_per_h", &Params::accuracy_weight_usd_per_h,
                                     "What full accuracy of a class is worth, in US dollars an hour; 0: only the cost counts.", {0, 1e9})));
    }
  };
  CheapestPlan(const Params& params, const Setup& setup)
      : ClassPlanner(params, setup), rules_{params.headroom, params.utilization, params.accuracy_weight_usd_per_h / 3600, 0} {}

 protected:
  VariantPlan solve(std::span<const VariantOption> options, double rate, double percentile) override {
    rules_.percentile = percentile;
    return plan_cheaply(options, rate, rules_);
  }

 private:
  VariantPlanRules rules_;
};

}  // namespace

PolicyDefinition cheapest_plan() {
  return define<CheapestPlan>(
      "cheapest_plan", "Plans variant, hardware, batch and instances of each class together, as cheaply as SLO and floor allow.",
      {Provenance::our_reading,
       R"(Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines", SoCC 2020, doi:10.1145/3419111.3421285)"});
}

}  // namespace tideline
