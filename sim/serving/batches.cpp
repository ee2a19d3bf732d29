// Who starts what: device slots, sharing, batching, and the end of batches.
#include "sim/core/prefetch.h"
#include "sim/serving/simulation.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tideline {

LineId Simulation::shared_line_to_serve(InstanceId i, LineId own) const {
  // The one that its group shares, then that of its task at the site.
  const InstanceRow& row = cluster_.row(i);
  if (row.phase == Phase::draining) return own;
  const Group& g = world_[row.group];
  if (visible_shared_[row.group.index()])
    if (const LineId shared = cluster_.shared_line(row.group); cluster_[shared].count > 0) return shared;
  const TaskId task = world_[g.variant].task;
  if (any_late_ && visible_late_[g.site.index() * world_.catalog().tasks.size() + task.index()])
    if (const LineId late = cluster_.late_line(task, g.site); cluster_.visits_for(late, g.variant) > 0) return late;
  return own;
}

/// Its line changed, or it became free: starts what can start on its device.
void Simulation::offer(InstanceId i) {
  const InstanceRow& row = cluster_.row(i);
  const Instance& x = cluster_[i];
  if (x.batch_count > 0 || x.put_off || (row.phase != Phase::warm && row.phase != Phase::draining)) return;
  if (!x.waits_for_others) {  // nobody to share the device with
    if (has_work(i)) try_start(i);
    return;
  }
  cluster_.set_ready(i, has_work(i));
  start_ready(row.device);
}

void Simulation::start_ready(DeviceId d) {
  const std::uint32_t slots = world_.catalog()[world_.topology()[d].hardware].concurrent_batches;
  while (cluster_.row(d).running < slots && !cluster_[d].ready.empty()) {
    if (any_late_) [[unlikely]]
      ready_for_late(d);
    const auto& ready = cluster_[d].ready;
    std::size_t pick = 0;
    if (ready.size() > 1) {
      heads_.clear();
      while (heads_.size() < ready.size()) {
        const InstanceId i = ready[heads_.size()];
        if (const VisitId head = cluster_.head(line_to_serve(i), world_[cluster_.row(i).group].variant))
          heads_.push_back(query(head));
        else
          cluster_.set_ready(i, false);  // its visits were cancelled, or another instance took them from the shared line
      }
    }
    if (ready.empty()) return;
    if (ready.size() > 1) {
      Controller& c = controller_of(world_.topology()[d].site);
      pick = c.policies.sharing->next(d, ready, heads_, live_view(c));
      if (decisions_heard_ && pick < ready.size())
        tell(c, {.answer = DecisionAnswer::goes_next, .chosen = ready[pick].index(), .amount = static_cast<std::int64_t>(ready.size())});
      if (pick >= ready.size()) wrong_answer(PolicyKind::sharing, "chose an instance that was not offered");
    }
    const InstanceId i = ready[pick];
    cluster_.set_ready(i, false);
    if (!try_start(i) && !cluster_[i].put_off && has_work(i)) break;  // it dropped or took nothing and will be offered again
  }
}

/// What is bound late any of its instances may take: all of them stand for election, not only the one that was offered first.
void Simulation::ready_for_late(DeviceId d) {
  for (const InstanceId i : cluster_[d].instances)
    if (cluster_.row(i).phase == Phase::warm && cluster_[i].batch_count == 0 && !cluster_[i].put_off && has_work(i))
      cluster_.set_ready(i, true);
}

/// Asks batching; true if a batch was started. Otherwise the instance is put off until its line changes or its retry time.
bool Simulation::try_start(InstanceId i) {
  Controller& c = controller_of(cluster_.site_id(i));
  const VariantId variant = world_[cluster_.row(i).group].variant;
  for (;;) {
    const LineId line = line_to_serve(i);
    const std::uint32_t count = cluster_.visits_for(line, variant);
    if (count == 0) {
      if (is_idle(i)) became_idle(i);
      return false;
    }
    const Batch b = c.policies.batching->form(i, LineView(cluster_, line, variant), live_view(c));
    if (decisions_heard_) [[unlikely]] {
      Decision d{.reason = b.reason, .chosen = i.index()};
      if (b.drop > 0) d.answer = DecisionAnswer::dropped, d.amount = b.drop, tell(c, d);
      if (b.take > 0) d.answer = DecisionAnswer::started_batch, d.amount = b.take, tell(c, d);
      if (b.take == 0 && (b.drop == 0 || b.retry != never))
        d.answer = DecisionAnswer::waits, d.amount = b.retry == never ? -1 : (b.retry - engine_.now()).count(), tell(c, d);
    }
    if (b.drop > count || b.take > count - b.drop)
      wrong_answer(PolicyKind::batching, "takes or drops more visits than the " + std::to_string(count) + " that wait");
    for (std::uint32_t k = 0; k < b.drop; ++k) drop_head(line, variant);
    if (b.take > 0) {
      start_batch(i, line, b.take);
      return true;
    }
    if (b.drop > 0 && b.retry == never) continue;  // ask again about what is left
    if (cluster_.visits_for(line, variant) == 0) continue;
    cluster_.put_off(i, true);
    if (cluster_[line].kind != LineKind::own) wait_for_line(i);
    if (b.retry != never) arm_retry(i, std::max(b.retry, engine_.now()));
    return false;
  }
}

void Simulation::drop_head(LineId line, VariantId by) {
  const VisitId v = cluster_.head(line, by);
  cluster_.leave(v, engine_.now());
  end_unserved(v, Ending::dropped);
  line_emptied(line);
}

void Simulation::start_batch(InstanceId i, LineId line, std::uint32_t take) {
  const Time now = engine_.now();
  const VisitId first = cluster_.begin(i, line, take, now);
  Instance& x = cluster_.instance(i);
  const InstanceRow& row = cluster_.row(i);
  const VariantId variant = world_[row.group].variant;
  if (x.batch_items > world_[variant].profile.max_items() || (x.batch_items > cluster_.row(row.group).batch_cap && take > 1))
    wrong_answer(PolicyKind::batching, "starts a batch of " + std::to_string(x.batch_items) + " items at '" + world_[variant].name +
                                           "', whose largest batch is " + std::to_string(cluster_.row(row.group).batch_cap));
  x.retry_due = never;
  no_longer_idle(i);
  const Hardware& hardware = world_.catalog()[world_.topology()[row.device].hardware];
  BatchRun run;
  run.variant = variant;
  run.option = row.option;
  run.items = x.batch_items;
  run.work = x.batch_work;
  run.slowdown = cluster_[row.device].slowdown;
  if (!hardware.interference.empty()) {
    const std::size_t side_by_side = std::min<std::size_t>(cluster_.row(row.device).running, hardware.interference.size() - 1);
    run.slowdown *= hardware.interference[side_by_side];
  }
  if (!world_[variant].beside.empty()) [[unlikely]]
    for (const InstanceId k : cluster_[row.device].instances)
      if (k != i && cluster_[k].batch_count > 0) run.slowdown *= world_[variant].slowdown_beside(world_[cluster_.row(k).group].variant);
  if (hardware.load_slowdown != 1 && device_loads_[row.device.index()].loading > 0) run.slowdown *= hardware.load_slowdown;
  run.first_serial = cluster_[first].serial;
  run.first_attempt = cluster_[first].attempt;
  cluster_.run(i, now, now + executor_.expected_run(run));
  const Duration took = executor_.run(i, run);
  x.batch_ends = took == forever ? never : now + took;
  if (hardware.sharing == Sharing::shared && took != forever) [[unlikely]]
    share_device(i, took);
  else if (took != forever)
    schedule(x.batch_ends, EventKind::batch_done, i.index());
  Controller& c = controller_of(cluster_.site_id(i));
  for (Observer* o : c.hear_visits)
    for (VisitId v = first; v; v = cluster_[v].next) o->visit_began(query(v), i, live_view(c));
  for (Observer* o : c.hear_batch_starts) o->batch_began(i, take, live_view(c));
  line_emptied(line);
}

std::uint32_t Simulation::compute_channel(DeviceId d) const { return first_compute_channel_ + d.index(); }

/// The batch needs so much of the device's time, which it shares with others: when it is done only those who come and go can tell.
void Simulation::share_device(InstanceId i, Duration work) {
  cluster_.instance(i).batch_ends = never;
  cluster_.instance(i).batch_alone = work;
  const std::uint32_t channel = compute_channel(cluster_.row(i).device);
  channels_[channel].begin(engine_.now(), std::max(to_seconds(work), 1e-9), of_batch | i.index());
  arm_channel(channel);
}

/// Ends by an event of this instant.
void Simulation::shared_batch_done(std::uint32_t payload) {
  const InstanceId i{payload & ~of_batch};
  cluster_.instance(i).batch_ends = engine_.now();
  schedule(engine_.now(), EventKind::batch_done, i.index());
}

/// Its node failed.
void Simulation::stop_sharing(InstanceId i) {
  const DeviceId d = cluster_.row(i).device;
  if (world_.catalog()[world_.topology()[d].hardware].sharing != Sharing::shared) return;
  channels_[compute_channel(d)].cancel(engine_.now(), of_batch | i.index());
  arm_channel(compute_channel(d));
}

/// It is not idle only because a shared line has work: told when that is gone.
void Simulation::wait_for_line(InstanceId i) {
  no_longer_idle(i);
  if (std::find(wait_for_line_.begin(), wait_for_line_.end(), i) == wait_for_line_.end()) wait_for_line_.push_back(i);
}

/// Visits left the line: if none is left in a shared one, those who waited with it for a batch are idle again.
void Simulation::line_emptied(LineId line) {
  const LineKind kind = cluster_[line].kind;
  if (wait_for_line_.empty() || kind == LineKind::own || (kind == LineKind::shared && cluster_[line].count > 0)) return;
  emptied_.clear();
  for (std::size_t k = 0; k < wait_for_line_.size();) {
    const InstanceId i = wait_for_line_[k];
    const Phase phase = cluster_.row(i).phase;
    if ((phase == Phase::warm || phase == Phase::draining) && cluster_[i].batch_count == 0 && has_work(i)) {
      ++k;
      continue;
    }
    emptied_.push_back(i);
    wait_for_line_[k] = wait_for_line_.back();
    wait_for_line_.pop_back();
  }
  for (const InstanceId i : emptied_)
    if (is_idle(i)) {
      cluster_.put_off(i, false);
      cluster_.instance(i).retry_due = never;
      became_idle(i);
    }
}

/// Of an event alone: so it is compiled into the loop.
void Simulation::batch_done(InstanceId i, bool failed) {
  const Time now = engine_.now();
  {
    const Instance& x = cluster_[i];
    // A batch that failed with its node, or the event of an earlier user of the slot.
    if (x.batch_count == 0 || (x.batch_ends != never && x.batch_ends != now)) return;
  }
  const InstanceRow& row = cluster_.row(i);
  const DeviceId d = row.device;
  const GroupId group = row.group;
  prefetch(&cluster_[cluster_[i].batch_head]);
  prefetch(&cluster_[d].changed);
  prefetch(&cluster_.row(d));
  const LineId own = cluster_.own_line(i);
  prefetch(&cluster_[own]);
  prefetch(&cluster_[own].changed);
  const std::uint32_t items = cluster_[i].batch_items, visits = cluster_[i].batch_count;
  const Duration took = now - cluster_[i].batch_began;
  const Hardware& hardware = world_.catalog()[world_.topology()[d].hardware];
  const double share = cluster_.share_used(i, took);
  double cost_per_item = world_.device_price_per_s(d) * share * to_seconds(took) / items;
  if (!prices_.pool_factor.empty()) [[unlikely]]
    cost_per_item *= prices_.pool_factor[world_.topology()[d].pool.index()];
  std::uint32_t wasted = 0;
  const VariantId variant = world_[group].variant;
  const Task& task = world_.catalog()[world_[variant].task];
  const BatchEnd batch{i,
                       variant,
                       cluster_.site_id(i),
                       now - took,
                       cluster_[i].warm_at,
                       took,
                       visits,
                       cluster_[i].serial,
                       cost_per_item,
                       world_[variant].accuracy,
                       task.hit_rate || task.concentration > 0 || options_.outcomes != nullptr || outcome_.drifts()};
  VisitId v = cluster_.end(i, now, !failed);
  cluster_.instance(i).batch_count = visits;  // still told to those who ask about this batch
  VisitId waits = cluster_[own].lane.head;    // those who wait are probably the next batch
  while (v) {
    const VisitId next = cluster_.returning(v);
    if (next) prefetch(&cluster_[next]);
    if (waits) {
      prefetch(&cluster_[waits]);
      waits = cluster_[waits].next;
    }
    const Visit& visit = cluster_[v];
    if (visit.flags.cancelled) {
      wasted += visit.items;
      const GatheringId g = visit.gathering;
      forget(g, v);
      cluster_.close(v);
      release_if_done(g);
    } else if (failed) {
      lose(v, variant);
    } else {
      answered(v, batch);
    }
    v = next;
  }
  for (Recorder* r : hear_batches_)
    failed ? r->batch_lost(i, d, variant, items, took, now) : r->batch_done(i, d, variant, items, wasted, took, now);
  cluster_.instance(i).batch_count = 0;
  Controller& c = controller_of(cluster_.site_id(i));
  for (Observer* o : c.hear_batches) o->batch_done(i, visits, took, live_view(c));

  cluster_.put_off(i, false);
  if (resizes_instances_ && cluster_[i].wished_option != cluster_.row(i).option) [[unlikely]]
    try_resize(i);
  offer(i);
  // On an exclusive device others may have waited for this slot.
  if (hardware.sharing != Sharing::partitioned && cluster_[d].instances.size() > 1) start_ready(d);
  if (any_held_) place_held(c.id, variant);
  if (cluster_[i].batch_count == 0 && is_idle(i)) became_idle(i);
}

void Simulation::offer_shared(LineId id) {
  // Its idle instances are asked one after the other until nothing is left or one waits: all of a group would answer alike.
  const LineKind kind = cluster_[id].kind;
  if (kind == LineKind::shared) return offer_group(id, cluster_[id].group);
  const SiteId site = cluster_[id].site;
  for (const VariantId v : world_.catalog()[cluster_[id].task].variants)
    if (const GroupId g = world_.group(v, site)) offer_group(id, g);
}

void Simulation::offer_group(LineId id, GroupId g) {
  // The one idle longest first, ties to the lowest id. One that does not start, because its device is busy, is passed over.
  const auto earlier = [&](InstanceId a, InstanceId b) {
    const Time x = cluster_.row(a).idle_since, y = cluster_.row(b).idle_since;
    return x != y ? x < y : a < b;
  };
  InstanceId last;
  while (cluster_.visits_for(id, world_[g].variant) > 0) {
    InstanceId pick;
    const auto consider = [&](InstanceId i) {
      if (cluster_.row(i).phase != Phase::warm || cluster_.row(i).load > 0 || cluster_[i].batch_count > 0) return;
      if ((!last || earlier(last, i)) && (!pick || earlier(i, pick))) pick = i;
    };
    const GroupRow& group = cluster_.row(g);
    if (!cluster_.indexes().by_load) {
      for (const InstanceId i : group.members) consider(i);
    } else if (!group.by_load.empty() && group.by_load.least_load() == 0) {
      for (const std::uint32_t slot : group.by_load.least()) consider(cluster_.instance_at(g, slot));
    }
    if (!pick) return;
    last = pick;
    cluster_.put_off(pick, false);
    offer(pick);
    if (cluster_[pick].put_off) return;
  }
}

void Simulation::arm_retry(InstanceId i, Time due) {
  Instance& x = cluster_.instance(i);
  x.retry_due = due;
  // A live event at or before the due serves; it is scheduled anew from there.
  if (x.retry_scheduled != never && x.retry_scheduled >= engine_.now() && x.retry_scheduled <= due) return;
  x.retry_scheduled = due;
  schedule(due, EventKind::batch_retry, i.index());
}

void Simulation::batch_retry(std::uint32_t slot) {
  const InstanceId i{slot};
  Instance& x = cluster_.instance(i);
  if (x.retry_scheduled != engine_.now()) return;
  x.retry_scheduled = never;
  if (x.retry_due == never) return;
  if (x.retry_due > engine_.now()) return arm_retry(i, x.retry_due);
  x.retry_due = never;
  x.put_off = false;
  offer(i);
}

}  // namespace tideline
