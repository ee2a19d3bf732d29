#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

namespace tideline {

namespace {

/// Holds a number of visits per instance and minute, as managed endpoints do (policy A12).
/// Source: target tracking of AWS Application Auto Scaling with the metric SageMakerVariantInvocationsPerInstance, by its documentation:
/// alarms of 3 periods of a minute above the target, and of 15 below 0.9 of it; from memory, so our reading.
///
/// Then n becomes ceil(n x / x*), and for a while nothing changes. Instances that load count as there.
class TargetTracking final : public AutoscalingPolicy {
 public:
  struct Params {
    double target = 0;
    Duration period = 60s, cooldown = 300s;
    std::uint32_t out_periods = 3, in_periods = 15;
    double in_share = 0.9;
    std::uint32_t min = 1, max = 1'000'000;
    static constexpr auto declare() {
      return param::fields(
          param::field("target_per_min", &Params::target, "Visits per instance and minute to hold.", {1e-6, 1e12}, param::required),
          param::field("period_s", &Params::period, "Time over which visits are counted.", {0.001, 86400}),
          param::field("cooldown_s", &Params::cooldown, "Time after a change of a group in which it is not changed again.", {0, 86400}),
          param::field("out_periods", &Params::out_periods, "Periods in a row above the target that add instances.", {1, 1e6}),
          param::field("in_periods", &Params::in_periods, "Periods in a row below `in_share` of the target that take some away.", {1, 1e6}),
          param::field("in_share", &Params::in_share, "Share of the target below which there are too many.", {0, 1}),
          param::field("min", &Params::min, "Least instances of a group in use.", {0, 1e6}),
          param::field("max", &Params::max, "Most instances of a group.", {1, 1e6}));
    }
  };

  /// Throws std::invalid_argument where bounds cross.
  TargetTracking(const Params& params, const Setup& setup)
      : params_(params), windows_(*setup.world), groups_(setup.world->groups().size()) {
    if (params.min > params.max) throw std::invalid_argument("min is above max");
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.period; }

  void plan(ClusterView view, Plan& plan) override {
    plan.wishes.reserve(groups_.size());
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupWindows::Window window = windows_.end(view, GroupId{k});
      const std::uint32_t n = instances_in_use(view.group(GroupId{k}));
      State& s = groups_[k];
      if (window.length <= Duration{} || n == 0) continue;
      const double x = static_cast<double>(window.sent) / n / to_seconds(window.length) * 60;
      s.above = x > params_.target ? s.above + 1 : 0;
      s.below = x < params_.in_share * params_.target ? s.below + 1 : 0;
      const bool rests = s.changed != never && view.now() < s.changed + params_.cooldown;
      const bool more = s.above >= params_.out_periods, less = s.below >= params_.in_periods;
      if (rests || (!more && !less)) {
        plan.wishes.push_back({GroupId{k}, n, rests ? cools_down : unchanged});
        continue;
      }
      const double wanted = std::clamp(std::ceil(n * x / params_.target - 1e-9), 0.0, 1e6);
      const std::uint32_t to = std::clamp(static_cast<std::uint32_t>(wanted), params_.min, params_.max);
      if (to != n) s = {0, 0, view.now()};
      plan.wishes.push_back({GroupId{k}, to, to == n ? unchanged : more ? above : below});
    }
  }

 private:
  enum : Reason { unchanged, above, below, cools_down };
  static constexpr std::array<std::string_view, 4> names{"unchanged", "above", "below", "cools_down"};

  struct State {
    std::uint32_t above = 0, below = 0;  ///< periods in a row
    Time changed = never;
  };
  Params params_;
  GroupWindows windows_;
  std::vector<State> groups_;
};

}  // namespace

PolicyDefinition target_tracking() {
  return define<TargetTracking>(
      "target_tracking", "Holds a number of visits per instance and minute, as managed endpoints do.",
      {Provenance::our_reading, R"(AWS Application Auto Scaling documentation, "Target tracking scaling policies")"});
}

}  // namespace tideline
