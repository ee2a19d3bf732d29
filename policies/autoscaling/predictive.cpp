#include "policies/builtin.h"
#include "policies/components/forecast_params.h"
#include "policies/components/group_windows.h"
#include "policies/components/latency.h"
#include "policies/components/planned_rate.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// Scales each group to what is forecast to be sent to it: predictive scaling.
/// Source: the common form of forecasts before decisions, as in MArk (Zhang et al., ATC 2019), and in predictive scaling of cloud
/// providers; the forecasters are cited in components/forecasters.h.
///
/// It wants ceil(f (1 + safety) / (utilization x rate of an instance)), where f is the largest forecast of visits per second of the
/// windows that begin within the horizon: by default one window and the first load of the variant, since what is ordered now is warm only
/// then. A group that was never used is left alone.
class Predictive final : public AutoscalingPolicy {
 public:
  struct Params : ForecastParams {
    std::optional<Duration> horizon;
    double safety = 0;
    double utilization = 0.8;
    std::optional<std::uint32_t> batch_size;
    double slo_share = 0.5;
    double least_rate_qps = 1e-3;
    std::uint32_t min = 0, max = 1'000'000;
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_forecast(),
          param::fields(
              param::field("horizon_s", &Params::horizon, "How far ahead is looked; none: a window and the variant's first load.",
                           {0, 86400}),
              param::field("safety", &Params::safety, "Share by which more is expected than forecast.", {0, 100}),
              param::field("utilization", &Params::utilization, "Share of its rate up to which an instance is filled.", {0.01, 1}),
              param::field("batch_size", &Params::batch_size, "Items of the batches that it is counted to run; none: by `slo_share`.",
                           {1, 1e6}),
              param::field("slo_share", &Params::slo_share, "Share of the least SLO that the batches counted on may take.", {0, 1}),
              param::field("least_rate_qps", &Params::least_rate_qps, "Rate below which nothing is expected.", {0, 1e6}),
              param::field("min", &Params::min, "Least instances of a group that was used.", {0, 1e6}),
              param::field("max", &Params::max, "Most instances of a group.", {1, 1e6})));
    }
  };

  /// Throws std::invalid_argument where bounds cross or a season is no whole number of windows.
  Predictive(const Params& params, const Setup& setup) : params_(params), windows_(*setup.world), used_(setup.world->groups().size()) {
    if (params.min > params.max) throw std::invalid_argument("min is above max");
    const ForecastSettings settings = params.settings();
    for (std::size_t k = 0; k < used_.size(); ++k) forecasters_.push_back(make_forecaster(settings));
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return params_.interval; }

  void plan(ClusterView view, Plan& plan) override {
    plan.wishes.reserve(used_.size());
    for (std::size_t k = 0; k < used_.size(); ++k) {
      const GroupId g{k};
      const GroupWindows::Window window = windows_.end(view, g);
      if (window.length <= Duration{}) continue;
      if (window.sent > 0) used_[k] = 1;
      if (used_[k] == 0) continue;
      Forecaster& forecaster = *forecasters_[k];
      forecaster.add(window.sent_items / to_seconds(window.length));
      plan.wishes.push_back(wish(g, forecaster, view));
    }
  }

 private:
  enum : Reason { forecast, at_bound };
  static constexpr std::array<std::string_view, 2> names{"forecast", "at_bound"};

  Plan::Wish wish(GroupId g, const Forecaster& forecaster, ClusterView view) const {
    const GroupRow& row = view.group(g);
    const VariantId v = view.world()[g].variant;
    const Duration horizon = params_.horizon.value_or(params_.interval + first_load_time(view.world(), v));
    const double expected = params_.most(forecaster, horizon) * (1 + params_.safety);
    const double rate =
        params_.utilization * planned_rate(view.world(), v, row.option, row.batch_cap, params_.batch_size, params_.slo_share);
    // A hair less, so that rounding does not add an instance.
    const double needed = expected < params_.least_rate_qps ? 0 : std::min(std::ceil(expected / rate - 1e-9), 1e6);
    const auto n = static_cast<std::uint32_t>(std::max(needed, 0.0)), bounded = std::clamp(n, params_.min, params_.max);
    return {g, bounded, bounded == n ? forecast : at_bound};
  }

  Params params_;
  GroupWindows windows_;
  std::vector<char> used_;  // by group: something was sent to it
  std::vector<std::unique_ptr<Forecaster>> forecasters_;
};

}  // namespace

PolicyDefinition predictive() {
  return define<Predictive>(
      "predictive", "Scales to what is forecast to be sent to each group.",
      {Provenance::textbook,
       R"(Zhang et al., "MArk: exploiting cloud services for cost-effective, SLO-aware machine learning inference serving", USENIX ATC 2019)"});
}

}  // namespace tideline
