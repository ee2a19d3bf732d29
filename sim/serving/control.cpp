// Who decides for whom: boards that are exchanged between sites, and controllers that take their time.
#include "sim/serving/simulation.h"

#include <algorithm>
#include <chrono>

namespace tideline {

// Slots of EventKind::change after those of the environment: ControlSlot, then loads, as many as there are at once.
std::uint32_t Simulation::control_slot(std::uint32_t k) const {
  return static_cast<std::uint32_t>(channels_.size() + 2 * options_.environment.changes.size() + fates_.size()) + k;
}

std::uint32_t Simulation::load_slot(std::uint32_t k) const { return control_slot(control_slots() + k); }

/// At time 0 everybody knows everything.
void Simulation::begin_control() {
  const Control& control = options_.control;
  desks_.resize(controllers_.size());
  if (!control.old_views()) return;
  gossip_draws_ = Stream(options_.seed, "gossip", 0);
  const std::size_t sites = world_.site_count();
  known_.resize(controllers_.size() * sites);
  versions_.assign(sites, 0);
  if (control.compensated) own_copies_.resize(known_.size());
  for (std::size_t s = 0; s < sites; ++s) nothing_.push_back(&snapshots_.nothing(cluster_.board(SiteId{s}), engine_.now()));
  for (std::size_t s = 0; s < sites; ++s) {
    Snapshot& now = take_snapshot(SiteId{s});
    for (Controller& c : controllers_) learn(c, now);
    snapshots_.drop(now);
  }
  schedule(engine_.now() + control.snapshot, EventKind::change, control_slot(exchange_slot));
}

void Simulation::control_event(std::uint32_t k) {
  if (k == exchange_slot) return exchange();
  if (k == mail_slot) {
    if (mail_scheduled_ != engine_.now()) return;
    mail_scheduled_ = never;
    return deliver();
  }
  if (k == told_slot) return told_due();
  decision_done(k - desk_slot);
}

// --- boards that are exchanged ---

Snapshot& Simulation::take_snapshot(SiteId s) {
  return snapshots_.take(cluster_.board(s), engine_.now(), ++versions_[s.index()], own_decisions_);
}

/// Whether the controller sees the site's live board: its own, where there is one for each site.
bool Simulation::sees_live(const Controller& c, SiteId s) const {
  return !options_.control.old_views() || (by_site_ && c.id.index() == s.index());
}

void Simulation::exchange() {
  const Control& control = options_.control;
  const std::size_t sites = world_.site_count();
  const auto hold = [&](Snapshot& s) {
    snapshots_.hold(s);
    return &s;
  };
  std::vector<Snapshot*> taken;
  for (std::size_t s = 0; s < sites; ++s) taken.push_back(&take_snapshot(SiteId{s}));
  std::uint64_t messages = 0, bytes = 0;
  const auto post = [&](ControllerId to, Duration delay, std::vector<Snapshot*> carried) {
    ++messages;
    for (const Snapshot* s : carried) bytes += s->bytes;
    mail_.push_back({engine_.now() + delay, mail_sequence_++, to, std::move(carried)});
    std::push_heap(mail_.begin(), mail_.end(), later_mail);
  };
  switch (control.mode) {
    case Control::Mode::central:
      for (Snapshot* s : taken) post(ControllerId{0}, control.delay, {hold(*s)});
      break;
    case Control::Mode::per_site:
      for (std::size_t a = 0; a < sites; ++a)
        for (std::size_t b = 0; b < sites; ++b)
          if (const Route& r = reach().topology().route(SiteId{a}, SiteId{b}); a != b && r.reachable)
            post(ControllerId{b}, control.delay + r.delay, {hold(*taken[a])});
      break;
    case Control::Mode::gossip:
      for (std::size_t a = 0; a < sites; ++a) learn(controllers_[a], *taken[a]);
      // All speak at once: what is heard now is passed on the next time.
      for (std::size_t a = 0; a < sites; ++a) {
        peers_.clear();
        for (std::size_t b = 0; b < sites; ++b)
          if (b != a) peers_.push_back(static_cast<std::uint32_t>(b));
        for (std::size_t k = 0; k < control.fanout && k < peers_.size(); ++k) {
          std::swap(peers_[k], peers_[k + below(gossip_draws_, static_cast<std::uint32_t>(peers_.size() - k))]);
          const Route& r = reach().topology().route(SiteId{a}, SiteId{peers_[k]});
          if (!r.reachable) continue;
          std::vector<Snapshot*> all;
          for (std::size_t s = 0; s < sites; ++s)
            if (Snapshot* known = known_[a * sites + s]; known != nothing_[s] && s != peers_[k]) all.push_back(hold(*known));
          post(ControllerId{peers_[k]}, control.delay + r.delay, std::move(all));
        }
      }
      break;
  }
  for (Snapshot* s : taken) snapshots_.drop(*s);
  for (Recorder* r : recorders_) r->boards_sent(messages, bytes, engine_.now());
  deliver();
  for (Controller& c : controllers_)
    for (std::size_t s = 0; s < sites; ++s)
      if (const Snapshot* k = known_[c.id.index() * sites + s];
          k != nothing_[s] && !sees_live(c, SiteId{s}) && engine_.now() - k->board.taken_at > control.forget)
        forget_site(c, SiteId{s});
  schedule(engine_.now() + control.snapshot, EventKind::change, control_slot(exchange_slot));
}

void Simulation::deliver() {
  while (!mail_.empty() && mail_.front().due <= engine_.now()) {
    std::pop_heap(mail_.begin(), mail_.end(), later_mail);
    const Mail m = std::move(mail_.back());
    mail_.pop_back();
    for (Snapshot* s : m.carried) {
      learn(controllers_[m.to.index()], *s);
      snapshots_.drop(*s);
    }
  }
  if (mail_.empty() || (mail_scheduled_ != never && mail_scheduled_ >= engine_.now() && mail_scheduled_ <= mail_.front().due)) return;
  mail_scheduled_ = mail_.front().due;
  schedule(mail_scheduled_, EventKind::change, control_slot(mail_slot));
}

/// The controller hears of a site's board; what is older than what it knows says nothing.
void Simulation::learn(Controller& c, Snapshot& heard) {
  const SiteId site = heard.board.site;
  // What others still pass on of a site that nobody hears of any more.
  if (!sees_live(c, site) && engine_.now() - heard.board.taken_at > options_.control.forget) return;
  Snapshot*& known = known_[c.id.index() * world_.site_count() + site.index()];
  if (known != nullptr) {
    if (known != nothing_[site.index()] && known->board.version >= heard.board.version) return;
    if (known != nothing_[site.index()]) snapshots_.drop(*known);
  }
  known = &heard;
  snapshots_.hold(heard);
  if (sees_live(c, site)) return;
  if (!options_.control.compensated) return c.knowledge.look_at(heard.board);
  Board& own = own_copies_[c.id.index() * world_.site_count() + site.index()];
  own = heard.board;
  c.knowledge.look_at(own);
  for (const OwnDecision& d : desks_[c.id.index()].decisions)
    if (d.number > heard.decisions && cluster_.site_id(d.instance) == site) add_own(d, own);
}

void Simulation::forget_site(Controller& c, SiteId site) {
  Snapshot*& known = known_[c.id.index() * world_.site_count() + site.index()];
  snapshots_.drop(*known);
  known = nothing_[site.index()];
  // What a policy remembers of it has to be found, as gone.
  Board& nothing = known->board;
  const Board& now = cluster_.board(site);
  nothing.instances = now.instances;
  for (InstanceRow& r : nothing.instances) {
    r.phase = Phase::gone;
    r.load = r.in_service = 0;
  }
  nothing.counters.resize(now.counters.size());
  nothing.by_load_places.resize(now.by_load_places.size());
  nothing.by_free_positions.resize(now.by_free_positions.size());
  c.knowledge.look_at(known->board);
}

void Simulation::add_own(const OwnDecision& d, Board& copy) const {
  const SiteId site = cluster_.site_id(d.instance);
  const std::uint32_t slot = cluster_.slot_of(d.instance);
  if (slot >= copy.instances.size() || copy.instances[slot].phase == Phase::gone) return;
  const GroupId g = copy.instances[slot].group;
  count_visit(copy, g.index() - world_.first_group(site).index(), slot, d.work, d.at, cluster_.indexes());
}

/// The controller sent a visit to an instance that it sees through an old board.
void Simulation::count_own(Controller& c, InstanceId i, const Visit& v) {
  const SiteId site = cluster_.site_id(i);
  if (sees_live(c, site)) return;
  auto& decisions = desks_[c.id.index()].decisions;
  const Profile& profile = world_[world_[cluster_.row(i).group].variant].profile;
  const OwnDecision d{++own_decisions_, i, profile.latency(v.items, cluster_.row(i).option), engine_.now()};
  // Those that every board knows are no longer needed.
  if (decisions.size() >= 1024 && decisions.size() == decisions.capacity()) {
    std::uint64_t all_know = own_decisions_;
    for (std::size_t s = 0; s < world_.site_count(); ++s)
      if (const Snapshot* k = known_[c.id.index() * world_.site_count() + s]; k != nothing_[s] && !sees_live(c, SiteId{s}))
        all_know = std::min(all_know, k->decisions);
    decisions.erase(decisions.begin(),
                    std::find_if(decisions.begin(), decisions.end(), [&](const OwnDecision& k) { return k.number > all_know; }));
  }
  decisions.push_back(d);
  if (known_[c.id.index() * world_.site_count() + site.index()] != nothing_[site.index()])
    add_own(d, own_copies_[c.id.index() * world_.site_count() + site.index()]);
}

void Simulation::note_view(const Controller& c, const Dispatch& d) {
  SiteId site = d.site;
  if (d.answer == Dispatch::Answer::instance) site = cluster_.site_id(d.instance);
  if (!site || site.index() >= world_.site_count() || sees_live(c, site)) return;
  const Duration age = engine_.now() - c.knowledge.boards[site.index()]->taken_at;
  for (Recorder* r : recorders_) r->went_by(age, engine_.now());
}

// --- decisions that take time ---

void Simulation::queue_decision(VisitId v) {
  Controller& c = controller_of(SiteId{cluster_[v].origin});
  Desk& desk = desks_[c.id.index()];
  desk.line.push_back(v);
  if (desk.line.size() - desk.first == 1) begin_decision(c);
}

void Simulation::begin_decision(const Controller& c) {
  const Duration takes = options_.control.decision_measured ? desks_[c.id.index()].measured : options_.control.decision;
  schedule(engine_.now() + takes, EventKind::change, control_slot(desk_slot + c.id.index()));
}

void Simulation::decision_done(std::uint32_t controller) {
  Desk& desk = desks_[controller];
  const VisitId v = desk.line[desk.first++];
  // What is done is cut off once it is the larger part.
  if (2 * desk.first > desk.line.size()) {
    desk.line.erase(desk.line.begin(), desk.line.begin() + static_cast<std::ptrdiff_t>(desk.first));
    desk.first = 0;
  }
  const Visit& visit = cluster_[v];
  if (visit.flags.measured)
    for (Recorder* r : recorders_) r->decision_taken(engine_.now() - visit.arrival - access_there(visit));
  if (options_.control.decision_measured) {
    const auto began = std::chrono::steady_clock::now();
    take_decision(v);
    desks_[controller].measured = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  } else {
    take_decision(v);
  }
  if (desks_[controller].line.size() > desks_[controller].first) begin_decision(controllers_[controller]);
}

}  // namespace tideline
