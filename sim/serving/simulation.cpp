#include "sim/serving/simulation.h"

#include <algorithm>
#include <cassert>

namespace tideline {

namespace {

Indexes union_of_indexes(const std::vector<Controller>& controllers) {
  Indexes all;
  for (const auto& c : controllers) all = all | c.policies.needs().indexes;
  return all;
}

void refuse_unread_fields(const std::vector<Controller>& controllers) {
  // Cores, nodes and batch caps are carried out by serving itself; wishes too. Shares only mean something to a dispatcher.
  for (const auto& c : controllers) {
    const Needs n = c.policies.needs();
    if (n.writes.shares && !n.reads.shares)
      throw PolicyError("autoscaling policy '" + c.policies.names[static_cast<std::size_t>(PolicyKind::autoscaling)] +
                        "' plans routing shares, but no policy of this run reads them: choose a dispatch policy that does");
  }
}

}  // namespace

Simulation::Simulation(const World& world, RunOptions options, std::vector<Controller> controllers, Workload workload, Executor& executor,
                       std::vector<Recorder*> recorders)
    : world_(world),
      options_(std::move(options)),
      controllers_(std::move(controllers)),
      workload_(std::move(workload)),
      executor_(executor),
      recorders_(std::move(recorders)),
      cluster_(world, union_of_indexes(controllers_), static_cast<std::uint32_t>(controllers_.size())),
      outcome_(world.catalog(), options_.seed),
      reach_(&world),
      by_site_(options_.control.mode != Control::Mode::central),
      old_views_(options_.control.old_views()),
      compensates_(old_views_ && options_.control.compensated),
      decides_late_(options_.control.decides_late()),
      snapshots_(world.site_count()) {
  refuse_unread_fields(controllers_);
  if (options_.outcomes) outcome_.use(*options_.outcomes);
  for (Recorder* r : recorders_) {
    const Recorder::Facts wanted = r->facts();
    if (wanted.arrivals) hear_arrivals_.push_back(r);
    if (wanted.batches) hear_batches_.push_back(r);
    if (wanted.ends) hear_ends_.push_back(r);
    if (wanted.decisions) hear_decisions_.push_back(r);
  }
  window_begin_ = Time{} + options_.warmup;
  window_end_ = later(window_begin_, options_.duration);
  run_end_ = later(window_end_, options_.drain);
  pinned_groups_.resize(world.groups().size());
  clients_away_ = !world.topology().access.empty();
  resizes_queries_ = world.resizes();
  has_exits_ =
      std::any_of(world.catalog().variants.begin(), world.catalog().variants.end(), [](const Variant& v) { return bool{v.resumes}; });
  decides_at_once_ = !clients_away_ && !decides_late_;
  notes_placements_ = compensates_ || has_exits_;
  restarts_.resize(world.groups().size());
  restart_to_.resize(world.groups().size());
  prewarm_at_.resize(world.groups().size(), never);
  visible_shared_.resize(world.groups().size());
  visible_late_.resize(world.catalog().tasks.size() * world.site_count());
  for (auto& c : controllers_) {
    std::vector<const Board*> boards;
    for (std::size_t s = 0; s < world.site_count(); ++s) boards.push_back(&cluster_.board(SiteId{s}));
    for (Knowledge* k : {&c.knowledge, &c.live}) k->look_at(world, boards);
    for (const auto& p : c.policies.objects) {
      rounds_.push_back(p.get());
      round_of_.push_back(c.id);
      if (auto* o = dynamic_cast<Observer*>(p.get())) {
        const Facts f = o->facts();
        if (f.arrivals) c.hear_arrivals.push_back(o);
        if (f.batches) c.hear_batches.push_back(o);
        if (f.batches || f.batch_starts) c.hear_batch_starts.push_back(o);
        if (f.instances) c.hear_instances.push_back(o);
        if (f.feedback) c.hear_feedback.push_back(o);
        if (f.ends) c.hear_ends.push_back(o);
        if (f.votes) c.hear_votes.push_back(o);
        ends_heard_ = ends_heard_ || f.ends || (f.feedback && options_.environment.feedback.share > 0);
        if (f.visits) c.hear_visits.push_back(o);
      }
    }
  }
  if (controllers_.size() != (by_site_ ? world.site_count() : 1)) throw std::invalid_argument("one controller, or one for each site");
  for (std::size_t s = 0; s < world.site_count(); ++s) {
    const BatchingPolicy& batching = *controller_of(SiteId{s}).policies.batching;
    std::vector<std::uint32_t> bounds;
    for (std::size_t v = 0; v < world.catalog().variants.size(); ++v) bounds.push_back(batching.line_bound(VariantId{v}, world));
    cluster_.set_line_rules(SiteId{s}, batching.order(), std::move(bounds));
  }
  decisions_heard_ = !hear_decisions_.empty();
  asks_admission_ = decisions_heard_ || std::any_of(controllers_.begin(), controllers_.end(),
                                                    [](const Controller& c) { return c.policies.admission->may_refuse(); });
  for (const Link& l : world.topology().links) {
    links_shared_ = links_shared_ || l.bytes_per_s > 0 || l.mean_jitter > Duration{};
    for (int way = 0; way < 2; ++way) {
      channels_.emplace_back(l.bytes_per_s);
      delays_.push_back(l.delay);
    }
  }
  for (const Change& c : options_.environment.changes) links_shared_ = links_shared_ || c.kind == Change::Kind::link;
  make_load_channels();
  first_compute_channel_ = static_cast<std::uint32_t>(channels_.size());
  const auto& hardware = world.catalog().hardware;
  if (std::any_of(hardware.begin(), hardware.end(), [](const Hardware& h) { return h.sharing == Sharing::shared; }))
    for (const Device& d : world.topology().devices) channels_.emplace_back(1, world.catalog()[d.hardware].sharing_exponent);
  channel_scheduled_.assign(channels_.size(), never);
  links_down_.assign(world.topology().links.size(), 0);
  reasons_down_.assign(world.topology().nodes.size(), 0);
  noticed_.assign(world.topology().nodes.size(), 0);
  given_back_.assign(world.topology().nodes.size(), false);
  round_due_.assign(rounds_.size(), never);
  round_scheduled_.assign(rounds_.size(), never);
}

void Simulation::begin() {
  if (began_) return;
  began_ = true;
  for (Recorder* r : recorders_) r->run_begins(cluster_);
  schedule(window_begin_, EventKind::boundary, 0);
  if (window_end_ != never) schedule(window_end_, EventKind::boundary, 1);
  if (run_end_ != never) schedule(run_end_, EventKind::boundary, 2);
  if (options_.sample != forever) schedule(Time{} + options_.sample, EventKind::sample, 0);
  for (const InitialInstance& k : options_.initial) {
    const GroupRow& g = cluster_.row(k.group);
    cluster_.set_option(k.group, k.option);
    const InstanceId i = cluster_.start(k.group, k.device, k.option, g.batch_cap, StartCause::initial, Time{});
    executor_.load_before_start(load_run(i));  // free of charge, but its artefact and its build are there from now on
    for (Recorder* r : recorders_) r->instance_started(i, StartCause::initial, Time{});
    Controller& c = controller_of(cluster_.site_id(i));
    for (Observer* o : c.hear_instances) o->instance_changed(i, Phase::starting, live_view(c));
    warm(i);
  }
  begin_environment();
  for (std::uint32_t k = 0; k < rounds_.size(); ++k) policy_round(k);
  for (auto& c : controllers_) {
    planning_ = options_.planned;
    control_round(c);
    planning_ = false;
    apply_prewarms(c);
  }
  begin_control();
}

static_assert(most_in_flight <= Event::max_slots);

void Simulation::run(Pacer* pacer) {
  begin();
  engine_.run(*this, pacer);
  interrupted_ = interrupted_ || (pacer != nullptr && pacer->stopped());
  close_run();
}

bool Simulation::step() {
  begin();
  return engine_.step(*this, nullptr);
}

void Simulation::handle(unsigned kind, std::uint32_t slot, bool failed) {
  switch (static_cast<EventKind>(kind)) {
    case EventKind::batch_done:
      batch_done(InstanceId{slot}, failed);
      break;
    case EventKind::returned:
      if (links_shared_)
        arrived_at(VisitId{slot});
      else
        returned(VisitId{slot});
      break;
    case EventKind::warm: {
      const InstanceId i{slot};
      // At another time it is the load of an earlier user of the slot; a load without a time was posted.
      const Time ends = cluster_[i].load_ends;
      if (cluster_.row(i).phase != Phase::starting || (ends != engine_.now() && ends != never)) break;
      if (failed) {
        load_failed(i);
        break;
      }
      const DeviceId device = cluster_.row(i).device;
      --device_loads_[device.index()].loading;
      warm(i);
      load_next(device);
      break;
    }
    case EventKind::node_up:
      node_up(NodeId{slot});
      break;
    case EventKind::change:
      change(slot);
      break;
    case EventKind::arrival:
      break;
    case EventKind::joins:
      if (clients_away_ && cluster_[VisitId{slot}].state == VisitState::deciding) [[unlikely]]
        came_in(VisitId{slot});
      else if (links_shared_)
        arrived_at(VisitId{slot});
      else
        joins(VisitId{slot});
      break;
    case EventKind::batch_retry:
      batch_retry(slot);
      break;
    case EventKind::keep_alive:
      keep_alive_due(slot);
      break;
    case EventKind::gathering_due:
      hedge_due(GatheringId{slot});
      answer_due(GatheringId{slot});
      break;
    case EventKind::prewarm:
      prewarm_due(GroupId{slot});
      break;
    case EventKind::policy_round:
      if (round_scheduled_[slot] == engine_.now() && round_due_[slot] == engine_.now()) policy_round(slot);
      break;
    case EventKind::plan_effect:
      apply_plan(controllers_[slot]);
      break;
    case EventKind::control_round:
      control_round(controllers_[slot]);
      break;
    case EventKind::sample:
      cluster_.settle(engine_.now());
      for (Recorder* r : recorders_) r->sample(cluster_, engine_.now());
      if (engine_.now() < window_end_) schedule(engine_.now() + options_.sample, EventKind::sample, 0);
      break;
    case EventKind::boundary:
      boundary();
      break;
  }
  after_transition();
}

void Simulation::after_transition() {
#ifdef TIDELINE_CHECK_BOARDS
  cluster_.check_boards();
#endif
  if (drained_ && measured_open_ == 0) finished_ = true;
  if ((++handled_ & 0xffff) == 0 && options_.progress && !options_.progress(engine_.now())) {
    interrupted_ = true;
    finished_ = true;
  }
}

void Simulation::boundary() {
  const Time now = engine_.now();
  cluster_.settle(now);
  if (now == window_begin_ && now < window_end_) {
    for (Recorder* r : recorders_) r->window(true, cluster_, now);
  } else if (now == window_end_ && !drained_) {
    for (Recorder* r : recorders_) r->window(false, cluster_, now);
    drained_ = true;
  } else if (now >= run_end_) {
    finished_ = true;
  }
}

void Simulation::close_run() {
  const Time now = engine_.now();
  cluster_.settle(now);
  if (!drained_)  // interrupted, or the sources ended and nothing was left to do
    for (Recorder* r : recorders_) r->window(false, cluster_, now);
  // What is open now is unfinished. Gatherings count once: with the first of their open visits.
  for (std::uint32_t k = 0; k < cluster_.visit_slots(); ++k) {
    const Visit& v = cluster_[VisitId{k}];
    if (v.state == VisitState::free) continue;
    if (v.state == VisitState::returning && !v.gathering && (!links_shared_ || trips_[k].told)) continue;
    if (v.gathering) {
      const Gathering& g = cluster_[v.gathering];
      if (g.resolved) continue;
      const auto first = std::find_if(g.visits.begin(), g.visits.end(), [](VisitId x) { return static_cast<bool>(x); });
      if (first == g.visits.end() || *first != VisitId{k}) continue;
    }
    QueryEnd end;
    end.ending = Ending::unfinished;
    end.finish = now;
    for (Recorder* r : hear_ends_) r->ended(v, end);
  }
}

// --- a query's way ---

/// A bound counts those who wait, not one that can start at once.
bool Simulation::turns_away(const Line& line) const {
  if (line.count > 0) return true;
  const auto can_start = [&](InstanceId i) {
    const InstanceRow& row = cluster_.row(i);
    return row.phase == Phase::warm && cluster_[i].batch_count == 0 &&
           cluster_.row(row.device).running < world_.catalog()[world_.topology()[row.device].hardware].concurrent_batches;
  };
  if (line.kind == LineKind::own) return !can_start(line.instance);
  const auto& members = cluster_.row(line.group).members;
  return std::none_of(members.begin(), members.end(), can_start);
}

// Nearly every query comes by here: one function with the two that call it.
[[gnu::always_inline]] inline void Simulation::joins(VisitId v) {
  const Visit& visit = cluster_[v];
  const LineId id = visit.line;
  const LineKind kind = cluster_[id].kind;
  if (visit.flags.cancelled) {  // called off on the way
    cluster_.leave(v, engine_.now());
    const GatheringId g = visit.gathering;
    forget(g, v);
    cluster_.close(v);
    release_if_done(g);
    if (kind == LineKind::own && is_idle(cluster_[id].instance)) became_idle(cluster_[id].instance);
    return;
  }
  if (kind == LineKind::own) {
    const InstanceId i = cluster_[id].instance;
    const Phase phase = cluster_.row(i).phase;
    if (phase == Phase::gone) {  // it failed meanwhile
      const VariantId variant = cluster_[id].variant;
      const SiteId reached = cluster_[id].site;
      cluster_.leave(v, engine_.now());
      return placed_in_vain(v, variant, PolicyKind::dispatch, reached);
    }
    if (is_full(cluster_[id])) return turned_away(v);
    cluster_.join(v, engine_.now());
    Instance& x = cluster_.instance(i);
    if (phase == Phase::starting) return held(v, cluster_[id].variant, cluster_[id].group);
    x.put_off = false;
    if (x.batch_count == 0) offer(i);
    return;
  }
  if (is_full(cluster_[id])) return turned_away(v);
  cluster_.join(v, engine_.now());
  if (kind == LineKind::shared && cluster_.row(cluster_[id].group).warm() == 0) return held(v, cluster_[id].variant, cluster_[id].group);
  if (kind == LineKind::late && held_late(v)) return;
  offer_shared(id);
}

void Simulation::reached(VisitId v) { joins(v); }

/// A query came over its client's link.
void Simulation::came_in(VisitId v) { decides_late_ ? queue_decision(v) : take_decision(v); }

[[gnu::always_inline]] inline void Simulation::send(VisitId v, LineId line, SiteId to, SiteId from) {
  cluster_.send(v, line);
  if (const InstanceId i = cluster_[line].instance) no_longer_idle(i);
  const Visit& visit = cluster_[v];
  const bool first = !from;
  if (first) from = SiteId{visit.origin};
  if (to != from || resizes_queries_) {
    if (links_shared_) return depart(v, from, to, first);
    const Duration travel = reach().topology().route(from, to).time(payload_of(visit)) + (first ? prepares(visit) : Duration{});
    if (travel > Duration{}) return schedule(engine_.now() + travel, EventKind::joins, v.index());
  }
  joins(v);
}

[[gnu::always_inline]] inline void Simulation::carry_out(VisitId v, VariantId variant, const Dispatch& d, SiteId from) {
  if (d.ask_again != never) ask_again(v, variant, d.ask_again);
  switch (d.answer) {
    case Dispatch::Answer::instance: {
      if (!cluster_.exists(d.instance)) wrong_answer(PolicyKind::dispatch, "chose an instance that never was");
      const InstanceRow& row = cluster_.row(d.instance);
      if (row.phase == Phase::gone || row.phase == Phase::draining) return placed_in_vain(v, variant, PolicyKind::dispatch, from);
      // Another instance may have taken its slot since the board that the controller went by.
      if (world_[row.group].variant != variant &&
          !sees_live(controller_of(from ? from : SiteId{cluster_[v].origin}), cluster_.site_id(d.instance)))
        return placed_in_vain(v, variant, PolicyKind::dispatch, from);
      if (world_[row.group].variant != variant)
        wrong_answer(PolicyKind::dispatch,
                     "chose an instance of '" + world_[world_[row.group].variant].name + "' for '" + world_[variant].name + "'");
      const LineId own = cluster_.own_line(d.instance);
      const Line& line = cluster_[own];
      const SiteId at = from ? from : SiteId{cluster_[v].origin};
      if (line.site != at && !reach().topology().route(at, line.site).reachable)
        return placed_in_vain(v, variant, PolicyKind::dispatch, from);
      if (notes_placements_) [[unlikely]] {
        if (compensates_) count_own(controller_of(at), d.instance, cluster_[v]);
        if (has_exits_ && world_[variant].resumes) resume(v, variant, row.device);
      }
      return send(v, own, line.site, from);
    }
    case Dispatch::Answer::site: {
      const GroupId g = d.site ? world_.group(variant, d.site) : GroupId{};
      if (!g) wrong_answer(PolicyKind::dispatch, "chose a site without hardware for '" + world_[variant].name + "'");
      if (!reach().topology().route(from ? from : SiteId{cluster_[v].origin}, d.site).reachable)
        return placed_in_vain(v, variant, PolicyKind::dispatch, from);
      visible_shared_[g.index()] = true;
      any_shared_ = true;
      if (has_exits_ && world_[variant].resumes) [[unlikely]]
        resume(v, variant, DeviceId{});
      return send(v, cluster_.shared_line(g), d.site, from);
    }
    case Dispatch::Answer::hold: {
      const SiteId origin{cluster_[v].origin};
      if (by_site_ && ((from && from != origin) || !world_.group(variant, origin))) return pass_on(v, variant, from);
      const LineId line = cluster_.held_line(controller_of(origin).id, variant);
      any_held_ = true;
      cluster_.send(v, line);
      cluster_.join(v, engine_.now());
      return held(v, variant, GroupId{});
    }
    case Dispatch::Answer::none:
      return end_unserved(v, Ending::infeasible);
  }
}

void Simulation::apply(VisitId v, VariantId variant, const Dispatch& d, SiteId from) { carry_out(v, variant, d, from); }

/// Where each site decides for itself, a visit is held at its own site only: elsewhere, or where that lacks the hardware, it waits in the
/// line of the nearest site that has it.
void Simulation::pass_on(VisitId v, VariantId variant, SiteId from) {
  const auto groups = reach().groups_of(variant, from ? from : SiteId{cluster_[v].origin});
  if (groups.empty()) return placed_in_vain(v, variant, PolicyKind::dispatch, from);
  visible_shared_[groups.front().index()] = true;
  any_shared_ = true;
  send(v, cluster_.shared_line(groups.front()), world_[groups.front()].site, from);
}

void Simulation::place(VisitId v, VariantId variant, SiteId from) {
  Controller& c = controller_of(from ? from : SiteId{cluster_[v].origin});
  apply(v, variant, ask_dispatch(c, v, variant), from);
}

[[gnu::always_inline]] inline void Simulation::decide(VisitId v) {
  Controller& c = controller_of(SiteId{cluster_[v].origin});
  if (asks_admission_) {
    const Admission a = c.policies.admission->admit(query(v), view(c));
    if (decisions_heard_) [[unlikely]]
      tell(c, {.answer = a.admit ? DecisionAnswer::admitted : DecisionAnswer::refused, .reason = a.reason, .query = cluster_[v].serial});
    if (!a.admit) return end_unserved(v, Ending::rejected);
  }
  for (Observer* o : c.hear_arrivals) o->arrived(query(v), view(c));
  const Selection s = ask_selection(c, v);
  switch (s.answer) {
    case Selection::Answer::none:
      return end_unserved(v, Ending::infeasible);
    case Selection::Answer::late: {
      // The nearest site that has hardware for the task takes it; its line is shared by all variants of the task there.
      const SiteId origin{cluster_[v].origin};
      SiteId best;
      for (const VariantId k : world_.candidates(cluster_[v].cls, CandidateOrder::by_latency)) {
        const auto groups = reach().groups_of(k, origin);
        if (groups.empty()) continue;
        const SiteId s0 = world_[groups.front()].site;
        if (!best || reach().topology().route(origin, s0).delay < reach().topology().route(origin, best).delay) best = s0;
      }
      if (!best) return end_unserved(v, Ending::infeasible);
      const LineId line = cluster_.late_line(query(v).task(), best);
      any_late_ = true;
      visible_late_[best.index() * world_.catalog().tasks.size() + query(v).task().index()] = true;
      return send(v, line, best);
    }
    case Selection::Answer::variants:
      break;
  }
  if (s.count == 0 || s.count > Selection::most) wrong_answer(PolicyKind::selection, "chose " + std::to_string(s.count) + " variants");
  for (std::size_t k = 0; k < s.count; ++k) check_variant(v, s.variants[k], PolicyKind::selection);
  if (s.count == 1 && !s.may_escalate) return carry_out(v, s.variants[0], ask_dispatch(c, v, s.variants[0]), SiteId{});
  gather(v, s);
}

void Simulation::take_decision(VisitId v) { decide(v); }

void Simulation::arrive() {
  const VisitId v = cluster_.open_visit();
  {
    Visit& q = cluster_.visit(v);
    workload_.take(q);
    q.flags.measured = q.arrival >= window_begin_ && q.arrival < window_end_;
    if (q.flags.measured) ++measured_open_;
    cluster_.admit(v);
    for (Recorder* r : hear_arrivals_) r->arrived(q);
  }
  if (decides_at_once_) [[likely]]
    decide(v);
  else if (const Duration way = access_there(cluster_[v]); way > Duration{})
    schedule(engine_.now() + way, EventKind::joins, v.index());
  else
    came_in(v);
  after_transition();
}

void Simulation::wrong_variant(VisitId v, VariantId variant, PolicyKind kind) const {
  if (!variant || variant.index() >= world_.catalog().variants.size()) wrong_answer(kind, "chose a variant that does not exist");
  if (world_[variant].task != world_[cluster_[v].cls].task)
    wrong_answer(kind, "chose variant '" + world_[variant].name + "', which is of another task");
  wrong_answer(kind, "chose variant '" + world_[variant].name + "', for which no reachable site has hardware");
}

void Simulation::wrong_answer(PolicyKind kind, const std::string& what) const {
  throw PolicyError(std::string(to_string(kind)) + " policy '" + controllers_.front().policies.names[static_cast<std::size_t>(kind)] +
                    "' at " + std::to_string(to_seconds(engine_.now())) + " s: " + what);
}

void Simulation::placed_in_vain(VisitId v, VariantId variant, PolicyKind kind, SiteId from) {
  for (Recorder* r : recorders_) r->stale_answer(static_cast<std::uint8_t>(kind), engine_.now());
  constexpr std::uint8_t most_tries = 3;
  if (++cluster_.visit(v).stale > most_tries) return end_unserved(v, Ending::dropped);
  place(v, variant, from);
}

/// The line that it reached is full.
void Simulation::turned_away(VisitId v) {
  const Line& line = cluster_[cluster_[v].line];
  const InstanceId owner = line.kind == LineKind::own ? line.instance : InstanceId{};
  cluster_.leave(v, engine_.now());
  end_unserved(v, Ending::rejected);
  if (owner && is_idle(owner)) became_idle(owner);
}

[[gnu::always_inline]] inline void Simulation::finish(VisitId v, const QueryEnd& end) {
  const Visit& visit = cluster_[v];
  for (Recorder* r : hear_ends_) r->ended(visit, end);
  if (ends_heard_) [[unlikely]]
    tell_end(visit, end);
  if (visit.flags.measured) --measured_open_;
  cluster_.query_done(v);
  cluster_.close(v);
}

void Simulation::answered(VisitId v, const BatchEnd& batch) {
  const Visit& visit = cluster_[v];
  const SiteId site = batch.site, origin{visit.origin};
  const Time now = engine_.now();
  double cost = batch.cost_per_item * visit.items;
  Duration there{}, back{};
  double transfer = 0;
  if (site != origin) {
    const std::uint32_t answer_bytes = workload_.answer_bytes(visit.entry);
    const std::uint32_t payload = world_.payload_bytes(batch.variant, visit.payload_bytes, visit.items);
    const Route& route = world_.topology().route(origin, site);
    there = links_shared_ ? trips_[v.index()].there : route.time(payload) + world_[batch.variant].pre_at_origin * visit.items;
    back = links_shared_ ? Duration{} : route.time_back(answer_bytes);
    transfer = route.price_per_byte_usd * (static_cast<double>(payload) + answer_bytes);
    cost += transfer;
  } else if (resizes_queries_) [[unlikely]] {
    there = world_[batch.variant].pre_at_origin * visit.items;
  }
  // It may have waited for a load twice: held before it travelled, and at its instance.
  Duration load{};
  const Duration in = clients_away_ ? access_there(visit) : Duration{};
  Time asked = visit.arrival + in;
  Answer* answer = nullptr;
  if (visit.gathering) {
    const auto& open = cluster_[visit.gathering].visits;
    answer = &notes(visit.gathering).answers[static_cast<std::size_t>(std::find(open.begin(), open.end(), v) - open.begin())];
    asked = std::max(asked, answer->asked);
  }
  if (visit.flags.triggered_load || visit.flags.delayed_by_load)
    load = std::max(Duration{}, std::min(batch.warm_at, visit.joined - there) - asked) +
           std::max(Duration{}, std::min(batch.warm_at, batch.began) - visit.joined);
  const Duration network = there + back;
  if (answer != nullptr) {
    GatheringNotes& n = notes(visit.gathering);
    n.cost += cost;
    n.transfer += transfer;
    answer->variant = batch.variant;
    answer->instance = batch.instance;
    answer->device = cluster_.row(batch.instance).device;
    answer->instance_serial = batch.instance_serial;
    answer->batch = batch.visits;
    answer->parts.network += network;
    answer->parts.load += load;
    answer->parts.service += batch.took;
    if (links_shared_ && site != origin) return set_out_back(v, site, {});
    if (back > Duration{}) return schedule(now + back, EventKind::returned, v.index());
    return note_return(v);
  }
  const Duration out = clients_away_ ? access_back(visit) : Duration{};
  QueryEnd end;
  end.finish = now + back + out;
  end.variant = batch.variant;
  end.instance = batch.instance;
  end.instance_serial = batch.instance_serial;
  end.batch = batch.visits;
  end.network = in + network + (links_shared_ && out > Duration{} ? Duration{} : out);
  end.load = load;
  end.queue = std::max(Duration{}, batch.began - asked - there - load);
  end.service = batch.took;
  end.accuracy = batch.accuracy;
  end.realised = batch.drawn ? outcome_.realised(visit.serial, batch.variant) : batch.accuracy;
  end.cost_usd = cost;
  end.transfer_usd = transfer;
  if (links_shared_ && (site != origin || out > Duration{})) return set_out_back(v, site, end);
  if (back + out > Duration{}) {
    for (Recorder* r : hear_ends_) r->ended(visit, end);
    if (ends_heard_) [[unlikely]]
      tell_end(visit, end);
    return schedule(end.finish, EventKind::returned, v.index());
  }
  finish(v, end);
}

void Simulation::returned(VisitId v) {
  if (cluster_[v].gathering) return note_return(v);
  if (cluster_[v].flags.measured) --measured_open_;
  cluster_.query_done(v);
  cluster_.close(v);
}

void Simulation::end_unserved(VisitId v, Ending ending) {
  if (cluster_[v].gathering) return visit_gone(v, ending);
  QueryEnd end;
  end.ending = ending;
  end.finish = engine_.now();
  finish(v, end);
}

}  // namespace tideline
