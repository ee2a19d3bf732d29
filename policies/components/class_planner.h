// Planners that decide for one class after the other: what they have in common. How they search is their heirs' business.
#pragma once

#include "policies/components/class_demand.h"
#include "policies/components/variant_plan.h"
#include "sim/core/param.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tideline {

struct ClassPlannerParams {
  Duration interval = 30s;
  double weight = 0.3, headroom = 0, utilization = 0.8, percentile = 0.99;
  std::uint32_t max_batch = 64;
  Duration solve{};

  template <class P>
  static constexpr auto declare_shared() {
    return param::fields(
        param::field("interval_s", &P::interval, "Time between two plans.", {0.001, 86400}),
        param::field("weight", &P::weight, "Of the last interval's rate in the average that is planned for.", {1e-6, 1}),
        param::field("headroom", &P::headroom, "Share by which more is planned for.", {0, 100}),
        param::field("utilization", &P::utilization, "Share of its rate up to which an instance is filled.", {0.01, 0.999}),
        param::field("percentile", &P::percentile, "Of the planned latencies, that has to be within the SLO; 0: their mean.",
                     {0, 0.999999}),
        param::field("max_batch_size", &P::max_batch, "Items of the largest batch.", {1, 1'000'000}),
        param::field("solve_s", &P::solve, "Time until a plan takes effect; below the interval.", {0, 3600}));
  }
};

/// Plans variant, hardware, batch and number of instances of each class, in order of falling rate on the devices that are left; queries go
/// to the variant that is planned for their class.
///
/// A plan keeps a percentile of its latencies within the SLO; where none does, their mean. Classes that chose one group share its instances
/// and the smaller of their batches. A class that nothing meets, or that has no demand yet, goes to its fastest candidate, which is loaded
/// on demand.
class ClassPlanner : public SelectionPolicy, public AutoscalingPolicy, public Observer {
 public:
  /// Throws std::invalid_argument where a plan would take effect after the next.
  ClassPlanner(const ClassPlannerParams& params, const Setup& setup);

  Needs needs() const final { return {.indexes = {}, .writes = {.wish = true, .batch_caps = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const final { return names; }
  Facts facts() const final { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const final { return params_.interval; }
  void arrived(const QueryView& query, ClusterView) final { demand_.arrived(query); }
  Selection select(const QueryView& query, ClusterView view) final;
  void plan(ClusterView view, Plan& plan) final;

 protected:
  /// The plan of a class: these could serve it. `percentile` 0: the mean.
  virtual VariantPlan solve(std::span<const VariantOption> options, double rate, double percentile) = 0;

 private:
  enum : Reason { planned, not_planned };
  static constexpr std::array<std::string_view, 2> names{"planned", "not_planned"};

  std::uint32_t& left(GroupId g) {
    return left_[world_[g].site.index() * world_.catalog().hardware.size() + world_[world_[g].variant].hardware.index()];
  }
  void plan_class(ClassId c, ClusterView view);

  ClassPlannerParams params_;
  const World& world_;
  ClassDemand demand_;
  std::vector<VariantId> chosen_, next_;  // by class
  std::vector<double> needed_;            // by group: instances
  std::vector<std::uint32_t> batch_;      // by group: the smallest of its classes
  std::vector<std::uint32_t> left_;       // devices, by site and hardware type
  Time effective_ = never;                // when `next_` begins to hold
  std::vector<VariantOption> options_;
  std::vector<GroupId> groups_;  // by option
};

}  // namespace tideline
