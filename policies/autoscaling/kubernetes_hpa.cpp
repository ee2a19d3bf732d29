#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "policies/components/recent_wishes.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace tideline {

namespace {

/// Scales each group by the ratio of a metric to its target: the Kubernetes HorizontalPodAutoscaler (policy A3).
/// Source: Kubernetes documentation, "Horizontal Pod Autoscaling" (autoscaling/v2), its default behaviour and limits.
///
/// Of n warm instances it wants ceil(n x ratio), or what there is where the ratio is within the tolerance of 1. Instances that start are
/// set aside; where more are wanted they count as idle, and where that turns the direction nothing changes. The wish is the most (down)
/// and the least (up) that was wanted in a window, then limited in what a round may add or remove: up the larger of a count and a
/// share, rounded up; down a share, rounded down. A period of these limits is one round. A group without instances is left alone.
/// Not there: several metrics, missing metrics, delays of readiness.
class KubernetesHpa final : public AutoscalingPolicy {
 public:
  enum class Metric : std::uint8_t { busy, load };
  struct Params {
    Metric metric = Metric::busy;
    double target = 0.8;
    double tolerance = 0.1;
    Duration interval = 15s;
    Duration up_stabilization{}, down_stabilization = 300s;
    std::uint32_t up_count = 4;
    double up_share = 1, down_share = 1;
    std::uint32_t min = 1, max = 1'000'000;
    static constexpr auto declare() {
      return param::fields(
          param::choice("metric", &Params::metric,
                        "Share of time that warm instances were busy, or visits at each when asked, those in the shared line included.",
                        {{"busy", Metric::busy}, {"load", Metric::load}}),
          param::field("target", &Params::target, "Value of the metric to hold.", {0.01, 1e6}),
          param::field("tolerance", &Params::tolerance, "Distance of the ratio from 1 up to which nothing changes.", {0, 1e6}),
          param::field("interval_s", &Params::interval, "Time between two rounds.", {0.001, 86400}),
          param::field("up_stabilization_s", &Params::up_stabilization, "Window of which the least that was wanted may be added.",
                       {0, 86400}),
          param::field("down_stabilization_s", &Params::down_stabilization, "Window of which the most that was wanted is kept.",
                       {0, 86400}),
          param::field("up_count", &Params::up_count, "Instances that a round may add, if the share is less.", {0, 1e6}),
          param::field("up_share", &Params::up_share, "Share of the instances that a round may add, if the count is less.", {0, 1e6}),
          param::field("down_share", &Params::down_share, "Share of the instances that a round may remove.", {0, 1}),
          param::field("min", &Params::min, "Least instances of a group in use.", {1, 1e6}),
          param::field("max", &Params::max, "Most instances of a group.", {1, 1e6}));
    }
  };

  /// Throws std::invalid_argument where bounds cross or a window has too many rounds.
  KubernetesHpa(const Params& params, const Setup& setup)
      : params_(params),
        windows_(*setup.world),
        recent_(setup.world->groups().size(), std::max(params.up_stabilization, params.down_stabilization), params.interval) {
    if (params.min > params.max) throw std::invalid_argument("min is above max");
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.interval; }

  void plan(ClusterView view, Plan& plan) override {
    const std::size_t groups = view.world().groups().size();
    plan.wishes.reserve(groups);
    for (std::size_t k = 0; k < groups; ++k) {
      const GroupId g{k};
      const GroupRow& row = view.group(g);
      const GroupWindows::Window window = windows_.end(view, g);
      const std::uint32_t have = instances_in_use(row);
      if (have == 0) {
        recent_.forget(g);
        continue;
      }
      if (recent_.empty(g)) recent_.note(g, have, view.now());  // as if that had been wanted
      const double metric = row.warm() == 0 || window.length <= Duration{} ? -1 : measured(row, window, view);
      const std::uint32_t asked = std::clamp(metric < 0 ? have : wanted(row, have, metric), params_.min, params_.max);
      recent_.note(g, asked, view.now());
      Reason reason = asked == have ? kept : wanted_so;
      std::uint32_t n = stabilized(g, asked, have, view.now());
      if (n != asked) reason = stabilizing;
      if (const std::uint32_t limited = limit(n, have); limited != n) {
        n = limited;
        reason = limits;
      }
      plan.wishes.push_back({g, std::clamp(n, params_.min, params_.max), reason});
    }
  }

 private:
  enum : Reason { kept, wanted_so, stabilizing, limits };
  static constexpr std::array<std::string_view, 4> names{"kept", "ratio", "stabilizing", "limit"};

  /// Over its warm instances, not divided by their number.
  double measured(const GroupRow& row, const GroupWindows::Window& window, ClusterView view) const {
    if (params_.metric == Metric::busy) return window.busy_instances();
    double load = row.waiting;
    for (const InstanceId i : row.members)
      if (view.instance(i).phase == Phase::warm) load += view.instance(i).load;
    return load;
  }

  /// `metric`: the sum over warm instances.
  std::uint32_t wanted(const GroupRow& row, std::uint32_t have, double metric) const {
    const auto within = [&](double ratio) { return std::abs(1 - ratio) <= params_.tolerance; };
    // A hair less, so that rounding does not add an instance.
    const auto instances = [](double n) { return static_cast<std::uint32_t>(std::clamp(std::ceil(n - 1e-9), 0.0, 1e6)); };
    const double ready = row.warm(), ratio = metric / (ready * params_.target);
    const double all = ready + row.starting();
    if (row.starting() == 0 || ratio <= 1) return within(ratio) ? have : instances(ready * ratio);
    const double with_idle = metric / (all * params_.target);
    if (within(with_idle) || with_idle < 1) return have;
    return std::max(have, instances(all * with_idle));
  }

  std::uint32_t stabilized(GroupId g, std::uint32_t asked, std::uint32_t have, Time now) const {
    const std::uint32_t up = recent_.least(g, asked, params_.up_stabilization, now);
    const std::uint32_t down = recent_.most(g, asked, params_.down_stabilization, now);
    return have < up ? up : have > down ? down : have;
  }

  std::uint32_t limit(std::uint32_t n, std::uint32_t have) const {
    const double count = have;
    const double most = std::max(count + params_.up_count, std::ceil(count * (1 + params_.up_share) - 1e-9));
    const double least = std::floor(count * (1 - params_.down_share) + 1e-9);
    return static_cast<std::uint32_t>(std::clamp(static_cast<double>(n), least, most));
  }

  Params params_;
  GroupWindows windows_;
  RecentWishes recent_;
};

}  // namespace

PolicyDefinition kubernetes_hpa() {
  return define<KubernetesHpa>("kubernetes_hpa", "Scales by the ratio of a metric to its target, as Kubernetes does.",
                               {Provenance::our_reading, R"(Kubernetes documentation, "Horizontal Pod Autoscaling" (autoscaling/v2))"});
}

}  // namespace tideline
