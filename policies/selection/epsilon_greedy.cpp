#include "policies/builtin.h"
#include "policies/components/bandit.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// The variant of most mean reward so far, but for a share of the queries any (policy S12 a): a bandit that explores at random.
/// Source: Sutton and Barto, "Reinforcement learning", 2018, section 2.2; 0.1 as in Clipper's code. An arm that nothing is known of counts
/// as its profiled accuracy, so at first the most accurate is tried: our reading.
class EpsilonGreedy final : public BanditSelection {
 public:
  struct Params : BanditParams {
    double epsilon = 0.1;
    static constexpr auto declare() {
      return std::tuple_cat(declare_bandit(),
                            param::fields(param::field("epsilon", &Params::epsilon, "Share of queries that go to any arm.", {0, 1})));
    }
  };
  EpsilonGreedy(const Params& params, const Setup& setup)
      : BanditSelection(params, setup, Contexts::none), epsilon_(params.epsilon), stream_(setup.stream) {
    for (std::size_t p = 0; p < problem_count(); ++p) means_.emplace_back(arms_of(p).size(), params.discount);
  }

 private:
  Pick choose(const Problem& problem, ClusterView view) override {
    ArmMeans& means = means_[problem.index];
    std::size_t arm = 0;
    if (uniform01(stream_) < epsilon_) {
      const auto n =
          static_cast<std::uint32_t>(std::count_if(problem.allowed.begin(), problem.allowed.end(), [](char a) { return a != 0; }));
      for (std::uint32_t left = below(stream_, n);; ++arm)
        if (problem.allowed[arm] != 0 && left-- == 0) break;
    } else {
      arm = best_arm(problem.allowed,
                     [&](std::size_t k) { return means.is_known(k) ? means.mean(k) : view.world()[problem.arms[k]].accuracy; });
    }
    means.pull(arm);
    return {arm};
  }
  void learn(const Pull& pull, double reward) override { means_[pull.problem].learn(pull.arm, reward); }
  void forget(const Pull& pull) override { means_[pull.problem].forget(pull.arm); }

  double epsilon_;
  Stream stream_;
  std::vector<ArmMeans> means_;  // by problem
};

}  // namespace

PolicyDefinition epsilon_greedy() {
  return define<EpsilonGreedy>("epsilon_greedy", "The variant that was worth most so far, and of a share of the queries any.",
                               {Provenance::our_reading, R"(Sutton and Barto, "Reinforcement learning: an introduction", MIT Press 2018)"});
}

}  // namespace tideline
