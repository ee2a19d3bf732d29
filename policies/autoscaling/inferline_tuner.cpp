#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "policies/components/planned_rate.h"
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

/// Compares the traffic envelope of the last minute, the highest rates over windows of one second, two, four and so on, with that of the
/// trace that was planned for: where it is exceeded instances are added at once, and taken away some time after the last change (policy A9).
/// Source: the tuner of InferLine, Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines",
/// SoCC 2020, doi:10.1145/3419111.3421285, algorithms 3 and 4.
///
/// Our reading, of one stage only: queries here have no pipeline, so that every visit counts and the planned utilization is that of the
/// group. The trace that is planned for is what is sent to the group in the first `planning_s` after its first visit; until that is over,
/// instances follow the load at `utilization`. The shortest window is a round, not the service time. What was taken away comes back
/// where the rates that took it ask for it, up to what was planned. While the envelope is exceeded nothing is taken away.
class InferlineTuner final : public AutoscalingPolicy {
 public:
  struct Params {
    Duration interval = 1s, history = 60s, planning = 600s, pause = 15s, down_history = 30s, down_window = 5s;
    double utilization = 0.75, slo_share = 0.5;
    std::optional<std::uint32_t> batch_size;
    std::uint32_t min = 1, max = 10'000;
    static constexpr auto declare() {
      return param::fields(
          param::field("interval_s", &Params::interval, "Time between two looks, and the shortest window of the envelope.", {0.001, 3600}),
          param::field("history_s", &Params::history, "Time that the envelope is of, and its longest window.", {0.001, 86400}),
          param::field("planning_s", &Params::planning, "Time from the first visit to a group whose load is planned for.", {0, 86400}),
          param::field("pause_s", &Params::pause, "Least time from a change until instances are taken away.", {0, 86400}),
          param::field("down_history_s", &Params::down_history, "Time whose highest rate says how many stay; within history_s.",
                       {0.001, 86400}),
          param::field("down_window_s", &Params::down_window, "Window of that rate; within down_history_s.", {0.001, 86400}),
          param::field("utilization", &Params::utilization, "Share of its rate up to which an instance is filled at first, and at most.",
                       {0.01, 1}),
          param::field("slo_share", &Params::slo_share, "Share of the least SLO that a batch may take.", {0, 1}),
          param::field("batch_size", &Params::batch_size, "Items of the batches that are counted on; none: by slo_share.", {1, 1'000'000}),
          param::field("min", &Params::min, "Least instances of a group that was used.", {0, 10'000}),
          param::field("max", &Params::max, "Most instances of a group.", {1, 10'000}));
    }
  };

  /// Throws std::invalid_argument where bounds cross.
  InferlineTuner(const Params& params, const Setup& setup)
      : params_(params), windows_(*setup.world), groups_(setup.world->groups().size()), rates_(most_windows) {
    if (params.min > params.max) throw std::invalid_argument("min is above max");
    if (params.down_history > params.history) throw std::invalid_argument("down_history_s is above history_s");
    if (params.down_window > params.down_history) throw std::invalid_argument("down_window_s is above down_history_s");
    for (Group& g : groups_) g.counts.resize(rounds_in(params.history));
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.interval; }

  void plan(ClusterView view, Plan& plan) override {
    plan.wishes.reserve(groups_.size());
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupWindows::Window window = windows_.end(view, GroupId{k});
      Group& g = groups_[k];
      if (window.length <= Duration{} || (g.first == never && window.sent == 0)) continue;
      if (g.first == never) g.first = view.now() - window.length;
      g.counts[g.rounds++ % g.counts.size()] = window.sent_items;
      plan.wishes.push_back(wish(GroupId{k}, view));
    }
  }

 private:
  enum : Reason { unchanged, envelope_exceeded, rate_asks, fewer_do, plans };
  static constexpr std::array<std::string_view, 5> names{"unchanged", "envelope_exceeded", "rate_asks", "fewer_do", "plans"};
  static constexpr std::size_t most_windows = 32;

  struct Group {
    std::vector<double> counts;  ///< items sent, of rounds: a ring
    std::uint64_t rounds = 0;
    Time first = never, changed = never;
    double planned_sent = 0;
    std::array<double, most_windows> envelope{};  ///< of the planned trace
    double filled = 0;                            ///< the utilization that it planned for; 0: it still plans
    std::uint32_t planned = 0;                    ///< instances
  };

  std::size_t rounds_in(Duration d) const { return static_cast<std::size_t>(std::max<std::int64_t>(d / params_.interval, 1)); }

  /// The highest rate of any `length` rounds in a row among the last `of`; of all rounds where there are fewer.
  double highest(const Group& g, std::size_t length, std::size_t of) const {
    const std::size_t there = std::min<std::size_t>({of, g.counts.size(), g.rounds});
    double sum = 0, most = 0;
    for (std::size_t k = 0; k < there; ++k) {
      const auto at = [&](std::size_t n) { return g.counts[(g.rounds - there + n) % g.counts.size()]; };
      sum += at(k);
      if (k >= length) sum -= at(k - length);
      most = std::max(most, sum);
    }
    return most / (static_cast<double>(std::max<std::size_t>(std::min(length, there), 1)) * to_seconds(params_.interval));
  }

  Plan::Wish wish(GroupId id, ClusterView view) {
    Group& g = groups_[id.index()];
    const GroupRow& row = view.group(id);
    const double mu =
        planned_rate(view.world(), view.world()[id].variant, row.option, row.batch_cap, params_.batch_size, params_.slo_share);
    const std::uint32_t n = instances_in_use(row);
    const auto instances_for = [&](double rate, double filled) {
      const double k = std::ceil(rate / (mu * filled) - 1e-9);
      return std::clamp(static_cast<std::uint32_t>(std::clamp(k, 0.0, 1e6)), params_.min, params_.max);
    };
    const auto to = [&](std::uint32_t k, Reason reason) {
      if (k != n) g.changed = view.now();
      return Plan::Wish{id, k, k == n ? Reason{unchanged} : reason};
    };
    // Windows of 1, 2, 4, ... rounds.
    std::size_t windows = 0;
    for (std::size_t length = 1; length <= g.counts.size() && windows < most_windows; length *= 2)
      rates_[windows++] = highest(g, length, g.counts.size());
    const double lately = highest(g, rounds_in(params_.down_window), rounds_in(params_.down_history));
    if (g.filled == 0) {
      for (std::size_t k = 0; k < windows; ++k)
        if (g.rounds >= std::uint64_t{1} << k) g.envelope[k] = std::max(g.envelope[k], rates_[k]);
      g.planned_sent += g.counts[(g.rounds - 1) % g.counts.size()];
      const std::uint32_t k = std::max(n, instances_for(lately, params_.utilization));
      if (view.now() - g.first < params_.planning) return to(k, plans);
      const double mean = g.planned_sent / to_seconds(view.now() - g.first);
      g.filled = std::clamp(mean / (std::max(k, 1U) * mu), 0.01, params_.utilization);
      g.planned = k;
      // Windows longer than the planned trace: what its longest had.
      for (std::size_t w = 1; w < most_windows; ++w)
        if (g.rounds < std::uint64_t{1} << w) g.envelope[w] = g.envelope[w - 1];
      return to(k, plans);
    }
    double exceeded = 0;
    for (std::size_t k = 0; k < windows; ++k)
      if (g.rounds >= std::uint64_t{1} << k && rates_[k] > g.envelope[k] * (1 + 1e-9)) exceeded = std::max(exceeded, rates_[k]);
    if (exceeded > 0)
      if (const std::uint32_t k = instances_for(exceeded, g.filled); k > n) return to(k, envelope_exceeded);
    const std::uint32_t k = instances_for(lately, g.filled);
    if (k > n) return to(std::max(n, std::min(k, g.planned)), rate_asks);
    const bool rests = g.changed != never && view.now() < g.changed + params_.pause;
    return rests || exceeded > 0 ? to(n, unchanged) : to(k, fewer_do);
  }

  Params params_;
  GroupWindows windows_;
  std::vector<Group> groups_;
  std::vector<double> rates_;  // of the envelope, by window
};

}  // namespace

PolicyDefinition inferline_tuner() {
  return define<InferlineTuner>(
      "inferline_tuner", "Adds instances where the traffic exceeds the envelope that was planned for, as InferLine's tuner does.",
      {Provenance::our_reading,
       R"(Crankshaw et al., "InferLine: latency-aware provisioning and scaling for prediction serving pipelines", SoCC 2020, doi:10.1145/3419111.3421285)"});
}

}  // namespace tideline
