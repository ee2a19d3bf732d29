#include "policies/builtin.h"
#include "policies/components/bandit.h"

#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// The variant of most theta . x + alpha sqrt(x' A^-1 x) (policy S12 d): a bandit that learns the reward of each arm as a linear function
/// of the state, and is optimistic where it knows little. Source: Li, Chu, Langford and Schapire, "A contextual-bandit approach to
/// personalized news article recommendation", WWW 2010 (doi:10.1145/1772690.1772758), the disjoint form, as published.
///
/// The state x is ours: 1; the task's queries in flight n as n / (n + devices); what is at the least loaded instance of the arm over its
/// batch cap, at most 1; and the share of the SLO that the predicted latency leaves, -1 .. 1. Several classes are several problems.
class LinUcb final : public BanditSelection {
 public:
  struct Params : BanditParams {
    double alpha = 1;
    static constexpr auto declare() {
      return std::tuple_cat(declare_bandit(),
                            param::fields(param::field("alpha", &Params::alpha,
                                                       "Weight of what is uncertain; theory: 1 + sqrt(ln(2 / delta) / 2).", {0, 100})));
    }
  };
  LinUcb(const Params& params, const Setup& setup) : BanditSelection(params, setup, Contexts::all), alpha_(params.alpha) {
    for (std::size_t p = 0; p < problem_count(); ++p) models_.emplace_back(arms_of(p).size(), params.discount);
  }

 private:
  Pick choose(const Problem& problem, ClusterView) override {
    const LinearArms& model = models_[problem.index];
    return {best_arm(problem.allowed, [&](std::size_t k) {
      const LinearArms::Estimate e = model.at(k, problem.contexts[k]);
      return e.mean + alpha_ * e.width;
    })};
  }
  void learn(const Pull& pull, double reward) override { models_[pull.problem].learn(pull.arm, pull.context, reward); }

  double alpha_;
  std::vector<LinearArms> models_;  // by problem
};

}  // namespace

PolicyDefinition lin_ucb() {
  return define<LinUcb>(
      "lin_ucb", "The variant of most reward by a linear model of the state, seen with optimism.",
      {Provenance::as_published,
       R"(Li, Chu, Langford and Schapire, "A contextual-bandit approach to personalized news article recommendation", WWW 2010, doi:10.1145/1772690.1772758)"});
}

}  // namespace tideline
