#include "policies/components/class_planner.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tideline {

namespace {

std::uint32_t whole(double x) { return static_cast<std::uint32_t>(std::clamp(std::ceil(x - 1e-9), 0.0, 1e6)); }

}  // namespace

ClassPlanner::ClassPlanner(const ClassPlannerParams& params, const Setup& setup)
    : params_(params),
      world_(*setup.world),
      demand_(setup, params.weight),
      chosen_(world_.classes().size()),
      next_(world_.classes().size()),
      needed_(world_.groups().size()),
      batch_(world_.groups().size()) {
  if (params.solve >= params.interval) throw std::invalid_argument("solve_s is not below interval_s");
  for (std::size_t c = 0; c < chosen_.size(); ++c) {
    const auto candidates = world_.candidates(ClassId{c}, CandidateOrder::by_latency);
    if (!candidates.empty()) chosen_[c] = next_[c] = candidates.front();
  }
}

Selection ClassPlanner::select(const QueryView& query, ClusterView view) {
  if (view.now() >= effective_) {
    std::swap(chosen_, next_);
    effective_ = never;
  }
  const VariantId v = chosen_[query.class_id().index()];
  return v ? Selection::one(v, planned) : Selection::reject(not_planned);
}

void ClassPlanner::plan(ClusterView view, Plan& plan) {
  const bool is_counted = demand_.end_window(view.now());
  count_devices(world_, view, left_);
  std::fill(needed_.begin(), needed_.end(), 0.0);
  std::fill(batch_.begin(), batch_.end(), 0U);
  std::vector<ClassId> order;
  for (std::size_t c = 0; c < demand_.classes(); ++c) order.emplace_back(c);
  std::stable_sort(order.begin(), order.end(), [&](ClassId a, ClassId b) { return demand_.average(a) > demand_.average(b); });
  for (const ClassId c : order) plan_class(c, view);
  for (std::size_t k = 0; k < needed_.size(); ++k) {
    const GroupRow& row = view.group(GroupId{k});
    if (needed_[k] > 0) {
      plan.wishes.push_back({GroupId{k}, whole(needed_[k]), planned});
      if (row.batch_cap != batch_[k]) plan.batch_caps.push_back({GroupId{k}, batch_[k]});
    } else if (row.wish > 0 || row.warm() + row.starting() > 0) {
      plan.wishes.push_back({GroupId{k}, 0, not_planned});
    }
  }
  plan.takes_effect = is_counted ? params_.solve : Duration{};
  effective_ = view.now() + plan.takes_effect;
}

void ClassPlanner::plan_class(ClassId c, ClusterView view) {
  const auto candidates = world_.candidates(c, CandidateOrder::by_latency);
  next_[c.index()] = candidates.empty() ? VariantId{} : candidates.front();
  const double rate = demand_.average(c);
  if (rate <= 1e-9) return;
  options_.clear();
  groups_.clear();
  for (const VariantId v : candidates)
    for (std::size_t s = 0; s < world_.site_count(); ++s) {
      const GroupId g = world_.group(v, SiteId{s});
      if (!g) continue;
      const std::uint32_t each = instances_per_device(world_, g, view);
      const std::uint32_t most = std::min(params_.max_batch, world_[v].profile.max_items());
      // Instances that are planned already may have room left.
      const auto spare = static_cast<std::uint32_t>(whole(needed_[g.index()]) - needed_[g.index()] > 0 ? 1 : 0);
      options_.push_back({{world_[v].profile.table(view.group(g).option), most + 1},
                          world_.hardware_price_per_s(world_[v].hardware) / std::max(each, 1U),
                          world_[v].accuracy,
                          demand_.left_of_slo(c, SiteId{s}),
                          left(g) * each + spare});
      groups_.push_back(g);
    }
  VariantPlan p = solve(options_, rate, params_.percentile);
  if (p.option == VariantPlan::none && params_.percentile > 0) p = solve(options_, rate, 0);
  if (p.option == VariantPlan::none) return;
  const GroupId g = groups_[p.option];
  const std::uint32_t each = std::max(instances_per_device(world_, g, view), 1U), before = (whole(needed_[g.index()]) + each - 1) / each;
  // The smaller batch takes more instances for both.
  std::uint32_t& batch = batch_[g.index()];
  const auto rate_of = [&](std::uint32_t b) { return b / std::max(to_seconds(options_[p.option].latency[b]), 1e-9); };
  const std::uint32_t smaller = batch == 0 ? p.batch : std::min(batch, p.batch);
  if (batch != 0) needed_[g.index()] *= rate_of(batch) / rate_of(smaller);
  needed_[g.index()] += p.needed * rate_of(p.batch) / rate_of(smaller);
  batch = smaller;
  // One instance is held for any demand at all.
  needed_[g.index()] = std::max(needed_[g.index()], 1e-6);
  const std::uint32_t after = (whole(needed_[g.index()]) + each - 1) / each;
  left(g) -= std::min(left(g), after - std::min(after, before));
  next_[c.index()] = world_[g].variant;
}

}  // namespace tideline
