#include "policies/builtin.h"
#include "policies/components/cost_cap.h"
#include "policies/components/latency.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tideline {

namespace {

/// The most accurate variant that is predicted to be in time (policy S6): accuracy as the objective, latency and cost as constraints.
/// It looks at candidates by falling accuracy and stops at the first that will do, so what would be second best is not known.
class AccuracyMax final : public SelectionPolicy, public Observer {
 public:
  enum class BatchEstimate : std::uint8_t { queue, recent };
  enum class OnInfeasible : std::uint8_t { least_violation, reject };
  struct Params {
    double margin = 0.05;
    double hysteresis = 0;
    BatchEstimate batch_estimate = BatchEstimate::queue;
    OnInfeasible on_infeasible = OnInfeasible::least_violation;
    static constexpr auto declare() {
      return param::fields(param::field("margin", &Params::margin, "Share of the SLO that the prediction must leave.", {0, 1}),
                           param::field("hysteresis", &Params::hysteresis,
                                        "Accuracy to gain before another variant than the last of the class is taken; 0: any.", {0, 1}),
                           param::choice("batch_estimate", &Params::batch_estimate,
                                         "Batch that shares the price where a cost cap asks for one: the shortest queue with the query, or "
                                         "the mean of the variant's last 10.",
                                         {{"queue", BatchEstimate::queue}, {"recent", BatchEstimate::recent}}),
                           param::choice("on_infeasible", &Params::on_infeasible,
                                         "Where no variant is predicted to be in time: the fastest, or none; with none, nothing is ever "
                                         "loaded for a query whose SLO is shorter than the load.",
                                         {{"least_violation", OnInfeasible::least_violation}, {"reject", OnInfeasible::reject}}));
    }
  };

  AccuracyMax(const Params& params, const Setup& setup) : params_(params), cost_(*setup.world), last_(setup.world->classes().size()) {
    for (const QueryClass& cls : setup.world->classes())
      budget_.push_back(params.margin > 0 && cls.has_slo() ? from_seconds(to_seconds(cls.slo) * (1 - params.margin)) : cls.slo);
  }

  Needs needs() const override {
    Needs n;
    n.indexes.by_free = n.indexes.by_load = true;
    return n;
  }

  Facts facts() const override { return {.batch_starts = params_.batch_estimate == BatchEstimate::recent}; }
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override { cost_.batch_began(view.variant_of(i), visits); }

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 6> names{"most_accurate", "kept",         "least_violation",
                                                           "no_candidate",  "none_in_time", "above_cost_cap"};
    return names;
  }

  Selection select(const QueryView& query, ClusterView view) override {
    VariantId& last = last_[query.class_id().index()];
    Search s;
    s.due = later(query.arrival(), budget_[query.class_id().index()]);
    for (const VariantId v : view.candidates(query.class_id(), CandidateOrder::by_accuracy_descending)) {
      if (!will_do(query, view, v, s)) continue;
      if (params_.hysteresis > 0 && last && last != v && view.world()[v].accuracy - view.world()[last].accuracy <= params_.hysteresis &&
          will_do(query, view, last, s))
        return Selection::one(last, kept, v);
      last = v;
      return Selection::one(v, most_accurate);
    }
    if (s.nearest && params_.on_infeasible == OnInfeasible::least_violation) return Selection::one(s.nearest, least_violation);
    Selection none = Selection::reject(s.nearest ? none_in_time : s.above_cap ? above_cost_cap : no_candidate);
    none.runner_up = s.nearest;
    return none;
  }

 private:
  enum : Reason { most_accurate, kept, least_violation, no_candidate, none_in_time, above_cost_cap };
  struct Search {
    Time due{};
    VariantId nearest;  // the fastest of those within the cost cap
    Duration least = forever;
    bool above_cap = false;
  };

  /// Whether some group of the variant is predicted to answer in time and within the cost cap.
  bool will_do(const QueryView& query, ClusterView view, VariantId v, Search& s) const {
    if (query.items() > view.world()[v].profile.max_items()) return false;
    const double cap = query.attributes().cost_cap_usd;
    for (const GroupId g : view.groups_of(v, query.origin())) {
      if (cap < std::numeric_limits<double>::infinity()) {
        if (price(query, view, g) > cap) {
          s.above_cap = true;
          continue;
        }
      }
      const Duration latency = predict(view, query, g);
      if (latency < s.least) {
        s.least = latency;
        s.nearest = v;
      }
      if (latency != forever && later(view.now(), latency) <= s.due) return true;
    }
    return false;
  }

  double price(const QueryView& query, ClusterView view, GroupId g) const {
    if (params_.batch_estimate == BatchEstimate::recent) return cost_.price_usd(view, query, g);
    // The price falls with the batch: that of the queue as it is.
    const std::uint32_t most = std::clamp(view.group(g).batch_cap, 1U, view.world()[view.world()[g].variant].profile.max_items());
    return query_price_usd(view, query, g, std::max(query.items(), std::min(shortest_queue(view, query, g), most)));
  }

  Params params_;
  CostCap cost_;
  std::vector<Duration> budget_;  // by class
  std::vector<VariantId> last_;   // by class
};

}  // namespace

PolicyDefinition accuracy_max() {
  return define<AccuracyMax>(
      "accuracy_max", "Most accurate variant that is predicted to meet latency and cost cap.",
      {Provenance::textbook,
       R"(Yadwadkar, Romero, Li and Kozyrakis, "A case for managed and model-less inference serving", HotOS 2019, doi:10.1145/3317550.3321443)"});
}

}  // namespace tideline
