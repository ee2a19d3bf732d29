// Proteus's resource manager as a policy: plans what is loaded by demand, and routes by the plan. How it solves is its heirs' business.
#pragma once

#include "policies/components/accuracy_plan.h"
#include "policies/components/class_demand.h"
#include "policies/components/instance_counts.h"
#include "policies/components/weighted_routes.h"
#include "sim/core/param.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tideline {

struct AccuracyScalerParams {
  Duration interval = 30s, count = 1s, least_pause = 5s;
  double weight = 0.3;
  double first_target = 1, target_step = 0.05, least_target = 0.2;
  double slo_share = 0.5;
  bool relative = true, use_spare = true, to_loading = true;
  Duration solve{};

  template <class P>
  static constexpr auto declare_shared() {
    return param::fields(
        param::field("interval_s", &P::interval, "Time between two plans.", {0.001, 86400}),
        param::field("count_s", &P::count, "Time over which arrivals are counted.", {0.001, 3600}),
        param::field("least_pause_s", &P::least_pause, "Least time between two plans where more arrives than is planned for.",
                     {0.001, 86400}),
        param::field("weight", &P::weight, "Of the last count in the average that is planned for.", {1e-6, 1}),
        param::field("first_target", &P::first_target, "Share of the demand that is planned for; 1.05 in the released code.", {0.01, 10}),
        param::field("target_step", &P::target_step, "By how much less is planned for where that cannot be met.", {0.001, 1}),
        param::field("least_target", &P::least_target, "Least share that is tried.", {0, 10}),
        param::field("slo_share", &P::slo_share, "Share of the SLO that a batch may take: who just misses one waits for all of it.",
                     {0, 1}),
        param::field("relative", &P::relative, "Accuracy counts over the best of its task."),
        param::field("use_spare", &P::use_spare, "Devices that the plan leaves empty take more of what is filled most."),
        param::field("to_loading", &P::to_loading, "A query may be sent to an instance that is loading while others are warm."),
        param::field("solve_s", &P::solve, "Time until a plan takes effect.", {0, 3600}));
  }
};

/// Chooses what each device holds and what share of each class goes where, from the demand, away from the path of queries; the selection and
/// dispatch of a query are two draws by these shares.
/// Source: Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024,
/// doi:10.1145/3617232.3624849, and its released code. As published but for what follows.
///
/// Our reading. A type of device is a hardware type at a site. A variant may serve a class that it is a candidate of if a batch of one takes
/// at most `slo_share` of what the way leaves of the SLO, for the farthest site that the class's queries came from; its rate is that of the
/// largest such batch, for the class that leaves least. A device that is cut into slices, or shared, holds one variant, as often as it fits.
/// What is loaded stays where the new plan is not better by more than `keep_gap`. Demand is averaged by class, begins with the first
/// hour's rates spread evenly over a task's classes, and is the last count where that is what brought the plan forward. A class that has
/// no place in the plan goes to its fastest candidate, which is then loaded on demand.
///
/// It is meant for control by one controller, which all devices obey.
class AccuracyScaler : public SelectionPolicy, public DispatchPolicy, public AutoscalingPolicy, public PlacementPolicy, public Observer {
 public:
  AccuracyScaler(const AccuracyScalerParams& params, const Setup& setup);

  Needs needs() const final { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const final { return names; }
  Facts facts() const final { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const final { return params_.count; }

  void arrived(const QueryView& query, ClusterView view) final;
  Selection select(const QueryView& query, ClusterView view) final;
  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) final;
  void plan(ClusterView view, Plan& plan) final;
  HeldAnswer on_held(const QueryView& query, VariantId variant, std::uint32_t starting, ClusterView view) final;
  Placement choose(VariantId variant, std::int64_t memory_bytes, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) final;

  /// The last plan, and the problem that it solves.
  const AccuracyPlan& last_plan() const { return planned_; }
  const AccuracyProblem& last_problem() const { return problem_; }

 protected:
  AccuracyTargets targets() const { return {params_.first_target, params_.target_step, params_.least_target}; }
  virtual AccuracyPlan solve(const AccuracyProblem& problem) const = 0;

 private:
  enum : Reason { planned, kept, in_part, not_planned, all_absent, nearest_fit, to_evict };
  static constexpr std::array<std::string_view, 7> names{"planned", "kept", "in_part", "not_planned", "all_absent", "emptiest", "to_evict"};
  static constexpr double keep_gap = 1e-3;

  bool exceeds_plan() const;
  void make_problem(ClusterView view, bool by_last_count);
  void add_task(TaskId t, ClusterView view);
  void decide(ClusterView view, bool by_last_count);
  void route();
  void write(ClusterView view, Plan& plan);

  AccuracyScalerParams params_;
  const World& world_;
  Stream stream_;
  ClassDemand demand_;
  std::vector<VariantId> fastest_;  // by class
  Time decided_{};
  bool any_count_ = false, any_plan_ = false;

  // The last plan.
  AccuracyProblem problem_;
  AccuracyPlan planned_;
  std::vector<GroupId> groups_;            // by option
  std::vector<std::uint32_t> per_device_;  // by option
  std::vector<ClassId> classes_;           // by demand
  std::vector<double> capacity_;           // by task
  std::vector<std::uint32_t> wishes_;      // by group
  Reason why_ = planned;
  PlanSolution solution_;
  Time effective_ = never;  // when it begins to hold; `never`: it holds
  bool is_told_ = false;    // it was answered to a round
  WeightedRoutes routes_, next_routes_;
  InstanceCounts there_;
};

}  // namespace tideline
