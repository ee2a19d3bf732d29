#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "policies/components/recent_wishes.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace tideline {

namespace {

/// Scales each group by its concurrency, or its rate, over a stable window, and over a short one in a panic: the Knative Pod
/// Autoscaler (policy A4).
/// Source: Knative documentation, "Autoscaling" (concurrency, targets, scale bounds, "Additional autoscaling configuration for Knative Pod
/// Autoscaler").
///
/// With r warm instances, at least 1, it wants ceil(average / target) of the stable window, between r / `max_down_rate`, rounded down, and
/// r x `max_up_rate`. A panic begins where the short window asks for `panic_threshold` x r or more, and ends when that was not so for a
/// stable window; in it the most is wished that either window wanted since it began. A group of more than one that is seen first begins in
/// a panic. It goes to 0 when a stable window was without use and the grace period is over. Concurrency (visits there, and those in
/// the shared line) is sampled; what no instance holds is started for by the query that asks. Not there: the burst capacity of the
/// activator.
class KnativeKpa final : public AutoscalingPolicy {
 public:
  enum class Metric : std::uint8_t { concurrency, rps };
  struct Params {
    Metric metric = Metric::concurrency;
    double concurrency = 100;
    double rps = 200;
    double target_utilization = 0.7;
    Duration interval = 2s, sample = 1s;
    Duration stable_window = 60s, panic_window = 6s;
    double panic_threshold = 2;
    double max_up_rate = 1000, max_down_rate = 2;
    Duration scale_to_zero_grace = 30s, scale_down_delay{};
    std::uint32_t min = 0, max = 1'000'000;
    static constexpr auto declare() {
      return param::fields(
          param::choice("metric", &Params::metric, "What is averaged: visits at an instance, or visits sent to it per second.",
                        {{"concurrency", Metric::concurrency}, {"rps", Metric::rps}}),
          param::field("concurrency", &Params::concurrency, "Visits that an instance may have; metric concurrency.", {0.01, 1e6}),
          param::field("rps", &Params::rps, "Visits per second that an instance may get; metric rps.", {0.01, 1e9}),
          param::field("target_utilization", &Params::target_utilization, "Share of these to hold.", {0.01, 1}),
          param::field("interval_s", &Params::interval, "Time between two rounds.", {0.001, 86400}),
          param::field("sample_s", &Params::sample, "Time between two samples.", {0.001, 86400}),
          param::field("stable_window_s", &Params::stable_window, "Time to average over.", {0.001, 86400}),
          param::field("panic_window_s", &Params::panic_window, "Time to average over in a panic.", {0.001, 86400}),
          param::field("panic_threshold", &Params::panic_threshold, "Instances wanted over warm ones from which a panic begins.",
                       {1, 1000}),
          param::field("max_up_rate", &Params::max_up_rate, "Most instances wanted, over warm ones.", {1, 1e6}),
          param::field("max_down_rate", &Params::max_down_rate, "Warm instances over the least wanted.", {1, 1e6}),
          param::field("scale_to_zero_grace_s", &Params::scale_to_zero_grace, "Time without use in the stable window until the last goes.",
                       {0, 86400}),
          param::field("scale_down_delay_s", &Params::scale_down_delay, "Window of which the most that was wanted is kept.", {0, 86400}),
          param::field("min", &Params::min, "Least instances of a group in use.", {0, 1e6}),
          param::field("max", &Params::max, "Most instances of a group.", {1, 1e6}));
    }
  };

  /// Throws std::invalid_argument where bounds or windows cross.
  KnativeKpa(const Params& params, const Setup& setup)
      : params_(params),
        target_((params.metric == Metric::rps ? params.rps : params.concurrency) * params.target_utilization),
        stable_samples_(samples(params.stable_window)),
        panic_samples_(samples(params.panic_window)),
        windows_(*setup.world),
        recent_(setup.world->groups().size(), params.scale_down_delay, params.interval),
        groups_(setup.world->groups().size()) {
    if (params.min > params.max) throw std::invalid_argument("min is above max");
    if (params.panic_window > params.stable_window) throw std::invalid_argument("panic_window_s is above stable_window_s");
    if (stable_samples_ > 100'000) throw std::invalid_argument("sample_s: a stable window of more than 100000 samples");
    samples_.resize(stable_samples_ * groups_.size());
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.interval; }

  Time round(ClusterView view) override {
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupId g{k};
      const GroupWindows::Window window = windows_.end(view, g);
      double value = 0;
      if (params_.metric == Metric::concurrency)
        value = concurrency(view, g);
      else if (window.length > Duration{})
        value = static_cast<double>(window.sent) / to_seconds(window.length);
      else
        continue;  // nothing new is known of its site
      samples_[k * stable_samples_ + groups_[k].samples++ % stable_samples_] = value;
    }
    return view.now() + params_.sample;
  }

  void plan(ClusterView view, Plan& plan) override {
    plan.wishes.reserve(groups_.size());
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupId g{k};
      const GroupRow& row = view.group(g);
      State& s = groups_[k];
      const std::uint32_t have = instances_in_use(row);
      if (have == 0) {
        recent_.forget(g);
        s.known = s.panics = false;
        s.unused_since = never;
        continue;
      }
      if (s.samples == 0) continue;
      Reason reason = stable;
      std::uint32_t n = wanted(s, k, row.warm(), view.now(), reason);
      n = std::clamp(n, params_.min, params_.max);
      recent_.note(g, n, view.now());
      if (const std::uint32_t most = recent_.most(g, n, params_.scale_down_delay, view.now()); most != n) {
        n = most;
        reason = down_delayed;
      }
      if (n > 0) {
        s.unused_since = never;
      } else {
        if (s.unused_since == never) s.unused_since = view.now();
        if (view.now() - s.unused_since < params_.scale_to_zero_grace) {
          n = 1;
          reason = grace;
        }
      }
      plan.wishes.push_back({g, n, reason});
    }
  }

 private:
  enum : Reason { stable, panic, grace, down_delayed };
  static constexpr std::array<std::string_view, 4> names{"stable", "panic", "grace", "down_delayed"};

  struct State {
    std::size_t samples = 0;
    bool known = false;   // it has been planned for since it had none
    bool panics = false;  // since the last time that the short window asked for so many:
    Time panicked{};
    std::uint32_t most = 0;  // wanted in this panic
    Time unused_since = never;
  };

  std::size_t samples(Duration window) const {
    return static_cast<std::size_t>(std::max<std::int64_t>(1, (window + params_.sample - Duration{1}) / params_.sample));
  }

  static double concurrency(ClusterView view, GroupId g) {
    const GroupRow& row = view.group(g);
    double sum = row.waiting;
    for (const InstanceId i : row.members) sum += view.instance(i).load;
    return sum;
  }

  /// Of the last samples, as many as there are.
  double average(std::size_t group, std::size_t count) const {
    const std::size_t all = groups_[group].samples, n = std::min(count, all);
    double sum = 0;
    for (std::size_t k = all - n; k < all; ++k) sum += samples_[group * stable_samples_ + k % stable_samples_];
    return sum / static_cast<double>(n);
  }

  std::uint32_t wanted(State& s, std::size_t group, std::uint32_t warm, Time now, Reason& reason) const {
    const double ready = std::max(warm, 1U);
    // A hair less, so that rounding does not add an instance.
    const double by_stable = std::ceil(average(group, stable_samples_) / target_ - 1e-9);
    const double by_panic = std::ceil(average(group, panic_samples_) / target_ - 1e-9);
    const double least = std::floor(ready / params_.max_down_rate), most = std::ceil(ready * params_.max_up_rate);
    if (!s.known && warm > 1) {
      s.panics = true;
      s.panicked = now;
      s.most = warm;
    }
    s.known = true;
    if (by_panic / ready >= params_.panic_threshold) {
      if (!s.panics) s.most = 0;
      s.panics = true;
      s.panicked = now;
    } else if (s.panics && now - s.panicked > params_.stable_window) {
      s.panics = false;
    }
    const auto n = static_cast<std::uint32_t>(std::min(std::clamp(by_stable, least, most), 1e6));
    if (!s.panics) return n;
    reason = panic;
    s.most = std::max({s.most, n, static_cast<std::uint32_t>(std::min(std::clamp(by_panic, least, most), 1e6))});
    return s.most;
  }

  Params params_;
  double target_;  // of an instance
  std::size_t stable_samples_, panic_samples_;
  GroupWindows windows_;
  RecentWishes recent_;
  std::vector<State> groups_;
  std::vector<double> samples_;  // a ring for each group
};

}  // namespace

PolicyDefinition knative_kpa() {
  return define<KnativeKpa>(
      "knative_kpa", "Scales by concurrency over a stable window, and a short one in a panic, as Knative does.",
      {Provenance::our_reading, R"(Knative documentation, "Additional autoscaling configuration for Knative Pod Autoscaler")"});
}

}  // namespace tideline
