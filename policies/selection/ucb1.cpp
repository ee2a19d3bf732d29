#include "policies/builtin.h"
#include "policies/components/bandit.h"

#include <vector>

namespace tideline {

namespace {

/// The variant of most mean reward + sqrt(2 ln t / n), each once first (policy S12 b): a bandit that is optimistic about what it knows little
/// of. Source: Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine Learning 47, 2002
/// (doi:10.1023/A:1013689704352). Pulls whose rewards are still to come count in n and t: our reading for rewards that are late, without
/// which all queries would go to one arm until its first answer is there.
class Ucb1 final : public BanditSelection {
 public:
  struct Params : BanditParams {
    static constexpr auto declare() { return declare_bandit(); }
  };
  Ucb1(const Params& params, const Setup& setup) : BanditSelection(params, setup, Contexts::none) {
    for (std::size_t p = 0; p < problem_count(); ++p) means_.emplace_back(arms_of(p).size(), params.discount);
  }

 private:
  Pick choose(const Problem& problem, ClusterView) override {
    ArmMeans& means = means_[problem.index];
    const double all = means.all_pulls();
    const std::size_t arm = best_arm(problem.allowed, [&](std::size_t k) { return means.upper_bound(k, all); });
    means.pull(arm);
    return {arm};
  }
  void learn(const Pull& pull, double reward) override { means_[pull.problem].learn(pull.arm, reward); }
  void forget(const Pull& pull) override { means_[pull.problem].forget(pull.arm); }

  std::vector<ArmMeans> means_;  // by problem
};

}  // namespace

PolicyDefinition ucb1() {
  return define<Ucb1>(
      "ucb1", "The variant of most mean reward and uncertainty: an optimistic bandit.",
      {Provenance::our_reading,
       R"(Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine Learning 47, 2002, doi:10.1023/A:1013689704352)"});
}

}  // namespace tideline
