// What policies answered, as recorders hear it: out of the way of runs in which nobody does.
#include "sim/serving/simulation.h"

namespace tideline {

void Simulation::tell(const Controller& c, const Decision& d) const {
  for (Recorder* r : hear_decisions_) r->decided(c.id, d, engine_.now());
}

void Simulation::tell_selection(const Controller& c, VisitId v, const Selection& s) const {
  Decision d{.answer = DecisionAnswer::found_none, .reason = s.reason, .query = cluster_[v].serial, .runner_up = s.runner_up.index()};
  if (s.answer == Selection::Answer::late) d.answer = DecisionAnswer::bound_late;
  if (s.answer == Selection::Answer::variants) {
    d.answer = DecisionAnswer::selected;
    d.chosen = s.variants[0].index();
    d.amount = s.count;
  }
  tell(c, d);
}

void Simulation::tell_dispatch(const Controller& c, VisitId v, VariantId variant, const Dispatch& d) const {
  Decision told{.answer = DecisionAnswer::held, .reason = d.reason, .query = cluster_[v].serial, .chosen = variant.index()};
  if (d.answer == Dispatch::Answer::instance) {
    told.answer = DecisionAnswer::to_instance;
    told.chosen = d.instance.index();
    told.runner_up = d.runner_up.index();
  }
  if (d.answer == Dispatch::Answer::site) told.answer = DecisionAnswer::to_site, told.chosen = d.site.index();
  if (d.answer == Dispatch::Answer::none) told.answer = DecisionAnswer::found_no_place;
  tell(c, told);
}

/// What the plan changes: wishes that repeat the last one and find it fulfilled are none.
void Simulation::tell_plan(const Controller& c) const {
  for (const Plan::Nodes& n : c.plan.nodes) {
    const PoolRow& row = cluster_.board(world_.topology()[n.pool].site).pools[n.pool.index()];
    if (row.up + row.booting != n.count) tell(c, {.answer = DecisionAnswer::ordered_nodes, .chosen = n.pool.index(), .amount = n.count});
  }
  for (const Plan::Cores& k : c.plan.cores) {
    const auto& cores = world_[world_[k.group].variant].profile.cores();
    if (cluster_.row(k.group).option != k.option && k.option < cores.size())
      tell(c, {.answer = DecisionAnswer::allotted, .reason = k.reason, .chosen = k.group.index(), .amount = cores[k.option]});
  }
  for (const Plan::Wish& w : c.plan.wishes) {
    const GroupRow& g = cluster_.row(w.group);
    if (g.wish != w.instances || g.starting() + g.warm() != w.instances)
      tell(c, {.answer = DecisionAnswer::wished, .reason = w.reason, .chosen = w.group.index(), .amount = w.instances});
  }
}

}  // namespace tideline
