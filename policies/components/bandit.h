// Selection by a bandit: each class at each site is a problem, the variants that can answer it are its arms, and what became of a query is
// the reward. How an arm is chosen is for the policy that derives from it.
#pragma once

#include "policies/components/bandit_arms.h"
#include "policies/components/cost_cap.h"
#include "policies/components/open_queries.h"
#include "policies/components/variant_lists.h"
#include "sim/core/param.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tideline {

/// What all bandits take as parameters. Their own derive from it and declare these too, with std::tuple_cat.
struct BanditParams {
  enum class Accuracy : std::uint8_t { profile, labels };
  Accuracy accuracy = Accuracy::profile;
  double cost_weight = 0;
  double discount = 1;
  bool only_warm = false;

  static constexpr auto declare_bandit() {
    return param::fields(
        param::choice("accuracy", &BanditParams::accuracy,
                      "How good an answer was: as profiled, known when it is there, or as labelled, known when its label comes.",
                      {{"profile", Accuracy::profile}, {"labels", Accuracy::labels}}),
        param::field("cost_weight", &BanditParams::cost_weight, "Reward that a US dollar of its cost takes from an answer.", {0, 1e12}),
        param::field("discount", &BanditParams::discount, "Weight of what was learnt after each further reward; 1: nothing is forgotten.",
                     {0.5, 1}),
        param::field("only_warm", &BanditParams::only_warm, "Choose only among variants with a warm instance, where there are any."));
  }
};

/// A query that was sent to an arm.
struct Pull {
  std::uint64_t query = no_query;
  std::uint32_t problem = 0, arm = 0;
  double probability = 1;  ///< with which the arm was chosen
  LinearArms::Context context{};
  bool on_time = false;  ///< known with `cost_usd` once it ended
  double cost_usd = 0;
};

/// The reward is [in time] x accuracy - cost_weight x cost, within 0 .. 1; 0 of a query without an answer. With labels it is learnt when
/// the label of an answer comes, and of queries that have none nothing is learnt. Cost caps are kept (policy N1).
class BanditSelection : public SelectionPolicy, public Observer {
 public:
  std::span<const std::string_view> reasons() const override { return names; }
  Needs needs() const override;
  Facts facts() const override;
  Selection select(const QueryView& query, ClusterView view) override;
  void ended(const Ended& end, ClusterView view) override;
  void feedback(const Label& label, ClusterView view) override;
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override { cost_.batch_began(view.variant_of(i), visits); }

 protected:
  enum class Contexts : bool { none, all };
  /// Throws std::invalid_argument where labels are asked for and the scenario has none.
  BanditSelection(const BanditParams& params, const Setup& setup, Contexts contexts);

  /// One class at one site: its arms, most accurate first, and which of them may be chosen for the query. At least one may.
  struct Problem {
    std::size_t index = 0;
    std::span<const VariantId> arms;
    std::span<const char> allowed;                    ///< by arm
    std::span<const LinearArms::Context> contexts{};  ///< by arm: 1, load of the task, length of the arm's line, slack; where asked for
  };
  struct Pick {
    std::size_t arm = 0;
    double probability = 1;
  };
  std::size_t problem_count() const { return problems_; }
  /// Arms of a problem.
  std::span<const VariantId> arms_of(std::size_t problem) const;
  /// Chooses an arm that is allowed.
  virtual Pick choose(const Problem& problem, ClusterView view) = 0;
  /// The reward of a pull is known.
  virtual void learn(const Pull& pull, double reward) = 0;
  /// No reward will come of it.
  virtual void forget(const Pull&) {}

 private:
  enum : Reason { pulled, no_candidate, above_cost_cap, too_large };
  static constexpr std::array<std::string_view, 4> names{"pulled", "no_candidate", "above_cost_cap", "too_large"};
  void look_at(const QueryView& query, std::span<const VariantId> arms, ClusterView view);

  BanditParams params_;
  bool has_contexts_;
  const World* world_;
  CostCap cost_;
  VariantLists arms_;
  std::size_t problems_;
  std::vector<std::uint32_t> devices_;  // by task: that may run its variants
  OpenQueries<Pull> open_;              // whose rewards are not known yet
  std::vector<char> allowed_;           // by arm, of the query being decided about
  std::vector<LinearArms::Context> contexts_;
};

}  // namespace tideline
