#include "policies/builtin.h"
#include "policies/components/bandit.h"

#include <boost/random/gamma_distribution.hpp>
#include <boost/random/normal_distribution.hpp>

#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// The variant that a draw from what is believed of all holds for the best (policy S12 c): Thompson sampling.
/// Source: Agrawal and Goyal, "Analysis of Thompson sampling for the multi-armed bandit problem", COLT 2012, for `beta`: beliefs from
/// Beta(1, 1) on, a reward r counts as a success with probability r; and "Thompson sampling for contextual bandits with linear payoffs",
/// ICML 2013, for `linear`: normal about a linear model of the reward, with `scale` times its uncertainty. As published, but that each arm has
/// a model of its own, whose value for a query is drawn at once.
class Thompson final : public BanditSelection {
 public:
  enum class Form : std::uint8_t { beta, linear };
  struct Params : BanditParams {
    Form form = Form::beta;
    double scale = 0.3;
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_bandit(),
          param::fields(
              param::choice("form", &Params::form, "What is believed of an arm: one rate of success, or a reward linear in the state.",
                            {{"beta", Form::beta}, {"linear", Form::linear}}),
              param::field("scale", &Params::scale, "Standard deviation of draws over the model's uncertainty; form linear.", {0, 100})));
    }
  };
  Thompson(const Params& params, const Setup& setup)
      : BanditSelection(params, setup, params.form == Form::linear ? Contexts::all : Contexts::none),
        params_(params),
        stream_(setup.stream) {
    for (std::size_t p = 0; p < problem_count(); ++p) {
      means_.emplace_back(arms_of(p).size(), params.discount);
      models_.emplace_back(params.form == Form::linear ? arms_of(p).size() : 0, params.discount);
    }
  }

 private:
  Pick choose(const Problem& problem, ClusterView) override {
    ArmMeans& means = means_[problem.index];
    const std::size_t arm = best_arm(problem.allowed, [&](std::size_t k) { return belief(problem, k); });
    means.pull(arm);
    return {arm};
  }
  double belief(const Problem& problem, std::size_t arm) {
    if (params_.form == Form::linear) {
      const LinearArms::Estimate e = models_[problem.index].at(arm, problem.contexts[arm]);
      return e.mean + params_.scale * e.width * boost::random::normal_distribution<double>()(stream_);
    }
    const ArmMeans& means = means_[problem.index];
    const double right = boost::random::gamma_distribution<double>(1 + means.gains(arm))(stream_);
    const double wrong = boost::random::gamma_distribution<double>(1 + means.losses(arm))(stream_);
    return right + wrong > 0 ? right / (right + wrong) : 0;
  }
  void learn(const Pull& pull, double reward) override {
    if (params_.form == Form::linear) models_[pull.problem].learn(pull.arm, pull.context, reward);
    const bool whole = params_.form == Form::linear || reward == 0 || reward == 1;
    means_[pull.problem].learn(pull.arm, whole ? reward : uniform01(stream_) < reward ? 1 : 0);
  }
  void forget(const Pull& pull) override { means_[pull.problem].forget(pull.arm); }

  Params params_;
  Stream stream_;
  std::vector<ArmMeans> means_;  // by problem
  std::vector<LinearArms> models_;
};

}  // namespace

PolicyDefinition thompson() {
  return define<Thompson>(
      "thompson", "The variant that a draw from what is believed of all holds for the best.",
      {Provenance::as_published, R"(Agrawal and Goyal, "Analysis of Thompson sampling for the multi-armed bandit problem", COLT 2012)"});
}

}  // namespace tideline
