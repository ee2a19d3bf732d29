#include "policies/builtin.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// Several variants answer each query, and what the first of them to come say is made one answer (policy S4).
/// Source: ensembles of Clipper (Crankshaw et al., NSDI 2017, section 5.2) and Rafiki (Wang et al., PVLDB 12(2), 2018): all members are
/// asked, stragglers are not waited for beyond a quorum or, as Clipper has it, the deadline. Its weights are learnt (Exp4); here
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

  Ensemble(const Params& params, const Setup& setup) : params_(params), members_(make_members(params, *setup.world)) {}

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

  static VariantLists make_members(const Params& params, const World& world) {
    const auto named = variants_by_task(world, params.members);
    for (std::size_t t = 0; t < named.size(); ++t) {
      const std::string& task = world.catalog().tasks[t].name;
      if (named[t].size() > Selection::most)
        throw std::invalid_argument("task \"" + task + "\" has " + std::to_string(named[t].size()) + " members; at most 16 may answer");
    }
    for (const QueryClass& c : world.classes()) {
      const Task& task = world.catalog()[c.task];
      const bool asked = params.members.empty() || !named[c.task.index()].empty();
      if (asked && !task.hit_rate && params.combine != Combine::best) {
        throw std::invalid_argument("task \"" + task.name + "\" is measured by a score, \"" + task.metric +
                                    "\": its answers are not right or wrong, and cannot vote; \"combine\": \"best\" can");
      }
    }
    return {world, [&](ClassId c, SiteId origin, std::vector<VariantId>& list) {
              const std::span<const VariantId> all =
                  params.members.empty() ? world.candidates(c, CandidateOrder::by_accuracy_descending) : named[world[c].task.index()];
              for (const VariantId v : all)
                if (list.size() < Selection::most && !world.groups_of(v, origin).empty()) list.push_back(v);
            }};
  }

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
