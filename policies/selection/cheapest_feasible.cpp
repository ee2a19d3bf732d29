#include "policies/builtin.h"
#include "policies/components/cost_cap.h"
#include "policies/components/latency.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tideline {

namespace {

/// The variant with the least price per query among those predicted to meet floor, SLO and cost cap (policy S5): the objective that
/// model-less systems state ("A Case for Managed and Model-less Inference Serving", HotOS'19), decided query by query. With `batch_estimate` recent, cost
/// caps are as in policy N1.
class CheapestFeasible final : public SelectionPolicy, public Observer {
 public:
  enum class BatchEstimate : std::uint8_t { one, queue, recent };
  enum class OnInfeasible : std::uint8_t { least_violation, reject };
  struct Params {
    BatchEstimate batch_estimate = BatchEstimate::queue;
    OnInfeasible on_infeasible = OnInfeasible::least_violation;
    double phi = 0.5;
    double margin = 0;
    bool idle_is_free = false;
    static constexpr auto declare() {
      return param::fields(
          param::choice("batch_estimate", &Params::batch_estimate,
                        "Batch that shares the price: the query alone, the shortest queue with it, or the mean of the variant's last 10.",
                        {{"one", BatchEstimate::one}, {"queue", BatchEstimate::queue}, {"recent", BatchEstimate::recent}}),
          param::choice("on_infeasible", &Params::on_infeasible,
                        "Where no variant is predicted to be in time: the fastest, or none; with none, nothing is ever loaded for a query "
                        "whose SLO is shorter than the load.",
                        {{"least_violation", OnInfeasible::least_violation}, {"reject", OnInfeasible::reject}}),
          param::field("phi", &Params::phi, "Share of the SLO that the estimated batch may take.", {0, 1}),
          param::field("margin", &Params::margin, "Share of the SLO that the prediction must leave.", {0, 1}),
          param::field("idle_is_free", &Params::idle_is_free, "Count nothing for the device time of an instance that stands idle."));
    }
  };

  CheapestFeasible(const Params& params, const Setup& setup)
      : params_(params), variants_(setup.world->catalog().variants.size()), cost_(*setup.world) {
    const World& world = *setup.world;
    std::vector<double> least_price(variants_);
    for (std::size_t v = 0; v < variants_; ++v) {
      const VariantId id{v};
      least_price[v] = std::numeric_limits<double>::infinity();
      const std::uint32_t most = params.batch_estimate == BatchEstimate::one ? 1 : world[id].profile.max_items();
      for (std::uint32_t b = 1; b <= most; ++b) least_price[v] = std::min(least_price[v], world.item_price_usd(id, b));
    }
    batch_limit_.resize(world.classes().size() * variants_, 1);
    for (std::size_t c = 0; c < world.classes().size(); ++c) {
      const ClassId id{c};
      const QueryClass& cls = world[id];
      budget_.push_back(params.margin > 0 && cls.has_slo() ? from_seconds(to_seconds(cls.slo) * (1 - params.margin)) : cls.slo);
      const auto list = world.candidates(id, CandidateOrder::by_price);
      for (const VariantId v : list) {
        const Profile& profile = world[v].profile;
        std::uint32_t b = profile.max_items();
        while (b > 1 && cls.has_slo() && to_seconds(profile.latency(b)) > params.phi * to_seconds(cls.slo)) --b;
        batch_limit_[c * variants_ + v.index()] = b;
      }
      // What the rest of the list could cost at least: the search ends where this is above the best found.
      std::vector<double>& bound = bounds_.emplace_back(list.size());
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t k = list.size(); k-- > 0;) bound[k] = least = std::min(least, least_price[list[k].index()]);
    }
  }

  Needs needs() const override {
    Needs n;
    n.indexes.by_free = true;
    n.indexes.by_load = params_.batch_estimate == BatchEstimate::queue || params_.idle_is_free;
    return n;
  }

  Facts facts() const override { return {.batch_starts = params_.batch_estimate == BatchEstimate::recent}; }
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override { cost_.batch_began(view.variant_of(i), visits); }

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 5> names{"cheapest", "least_violation", "no_candidate", "none_in_time", "above_cost_cap"};
    return names;
  }

  Selection select(const QueryView& query, ClusterView view) override {
    const std::size_t cls = query.class_id().index();
    const auto list = view.candidates(query.class_id(), CandidateOrder::by_price);
    const double cap = query.attributes().cost_cap_usd;
    const Time due = later(query.arrival(), budget_[cls]);
    const bool may_stop_early = !params_.idle_is_free && (params_.batch_estimate != BatchEstimate::one || query.items() == 1);
    Choice best, second, nearest;
    bool any = false, above_cap = false;
    for (std::size_t k = 0; k < list.size(); ++k) {
      if (may_stop_early && best.variant && bounds_[cls][k] * query.items() > best.price) break;
      const VariantId v = list[k];
      const double accuracy = view.world()[v].accuracy;
      Choice feasible;
      for (const GroupId g : view.groups_of(v, query.origin())) {
        const Choice here{v, price(query, view, g), accuracy, predict(view, query, g)};
        if (here.latency == forever) continue;
        any = true;
        if (here.price > cap) {
          above_cap = true;
          continue;
        }
        if (!nearest.variant || here.latency < nearest.latency) nearest = here;
        if (later(view.now(), here.latency) <= due && (!feasible.variant || here.price < feasible.price)) feasible = here;
      }
      if (!feasible.variant) continue;
      if (!best.variant || cheaper(feasible, best)) {
        second = best;
        best = feasible;
      } else if (!second.variant || cheaper(feasible, second)) {
        second = feasible;
      }
    }
    if (best.variant) return Selection::one(best.variant, cheapest, second.variant);
    if (nearest.variant && params_.on_infeasible == OnInfeasible::least_violation) return Selection::one(nearest.variant, least_violation);
    Selection none = Selection::reject(!any ? no_candidate : nearest.variant || !above_cap ? none_in_time : above_cost_cap);
    none.runner_up = nearest.variant;
    return none;
  }

 private:
  enum : Reason { cheapest, least_violation, no_candidate, none_in_time, above_cost_cap };
  struct Choice {
    VariantId variant;
    double price = 0;
    double accuracy = 0;
    Duration latency{};
  };

  static bool cheaper(const Choice& a, const Choice& b) { return a.price != b.price ? a.price < b.price : a.accuracy > b.accuracy; }

  double price(const QueryView& query, ClusterView view, GroupId g) const {
    const std::uint32_t largest = view.world()[view.world()[g].variant].profile.max_items();
    if (query.items() > largest) return std::numeric_limits<double>::infinity();
    if (params_.idle_is_free) {
      const InstanceSpan least = view.least_loaded(g);
      if (!least.empty() && view.instance(least[0]).load == 0) return 0;
    }
    if (params_.batch_estimate == BatchEstimate::recent) return cost_.price_usd(view, query, g);
    std::uint32_t batch = query.items();
    if (params_.batch_estimate == BatchEstimate::queue) {
      const std::uint32_t limit = std::min(batch_limit_[query.class_id().index() * variants_ + view.world()[g].variant.index()],
                                           std::clamp(view.group(g).batch_cap, 1U, largest));
      batch = std::max(batch, std::min(shortest_queue(view, query, g), limit));
    }
    return query_price_usd(view, query, g, batch);
  }

  Params params_;
  std::size_t variants_;
  CostCap cost_;
  std::vector<std::uint32_t> batch_limit_;   // by class and variant: largest batch that takes at most phi of the SLO
  std::vector<Duration> budget_;             // by class
  std::vector<std::vector<double>> bounds_;  // by class, along its candidates
};

}  // namespace

PolicyDefinition cheapest_feasible() {
  return define<CheapestFeasible>(
      "cheapest_feasible", "Cheapest variant that is predicted to meet accuracy, latency and cost cap.",
      {Provenance::our_reading,
       R"(Yadwadkar, Romero, Li and Kozyrakis, "A case for managed and model-less inference serving", HotOS 2019, doi:10.1145/3317550.3321443)"},
      DefaultPolicy::yes);
}

}  // namespace tideline
