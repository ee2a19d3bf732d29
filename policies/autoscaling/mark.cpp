#include "policies/builtin.h"
#include "policies/components/batch_size.h"
#include "policies/components/class_demand.h"
#include "policies/components/forecast_params.h"
#include "policies/components/group_windows.h"
#include "policies/components/horizon_plan.h"
#include "policies/components/latency.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

namespace tideline {

namespace {

/// MArk's provisioning: for what is forecast of each task, the types of instances that are cheapest over the steps ahead, and between plans
/// more of the cheapest where less is there than comes (policy A8).
/// Source: Zhang et al., USENIX ATC 2019 (components/horizon_plan.h). Forecasts are those of components/forecasters.h in the place of its
/// neural network.
///
/// Our reading. Types are the groups of a task that every class of it with demand may use; an instance takes the rate of the largest batch
/// within `slo_share` of what the way leaves of the least SLO. Starting one costs its price over its first load. Serverless functions, which
/// take the load while machines boot in the source, do not exist here: until then queries wait.
class Mark final : public AutoscalingPolicy, public Observer {
 public:
  struct Params : ForecastParams {
    std::uint32_t steps = 3;
    Duration reaction = 5s;
    double reaction_share = 0.1, slo_share = 0.5, utilization = 1;
    static constexpr auto declare() {
      return std::tuple_cat(
          declare_forecast(),
          param::fields(
              param::field("steps", &Params::steps, "Forecasts that a plan looks ahead.", {1, 1000}),
              param::field("reaction_s", &Params::reaction, "Time between two looks at what is missing now.", {0.001, 86400}),
              param::field("reaction_share", &Params::reaction_share, "Of the instances that are missing, how many are added at each look.",
                           {0, 1}),
              param::field("slo_share", &Params::slo_share, "Share of the SLO that the batches counted on may take.", {0, 1}),
              param::field("utilization", &Params::utilization, "Share of its rate up to which an instance is filled.", {0.01, 1})));
    }
  };

  /// Throws std::invalid_argument where a season is no whole number of windows.
  Mark(const Params& params, const Setup& setup)
      : params_(params), world_(*setup.world), demand_(setup, 1), tasks_(world_.catalog().tasks.size()) {
    for (std::size_t t = 0; t < tasks_.size(); ++t) tasks_[t].forecaster = make_forecaster(params.settings());
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const override { return params_.reaction; }
  void arrived(const QueryView& query, ClusterView) override { demand_.arrived(query); }

  void plan(ClusterView view, Plan& plan) override {
    const bool is_counted = demand_.end_window(view.now());
    for (Task& t : tasks_) t.last = 0;
    for (std::size_t c = 0; c < demand_.classes(); ++c) {
      Task& t = tasks_[world_[ClassId{c}].task.index()];
      // Before anything was counted: the first hour's rates.
      const double rate = is_counted ? demand_.last(ClassId{c}) : demand_.average(ClassId{c});
      t.last += rate;
    }
    for (Task& t : tasks_) t.sum += t.last, ++t.counts;
    const bool is_due = !is_counted || view.now() - planned_ >= params_.interval;
    if (is_due) planned_ = view.now();
    count_devices(world_, view, devices_);
    for (std::size_t k = 0; k < world_.groups().size(); ++k) take_devices(GroupId{k}, instances_in_use(view.group(GroupId{k})), view);
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      if (is_due) {
        tasks_[t].forecaster->add(tasks_[t].sum / tasks_[t].counts);
        tasks_[t].sum = 0;
        tasks_[t].counts = 0;
        tasks_[t].is_known = tasks_[t].is_known || tasks_[t].forecaster->forecast(1) > 0;
      }
      if (tasks_[t].is_known || tasks_[t].last > 0) plan_task(TaskId{t}, is_due, view, plan);
    }
  }

 private:
  enum : Reason { planned, reacted };
  static constexpr std::array<std::string_view, 2> names{"planned", "reacted"};

  struct Task {
    std::unique_ptr<Forecaster> forecaster;
    double last = 0;  ///< items per second of the last look
    double sum = 0;   ///< of the looks of this step
    std::uint32_t counts = 0;
    bool is_known = false;  ///< it was forecast to have demand
  };

  std::uint32_t& devices_of(GroupId g) {
    return devices_[world_[g].site.index() * world_.catalog().hardware.size() + world_[world_[g].variant].hardware.index()];
  }
  void take_devices(GroupId g, std::uint32_t instances, ClusterView view) {
    const std::uint32_t each = std::max(instances_per_device(world_, g, view), 1U), taken = (instances + each - 1) / each;
    devices_of(g) -= std::min(devices_of(g), taken);
  }

  void find_options(TaskId t, ClusterView view) {
    options_.clear();
    groups_.clear();
    for (const VariantId v : world_.catalog()[t].variants)
      for (std::size_t s = 0; s < world_.site_count(); ++s) {
        const GroupId g = world_.group(v, SiteId{s});
        const std::uint32_t each = g ? instances_per_device(world_, g, view) : 0;
        if (each == 0) continue;
        Duration most = forever;
        bool serves = true;
        for (std::size_t c = 0; c < demand_.classes() && serves; ++c) {
          if (world_[ClassId{c}].task != t || (demand_.average(ClassId{c}) <= 0 && demand_.last(ClassId{c}) <= 0)) continue;
          const Duration left = demand_.left_of_slo(ClassId{c}, SiteId{s});
          serves = world_.is_candidate(ClassId{c}, v);
          if (left != forever) most = std::min(most, from_seconds(params_.slo_share * to_seconds(left)));
        }
        const GroupRow& row = view.group(g);
        const Profile& profile = world_[v].profile;
        if (!serves || profile.latency(1, row.option) > most) continue;
        const std::uint32_t items = largest_within(profile, row.option, std::max(row.batch_cap, 1U), most);
        const double price = world_.hardware_price_per_s(world_[v].hardware) / each;
        const std::uint32_t have = instances_in_use(row);
        options_.push_back({params_.utilization * items / std::max(to_seconds(profile.latency(items, row.option)), 1e-9), price,
                            price * to_seconds(first_load_time(world_, v)), have, have + devices_of(g) * each});
        groups_.push_back(g);
      }
  }

  void plan_task(TaskId t, bool is_due, ClusterView view, Plan& plan) {
    find_options(t, view);
    if (options_.empty()) return;
    const Task& task = tasks_[t.index()];
    std::vector<std::uint32_t> n;
    if (is_due) {
      std::vector<double> forecast{std::max(task.last, 0.0)};
      for (std::size_t k = 1; k <= params_.steps; ++k) forecast.push_back(std::max(task.forecaster->forecast(k), 0.0));
      n = plan_horizon(options_, forecast, to_seconds(params_.interval));
    } else {
      double missing = task.last;
      for (const HorizonOption& o : options_) missing -= o.have * o.rate;
      if (missing <= 1e-9) return;
      std::size_t best = options_.size();
      for (std::size_t k = 0; k < options_.size(); ++k)
        if (options_[k].have < options_[k].most &&
            (best == options_.size() || options_[k].price * options_[best].rate < options_[best].price * options_[k].rate))
          best = k;
      if (best == options_.size()) return;
      for (const HorizonOption& o : options_) n.push_back(o.have);
      const double more = std::ceil(params_.reaction_share * missing / options_[best].rate - 1e-9);
      n[best] = static_cast<std::uint32_t>(std::min<double>(options_[best].most, n[best] + more));
    }
    for (std::size_t k = 0; k < n.size(); ++k) {
      if (n[k] == options_[k].have && (n[k] == 0 || !is_due)) continue;
      if (n[k] > options_[k].have) take_devices(groups_[k], n[k] - options_[k].have, view);
      plan.wishes.push_back({groups_[k], n[k], is_due ? planned : reacted});
    }
  }

  Params params_;
  const World& world_;
  ClassDemand demand_;
  std::vector<Task> tasks_;
  std::vector<std::uint32_t> devices_;  // that hold nothing, by site and hardware type
  std::vector<HorizonOption> options_;  // of a task
  std::vector<GroupId> groups_;         // by option
  Time planned_{};
};

}  // namespace

PolicyDefinition mark() {
  return define<Mark>(
      "mark", "Holds the types of instances that are cheapest for what is forecast; reacts to what is missing.",
      {Provenance::our_reading,
       R"(Zhang et al., "MArk: exploiting cloud services for cost-effective, SLO-aware machine learning inference serving", USENIX ATC 2019)"});
}

}  // namespace tideline
