// Planners that say what is held and what share of each class goes where: how their plans are carried out. What they plan is their heirs'
// business.
#pragma once

#include "policies/components/class_demand.h"
#include "policies/components/instance_counts.h"
#include "policies/components/weighted_routes.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tideline {

struct RoutedPlannerParams {
  Duration interval = 30s, count = 1s, least_pause = 5s;
  double weight = 0.3;
  bool to_loading = true;
  Duration solve{};
};

/// Plans away from the path of queries; the selection and dispatch of a query are two draws by the planned shares, of its class or of its
/// class at its site. A class that has no place in the plan goes to its fastest candidate, which is then loaded on demand.
///
/// It is meant for control by one controller, which all devices obey.
class RoutedPlanner : public SelectionPolicy, public DispatchPolicy, public AutoscalingPolicy, public PlacementPolicy, public Observer {
 public:
  std::span<const std::string_view> reasons() const final { return names; }
  Facts facts() const final { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const final { return routing_.count; }

  void arrived(const QueryView& query, ClusterView view) final;
  Selection select(const QueryView& query, ClusterView view) final;
  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) final;
  void plan(ClusterView view, Plan& plan) final;
  HeldAnswer on_held(const QueryView& query, VariantId variant, std::uint32_t starting, ClusterView view) final;
  Placement choose(VariantId variant, std::int64_t memory_bytes, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) final;

 protected:
  enum : Reason { planned, kept, in_part, not_planned, all_absent, nearest_fit, to_evict };
  enum class Shares : std::uint8_t { by_class, by_class_and_site };

  RoutedPlanner(const RoutedPlannerParams& params, const Setup& setup, Shares shares);

  /// Makes the plan that is to hold next: wishes_, batches_, next_routes_, capacity_, why_ and solution_.
  virtual void decide(ClusterView view, bool by_last_count) = 0;

  /// Where shares of a class, or of a class at a site, stand among the routes.
  ClassId route_key(ClassId c, SiteId origin) const { return sites_ == 1 ? c : ClassId{c.index() * sites_ + origin.index()}; }

  const World& world_;
  ClassDemand demand_;
  std::vector<double> capacity_;        // by task, items per second
  std::vector<std::uint32_t> wishes_;   // by group
  std::vector<std::uint32_t> batches_;  // by group: the largest; 0: as it is
  WeightedRoutes next_routes_;
  Reason why_ = planned;
  PlanSolution solution_;

 private:
  static constexpr std::array<std::string_view, 7> names{"planned", "kept", "in_part", "not_planned", "all_absent", "emptiest", "to_evict"};

  bool exceeds_plan() const;
  void route();
  void write(ClusterView view, Plan& plan);

  RoutedPlannerParams routing_;
  std::size_t sites_;  // that have routes of their own; 1: all have the same
  Stream stream_;
  std::vector<VariantId> fastest_;  // by class
  Time decided_{};
  bool any_count_ = false, any_plan_ = false;
  Time effective_ = never;  // when the plan begins to hold; `never`: it holds
  bool is_told_ = false;    // it was answered to a round
  WeightedRoutes routes_;
  InstanceCounts there_;
};

}  // namespace tideline
