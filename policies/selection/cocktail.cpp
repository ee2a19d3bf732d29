#include "policies/builtin.h"
#include "policies/components/batch_size.h"
#include "policies/components/majority.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// An ensemble for each class that shrinks while it is better than its target and its votes are clear, and grows while it is worse
/// (policy S8). Source: dynamic model selection of Cocktail, Gunasekaran et al., "Cocktail: a multidimensional optimization for model serving
/// in cloud", NSDI 2022; margin and interval as in the released code, the rest our reading of a summary.
///
/// At first all models of the task that alone in a batch meet the SLO answer, at most 16, whatever the floor says: together they may meet
/// it. Of a model on several types of hardware, the variant counts whose hardware costs least per item of the largest batch within half
/// the SLO (the packing factor of the paper). Each `interval_s`, where the accuracy is at least target + margin and on average floor(N/2) + 1
/// votes or more agreed with the outcome, the member goes whose vote changed the outcome least often for what it costs, ties to the least accurate;
/// where the accuracy is below the target, the most accurate model that is left out joins. One member stays.
///
/// Accuracy is that of the labels in the interval, or, where fewer than 30 came or `accuracy` is profile, what independent voters of the
/// profiled accuracies would have. The paper weighs votes by class of answer; outcomes here know no such classes, so a member has one
/// weight: the log-odds of its accuracy. Answers that have scores cannot vote: of their tasks one model answers, the cheapest that reaches
/// the target. The instances of the paper, on spot machines, are left to autoscaling and placement; cost caps are not looked at.
class Cocktail final : public SelectionPolicy, public Observer {
 public:
  enum class Source : std::uint8_t { profile, labels };
  struct Params {
    std::optional<double> target;
    double margin = 0.05;
    Duration interval = 30s;
    std::optional<std::uint32_t> initial_members;
    Source accuracy = Source::profile;
    Combine combine = Combine::majority;
    bool at_deadline = true;
    static constexpr auto declare() {
      return param::fields(
          param::field("target", &Params::target, "Accuracy sought; none: the floor of a class, else that of the best model.", {0, 1}),
          param::field("margin", &Params::margin, "Accuracy beyond the target from which on members go.", {0, 1}),
          param::field("interval_s", &Params::interval, "Time between two changes.", {0.001, 86400}),
          param::field("initial_members", &Params::initial_members, "Members at first, the most accurate; none: all, at most 16.",
                       {1, Selection::most}),
          param::choice("accuracy", &Params::accuracy, "Where the accuracy of an ensemble comes from.",
                        {{"profile", Source::profile}, {"labels", Source::labels}}),
          param::choice("combine", &Params::combine, "How votes count: each alike, or by the log-odds of its accuracy.",
                        {{"majority", Combine::majority}, {"weighted", Combine::weighted}}),
          param::field("at_deadline", &Params::at_deadline,
                       "Answer at the deadline with what has come by then; where nothing has, with the first to come."));
    }
  };

  Cocktail(const Params& params, const Setup& setup) : params_(params) {
    const World& world = *setup.world;
    if (params.accuracy == Source::labels && setup.label_share == 0)
      throw std::invalid_argument("\"accuracy\": \"labels\" needs labels: the scenario has \"feedback\" of no share of the answers");
    for (const QueryClass& c : world.classes()) {
      const Task& task = world.catalog()[c.task];
      Pool& pool = pools_.emplace_back();
      pool.votes_count = task.hit_rate;
      for (const VariantId v : task.variants)
        if (runs(world, v) && pinned_to(c, world[v]) && world[v].profile.latency(1) <= c.slo) add_to(world, c, pool, v);
      std::stable_sort(pool.models.begin(), pool.models.end(),
                       [&](const Model& a, const Model& b) { return world[a.variant].accuracy > world[b.variant].accuracy; });
      for (Model& m : pool.models) {
        const double a = std::clamp(world[m.variant].accuracy, 1e-6, 1 - 1e-6);
        m.accuracy = world[m.variant].accuracy;
        m.weight = params.combine == Combine::weighted ? std::log(a / (1 - a)) : 1;
        m.cost_usd = world.item_price_usd(m.variant, 1);
      }
      pool.target = params.target ? *params.target : c.has_floor ? c.floor : pool.models.empty() ? 0 : pool.models[0].accuracy;
      pool.members = std::min<std::size_t>(pool.models.size(), params.initial_members.value_or(Selection::most));
      for (std::size_t k = 0; k < pool.members; ++k) pool.models[k].is_member = pool.votes_count;
      if (!pool.votes_count && !pool.models.empty()) cheapest_alone(pool).is_member = true;
    }
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.feedback = params_.accuracy == Source::labels, .votes = true}; }

  void feedback(const Label& label, ClusterView) override {
    Pool& p = pools_[label.cls.index()];
    ++p.labels;
    p.realised += label.realised;
  }

  void voted(const QueryView& query, std::span<const VariantId> answers, std::uint32_t agreed, ClusterView) override {
    Pool& p = pools_[query.class_id().index()];
    std::array<Model*, Selection::most> who{};
    std::array<double, Selection::most> weights{}, trust{};
    std::size_t n = 0;
    for (const VariantId v : answers)
      for (Model& m : p.models)
        if (m.variant == v) {
          who[n] = &m;
          weights[n] = m.weight;
          trust[n++] = m.accuracy;
        }
    if (n != answers.size()) return;
    ++p.votes;
    for (std::size_t k = 0; k < n; ++k) {
      p.strength += agreed >> k & 1U;
      if (is_pivotal(k, agreed, std::span(weights).first(n), std::span(trust).first(n))) who[k]->importance += 1;
    }
  }

  Time round(ClusterView view) override {
    // At time 0 nothing has been seen yet.
    if (began_)
      for (Pool& p : pools_) change(p);
    began_ = true;
    return view.now() + params_.interval;
  }

  Selection select(const QueryView& query, ClusterView view) override {
    const Pool& p = pools_[query.class_id().index()];
    Selection s;
    for (const Model& m : p.models)
      if (m.is_member && !view.groups_of(m.variant, query.origin()).empty() && query.items() <= view.world()[m.variant].profile.max_items())
        s.variants[s.count++] = m.variant;
    if (s.count == 0) return Selection::reject(no_member);
    s.answer = Selection::Answer::variants;
    s.quorum = s.count;
    s.combine = p.votes_count ? params_.combine : Combine::best;
    if (params_.at_deadline && query.deadline() > view.now()) s.answer_by = query.deadline();
    s.reason = members_asked;
    return s;
  }

 private:
  enum : Reason { members_asked, no_member };
  static constexpr std::array<std::string_view, 2> names{"members_asked", "no_member"};
  static constexpr std::uint64_t least_labels = 30;

  struct Model {
    VariantId variant;
    double accuracy = 0, weight = 1, cost_usd = 0;
    bool is_member = false;
    double importance = 0;  // votes that made the difference, in the interval
  };
  struct Pool {
    std::vector<Model> models;  // most accurate first
    std::size_t members = 0;
    double target = 0;
    bool votes_count = true;  // its answers are right or wrong
    // In the interval.
    std::uint64_t labels = 0, votes = 0;
    double realised = 0, strength = 0;
  };

  static bool runs(const World& world, VariantId v) {
    return std::any_of(world.groups().begin(), world.groups().end(), [&](const Group& g) { return g.variant == v; });
  }

  /// Price of the hardware per second and item of the largest batch within half the SLO.
  static double packed_price(const World& world, const QueryClass& c, VariantId v) {
    const Duration most = c.has_slo() ? c.slo / 2 : forever;
    return world.hardware_price_per_s(world[v].hardware) / largest_within(world[v].profile, 0, world[v].profile.max_items(), most);
  }

  static void add_to(const World& world, const QueryClass& c, Pool& pool, VariantId v) {
    const auto same = [&](const Model& m) { return !world[v].model.empty() && world[m.variant].model == world[v].model; };
    const auto at = std::find_if(pool.models.begin(), pool.models.end(), same);
    if (at == pool.models.end()) {
      pool.models.emplace_back().variant = v;
    } else if (packed_price(world, c, v) < packed_price(world, c, at->variant)) {
      at->variant = v;
    }
  }

  static Model& cheapest_alone(Pool& p) {
    Model* best = &p.models.front();
    for (Model& m : p.models)
      if (m.accuracy >= p.target && m.cost_usd < best->cost_usd) best = &m;
    return *best;
  }

  void change(Pool& p) {
    if (p.models.empty() || !p.votes_count) return;
    std::array<double, Selection::most> accuracies{};
    std::size_t n = 0;
    for (const Model& m : p.models)
      if (m.is_member) accuracies[n++] = m.accuracy;
    const ExpectedVote expected = expected_vote(std::span(accuracies).first(n));
    const bool labelled = params_.accuracy == Source::labels && p.labels >= least_labels;
    const double accuracy = labelled ? p.realised / static_cast<double>(p.labels) : expected.right;
    const double strength = p.votes > 0 ? p.strength / static_cast<double>(p.votes) : expected.strength;
    constexpr double rounding = 1e-9;
    if (accuracy < p.target - rounding) {
      grow(p);
    } else if (accuracy >= p.target + params_.margin - rounding && n > 1 && strength >= static_cast<double>(n / 2 + 1) - rounding) {
      shrink(p);
    }
    for (Model& m : p.models) m.importance = 0;
    p.labels = p.votes = 0;
    p.realised = p.strength = 0;
  }

  static void grow(Pool& p) {
    if (p.members == Selection::most) return;
    const auto next = std::find_if(p.models.begin(), p.models.end(), [](const Model& m) { return !m.is_member; });
    if (next == p.models.end()) return;
    next->is_member = true;
    ++p.members;
  }

  static void shrink(Pool& p) {
    Model* least = nullptr;
    const auto worth = [](const Model& m) { return m.importance / std::max(m.cost_usd, 1e-15); };
    for (Model& m : p.models)
      if (m.is_member && (least == nullptr || worth(m) <= worth(*least))) least = &m;
    least->is_member = false;
    --p.members;
  }

  Params params_;
  std::vector<Pool> pools_;  // by class
  bool began_ = false;
};

}  // namespace

PolicyDefinition cocktail() {
  return define<Cocktail>("cocktail",
                          "An ensemble that loses members while it is better than its target, and gains some while it is worse.",
                          {Provenance::our_reading,
                           R"(Gunasekaran et al., "Cocktail: a multidimensional optimization for model serving in cloud", NSDI 2022)"});
}

}  // namespace tideline
