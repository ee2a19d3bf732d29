#include "policies/components/routed_planner.h"

namespace tideline {

RoutedPlanner::RoutedPlanner(const RoutedPlannerParams& params, const Setup& setup, Shares shares)
    : world_(*setup.world),
      demand_(setup, params.weight),
      capacity_(world_.catalog().tasks.size()),
      wishes_(world_.groups().size()),
      batches_(world_.groups().size()),
      next_routes_(world_.classes().size() * (shares == Shares::by_class ? 1 : world_.site_count())),
      routing_(params),
      sites_(shares == Shares::by_class ? 1 : world_.site_count()),
      stream_(setup.stream),
      fastest_(world_.classes().size()),
      routes_(next_routes_),
      there_(world_) {
  for (std::size_t c = 0; c < fastest_.size(); ++c) {
    const auto candidates = world_.candidates(ClassId{c}, CandidateOrder::by_latency);
    if (!candidates.empty()) fastest_[c] = candidates.front();
  }
}

void RoutedPlanner::arrived(const QueryView& query, ClusterView) { demand_.arrived(query); }

Selection RoutedPlanner::select(const QueryView& query, ClusterView view) {
  if (view.now() >= effective_) route();
  const ClassId c = query.class_id(), key = route_key(c, query.origin());
  // Where a group has nothing, not even on its way, its share goes to the others.
  const auto is_there = [&](GroupId g, VariantId) { return view.warm(g) + view.starting(g) > 0; };
  if (const GroupId g = routes_.draw(key, stream_, is_there)) return Selection::one(world_[g].variant, planned);
  if (const GroupId g = routes_.draw(key, stream_, [](GroupId, VariantId) { return true; }))
    return Selection::one(world_[g].variant, all_absent);
  return fastest_[c.index()] ? Selection::one(fastest_[c.index()], not_planned) : Selection::reject(not_planned);
}

Dispatch RoutedPlanner::place(const QueryView& query, VariantId variant, ClusterView view) {
  const auto is_there = [&](GroupId g, VariantId) { return view.warm(g) + view.starting(g) > 0; };
  if (const GroupId g = routes_.draw(route_key(query.class_id(), query.origin()), variant, stream_, is_there))
    if (const InstanceId i = draw_instance(view, g, stream_, !routing_.to_loading)) return Dispatch::to(i, planned);
  for (const GroupId g : view.groups_of(variant, query.origin()))
    if (const InstanceId i = draw_instance(view, g, stream_, true)) return Dispatch::to(i, not_planned);
  return Dispatch::hold(all_absent);
}

HeldAnswer RoutedPlanner::on_held(const QueryView& query, VariantId variant, std::uint32_t starting, ClusterView) {
  // What is planned starts by the plan, as soon as its device is free.
  for (const auto& r : routes_.of(route_key(query.class_id(), query.origin())))
    if (r.variant == variant && r.weight > 0) return {0, planned};
  return {starting == 0 ? 1U : 0U, not_planned};
}

Placement RoutedPlanner::choose(VariantId variant, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                                ClusterView view) {
  // The plan counts whole devices, so an instance goes to one that holds nothing that stays, or else to one with its own kind.
  const auto& all = fits.empty() ? after_eviction : fits;
  there_.clear();
  for (std::size_t g = 0; g < world_.groups().size(); ++g)
    for (const InstanceId i : view.group(GroupId{g}).members) {
      const InstanceRow& row = view.instance(i);
      if (row.phase != Phase::draining && world_[GroupId{g}].variant != variant) there_.add_to(row.device, 1000);
      if (row.phase != Phase::draining && world_[GroupId{g}].variant == variant) there_.add_to(row.device, 1);
    }
  DeviceId best;
  for (const DeviceId d : all)
    if (!best || there_[d] < there_[best]) best = d;
  return {best, fits.empty() ? to_evict : nearest_fit};
}

void RoutedPlanner::plan(ClusterView view, Plan& plan) {
  if (view.now() >= effective_) route();
  any_count_ = demand_.end_window(view.now()) || any_count_;
  const auto put = [&] {
    // A plan that is to hold later than the next count is told then: only one is under way at a time.
    if (effective_ == never || is_told_ || effective_ - view.now() >= routing_.count) return;
    write(view, plan);
    plan.takes_effect = effective_ - view.now();
    is_told_ = true;
    if (plan.takes_effect == Duration{}) route();
  };
  put();
  const Duration since = view.now() - decided_;
  const bool is_due = !any_plan_ || since >= routing_.interval;
  const bool is_short = any_plan_ && since >= routing_.least_pause && exceeds_plan();
  if (effective_ == never && (is_due || is_short)) {
    decide(view, is_short && !is_due);
    decided_ = view.now();
    any_plan_ = true;
    plan.solution = solution_;
    // Before the run, and where it takes no time, it holds from now on.
    effective_ = any_count_ ? view.now() + routing_.solve : view.now();
    is_told_ = false;
    put();
  }
}

bool RoutedPlanner::exceeds_plan() const {
  std::vector<double> asked(capacity_.size());
  for (std::size_t c = 0; c < demand_.classes(); ++c) asked[world_[ClassId{c}].task.index()] += demand_.last(ClassId{c});
  for (std::size_t t = 0; t < asked.size(); ++t)
    if (asked[t] > capacity_[t]) return true;
  return false;
}

void RoutedPlanner::route() {
  std::swap(routes_, next_routes_);
  effective_ = never;
}

void RoutedPlanner::write(ClusterView view, Plan& plan) {
  for (std::size_t k = 0; k < wishes_.size(); ++k) {
    const GroupRow& row = view.group(GroupId{k});
    if (wishes_[k] > 0 || row.wish > 0 || row.warm() + row.starting() > 0)
      plan.wishes.push_back({GroupId{k}, wishes_[k], wishes_[k] > 0 ? why_ : Reason{not_planned}});
    if (wishes_[k] > 0 && batches_[k] > 0 && row.batch_cap != batches_[k]) plan.batch_caps.push_back({GroupId{k}, batches_[k]});
  }
}

}  // namespace tideline
