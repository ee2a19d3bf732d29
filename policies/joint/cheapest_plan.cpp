#include "policies/builtin.h"
#include "policies/components/class_demand.h"
#include "policies/components/variant_plan.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace tideline {

namespace {

/// Plans for each class variant, hardware, batch and number of instances together, the cheapest that meet SLO and floor for its demand;
/// queries go to the variant that is planned for their class (policy S14a).
/// Source: components/variant_plan.h. Our reading: exhaustive for a class; classes in order of falling rate share the devices that are left.
///
/// A plan keeps a percentile of its latencies within the SLO, the 99th as InferLine's does, by closed form where InferLine simulates; where
/// no plan does, the mean counts.
///
/// Classes that chose one group share its instances and the smaller of their batches. A class that nothing meets, or that has no demand
/// yet, goes to its fastest candidate, which is loaded on demand. Time until a plan takes effect: `solve_s`.
class CheapestPlan final : public SelectionPolicy, public AutoscalingPolicy, public Observer {
 public:
  struct Params {
    Duration interval = 30s;
    double weight = 0.3, headroom = 0, utilization = 0.8, accuracy_weight_usd_per_h = 0;
    double percentile = 0.99;
    std::uint32_t max_batch = 64;
    Duration solve{};
    static constexpr auto declare() {
      return param::fields(
          param::field("interval_s", &Params::interval, "Time between two plans.", {0.001, 86400}),
          param::field("weight", &Params::weight, "Of the last interval's rate in the average that is planned for.", {1e-6, 1}),
          param::field("headroom", &Params::headroom, "Share by which more is planned for.", {0, 100}),
          param::field("utilization", &Params::utilization, "Share of its rate up to which an instance is filled.", {0.01, 0.999}),
          param::field("accuracy_weight_usd_per_h", &Params::accuracy_weight_usd_per_h,
                       "What full accuracy of a class is worth, in US dollars an hour; 0: only the cost counts.", {0, 1e9}),
          param::field("percentile", &Params::percentile, "Of the planned latencies, that has to be within the SLO; 0: their mean.",
                       {0, 0.999999}),
          param::field("max_batch_size", &Params::max_batch, "Items of the largest batch.", {1, 1'000'000}),
          param::field("solve_s", &Params::solve, "Time until a plan takes effect; below the interval.", {0, 3600}));
    }
  };

  CheapestPlan(const Params& params, const Setup& setup)
      : params_(params),
        world_(*setup.world),
        demand_(setup, params.weight),
        chosen_(world_.classes().size()),
        next_(world_.classes().size()),
        needed_(world_.groups().size()),
        batch_(world_.groups().size()) {
    if (params.solve >= params.interval) throw std::invalid_argument("solve_s is not below interval_s");
    for (std::size_t c = 0; c < chosen_.size(); ++c) {
      const auto candidates = world_.candidates(ClassId{c}, CandidateOrder::by_latency);
      if (!candidates.empty()) chosen_[c] = next_[c] = candidates.front();
    }
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true, .batch_caps = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const override { return params_.interval; }
  void arrived(const QueryView& query, ClusterView) override { demand_.arrived(query); }

  Selection select(const QueryView& query, ClusterView view) override {
    if (view.now() >= effective_) {
      std::swap(chosen_, next_);
      effective_ = never;
    }
    const VariantId v = chosen_[query.class_id().index()];
    return v ? Selection::one(v, planned) : Selection::reject(not_planned);
  }

  void plan(ClusterView view, Plan& plan) override {
    const bool is_counted = demand_.end_window(view.now());
    count_devices(world_, view, left_);
    std::fill(needed_.begin(), needed_.end(), 0.0);
    std::fill(batch_.begin(), batch_.end(), 0U);
    std::vector<ClassId> order;
    for (std::size_t c = 0; c < demand_.classes(); ++c) order.emplace_back(c);
    std::stable_sort(order.begin(), order.end(), [&](ClassId a, ClassId b) { return demand_.average(a) > demand_.average(b); });
    for (const ClassId c : order) plan_class(c, view);
    for (std::size_t k = 0; k < needed_.size(); ++k) {
      const GroupRow& row = view.group(GroupId{k});
      if (needed_[k] > 0) {
        plan.wishes.push_back({GroupId{k}, whole(needed_[k]), planned});
        if (row.batch_cap != batch_[k]) plan.batch_caps.push_back({GroupId{k}, batch_[k]});
      } else if (row.wish > 0 || row.warm() + row.starting() > 0) {
        plan.wishes.push_back({GroupId{k}, 0, not_planned});
      }
    }
    plan.takes_effect = is_counted ? params_.solve : Duration{};
    effective_ = view.now() + plan.takes_effect;
  }

 private:
  enum : Reason { planned, not_planned };
  static constexpr std::array<std::string_view, 2> names{"planned", "not_planned"};

  static std::uint32_t whole(double x) { return static_cast<std::uint32_t>(std::clamp(std::ceil(x - 1e-9), 0.0, 1e6)); }
  std::uint32_t& left(GroupId g) {
    return left_[world_[g].site.index() * world_.catalog().hardware.size() + world_[world_[g].variant].hardware.index()];
  }

  void plan_class(ClassId c, ClusterView view) {
    const auto candidates = world_.candidates(c, CandidateOrder::by_latency);
    next_[c.index()] = candidates.empty() ? VariantId{} : candidates.front();
    const double rate = demand_.average(c);
    if (rate <= 1e-9) return;
    options_.clear();
    groups_.clear();
    for (const VariantId v : candidates)
      for (std::size_t s = 0; s < world_.site_count(); ++s) {
        const GroupId g = world_.group(v, SiteId{s});
        if (!g) continue;
        const std::uint32_t each = instances_per_device(world_, g, view);
        const std::uint32_t most = std::min(params_.max_batch, world_[v].profile.max_items());
        // Instances that are planned already may have room left.
        const auto spare = static_cast<std::uint32_t>(whole(needed_[g.index()]) - needed_[g.index()] > 0 ? 1 : 0);
        options_.push_back({{world_[v].profile.table(view.group(g).option), most + 1},
                            world_.hardware_price_per_s(world_[v].hardware) / std::max(each, 1U),
                            world_[v].accuracy,
                            demand_.left_of_slo(c, SiteId{s}),
                            left(g) * each + spare});
        groups_.push_back(g);
      }
    VariantPlanRules rules{params_.headroom, params_.utilization, params_.accuracy_weight_usd_per_h / 3600, params_.percentile};
    VariantPlan p = plan_cheaply(options_, rate, rules);
    if (p.option == VariantPlan::none && rules.percentile > 0) {
      rules.percentile = 0;
      p = plan_cheaply(options_, rate, rules);
    }
    if (p.option == VariantPlan::none) return;
    const GroupId g = groups_[p.option];
    const std::uint32_t each = std::max(instances_per_device(world_, g, view), 1U), before = (whole(needed_[g.index()]) + each - 1) / each;
    // The smaller batch takes more instances for both.
    std::uint32_t& batch = batch_[g.index()];
    const auto rate_of = [&](std::uint32_t b) { return b / std::max(to_seconds(options_[p.option].latency[b]), 1e-9); };
    const std::uint32_t smaller = batch == 0 ? p.batch : std::min(batch, p.batch);
    if (batch != 0) needed_[g.index()] *= rate_of(batch) / rate_of(smaller);
    needed_[g.index()] += p.needed * rate_of(p.batch) / rate_of(smaller);
    batch = smaller;
    // One instance is held for any demand at all.
    needed_[g.index()] = std::max(needed_[g.index()], 1e-6);
    const std::uint32_t after = (whole(needed_[g.index()]) + each - 1) / each;
    left(g) -= std::min(left(g), after - std::min(after, before));
    next_[c.index()] = world_[g].variant;
  }

  Params params_;
  const World& world_;
  ClassDemand demand_;
  std::vector<VariantId> chosen_, next_;  // by class
  std::vector<double> needed_;            // by group: instances
  std::vector<std::uint32_t> batch_;      // by group: the smallest of its classes
  std::vector<std::uint32_t> left_;       // devices, by site and hardware type
  Time effective_ = never;                // when `next_` begins to hold
  std::vector<VariantOption> options_;
  std::vector<GroupId> groups_;  // by option
};

}  // namespace

PolicyDefinition cheapest_plan() {
  return define<CheapestPlan>(
      "cheapest_plan", "Plans variant, hardware, batch and instances of each class together, as cheaply as SLO and floor allow.",
      {Provenance::our_reading,
       R"(Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines", SoCC 2020, doi:10.1145/3419111.3421285)"});
}

}  // namespace tideline
