// Instances: started for held visits, plans, prewarms; kept, drained, evicted.
#include "sim/serving/simulation.h"

#include <algorithm>
#include <cassert>

namespace tideline {

/// A visit joined a line that no warm instance serves. `only`: the group that must serve it, or none for any site.
void Simulation::held(VisitId v, VariantId variant, GroupId only) {
  // Who decides is who has the line: the site that the visit came to, or its own.
  const SiteId at = only ? world_[only].site : SiteId{cluster_[v].origin};
  Controller& c = controller_of(at);
  if (by_site_ && !only) only = world_.group(variant, at);
  std::uint32_t starting = 0, warm_ones = 0;
  const auto count = [&](GroupId g) {
    starting += cluster_.row(g).starting();
    warm_ones += cluster_.row(g).warm();
  };
  if (only) {
    count(only);
  } else {
    const auto groups = reach().groups_of(variant, SiteId{cluster_[v].origin});
    if (groups.empty()) return;  // a start there would serve nobody; when a link comes back, it is made (start_for_held)
    for (const GroupId g : groups) count(g);
  }
  // A start that a plan waits for may evict less than one for a held visit, and so come never: it is not on its way.
  for (const PendingStart& p : pending_)
    if (p.cause == StartCause::held && p.variant == variant && (!only || !p.group || p.group == only)) ++starting;
  if (warm_ones > 0 && starting == 0) return;  // dispatch holds it although something is warm: it will be asked again
  const HeldAnswer answer = c.policies.autoscaling->on_held(query(v), variant, starting, view(c));
  if (decisions_heard_)
    tell(c, {.answer = DecisionAnswer::starts_for_held,
             .reason = answer.reason,
             .query = cluster_[v].serial,
             .chosen = variant.index(),
             .amount = answer.start});
  const bool was_starting = starting > 0;
  for (std::uint32_t k = 0; k < answer.start; ++k) {
    if (!cluster_.visit(v).flags.triggered_load) {
      cluster_.visit(v).flags.triggered_load = true;
      for (Recorder* r : recorders_) r->load_triggered(cluster_[v]);
    }
    if (!start_instance(variant, only, StartCause::held)) pending_.push_back({variant, only, StartCause::held});
  }
  if (answer.start == 0 && was_starting && !cluster_[v].flags.triggered_load && !cluster_[v].flags.delayed_by_load) {
    cluster_.visit(v).flags.delayed_by_load = true;
    for (Recorder* r : recorders_) r->delayed_by_load(cluster_[v]);
  }
}

/// A visit waits in a line that is bound late. True if no candidate is warm at its site: a start is asked for the candidate
/// that is on its way there, or else for the fastest.
bool Simulation::held_late(VisitId v) {
  const SiteId site = cluster_[cluster_[v].line].site;
  GroupId chosen;
  for (const VariantId k : world_.candidates(cluster_[v].cls, CandidateOrder::by_latency)) {
    const GroupId g = world_.group(k, site);
    if (!g) continue;
    if (cluster_.row(g).warm() > 0) return false;
    if (!chosen || (cluster_.row(chosen).starting() == 0 && cluster_.row(g).starting() > 0)) chosen = g;
  }
  if (chosen) held(v, world_[chosen].variant, chosen);
  return true;
}

/// `going`: instances of its group that will be evicted anyway.
bool Simulation::evictable(InstanceId i, StartCause cause, std::uint32_t going) const {
  const InstanceRow& row = cluster_.row(i);
  if (row.phase != Phase::warm || !is_idle(i) || pinned_groups_[row.group.index()]) return false;
  return cause == StartCause::held || cluster_.row(row.group).warm() - going > cluster_.row(row.group).wish;
}

DeviceId Simulation::find_device(VariantId variant, GroupId only, StartCause cause) {
  // Lists where the instance fits now; only where that is nowhere, where it would fit if idle instances went.
  fits_.clear();
  after_eviction_.clear();
  const Topology& topology = world_.topology();
  const auto each_device = [&](auto&& f) {
    for (std::size_t s = 0; s < world_.site_count(); ++s) {
      const GroupId g = world_.group(variant, SiteId{s});
      if (!g || (only && g != only)) continue;
      for (std::size_t d = topology.first_device_of_site[s].index(); d < topology.first_device_of_site[s + 1].index(); ++d)
        if (topology.devices[d].hardware == world_[variant].hardware) f(g, DeviceId{d});
    }
  };
  each_device([&](GroupId g, DeviceId d) {
    if (cluster_.fits(g, d)) fits_.push_back(d);
  });
  if (fits_.empty()) {
    each_device([&](GroupId g, DeviceId d) {
      if (!cluster_.accepts(d)) return;
      std::int64_t memory = cluster_.row(d).memory_free;
      std::uint32_t free_cores = cluster_.row(d).cores_free;
      victims_.clear();
      for (const InstanceId i : cluster_[d].instances) {
        const GroupId own = cluster_.row(i).group;
        const auto going = std::count_if(victims_.begin(), victims_.end(), [&](InstanceId k) { return cluster_.row(k).group == own; });
        if (!evictable(i, cause, static_cast<std::uint32_t>(going))) continue;
        victims_.push_back(i);
        memory += cluster_[i].memory_bytes;
        free_cores += cluster_[i].cores;
      }
      if (memory >= cluster_.memory_of(g) && free_cores >= cluster_.cores_of(g)) after_eviction_.push_back(d);
    });
  }
  if (fits_.empty() && after_eviction_.empty()) return {};
  Controller& c = only ? controller_of(world_[only].site) : controllers_.front();
  const std::int64_t memory = world_[variant].memory_for(only ? cluster_.row(only).batch_cap : world_[variant].max_batch);
  const Placement answer = c.policies.placement->choose(variant, memory, fits_, after_eviction_, view(c));
  const DeviceId d = answer.device;
  if (decisions_heard_)
    tell(c, {.answer = d ? DecisionAnswer::placed : DecisionAnswer::placed_nowhere,
             .reason = answer.reason,
             .chosen = d.index(),
             .amount = memory});
  if (d && std::find(fits_.begin(), fits_.end(), d) == fits_.end() &&
      std::find(after_eviction_.begin(), after_eviction_.end(), d) == after_eviction_.end())
    wrong_answer(PolicyKind::placement, "chose a device that was not offered");
  return d;
}

bool Simulation::evict_for(DeviceId d, std::int64_t memory, std::uint32_t cores, StartCause cause) {
  victims_.clear();
  const auto going = [&](GroupId g) {
    return static_cast<std::uint32_t>(
        std::count_if(victims_.begin(), victims_.end(), [&](InstanceId i) { return cluster_.row(i).group == g; }));
  };
  Controller& c = controller_of(world_.topology()[d].site);
  std::int64_t free_memory = cluster_.row(d).memory_free;
  std::uint32_t free_cores = cluster_.row(d).cores_free;
  while (free_memory < memory || free_cores < cores) {
    idle_.clear();
    for (const InstanceId i : cluster_[d].instances)
      if (std::find(victims_.begin(), victims_.end(), i) == victims_.end() && evictable(i, cause, going(cluster_.row(i).group)))
        idle_.push_back(i);
    std::sort(idle_.begin(), idle_.end());
    if (idle_.empty()) return false;
    const std::int64_t bytes_short = std::max<std::int64_t>(0, memory - free_memory);
    const Victim v = c.policies.eviction->choose(d, idle_, bytes_short, live_view(c));
    if (decisions_heard_)
      tell(c, {.answer = v.instance ? DecisionAnswer::evicts : DecisionAnswer::evicts_none,
               .reason = v.reason,
               .chosen = v.instance ? v.instance.index() : d.index(),
               .amount = bytes_short});
    if (!v.instance) return false;
    if (std::find(idle_.begin(), idle_.end(), v.instance) == idle_.end())
      wrong_answer(PolicyKind::eviction, "chose a victim that was not offered");
    victims_.push_back(v.instance);
    free_memory += cluster_[v.instance].memory_bytes;
    free_cores += cluster_[v.instance].cores;
  }
  for (const InstanceId i : victims_) {
    c.policies.eviction->evicted(i, live_view(c));
    stop_instance(i, StopCause::evicted);
  }
  return true;
}

InstanceId Simulation::start_instance(VariantId variant, GroupId only, StartCause cause) {
  const DeviceId d = find_device(variant, only, cause);
  if (!d) return {};
  const Time now = engine_.now();
  const GroupId g = world_.group(variant, world_.topology()[d].site);
  if (!cluster_.fits(g, d) && !evict_for(d, cluster_.memory_of(g), cluster_.cores_of(g), cause)) return {};
  if (planning_) cause = StartCause::initial;
  const InstanceId i = cluster_.start(g, d, cluster_.row(g).option, cluster_.row(g).batch_cap, cause, now);
  if (planning_) {
    executor_.load_before_start(load_run(i));
    for (Recorder* r : recorders_) r->instance_started(i, cause, now);
    Controller& c = controller_of(cluster_.site_id(i));
    for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::starting, live_view(c));
    warm(i);
    return i;
  }
  for (Recorder* r : recorders_) r->instance_started(i, cause, now);
  Controller& c = controller_of(cluster_.site_id(i));
  begin_load(i);
  for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::starting, live_view(c));
  return i;
}

void Simulation::warm(InstanceId i) {
  const Time now = engine_.now();
  cluster_.warm(i, now);
  for (Recorder* r : recorders_) r->instance_warm(i, now);
  Controller& c = controller_of(cluster_.site_id(i));
  for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::warm, live_view(c));
  const GroupId g = cluster_.row(i).group;
  offer(i);
  if (!cluster_.accepts(cluster_.row(i).device)) return drain_instance(i);  // its node was given back while it loaded
  place_held(c.id, world_[g].variant);
  if (any_shared_ && visible_shared_[g.index()] && cluster_[cluster_.shared_line(g)].count > 0) offer_shared(cluster_.shared_line(g));
  if (cluster_.row(i).phase == Phase::warm && is_idle(i)) became_idle(i);
  if (restarts_[g.index()]) [[unlikely]]
    restart_next(g);
}

void Simulation::place_held(ControllerId id, VariantId variant) {
  // Oldest first; the first that dispatch still holds ends it.
  Controller& c = controllers_[id.index()];
  const LineId line = cluster_.held_line(id, variant);
  if (cluster_[line].count == 0) return;
  while (const VisitId v = cluster_.head(line)) {
    const Dispatch d = ask_dispatch(c, v, variant);
    if (d.answer == Dispatch::Answer::hold) return;
    cluster_.leave(v, engine_.now());
    apply(v, variant, d);
  }
  // What was placed may have been given up at once; its instance did not count as idle while others were held for it.
  for (std::size_t s = 0; s < world_.site_count(); ++s) {
    const GroupId g = world_.group(variant, SiteId{s});
    if (!g) continue;
    members_.assign(cluster_.row(g).members.begin(), cluster_.row(g).members.end());
    for (std::size_t k = 0; k < members_.size(); ++k)
      if (cluster_.row(members_[k]).phase == Phase::warm && is_idle(members_[k])) became_idle(members_[k]);
  }
}

bool Simulation::is_idle(InstanceId i) const {
  const InstanceRow& row = cluster_.row(i);
  if (row.load > 0 || cluster_[i].batch_count > 0 || (row.phase != Phase::warm && row.phase != Phase::draining)) return false;
  if (row.phase == Phase::draining) return true;
  // Visits that are held for its variant are its work too.
  if (any_held_ && cluster_[cluster_.held_line(controller_of(cluster_.site_id(i)).id, world_[row.group].variant)].count > 0) return false;
  return !has_work(i);
}

void Simulation::became_idle(InstanceId i) {
  const InstanceRow& row = cluster_.row(i);
  if (row.phase == Phase::draining) return stop_instance(i, StopCause::plan);
  if (cluster_[i].idle_told) return;
  cluster_.instance(i).idle_told = true;
  Controller& c = controller_of(cluster_.site_id(i));
  const KeepAlive answer = c.policies.coldstart->became_idle(i, live_view(c));
  if (decisions_heard_) {
    Decision d{.answer = DecisionAnswer::keeps, .reason = answer.reason, .chosen = i.index(), .amount = -1};
    if (answer.keep != forever) d.amount = std::max(answer.keep, Duration{}).count();
    tell(c, d);
    if (answer.start_again != forever) d.answer = DecisionAnswer::starts_again, d.amount = answer.start_again.count(), tell(c, d);
  }
  Time& prewarm_at = prewarm_at_[row.group.index()];
  prewarm_at = later(engine_.now(), std::max(answer.start_again, Duration{}));
  if (prewarm_at != never) schedule(prewarm_at, EventKind::prewarm, row.group.index());
  if (answer.keep == forever) {
    cluster_.instance(i).keep_due = never;
  } else if (answer.keep <= Duration{}) {
    arm_keep_alive(i, engine_.now());
  } else {
    arm_keep_alive(i, later(engine_.now(), answer.keep));
  }
  room_freed();
}

void Simulation::arm_keep_alive(InstanceId i, Time due) {
  Instance& x = cluster_.instance(i);
  x.keep_due = due;
  if (x.keep_scheduled != never && x.keep_scheduled >= engine_.now() && x.keep_scheduled <= due) return;
  x.keep_scheduled = due;
  schedule(due, EventKind::keep_alive, i.index());
}

void Simulation::keep_alive_due(std::uint32_t slot) {
  const InstanceId i{slot};
  Instance& x = cluster_.instance(i);
  if (x.keep_scheduled != engine_.now()) return;
  x.keep_scheduled = never;
  if (x.keep_due == never) return;
  if (x.keep_due > engine_.now()) return arm_keep_alive(i, x.keep_due);
  x.keep_due = never;
  if (cluster_.row(i).phase != Phase::warm) return;
  if (!is_idle(i)) {
    if (cluster_.row(i).load == 0) wait_for_line(i);  // a shared line has work: asked again when that is done
    return;
  }
  const GroupId g = cluster_.row(i).group;
  if (pinned_groups_[g.index()] || cluster_.row(g).warm() <= cluster_.row(g).wish) return;  // the wish is a floor
  stop_instance(i, StopCause::keep_alive);
}

void Simulation::stop_instance(InstanceId i, StopCause cause) {
  Controller& c = controller_of(cluster_.site_id(i));
  for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::gone, live_view(c));
  for (Recorder* r : recorders_) r->instance_stopped(i, cause, engine_.now());
  Instance& x = cluster_.instance(i);
  x.keep_due = x.retry_due = never;
  const DeviceId d = cluster_.row(i).device;
  const GroupId g = cluster_.row(i).group;
  const bool restarts = x.restarts;
  executor_.unload(i);
  cluster_.stop(i, engine_.now());
  off_if_empty(world_.topology()[d].node);
  if (restarts) [[unlikely]]
    restart_stopped(g);
  if (cause != StopCause::evicted) room_freed();
}

void Simulation::drain_instance(InstanceId i) {
  cluster_.drain(i, engine_.now());
  for (Recorder* r : recorders_) r->instance_draining(i, engine_.now());
  Controller& c = controller_of(cluster_.site_id(i));
  for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::draining, live_view(c));
  const GroupId g = cluster_.row(i).group;
  if (is_idle(i)) stop_instance(i, StopCause::plan);
  start_for_stranded(world_[g].variant, g);
}

void Simulation::try_pending() {
  // Oldest first. What nobody needs any more is forgotten. Starting may free nothing, so one pass is enough.
  const auto needed = [&](const PendingStart& p) {
    if (p.cause != StartCause::held) {
      const GroupRow& g = cluster_.row(p.group);
      return g.starting() + g.warm() < g.wish;
    }
    const ControllerId c = p.group ? controller_of(world_[p.group].site).id : controllers_.front().id;
    if (cluster_[cluster_.held_line(c, p.variant)].count > 0) return true;
    if (!p.group) return false;
    return cluster_[cluster_.shared_line(p.group)].count > 0 ||
           cluster_.visits_for(cluster_.late_line(world_[p.variant].task, world_[p.group].site), p.variant) > 0;
  };
  std::vector<PendingStart> waiting;
  waiting.swap(pending_);
  // A plan may ask for many of one kind: what was refused once in this pass is not tried again.
  std::vector<PendingStart> refused;
  for (const PendingStart& p : waiting) {
    if (!needed(p)) continue;
    const bool hopeless = std::any_of(refused.begin(), refused.end(), [&](const PendingStart& r) {
      return r.variant == p.variant && r.group == p.group && r.cause == p.cause;
    });
    if (!hopeless && start_instance(p.variant, p.group, p.cause)) continue;
    if (!hopeless) refused.push_back(p);
    pending_.push_back(p);
  }
}

/// Instances of the variant failed or drain: who waits for one of them in a line that nobody serves any more asks for a start anew.
void Simulation::start_for_stranded(VariantId variant, GroupId g) {
  const ControllerId c = controller_of(world_[g].site).id;
  const LineId held_line = cluster_.held_line(c, variant), shared = cluster_.shared_line(g);
  if (cluster_[held_line].count > 0) {
    place_held(c, variant);
    if (const VisitId v = cluster_.head(held_line)) held(v, variant, GroupId{});
  }
  if (cluster_[shared].count > 0 && cluster_.row(g).warm() == 0) held(cluster_.head(shared), variant, g);
  if (const VisitId v = cluster_.head(cluster_.late_line(world_[variant].task, world_[g].site), variant)) held_late(v);
}

std::vector<std::pair<VariantId, std::uint32_t>> Simulation::pending_starts() const {
  std::vector<std::pair<VariantId, std::uint32_t>> out;
  for (const PendingStart& p : pending_) {
    const auto at = std::find_if(out.begin(), out.end(), [&](const auto& k) { return k.first == p.variant; });
    if (at == out.end())
      out.emplace_back(p.variant, 1U);
    else
      ++at->second;
  }
  return out;
}

// --- plans ---

void Simulation::control_round(Controller& c) {
  const Duration interval = c.policies.autoscaling->interval();
  room_freed();
  c.plan.clear();
  c.policies.autoscaling->plan(view(c), c.plan);
  if (decisions_heard_) tell_plan(c);
  if (c.plan.solution)
    for (Recorder* r : recorders_) r->solved(c.id, *c.plan.solution, engine_.now());
  if (c.plan.takes_effect > Duration{})
    schedule(engine_.now() + c.plan.takes_effect, EventKind::plan_effect, c.id.index());
  else
    apply_plan(c);
  if (interval != forever) schedule(engine_.now() + interval, EventKind::control_round, c.id.index());
  place_all_held(c);
}

/// A round ended: dispatch may know better now.
void Simulation::place_all_held(Controller& c) {
  if (!any_held_) return;
  for (std::size_t v = 0; v < world_.catalog().variants.size(); ++v)
    if (cluster_[cluster_.held_line(c.id, VariantId{v})].count > 0) place_held(c.id, VariantId{v});
}

/// Who waits for an instance that could not be started before.
void Simulation::start_for_held(Controller& c) {
  if (!any_held_) return;
  for (std::size_t v = 0; v < world_.catalog().variants.size(); ++v)
    if (const VisitId head = cluster_.head(cluster_.held_line(c.id, VariantId{v}))) held(head, VariantId{v}, GroupId{});
}

void Simulation::apply_plan(Controller& c) {
  // Where each site decides for itself, a plan says nothing about the others.
  const auto of_others = [&](GroupId g) { return !owns(c, world_[g].site); };
  for (const Plan::Cap& k : c.plan.batch_caps) {
    if (of_others(k.group)) continue;
    if (k.items < 1 || k.items > world_[world_[k.group].variant].max_batch)
      wrong_answer(PolicyKind::autoscaling, "plans a batch cap out of range");
    cluster_.set_batch_cap(k.group, k.items);
  }
  for (const Plan::Cores& k : c.plan.cores) {
    if (of_others(k.group)) continue;
    if (k.option >= world_[world_[k.group].variant].profile.cores().size())
      wrong_answer(PolicyKind::autoscaling, "plans a core option that '" + world_[world_[k.group].variant].name + "' has not");
    set_cores(k);
  }
  for (const Plan::Nodes& k : c.plan.nodes)
    if (owns(c, world_.topology()[k.pool].site)) scale_pool(k.pool, k.count);
  for (const Plan::Share& k : c.plan.shares)
    if (!of_others(k.group)) cluster_.set_share(k.group, k.share);
  for (const Plan::Wish& w : c.plan.wishes) {
    if (of_others(w.group)) continue;
    cluster_.set_wish(w.group, w.instances);
    const GroupRow& g = cluster_.row(w.group);
    const std::uint32_t have = g.starting() + g.warm();
    restart_to_[w.group.index()] = std::min(restart_to_[w.group.index()], w.instances);
    if (have > w.instances) scale_down(w.group, have - w.instances);
  }
  for (const Plan::Wish& w : c.plan.wishes) {
    if (of_others(w.group)) continue;
    std::uint32_t waiting = 0;
    for (const PendingStart& p : pending_) waiting += p.group == w.group ? 1U : 0U;
    const GroupRow& g = cluster_.row(w.group);
    for (std::uint32_t have = g.starting() + g.warm() + waiting; have < w.instances; ++have)
      if (!start_instance(world_[w.group].variant, w.group, StartCause::plan))
        pending_.push_back({world_[w.group].variant, w.group, StartCause::plan});
  }
}

void Simulation::scale_down(GroupId g, std::uint32_t excess) {
  // The idle longest first, then the least loaded are drained; what is starting is left to finish.
  ranking_.clear();
  for (const InstanceId i : cluster_.row(g).members)
    if (cluster_.row(i).phase == Phase::warm) ranking_.push_back(i);
  std::sort(ranking_.begin(), ranking_.end(), [&](InstanceId a, InstanceId b) {
    const InstanceRow &x = cluster_.row(a), &y = cluster_.row(b);
    if (x.load != y.load) return x.load < y.load;
    if (x.idle_since != y.idle_since) return x.idle_since < y.idle_since;
    return a < b;
  });
  const std::size_t n = std::min<std::size_t>(excess, ranking_.size());
  victims_.assign(ranking_.begin(), ranking_.begin() + static_cast<std::ptrdiff_t>(n));
  const std::vector<InstanceId> chosen = victims_;
  for (const InstanceId i : chosen) {
    if (cluster_.row(i).phase != Phase::warm || pinned_groups_[g.index()]) continue;
    if (is_idle(i))
      stop_instance(i, StopCause::plan);
    else
      drain_instance(i);
  }
}

void Simulation::policy_round(std::uint32_t object) {
  Controller& c = controllers_[round_of_[object].index()];
  const Time due = rounds_[object]->round(view(c));
  round_due_[object] = due;
  if (due != never) {
    if (due <= engine_.now()) throw PolicyError("a policy asks for its next round at a time that is not in the future");
    round_scheduled_[object] = due;
    schedule(due, EventKind::policy_round, object);
  }
  if (dynamic_cast<ColdstartPolicy*>(rounds_[object]) != nullptr && began_ && engine_.now() > Time{}) apply_prewarms(c);
  if (any_shared_ && rounds_[object] == c.policies.batching) give_up_unserved(c);
  place_all_held(c);
}

/// Lines that no warm instance serves: nobody else would ever ask batching about them.
void Simulation::give_up_unserved(const Controller& c) {
  for (std::size_t k = 0; k < world_.groups().size(); ++k) {
    const GroupId g{k};
    if (!visible_shared_[k] || cluster_.row(g).warm() > 0 || !owns(c, world_[g].site)) continue;
    const LineId line = cluster_.shared_line(g);
    const std::uint32_t count = cluster_[line].count;
    if (count == 0) continue;
    const VariantId variant = world_[g].variant;
    const std::uint32_t dropped = c.policies.batching->give_up(g, LineView(cluster_, line, variant), live_view(c));
    if (dropped > count) wrong_answer(PolicyKind::batching, "gives up more visits than the " + std::to_string(count) + " that wait");
    if (decisions_heard_ && dropped > 0) tell(c, {.answer = DecisionAnswer::gives_up, .chosen = g.index(), .amount = dropped});
    for (std::uint32_t n = 0; n < dropped; ++n) drop_head(line, variant);
  }
}

void Simulation::apply_prewarms(Controller& c) {
  prewarms_.clear();
  pins_.clear();
  c.policies.coldstart->prewarm(live_view(c), prewarms_, pins_);
  if (decisions_heard_) {
    for (const Prewarm& p : prewarms_) tell(c, {.answer = DecisionAnswer::prewarms, .chosen = p.group.index(), .amount = p.instances});
    for (const GroupId g : pins_)
      if (!pinned_groups_[g.index()]) tell(c, {.answer = DecisionAnswer::pins, .chosen = g.index()});
  }
  unpinned_.clear();
  for (std::size_t g = 0; g < pinned_groups_.size(); ++g)
    if (pinned_groups_[g] && owns(c, world_[GroupId{g}].site)) {
      unpinned_.emplace_back(g);
      pinned_groups_[g] = false;
    }
  for (const GroupId g : pins_)
    if (owns(c, world_[g].site)) pinned_groups_[g.index()] = true;
  // Idle instances that only the pin kept: coldstart is asked about them anew.
  for (const GroupId g : unpinned_) {
    if (pinned_groups_[g.index()]) continue;
    members_.assign(cluster_.row(g).members.begin(), cluster_.row(g).members.end());
    for (std::size_t k = 0; k < members_.size(); ++k) {
      if (cluster_.row(members_[k]).phase != Phase::warm || !is_idle(members_[k])) continue;
      cluster_.instance(members_[k]).idle_told = false;
      became_idle(members_[k]);
    }
  }
  for (const Prewarm& p : prewarms_) {
    if (!owns(c, world_[p.group].site)) continue;
    const GroupRow& g = cluster_.row(p.group);
    const StartCause cause = engine_.now() == Time{} ? StartCause::preload : StartCause::prewarm;
    for (std::uint32_t have = g.starting() + g.warm(); have < p.instances; ++have)
      if (!start_instance(world_[p.group].variant, p.group, cause)) break;
  }
}

void Simulation::prewarm_due(GroupId g) {
  if (prewarm_at_[g.index()] != engine_.now()) return;  // a later answer took its place
  prewarm_at_[g.index()] = never;
  const GroupRow& row = cluster_.row(g);
  if (row.starting() + row.warm() == 0) start_instance(world_[g].variant, g, StartCause::prewarm);
}

}  // namespace tideline
