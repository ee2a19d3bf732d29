#include "policies/builtin.h"
#include "policies/components/accuracy_scaler.h"

#include <cstdint>
#include <tuple>

namespace tideline {

namespace {

/// Proteus's accuracy scaling (policies S7 and D10; see components/accuracy_scaler.h), planned by an integer programme.
///
/// Where the search ends by its limits before it has a plan, the greedy one stands. A plan takes effect after the mean time that the
/// published solver took, whatever this one takes: a run is the same on every machine.
class AccuracyScaling final : public AccuracyScaler {
 public:
  struct Params : AccuracyScalerParams {
    std::uint32_t nodes = 2000;
    double gap = 1e-3;
    Params() { solve = 4200ms; }
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_shared<Params>(),
          param::fields(param::field("nodes", &Params::nodes, "Nodes of the tree that a search looks at, at most.", {1, 1e9}),
                        param::field("gap", &Params::gap, "Share that the bound may be above the plan at the end of a search.", {0, 1})));
    }
  };
  AccuracyScaling(const Params& params, const Setup& setup) : AccuracyScaler(params, setup), limits_{params.nodes, params.gap} {}

 protected:
  AccuracyPlan solve(const AccuracyProblem& problem) const override { return plan_exactly(problem, targets(), limits_); }

 private:
  LinearProgram::Limits limits_;
};

}  // namespace

PolicyDefinition accuracy_scaling() {
  return define<AccuracyScaling>(
      "accuracy_scaling",
      "Holds what meets the demand most accurately, by an integer programme (for hundreds of variants); routes "
      "by the plan.",
      {Provenance::our_reading,
       R"(Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, doi:10.1145/3617232.3624849)"});
}

}  // namespace tideline
