#include "policies/builtin.h"
#include "policies/components/forecast_params.h"
#include "policies/components/group_windows.h"
#include "policies/components/keep_alive.h"
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

/// Loads and holds what will probably be asked for before it could be loaded on demand, as many instances as are expected to be busy at
/// once; the others have a short keep-alive.
/// Source: ours, of known parts; the forecasters are cited in components/forecasters.h.
///
/// With visits forecast at a rate r and a horizon T of the variant's first load and a margin, the chance of an arrival is 1 - exp(-r T), as
/// of a Poisson process. The threshold is a number or, given what a cold start costs, the cost of holding the instance for T (price of its
/// share of the memory) over that: it is held where the expected cost of a cold start is no less. Rates are of visits sent to the
/// variant at the site; one that was never used is not loaded.
class ForecastPrewarm final : public ColdstartPolicy {
 public:
  struct Params : ForecastParams {
    std::optional<Duration> margin;
    double threshold = 0.5;
    std::optional<double> cold_start_cost_usd;
    Duration keep_alive = 60s;
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_forecast(),
          param::fields(
              param::field("margin_s", &Params::margin, "Time that is looked ahead beyond the first load; none: one window.", {0, 86400}),
              param::field("threshold", &Params::threshold, "Chance of an arrival from which a variant is held.", {0, 1}),
              param::field("cold_start_cost_usd", &Params::cold_start_cost_usd,
                           "What a cold start costs, in US dollars: makes the threshold by what holding costs.", {1e-12, 1e6}),
              param::field("keep_alive_s", &Params::keep_alive, "Time from the end of the last execution until one not held is stopped.")));
    }
  };

  /// Throws std::invalid_argument where a season is no whole number of windows.
  ForecastPrewarm(const Params& params, const Setup& setup) : params_(params), windows_(*setup.world), rows_(setup.world->groups().size()) {
    const ForecastSettings settings = params.settings();
    for (Row& row : rows_) row.forecaster = make_forecaster(settings);
  }

  std::span<const std::string_view> reasons() const override { return names; }

  KeepAlive became_idle(InstanceId i, ClusterView view) override {
    const bool held = rows_[view.instance(i).group.index()].held > 0;
    return {keep_from_last_end(view, i, params_.keep_alive), forever, held ? expected : not_expected};
  }

  Time round(ClusterView view) override {
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      const GroupId g{k};
      Row& row = rows_[k];
      const GroupWindows::Window window = windows_.end(view, g);
      if (window.length <= Duration{}) continue;
      row.used = row.used || window.sent > 0;
      if (!row.used) continue;
      row.forecaster->add(window.sent_items / to_seconds(window.length));
      row.held = instances(g, *row.forecaster, view.world());
    }
    return view.now() + params_.interval;
  }

  void prewarm(ClusterView, std::vector<Prewarm>& start, std::vector<GroupId>& pin) override {
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      if (rows_[k].held == 0) continue;
      start.push_back({GroupId{k}, rows_[k].held});
      pin.emplace_back(k);
    }
  }

 private:
  enum : Reason { not_expected, expected };
  static constexpr std::array<std::string_view, 2> names{"not_expected", "expected"};

  struct Row {
    bool used = false;       // a visit was sent to it
    std::uint32_t held = 0;  // instances
    std::unique_ptr<Forecaster> forecaster;
  };

  std::uint32_t instances(GroupId g, const Forecaster& forecaster, const World& world) const {
    const VariantId v = world[g].variant;
    const Duration horizon = first_load_time(world, v) + params_.margin.value_or(params_.interval);
    const double rate = params_.most(forecaster, horizon), horizon_s = to_seconds(horizon);
    double threshold = params_.threshold;
    if (params_.cold_start_cost_usd) {
      const Hardware& hardware = world.catalog()[world[v].hardware];
      const double memory = static_cast<double>(world[v].memory_for(world[g].batch_cap)),
                   share = hardware.memory_bytes > 0 ? memory / static_cast<double>(hardware.memory_bytes) : 1;
      threshold = world.hardware_price_per_s(world[v].hardware) * share * horizon_s / *params_.cold_start_cost_usd;
    }
    if (rate <= 0 || -std::expm1(-rate * horizon_s) < threshold) return 0;
    return static_cast<std::uint32_t>(std::clamp(std::ceil(rate * to_seconds(world[v].profile.latency(1)) - 1e-9), 1.0, 1e6));
  }

  Params params_;
  GroupWindows windows_;
  std::vector<Row> rows_;  // by group
};

}  // namespace

PolicyDefinition forecast_prewarm() {
  return define<ForecastPrewarm>(
      "forecast_prewarm", "Holds loaded what will probably be asked for before it could be loaded.",
      {Provenance::ours,
       R"(Shahrad et al., "Serverless in the wild: characterizing and optimizing the serverless workload at a large cloud provider", USENIX ATC 2020, arXiv:2003.03423)"});
}

}  // namespace tideline
