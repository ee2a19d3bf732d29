#include "policies/builtin.h"
#include "policies/components/cost_cap.h"
#include "policies/components/on_time_share.h"
#include "policies/components/pareto.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// Answers with the variant of most effective accuracy at the present load: its accuracy times the share of its answers that are in time
/// (policy S9). Source: Zhang et al., "Model-switching: dealing with fluctuating workloads in machine-learning-as-a-service systems",
/// HotCloud 2020. Our reading of it, from a summary.
///
/// The share is looked up in tables that are made before the run: each variant alone on the devices of its hardware that the query's site
/// can reach, at loads up to 1.2 times what they can serve, with batches as large as its group may have; what the way to the nearest of
/// them and back takes is off the SLO. Every `window_s` the arrivals of the task in the last window are its load, scaled by how many of
/// those devices have a warm instance of the variant, if any has. A variant that is not loaded is chosen all the same. Other tasks on
/// the devices are not seen. Queries are counted as one item.
class ModelSwitching final : public SelectionPolicy, public Observer {
 public:
  struct Params {
    Duration window = 1s;
    double hysteresis = 0;
    std::uint32_t table_queries = 4000;
    static constexpr auto declare() {
      return param::fields(
          param::field("window_s", &Params::window, "Time over which the load is measured, and between two decisions.", {0.001, 86400}),
          param::field("hysteresis", &Params::hysteresis, "Effective accuracy to gain before another variant is taken; 0: any.", {0, 1}),
          param::field("table_queries", &Params::table_queries, "Queries simulated for each point of a table, before the run.",
                       {100, 1'000'000}));
    }
  };

  ModelSwitching(const Params& params, const Setup& setup)
      : params_(params), cost_(*setup.world), choices_(make_lists(*setup.world)), arrived_(setup.world->catalog().tasks.size()) {
    const World& world = *setup.world;
    std::map<std::tuple<VariantId, std::uint32_t, Duration>, std::size_t> known;
    for (std::size_t c = 0; c < world.classes().size(); ++c)
      for (std::size_t s = 0; s < world.site_count(); ++s) {
        const SiteId origin{s};
        States& states = states_.emplace_back();
        for (const VariantId v : choices_.of(ClassId{c}, origin)) {
          const GroupId nearest = world.groups_of(v, origin).front();
          AloneQueue queue;
          queue.profile = &world[v].profile;
          queue.batch_cap = std::clamp(world[nearest].batch_cap, 1U, world[v].profile.max_items());
          queue.servers = devices(world, v, origin);
          const Duration slo = world[ClassId{c}].slo, way = 2 * world.topology().route(origin, world[nearest].site).delay;
          queue.slo = slo == forever ? forever : slo - way;
          const auto [at, is_new] = known.try_emplace({v, queue.servers, queue.slo}, tables_.size());
          // All tables are of the same arrivals but for their scale: variants differ by what they are, not by chance.
          if (is_new) tables_.emplace_back(queue, params.table_queries, setup.stream);
          states.list.push_back({at->second, queue.servers, 0});
        }
      }
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.batch_starts = true}; }
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override { cost_.batch_began(view.variant_of(i), visits); }

  Time round(ClusterView view) override {
    const World& world = view.world();
    const double length = to_seconds(view.now() - last_);
    for (std::size_t c = 0; c < world.classes().size(); ++c) {
      const TaskId task = world[ClassId{c}].task;
      const double qps = length > 0 ? static_cast<double>(view.arrived(task) - arrived_[task.index()]) / length : 0;
      for (std::size_t s = 0; s < world.site_count(); ++s) judge(ClassId{c}, SiteId{s}, qps, view);
    }
    for (std::size_t t = 0; t < arrived_.size(); ++t) arrived_[t] = view.arrived(TaskId{t});
    last_ = view.now();
    return view.now() + params_.window;
  }

  Selection select(const QueryView& query, ClusterView view) override {
    const auto list = choices_.of(query.class_id(), query.origin());
    const States& states = of(query.class_id(), query.origin(), view);
    const auto will_do = [&](VariantId v) { return query.items() <= view.world()[v].profile.max_items() && cost_.allows(view, query, v); };
    if (list.empty()) return Selection::reject(no_candidate);
    if (will_do(list[states.chosen])) return Selection::one(list[states.chosen], most_effective);
    std::size_t best = list.size();
    for (std::size_t k = 0; k < list.size(); ++k)
      if (will_do(list[k]) && (best == list.size() || states.list[k].effective > states.list[best].effective)) best = k;
    return best == list.size() ? Selection::reject(above_cost_cap_or_too_large)
                               : Selection::one(list[best], next_most_effective, list[states.chosen]);
  }

 private:
  enum : Reason { most_effective, next_most_effective, no_candidate, above_cost_cap_or_too_large };
  static constexpr std::array<std::string_view, 4> names{"most_effective", "next_most_effective", "no_candidate",
                                                         "above_cost_cap_or_too_large"};
  struct Choice {
    std::size_t table = 0;
    std::uint32_t devices = 1;
    double effective = 0;  // accuracy at the last round
  };
  struct States {
    std::vector<Choice> list;
    std::size_t chosen = 0;
    bool judged = false;
  };

  /// Most accurate first, without those that another of the same hardware beats. One that the way alone makes late stays in: it is worth 0.
  static VariantLists make_lists(const World& world) {
    return {world, [&](ClassId c, SiteId origin, std::vector<VariantId>& list) {
              const auto all = world.candidates(c, CandidateOrder::by_accuracy_descending);
              for (const VariantId v : all)
                if (!world.groups_of(v, origin).empty() && !is_beaten(world, all, v)) list.push_back(v);
            }};
  }

  static std::uint32_t devices(const World& world, VariantId v, SiteId origin) {
    std::uint32_t sum = 0;
    for (const Pool& p : world.topology().pools)
      if (p.hardware == world[v].hardware && world.topology().route(origin, p.site).reachable) sum += p.count * p.devices_per_node;
    return std::max(sum, 1U);
  }

  States& of(ClassId c, SiteId origin, ClusterView view) { return states_[c.index() * view.world().site_count() + origin.index()]; }

  void judge(ClassId c, SiteId origin, double qps, ClusterView view) {
    const auto list = choices_.of(c, origin);
    States& states = of(c, origin, view);
    std::size_t best = 0;
    for (std::size_t k = 0; k < list.size(); ++k) {
      Choice& choice = states.list[k];
      std::uint32_t warm = 0;
      for (const GroupId g : view.groups_of(list[k], origin)) warm += view.warm(g);
      const double load = warm == 0 ? qps : qps * choice.devices / warm;
      choice.effective = view.world()[list[k]].accuracy * tables_[choice.table].at(load);
      if (choice.effective > states.list[best].effective) best = k;
    }
    if (list.empty()) return;
    if (!states.judged || states.list[best].effective > states.list[states.chosen].effective + params_.hysteresis) states.chosen = best;
    states.judged = true;
  }

  Params params_;
  CostCap cost_;
  VariantLists choices_;
  std::vector<States> states_;  // by class and origin
  std::vector<OnTimeTable> tables_;
  std::vector<std::uint64_t> arrived_;  // by task, at the last round
  Time last_{};
};

}  // namespace

PolicyDefinition model_switching() {
  return define<ModelSwitching>(
      "model_switching", "The variant of most accuracy x share in time at the load of the last window, by tables.",
      {Provenance::our_reading,
       R"(Zhang et al., "Model-switching: dealing with fluctuating workloads in machine-learning-as-a-service systems", HotCloud 2020)"});
}

}  // namespace tideline
