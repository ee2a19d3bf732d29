#include "policies/builtin.h"
#include "policies/components/class_demand.h"
#include "policies/components/erlang.h"
#include "policies/components/forecast_params.h"
#include "policies/components/group_windows.h"
#include "policies/components/latency.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// Scales each group to the fewest instances with which, in an M/G/c queue of the forecast rate, enough visits are answered within the SLO
/// (policy A7).
/// Source: Gujarati et al., "Swayam: distributed autoscaling to meet SLAs of machine learning inference services with resource efficiency",
/// Middleware 2017, doi:10.1145/3135974.3135993.
///
/// Our reading. The least c with P(wait > SLO - l(1)) <= 1 - `service_level`, by Erlang C, the wait stretched by 2 / (1 + cv2); the SLO is
/// the least of the classes that the variant is a candidate of. The front ends of the source each estimate the whole load from their own part
/// of it and rank the backends alike, so that those beyond the first c fall idle: here one controller sees all of the load. Idle instances
/// go by cold start's keep-alive, queries that would be late by admission `deadline_feasible`. A backend of the source has a machine of its
/// own. Instances on a device that is not cut into slices take turns and have together what one of them would have alone: so the groups of
/// such a type at a site get together no more than it can run at once, in proportion to what their queues ask for, but at least one each.
class Swayam final : public AutoscalingPolicy {
 public:
  struct Params : ForecastParams {
    Params() { interval = 10s; }
    double service_level = 0.99, cv2 = 1;
    std::optional<Duration> horizon;
    std::uint32_t min = 0, max = 10'000;
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_forecast(),
          param::fields(param::field("service_level", &Params::service_level, "Share of visits to answer within the SLO.", {0.5, 0.999999}),
                        param::field("cv2", &Params::cv2, "Squared coefficient of variation of service times.", {0, 100}),
                        param::field("horizon_s", &Params::horizon, "How far ahead is looked; none: a window and the variant's first load.",
                                     {0, 86400}),
                        param::field("min", &Params::min, "Least instances of a group that was used.", {0, 10'000}),
                        param::field("max", &Params::max, "Most instances of a group.", {1, 10'000})));
    }
  };

  /// Throws std::invalid_argument where bounds cross or a season is no whole number of windows.
  Swayam(const Params& params, const Setup& setup)
      : params_(params),
        windows_(*setup.world),
        used_(setup.world->groups().size()),
        slo_(setup.world->groups().size(), forever),
        at_once_(setup.world->site_count() * setup.world->catalog().hardware.size()),
        wished_(at_once_.size()) {
    asked_.reserve(used_.size());
    if (params.min > params.max) throw std::invalid_argument("min is above max");
    const World& world = *setup.world;
    const ForecastSettings settings = params.settings();
    for (std::size_t k = 0; k < used_.size(); ++k) {
      forecasters_.push_back(make_forecaster(settings));
      for (std::size_t c = 0; c < world.classes().size(); ++c)
        if (world.is_candidate(ClassId{c}, world.groups()[k].variant)) slo_[k] = std::min(slo_[k], world[ClassId{c}].slo);
    }
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.interval; }

  void plan(ClusterView view, Plan& plan) override {
    plan.wishes.reserve(used_.size());
    for (std::size_t k = 0; k < used_.size(); ++k) {
      const GroupWindows::Window window = windows_.end(view, GroupId{k});
      if (window.length <= Duration{}) continue;
      if (window.sent > 0) used_[k] = 1;
      if (used_[k] == 0) continue;
      forecasters_[k]->add(window.sent_items / to_seconds(window.length));
      plan.wishes.push_back(wish(GroupId{k}, view));
    }
    limit_to_devices(view, plan);
  }

 private:
  enum : Reason { in_time, at_bound, stable_only, no_more_devices };
  static constexpr std::array<std::string_view, 4> names{"in_time", "at_bound", "stable_only", "no_more_devices"};

  Plan::Wish wish(GroupId g, ClusterView view) const {
    const VariantId v = view.world()[g].variant;
    const Duration horizon = params_.horizon.value_or(params_.interval + first_load_time(view.world(), v));
    const double rate = params_.most(*forecasters_[g.index()], horizon);
    if (rate <= 1e-9) return {g, params_.min, in_time};
    const double service_s = to_seconds(view.world()[v].profile.latency(1, view.group(g).option));
    const Duration slo = slo_[g.index()];
    const double wait_s = slo == forever ? 1e9 : to_seconds(slo) - service_s;
    auto c = static_cast<std::uint32_t>(std::min<double>(std::floor(rate * service_s) + 1, params_.max));
    // No number of instances makes service itself shorter: then as many as keep up.
    if (wait_s < 0) return {g, std::max(c, params_.min), stable_only};
    while (c < params_.max && waits_longer(c, rate, service_s, wait_s, params_.cv2) > 1 - params_.service_level) ++c;
    return {g, std::max(c, params_.min), c == params_.max || c < params_.min ? at_bound : in_time};
  }

  /// Of the group's hardware type at its site.
  std::size_t pool_of(const World& world, GroupId g) const {
    return world[g].site.index() * world.catalog().hardware.size() + world[world[g].variant].hardware.index();
  }

  void limit_to_devices(ClusterView view, Plan& plan) {
    const World& world = view.world();
    count_devices(world, view, at_once_);
    std::fill(wished_.begin(), wished_.end(), 0U);
    asked_.clear();
    for (const Plan::Wish& w : plan.wishes) {
      wished_[pool_of(world, w.group)] += w.instances;
      asked_.push_back(w.instances);
    }
    for (std::size_t p = 0; p < at_once_.size(); ++p) {
      const Hardware& h = world.catalog().hardware[p % world.catalog().hardware.size()];
      at_once_[p] *= h.concurrent_batches;
      if (h.sharing == Sharing::partitioned) continue;
      while (wished_[p] > at_once_[p]) {
        // Who would still have the largest share of what it asked for.
        std::size_t most = plan.wishes.size();
        double share = -1;
        for (std::size_t k = 0; k < plan.wishes.size(); ++k) {
          const Plan::Wish& w = plan.wishes[k];
          if (pool_of(world, w.group) != p || w.instances <= std::max(params_.min, 1U)) continue;
          if (const double left = (w.instances - 1.0) / asked_[k]; left > share) share = left, most = k;
        }
        if (most == plan.wishes.size()) break;
        --plan.wishes[most].instances;
        plan.wishes[most].reason = no_more_devices;
        --wished_[p];
      }
    }
  }

  Params params_;
  GroupWindows windows_;
  std::vector<char> used_;  // by group: something was sent to it
  std::vector<Duration> slo_;
  std::vector<std::unique_ptr<Forecaster>> forecasters_;
  std::vector<std::uint32_t> at_once_, wished_;  // by site and hardware type: batches; instances
  std::vector<std::uint32_t> asked_;             // by wish
};

}  // namespace

PolicyDefinition swayam() {
  return define<Swayam>(
      "swayam", "Scales each group so that enough visits are in time by a model of its queue.",
      {Provenance::our_reading,
       R"(Gujarati et al., "Swayam: distributed autoscaling to meet SLAs of machine learning inference services with resource efficiency", Middleware 2017, doi:10.1145/3135974.3135993)"});
}

}  // namespace tideline
