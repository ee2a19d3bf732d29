#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace tideline {

namespace {

/// Scales each group by the share of time that its instances are busy: to hold a target, or in steps beyond two thresholds.
/// Source: target tracking and step scaling as in the Kubernetes horizontal autoscaler and AWS Application Auto Scaling.
///
/// In target form n instances at utilization u become ceil(n u / target). Busy time is counted when a batch ends and is the
/// instance's own, also on a device that several share. Plans every group that has, or is wished, an instance.
class TargetUtilization final : public AutoscalingPolicy {
 public:
  enum class Mode : std::uint8_t { target, threshold };
  struct Params {
    Mode mode = Mode::target;
    double target = 0.7;
    double high = 0.8, low = 0.3;
    std::uint32_t step = 1;
    Duration interval = 10s, cooldown{};
    std::uint32_t up_windows = 1, down_windows = 3;
    std::uint32_t min = 1, max = 1'000'000;
    bool scale_to_zero = false;
    static constexpr auto declare() {
      return param::fields(
          param::choice("mode", &Params::mode, "Hold a target, or step beyond thresholds.",
                        {{"target", Mode::target}, {"threshold", Mode::threshold}}),
          param::field("target", &Params::target, "Share of busy time to hold; mode target.", {0.01, 1}),
          param::field("high", &Params::high, "Busy share above which instances are added; mode threshold.", {0, 1}),
          param::field("low", &Params::low, "Busy share below which instances are removed; mode threshold.", {0, 1}),
          param::field("step", &Params::step, "Instances to add or remove at once; mode threshold.", {1, 1e6}),
          param::field("interval_s", &Params::interval, "Time between two rounds: one window.", {0.001, 86400}),
          param::field("cooldown_s", &Params::cooldown, "Time after a change of a group in which it is not changed again."),
          param::field("up_windows", &Params::up_windows, "Windows in a row that must ask for more.", {1, 1e6}),
          param::field("down_windows", &Params::down_windows, "Windows in a row that must ask for less.", {1, 1e6}),
          param::field("min", &Params::min, "Least instances of a group in use.", {0, 1e6}),
          param::field("max", &Params::max, "Most instances of a group.", {0, 1e6}),
          param::field("scale_to_zero", &Params::scale_to_zero,
                       "A group that was not busy at all in a window may go to 0, whatever `min` says."));
    }
  };

  TargetUtilization(const Params& params, const Setup& setup)
      : params_(params), windows_(*setup.world), groups_(setup.world->groups().size()) {
    if (params.min > params.max) throw std::invalid_argument("min is above max");
    if (params.low >= params.high) throw std::invalid_argument("low is not below high");
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.interval; }

  void plan(ClusterView view, Plan& plan) override {
    plan.wishes.reserve(groups_.size());
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupId id{k};
      const GroupRow& row = view.group(id);
      State& s = groups_[k];
      const GroupWindows::Window window = windows_.end(view, id);
      const std::uint32_t have = instances_in_use(row);
      if (have == 0) {
        s.above = s.below = 0;
        continue;
      }
      Reason reason = kept;
      const std::uint32_t asked = window.length > Duration{} ? wanted(row.warm(), have, window.busy_instances()) : have;
      const std::uint32_t n = bounded(decide(s, have, asked, view.now(), reason), have, window.busy, reason);
      if (n != have) s.changed = view.now();
      plan.wishes.push_back({id, n, reason});
    }
  }

 private:
  enum : Reason { kept, more, less, at_bound, cooling };
  static constexpr std::array<std::string_view, 5> names{"kept", "more", "less", "at_bound", "cooling_down"};

  struct State {
    Time changed = Time::min();
    std::uint32_t above = 0, below = 0;  // windows in a row that asked for more, for less
  };

  std::uint32_t wanted(std::uint32_t warm, std::uint32_t have, double busy_instances) const {
    if (params_.mode == Mode::target) {
      // n u / target with u = busy / (n x window): n cancels. A hair less, so that rounding does not add an instance.
      const double n = std::ceil(busy_instances / params_.target - 1e-9);
      return static_cast<std::uint32_t>(std::clamp(n, 0.0, 1e6));
    }
    const double utilization = busy_instances / std::max<std::uint32_t>(1, warm);
    if (utilization > params_.high) return have + params_.step;
    if (utilization < params_.low) return have > params_.step ? have - params_.step : 0;
    return have;
  }

  std::uint32_t decide(State& s, std::uint32_t have, std::uint32_t asked, Time now, Reason& reason) const {
    s.above = asked > have ? s.above + 1 : 0;
    s.below = asked < have ? s.below + 1 : 0;
    const bool up = s.above >= params_.up_windows, down = s.below >= params_.down_windows;
    if (!up && !down) return have;
    if (s.changed != Time::min() && now - s.changed < params_.cooldown) {
      reason = cooling;
      return have;
    }
    s.above = s.below = 0;
    reason = up ? more : less;
    return asked;
  }

  std::uint32_t bounded(std::uint32_t n, std::uint32_t have, Duration busy, Reason& reason) const {
    const std::uint32_t least = params_.scale_to_zero && busy == Duration{} ? 0 : params_.min;
    const std::uint32_t bounded = std::min(std::max(n, least), params_.max);
    if (bounded != n) reason = bounded == have ? kept : at_bound;
    return bounded;
  }

  Params params_;
  GroupWindows windows_;
  std::vector<State> groups_;
};

}  // namespace

PolicyDefinition target_utilization() {
  return define<TargetUtilization>(
      "target_utilization", "Holds a share of busy time per instance, or steps beyond two thresholds.",
      {Provenance::textbook,
       R"(AWS Application Auto Scaling documentation, "Step scaling policies"; AWS Application Auto Scaling documentation, "Target tracking scaling policies")"});
}

}  // namespace tideline
