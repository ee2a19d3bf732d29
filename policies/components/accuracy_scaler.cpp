#include "policies/components/accuracy_scaler.h"

#include "policies/components/batch_size.h"

#include <algorithm>

namespace tideline {

AccuracyScaler::AccuracyScaler(const AccuracyScalerParams& params, const Setup& setup)
    : RoutedPlanner(params, setup, Shares::by_class), params_(params) {}

void AccuracyScaler::make_problem(ClusterView view, bool by_last_count) {
  problem_ = {};
  groups_.clear();
  per_device_.clear();
  classes_.clear();
  count_devices(world_, view, problem_.devices);
  for (std::size_t c = 0; c < demand_.classes(); ++c) {
    const double average = demand_.average(ClassId{c}), rate = by_last_count ? std::max(average, demand_.last(ClassId{c})) : average;
    if (rate <= 1e-9) continue;
    problem_.demands.push_back({world_[ClassId{c}].task.index(), rate});
    classes_.emplace_back(c);
  }
  for (std::size_t t = 0; t < capacity_.size(); ++t) add_task(TaskId{t}, view);
  // Ways of a demand follow each other; a demand without any is not planned for.
  std::stable_sort(problem_.ways.begin(), problem_.ways.end(),
                   [](const AccuracyProblem::Way& a, const AccuracyProblem::Way& b) { return a.demand < b.demand; });
  std::vector<std::uint32_t> number(classes_.size());
  std::vector<char> any(classes_.size());
  for (const auto& w : problem_.ways) any[w.demand] = 1;
  std::uint32_t count = 0;
  for (std::size_t d = 0; d < classes_.size(); ++d) {
    number[d] = count;
    if (any[d] == 0) continue;
    problem_.demands[count] = problem_.demands[d];
    classes_[count++] = classes_[d];
  }
  problem_.demands.resize(count);
  classes_.resize(count);
  for (auto& w : problem_.ways) w.demand = number[w.demand];
}

void AccuracyScaler::add_task(TaskId t, ClusterView view) {
  struct Choice {
    AccuracyProblem::Option option;
    GroupId group;
    std::uint32_t per_device = 1;
    std::vector<char> serves;  // by demand of the task
  };
  std::vector<std::uint32_t> demands;
  for (std::size_t d = 0; d < classes_.size(); ++d)
    if (problem_.demands[d].task == t.index()) demands.push_back(static_cast<std::uint32_t>(d));
  if (demands.empty()) return;
  std::vector<Choice> choices;
  for (const VariantId v : world_.catalog()[t].variants)
    for (std::size_t s = 0; s < world_.site_count(); ++s) {
      const GroupId g = world_.group(v, SiteId{s});
      if (!g) continue;
      const GroupRow& row = view.group(g);
      const auto type = static_cast<std::uint32_t>(s * world_.catalog().hardware.size() + world_[v].hardware.index());
      Choice k{{type, t.index(), 0}, g, instances_per_device(world_, g, view), std::vector<char>(demands.size())};
      if (k.per_device == 0 || problem_.devices[type] == 0) continue;
      const Profile& profile = world_[v].profile;
      Duration most = forever;
      bool any = false;
      for (std::size_t d = 0; d < demands.size(); ++d) {
        const ClassId c = classes_[demands[d]];
        if (!world_.is_candidate(c, v)) continue;
        const Duration left = demand_.left_of_slo(c, SiteId{s});
        const Duration allowed = left == forever ? forever : from_seconds(params_.slo_share * to_seconds(left));
        if (profile.latency(1, row.option) > allowed) continue;
        k.serves[d] = 1;
        any = true;
        most = std::min(most, allowed);
      }
      if (!any) continue;
      const std::uint32_t items = largest_within(profile, row.option, std::max(row.batch_cap, 1U), most);
      k.option.rate = k.per_device * items / std::max(to_seconds(profile.latency(items, row.option)), 1e-9);
      choices.push_back(std::move(k));
    }
  const auto accuracy = [&](const Choice& k) { return world_[world_[k.group].variant].accuracy; };
  // One that serves no more demands, is no more accurate and no faster than another on the same devices is never needed.
  const auto covers = [&](const Choice& a, const Choice& b) {
    if (a.option.type != b.option.type || a.option.rate < b.option.rate || accuracy(a) < accuracy(b)) return false;
    for (std::size_t d = 0; d < a.serves.size(); ++d)
      if (b.serves[d] != 0 && a.serves[d] == 0) return false;
    return true;
  };
  const double best = params_.relative ? std::max(world_.catalog()[t].best_accuracy, 1e-9) : 1;
  for (std::size_t k = 0; k < choices.size(); ++k) {
    bool needed = true;
    for (std::size_t o = 0; o < choices.size() && needed; ++o)
      if (o != k && covers(choices[o], choices[k]) && (o < k || !covers(choices[k], choices[o]))) needed = false;
    if (!needed) continue;
    const auto number = static_cast<std::uint32_t>(problem_.options.size());
    problem_.options.push_back(choices[k].option);
    groups_.push_back(choices[k].group);
    per_device_.push_back(choices[k].per_device);
    for (std::size_t d = 0; d < demands.size(); ++d)
      if (choices[k].serves[d] != 0) problem_.ways.push_back({demands[d], number, accuracy(choices[k]) / best});
  }
}

void AccuracyScaler::decide(ClusterView view, bool by_last_count) {
  make_problem(view, by_last_count);
  planned_ = solve(problem_);
  const auto ended = static_cast<PlanSolution::Status>(planned_.status);
  why_ = planned_.status == AccuracyPlan::Status::short_of || planned_.target < params_.first_target ? in_part : planned;
  // Changing a device costs a load: not for next to nothing.
  std::vector<std::uint32_t> there(groups_.size());
  std::vector<std::uint32_t> used(problem_.devices.size());
  bool any = false, fits = true;
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    there[k] = wishes_[groups_[k].index()] / per_device_[k];
    any = any || there[k] > 0;
    used[problem_.options[k].type] += there[k];
  }
  for (std::size_t type = 0; type < used.size(); ++type) fits = fits && used[type] <= problem_.devices[type];
  if (any && fits && planned_.status != AccuracyPlan::Status::short_of) {
    AccuracyPlan old = flows_of(problem_, there, planned_.target);
    if (old.status != AccuracyPlan::Status::short_of && old.objective >= planned_.objective * (1 - keep_gap)) {
      old.bound = planned_.bound;
      old.nodes = planned_.nodes;
      planned_ = std::move(old);
      if (why_ == planned) why_ = kept;
    }
  }
  static_assert(static_cast<int>(AccuracyPlan::Status::short_of) == static_cast<int>(PlanSolution::Status::short_of));
  solution_ = {ended, why_ == kept, planned_.target, planned_.objective, planned_.bound, planned_.nodes};
  if (params_.use_spare) use_spare_devices(problem_, planned_);
  std::fill(wishes_.begin(), wishes_.end(), 0U);
  std::fill(capacity_.begin(), capacity_.end(), 0.0);
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    wishes_[groups_[k].index()] = planned_.devices[k] * per_device_[k];
    capacity_[problem_.options[k].task] += planned_.devices[k] * problem_.options[k].rate;
  }
  next_routes_.clear();
  for (std::size_t k = 0; k < problem_.ways.size(); ++k) {
    const auto& w = problem_.ways[k];
    const GroupId g = groups_[w.option];
    if (planned_.flow[k] > 0) next_routes_.add(classes_[w.demand], {g, world_[g].variant, planned_.flow[k]});
  }
}

}  // namespace tideline
