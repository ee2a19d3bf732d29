#include "policies/builtin.h"
#include "policies/components/accuracy_scaler.h"

namespace tideline {

namespace {

/// Accuracy scaling as in accuracy_scaling, planned greedily with local search (components/accuracy_plan.h): milliseconds instead of
/// seconds, without a bound. The order of its moves is ours.
class AccuracyScalingGreedy final : public AccuracyScaler {
 public:
  struct Params : AccuracyScalerParams {
    static constexpr auto declare() { return declare_shared<Params>(); }
  };
  AccuracyScalingGreedy(const Params& params, const Setup& setup) : AccuracyScaler(params, setup) {}

 protected:
  AccuracyPlan solve(const AccuracyProblem& problem) const override { return plan_greedily(problem, targets()); }
};

}  // namespace

PolicyDefinition accuracy_scaling_greedy() {
  return define<AccuracyScalingGreedy>(
      "accuracy_scaling_greedy", "Holds what meets the demand most accurately, by local search; routes by the plan.",
      {Provenance::our_reading,
       R"(Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, doi:10.1145/3617232.3624849)"});
}

}  // namespace tideline
