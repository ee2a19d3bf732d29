#include "policies/builtin.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// Several variants answer each query, and what the first of them to come say is made one answer (policy S4).
/// Source: ensembles of Clipper (Crankshaw et al., NSDI 2017, section 5.2) and Rafiki (Wang et al., PVLDB 12(2), 2018): all members are
/// asked, stragglers are not waited for beyond a quorum or, as Clipper has it, the deadline. Its weights are learnt (policy `exp4`); here
/// `weighted` takes those that are best for independent voters of the profiled accuracies (Nitzan and Paroush, International Economic
/// Review 23(2), 1982).
///
/// A member that the query's site cannot reach, or that takes no query so large, is left out; a quorum above those that are left is all
/// of them. Members that are named are asked whatever the floor and the SLO say.
class Ensemble final : public SelectionPolicy {
 public:
  struct Params {
    std::vector<std::string> members;
    std::optional<std::uint32_t> quorum;
    bool at_deadline = false;
    Combine combine = Combine::majority;
    static constexpr auto declare() {
      return param::fields(
          param::field("members", &Params::members,
                       "Names of the variants that answer, at most 16 of a task; empty: the most accurate 16 of a class's candidates."),
          param::field("quorum", &Params::quorum, "Answers to wait for; those left waiting are called off; none: all.",
                       {1, Selection::most}),
          param::field("at_deadline", &Params::at_deadline,
                       "Answer at the deadline with what has come by then; where nothing has, with the first to come."),
          param::choice("combine", &Params::combine,
                        "How answers become one: each has a vote, or the log-odds of its accuracy, or the most accurate member's counts.",
                        {{"majority", Combine::majority}, {"weighted", Combine::weighted}, {"best", Combine::best}}));
    }
  };

  Ensemble(const Params& params, const Setup& setup)
      : params_(params), members_(ensemble_members(*setup.world, params.members, is_vote(params.combine), "\"combine\": \"best\" can")) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Selection select(const QueryView& query, ClusterView view) override {
    Selection s;
    const auto members = members_.of(query.class_id(), query.origin());
    for (const VariantId v : members)
      if (query.items() <= view.world()[v].profile.max_items()) s.variants[s.count++] = v;
    if (s.count == 0) {
      s.reason = members.empty() ? no_member : too_large;
      return s;
    }
    s.answer = Selection::Answer::variants;
    s.quorum = static_cast<std::uint8_t>(std::min<std::uint32_t>(params_.quorum.value_or(s.count), s.count));
    s.combine = params_.combine;
    if (params_.at_deadline && query.deadline() > view.now()) s.answer_by = query.deadline();
    s.reason = params_.quorum && *params_.quorum > s.count ? fewer_than_the_quorum : members_asked;
    return s;
  }

 private:
  enum : Reason { members_asked, fewer_than_the_quorum, no_member, too_large };
  static constexpr std::array<std::string_view, 4> names{"members_asked", "fewer_than_the_quorum", "no_member", "too_large"};

  Params params_;
  VariantLists members_;
};

}  // namespace

PolicyDefinition ensemble() {
  return define<Ensemble>(
      "ensemble", "Asks several variants about each query; the first answers, as many as the quorum, become one.",
      {Provenance::our_reading, R"(Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017)"});
}

}  // namespace tideline
