#include "policies/components/bandit.h"

#include "policies/components/latency.h"

#include <algorithm>
#include <stdexcept>

namespace tideline {

BanditSelection::BanditSelection(const BanditParams& params, const Setup& setup, Contexts contexts)
    : params_(params),
      has_contexts_(contexts == Contexts::all),
      world_(setup.world),
      cost_(*setup.world),
      arms_(*setup.world,
            [&](ClassId c, SiteId origin, std::vector<VariantId>& list) {
              for (const VariantId v : setup.world->candidates(c, CandidateOrder::by_accuracy_descending))
                if (!setup.world->groups_of(v, origin).empty()) list.push_back(v);
            }),
      problems_(setup.world->classes().size() * setup.world->site_count()),
      devices_(setup.world->catalog().tasks.size()) {
  if (params.accuracy == BanditParams::Accuracy::labels && setup.label_share == 0)
    throw std::invalid_argument("\"accuracy\": \"labels\" needs labels: the scenario has \"feedback\" of no share of the answers");
  const World& world = *world_;
  for (std::size_t t = 0; t < devices_.size(); ++t)
    for (const Device& d : world.topology().devices) {
      const auto& variants = world.catalog().tasks[t].variants;
      devices_[t] += std::any_of(variants.begin(), variants.end(), [&](VariantId v) { return world[v].hardware == d.hardware; }) ? 1 : 0;
    }
  std::size_t most = 0;
  for (std::size_t p = 0; p < problems_; ++p) most = std::max(most, arms_of(p).size());
  allowed_.resize(most);
  contexts_.resize(has_contexts_ ? most : 0);
}

std::span<const VariantId> BanditSelection::arms_of(std::size_t problem) const {
  return arms_.of(ClassId{problem / world_->site_count()}, SiteId{problem % world_->site_count()});
}

Needs BanditSelection::needs() const {
  Needs n;
  n.indexes.by_free = n.indexes.by_load = has_contexts_;
  return n;
}

Facts BanditSelection::facts() const {
  return {.batch_starts = true, .feedback = params_.accuracy == BanditParams::Accuracy::labels, .ends = true};
}

Selection BanditSelection::select(const QueryView& query, ClusterView view) {
  const std::size_t index = query.class_id().index() * view.world().site_count() + query.origin().index();
  const auto arms = arms_of(index);
  if (arms.empty()) return Selection::reject(no_candidate);
  const std::span<char> allowed = std::span(allowed_).first(arms.size());
  bool any = false, any_fits = false, any_warm = false;
  for (std::size_t k = 0; k < arms.size(); ++k) {
    const bool fits = query.items() <= view.world()[arms[k]].profile.max_items();
    allowed[k] = fits && cost_.allows(view, query, arms[k]) ? 1 : 0;
    any_fits = any_fits || fits;
    any = any || allowed[k] != 0;
  }
  if (!any) return Selection::reject(any_fits ? above_cost_cap : too_large);
  const auto is_warm = [&](VariantId v) {
    const auto groups = view.groups_of(v, query.origin());
    return std::any_of(groups.begin(), groups.end(), [&](GroupId g) { return view.warm(g) > 0; });
  };
  if (params_.only_warm) {
    for (std::size_t k = 0; k < arms.size(); ++k) {
      if (allowed[k] == 0 || !is_warm(arms[k])) continue;
      allowed[k] = 2;
      any_warm = true;
    }
    for (char& a : allowed) a = !any_warm || a == 2 ? a : 0;
  }
  if (has_contexts_) look_at(query, arms, view);
  const Pick pick = choose({index, arms, allowed, std::span(contexts_).first(has_contexts_ ? arms.size() : 0)}, view);
  if (const Pull* earlier = open_.find(query.number())) forget(*earlier);  // its instance failed under it
  Pull& pull = open_.insert(query.number());
  pull.problem = static_cast<std::uint32_t>(index);
  pull.arm = static_cast<std::uint32_t>(pick.arm);
  pull.probability = pick.probability;
  if (has_contexts_) pull.context = contexts_[pick.arm];
  return Selection::one(arms[pick.arm], pulled);
}

void BanditSelection::look_at(const QueryView& query, std::span<const VariantId> arms, ClusterView view) {
  const auto in_flight = static_cast<double>(view.in_flight(query.task()));
  const double load = in_flight / (in_flight + std::max(devices_[query.task().index()], 1U));
  const QueryClass& cls = query.attributes();
  for (std::size_t k = 0; k < arms.size(); ++k) {
    Duration least = forever;
    double line = 1;
    for (const GroupId g : view.groups_of(arms[k], query.origin())) {
      least = std::min(least, predict(view, query, g));
      const InstanceSpan shortest = view.least_loaded(g);
      const double cap = std::max(view.group(g).batch_cap, 1U);
      if (!shortest.empty()) line = std::min(line, (view.instance(shortest[0]).load + view.group(g).waiting) / cap);
    }
    const double slack = !cls.has_slo() ? 0 : least == forever ? -1 : 1 - to_seconds(least) / to_seconds(cls.slo);
    contexts_[k] = {1, load, line, std::clamp(slack, -1.0, 1.0)};
  }
}

void BanditSelection::ended(const Ended& end, ClusterView view) {
  Pull* pull = open_.find(end.query);
  if (pull == nullptr) return;
  const bool labels = params_.accuracy == BanditParams::Accuracy::labels;
  const bool answered = static_cast<bool>(end.variant);
  if (labels && !end.labelled) {
    forget(*pull);
  } else if (labels && answered) {
    pull->on_time = end.latency <= view.world()[end.cls].slo;
    pull->cost_usd = end.cost_usd;
    return;  // until its label comes
  } else {
    const bool on_time = answered && end.latency <= view.world()[end.cls].slo;
    learn(*pull, std::clamp((on_time ? view.world()[end.variant].accuracy : 0) - params_.cost_weight * end.cost_usd, 0.0, 1.0));
  }
  open_.erase(end.query);
}

void BanditSelection::feedback(const Label& label, ClusterView) {
  const Pull* pull = open_.find(label.query);
  if (pull == nullptr) return;
  learn(*pull, std::clamp((pull->on_time ? label.realised : 0) - params_.cost_weight * pull->cost_usd, 0.0, 1.0));
  open_.erase(label.query);
}

}  // namespace tideline
