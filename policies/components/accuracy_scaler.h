// Proteus's resource manager as a policy: plans what is loaded by demand. How it solves is its heirs' business.
#pragma once

#include "policies/components/accuracy_plan.h"
#include "policies/components/routed_planner.h"
#include "sim/core/param.h"

#include <cstdint>
#include <vector>

namespace tideline {

struct AccuracyScalerParams : RoutedPlannerParams {
  double first_target = 1, target_step = 0.05, least_target = 0.2;
  double slo_share = 0.5;
  bool relative = true, use_spare = true;

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
/// Carried out as any RoutedPlanner's.
/// Our reading. A type of device is a hardware type at a site. A variant may serve a class that it is a candidate of if a batch of one takes
/// at most `slo_share` of what the way leaves of the SLO, for the farthest site that the class's queries came from; its rate is that of the
/// largest such batch, for the class that leaves least. A device that is cut into slices, or shared, holds one variant, as often as it fits.
/// What is loaded stays where the new plan is not better by more than `keep_gap`. Demand is averaged by class, begins with the first
/// hour's rates spread evenly over a task's classes, and is the last count where that is what brought the plan forward.
class AccuracyScaler : public RoutedPlanner {
 public:
  AccuracyScaler(const AccuracyScalerParams& params, const Setup& setup);

  Needs needs() const final { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }

  /// The last plan, and the problem that it solves.
  const AccuracyPlan& last_plan() const { return planned_; }
  const AccuracyProblem& last_problem() const { return problem_; }

 protected:
  AccuracyTargets targets() const { return {params_.first_target, params_.target_step, params_.least_target}; }
  virtual AccuracyPlan solve(const AccuracyProblem& problem) const = 0;

 private:
  static constexpr double keep_gap = 1e-3;

  void decide(ClusterView view, bool by_last_count) final;
  void make_problem(ClusterView view, bool by_last_count);
  void add_task(TaskId t, ClusterView view);

  AccuracyScalerParams params_;

  // The last plan.
  AccuracyProblem problem_;
  AccuracyPlan planned_;
  std::vector<GroupId> groups_;            // by option
  std::vector<std::uint32_t> per_device_;  // by option
  std::vector<ClassId> classes_;           // by demand
};

}  // namespace tideline
