#include "policies/builtin.h"
#include "policies/components/bandit.h"

#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// A variant drawn by weights that losses shrink (policy S12 e): a bandit that holds against any sequence of rewards.
/// Source: Auer, Cesa-Bianchi, Freund and Schapire, "The nonstochastic multiarmed bandit problem", SIAM Journal on Computing 32(1), 2002
/// (doi:10.1137/S0097539701398375), in the form of Clipper's single-model selection (Crankshaw et al., NSDI 2017), as in the released code:
/// after a loss L = 1 - reward, w *= exp(-eta L / p). That p is at least 0.001 is ours.
class Exp3 final : public BanditSelection {
 public:
  struct Params : BanditParams {
    double eta = 0.01;
    static constexpr auto declare() {
      return std::tuple_cat(declare_bandit(),
                            param::fields(param::field("eta", &Params::eta, "How fast weights follow losses; 0.1 is fast.", {1e-6, 10})));
    }
  };
  Exp3(const Params& params, const Setup& setup) : BanditSelection(params, setup, Contexts::none), stream_(setup.stream) {
    for (std::size_t p = 0; p < problem_count(); ++p) weights_.emplace_back(arms_of(p).size(), params.eta, params.discount);
  }

 private:
  Pick choose(const Problem& problem, ClusterView) override {
    const ExponentialWeights& w = weights_[problem.index];
    const std::size_t arm = w.draw(problem.allowed, stream_);
    return {arm, w.probability(arm, problem.allowed)};
  }
  void learn(const Pull& pull, double reward) override { weights_[pull.problem].learn(pull.arm, 1 - reward, pull.probability); }

  Stream stream_;
  std::vector<ExponentialWeights> weights_;  // by problem
};

}  // namespace

PolicyDefinition exp3() {
  return define<Exp3>(
      "exp3", "A variant drawn by weights that shrink with what it lost: Clipper's selection.",
      {Provenance::as_released,
       R"(Auer, Cesa-Bianchi, Freund and Schapire, "The nonstochastic multiarmed bandit problem", SIAM Journal on Computing 32(1), 2002, doi:10.1137/S0097539701398375; Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017)"});
}

}  // namespace tideline
