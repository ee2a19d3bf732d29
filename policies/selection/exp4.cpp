#include "policies/builtin.h"
#include "policies/components/bandit_arms.h"
#include "policies/components/open_queries.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// Several variants answer each query, and the vote of each weighs by what it was worth so far (policy S12 f).
/// Source: Auer, Cesa-Bianchi, Freund and Schapire, "The nonstochastic multiarmed bandit problem", SIAM Journal on Computing 32(1), 2002
/// (doi:10.1137/S0097539701398375), in the form of Clipper's selection of ensembles (Crankshaw et al., NSDI 2017): all members are asked, and
/// after a label each that answered has w *= exp(-eta L) by its own loss L.
///
/// Each class at each site has weights of its own. A label says whether the vote was right; as all wrong answers agree, a member was right if
/// it agreed with a vote that was, or differed from one that was not; an answer that came alone teaches nothing. With `accuracy` profile L is what the profiled accuracy lacks to 1, known
/// at the vote: then the most accurate member wins the vote in the end. Floors are for those who are not named, cost caps not looked at.
class Exp4 final : public SelectionPolicy, public Observer {
 public:
  enum class Accuracy : std::uint8_t { profile, labels };
  struct Params {
    std::vector<std::string> members;
    double eta = 0.01;
    double discount = 1;
    Accuracy accuracy = Accuracy::profile;
    bool at_deadline = true;
    static constexpr auto declare() {
      return param::fields(
          param::field("members", &Params::members,
                       "Names of the variants that answer, at most 16 of a task; empty: the most accurate 16 of a class's candidates."),
          param::field("eta", &Params::eta, "How fast weights follow losses; 0.1 is fast.", {1e-6, 10}),
          param::field("discount", &Params::discount, "Weight of what was learnt after each further label; 1: nothing is forgotten.",
                       {0.5, 1}),
          param::choice("accuracy", &Params::accuracy,
                        "How good an answer was: as profiled, known when it is there, or as labelled, known when its label comes.",
                        {{"profile", Accuracy::profile}, {"labels", Accuracy::labels}}),
          param::field("at_deadline", &Params::at_deadline,
                       "Answer at the deadline with what has come by then; where nothing has, with the first to come."));
    }
  };

  Exp4(const Params& params, const Setup& setup)
      : params_(params),
        members_(ensemble_members(*setup.world, params.members, true, "selection \"ensemble\" with \"combine\": \"best\" can ask them")),
        sites_(setup.world->site_count()) {
    if (params.accuracy == Accuracy::labels && setup.label_share == 0)
      throw std::invalid_argument("\"accuracy\": \"labels\" needs labels: the scenario has \"feedback\" of no share of the answers");
    for (std::size_t c = 0; c < setup.world->classes().size(); ++c)
      for (std::size_t s = 0; s < sites_; ++s)
        weights_.emplace_back(members_.of(ClassId{c}, SiteId{s}).size(), params.eta, params.discount);
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override {
    const bool labels = params_.accuracy == Accuracy::labels;
    return {.feedback = labels, .ends = labels, .votes = true};
  }

  Selection select(const QueryView& query, ClusterView view) override {
    Selection s;
    const auto members = members_.of(query.class_id(), query.origin());
    for (const VariantId v : members)
      if (query.items() <= view.world()[v].profile.max_items()) s.variants[s.count++] = v;
    if (s.count == 0) return Selection::reject(members.empty() ? no_member : too_large);
    s.answer = Selection::Answer::variants;
    s.quorum = s.count;
    s.combine = Combine::learnt;
    if (params_.at_deadline && query.deadline() > view.now()) s.answer_by = query.deadline();
    s.reason = members_asked;
    return s;
  }

  void vote_weights(const QueryView& query, std::span<const VariantId> answers, std::span<double> weights) const override {
    const auto members = members_.of(query.class_id(), query.origin());
    const ExponentialWeights& w = weights_[problem(query)];
    for (std::size_t k = 0; k < answers.size(); ++k) weights[k] = w.weight(arm_of(members, answers[k]));
  }

  void voted(const QueryView& query, std::span<const VariantId> answers, std::uint32_t agreed, ClusterView view) override {
    const auto members = members_.of(query.class_id(), query.origin());
    const bool labels = params_.accuracy == Accuracy::labels;
    Vote unlabelled;
    Vote& vote = labels ? open_.insert(query.number()) : unlabelled;
    vote.problem = static_cast<std::uint32_t>(problem(query));
    vote.agreed = agreed;
    vote.count = static_cast<std::uint8_t>(answers.size());
    for (std::size_t k = 0; k < answers.size(); ++k) vote.arms[k] = static_cast<std::uint8_t>(arm_of(members, answers[k]));
    if (labels) return;
    learn(vote, [&](std::size_t k) { return 1 - view.world()[answers[k]].accuracy; });
  }

  void ended(const Ended& end, ClusterView) override {
    if (!end.labelled) open_.erase(end.query);
  }

  void feedback(const Label& label, ClusterView) override {
    const Vote* vote = open_.find(label.query);
    if (vote == nullptr) return;
    learn(*vote, [&](std::size_t k) { return (vote->agreed >> k & 1U) == (label.realised > 0.5 ? 1U : 0U) ? 0.0 : 1.0; });
    open_.erase(label.query);
  }

 private:
  enum : Reason { members_asked, no_member, too_large };
  static constexpr std::array<std::string_view, 3> names{"members_asked", "no_member", "too_large"};

  /// A vote whose label has not come.
  struct Vote {
    std::uint64_t query = no_query;
    std::uint32_t problem = 0, agreed = 0;
    std::uint8_t count = 0;
    std::array<std::uint8_t, Selection::most> arms{};
  };

  std::size_t problem(const QueryView& query) const { return query.class_id().index() * sites_ + query.origin().index(); }
  static std::size_t arm_of(std::span<const VariantId> members, VariantId v) {
    return static_cast<std::size_t>(std::find(members.begin(), members.end(), v) - members.begin());
  }
  template <class Loss>
  void learn(const Vote& vote, Loss loss) {
    std::array<double, Selection::most> losses{};
    for (std::size_t k = 0; k < vote.count; ++k) losses[k] = loss(k);
    weights_[vote.problem].learn(std::span(vote.arms).first(vote.count), std::span(losses).first(vote.count));
  }

  Params params_;
  VariantLists members_;
  std::size_t sites_;
  std::vector<ExponentialWeights> weights_;  // by class and site
  OpenQueries<Vote> open_;
};

}  // namespace

PolicyDefinition exp4() {
  return define<Exp4>(
      "exp4", "Several variants answer each query; votes weigh by what each was worth so far: Clipper's ensembles.",
      {Provenance::our_reading,
       R"(Auer, Cesa-Bianchi, Freund and Schapire, "The nonstochastic multiarmed bandit problem", SIAM Journal on Computing 32(1), 2002, doi:10.1137/S0097539701398375)"});
}

}  // namespace tideline
