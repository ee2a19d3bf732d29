// Between sites: visits and answers cross the links of their route one after the other, and share each link's bandwidth with all others
// that are on it in their direction. Only where a link has a bandwidth or changes; otherwise ways take delays alone, and simulation.cpp needs no more.
#include "sim/serving/simulation.h"

#include <algorithm>

namespace tideline {

Simulation::Trip& Simulation::trip(VisitId v) {
  if (v.index() >= trips_.size()) trips_.resize(std::max<std::size_t>(v.index() + 1, 2 * trips_.size()));
  return trips_[v.index()];
}

/// What a crossing takes beside its bytes. The jitter belongs to the query and its way: another policy meets the same.
Duration Simulation::propagation(std::uint32_t channel, const Visit& visit) const {
  const Link& link = world_.topology().link_of(channel);
  if (link.mean_jitter == Duration{}) return delays_[channel];
  KeyedDraw draw(options_.seed, Purpose::jitter, visit.serial, std::uint64_t{channel} << 8 | visit.attempt);
  return delays_[channel] + from_seconds(to_seconds(link.mean_jitter) * link.jitter.sample(draw));
}

/// `first`: from its origin, not from a site where it found no place.
void Simulation::depart(VisitId v, SiteId from, SiteId to, bool first) {
  Trip& t = trip(v);
  t = {engine_.now(), first ? Duration{} : t.there, from, to};
  const Visit& visit = cluster_[v];
  const Duration opens = from != to ? reach().topology().route(from, to).opening(payload_of(visit)) : Duration{};
  travel(v, opens + (first ? prepares(visit) : Duration{}));
}

/// As the links that are up leave it; where no way is left, the usual one, to wait there.
const Hop& Simulation::next_hop(SiteId at, SiteId to) const {
  const Topology& now = reach().topology();
  return now.route(at, to).reachable ? now.hop(at, to) : world_.topology().hop(at, to);
}

/// It leaves `at` after `delay`, which is the propagation of the link that brought it there.
void Simulation::travel(VisitId v, Duration delay) {
  Trip& t = trips_[v.index()];
  const Visit& visit = cluster_[v];
  const bool back = visit.state == VisitState::returning;
  const std::uint32_t bytes = back ? workload_.answer_bytes(visit.entry) : payload_of(visit);
  const auto kind = back ? EventKind::returned : EventKind::joins;
  while (t.at != t.to) {
    const Hop& hop = next_hop(t.at, t.to);
    const Link& link = world_.topology().link_of(hop.channel);
    if ((bytes > 0 && link.bytes_per_s > 0) || links_down_[hop.channel / 2] != 0) {
      if (delay > Duration{}) return schedule(engine_.now() + delay, kind, v.index());
      channels_[hop.channel].begin(engine_.now(), std::max(bytes, 1U), v.index());
      return arm_channel(hop.channel);
    }
    delay += propagation(hop.channel, visit);
    t.at = hop.next;
  }
  // An answer that is all there is goes on to its client.
  if (back && !visit.gathering && !trips_[v.index()].handed_on) delay += access_back(visit), trips_[v.index()].handed_on = true;
  if (delay > Duration{}) return schedule(engine_.now() + delay, kind, v.index());
  arrived_at(v);
}

/// A visit is at a site of its way, perhaps the last.
void Simulation::arrived_at(VisitId v) {
  Trip& t = trips_[v.index()];
  if (t.at != t.to) return travel(v, Duration{});
  if (cluster_[v].state == VisitState::returning) return came_back(v);
  t.there += engine_.now() - t.left;
  reached(v);
}

void Simulation::arm_channel(std::uint32_t channel) {
  const Time due = channels_[channel].next_end();
  Time& scheduled = channel_scheduled_[channel];
  // A live event at or before the due serves; it is scheduled anew from there.
  if (due == never || (scheduled != never && scheduled >= engine_.now() && scheduled <= due)) return;
  scheduled = due;
  schedule(due, EventKind::change, channel);
}

void Simulation::channel_event(std::uint32_t channel) {
  if (channel_scheduled_[channel] != engine_.now()) return;
  channel_scheduled_[channel] = never;
  while (channels_[channel].next_end() == engine_.now()) {
    const std::uint32_t payload = channels_[channel].end();
    if ((payload & of_load) != 0) {
      load_passed(payload, channel);
      continue;
    }
    if ((payload & of_batch) != 0) {
      shared_batch_done(payload);
      continue;
    }
    const VisitId v{payload};
    Trip& t = trips_[v.index()];
    const Link& link = world_.topology().link_of(channel);
    t.at = channel % 2 == 0 ? link.to : link.from;
    travel(v, propagation(channel, cluster_[v]));
  }
  arm_channel(channel);
}

/// The answer leaves the site. When it will be back nobody knows yet: `end`, of a plain query, is told then.
void Simulation::set_out_back(VisitId v, SiteId site, const QueryEnd& end) {
  Trip& t = trip(v);
  t = {engine_.now(), t.there, site, SiteId{cluster_[v].origin}};
  if (!cluster_[v].gathering) {
    if (v.index() >= ends_.size()) ends_.resize(std::max<std::size_t>(v.index() + 1, 2 * ends_.size()));
    ends_[v.index()] = end;
    t.told = false;
  }
  travel(v, reach().topology().route(site, t.to).slow_start(workload_.answer_bytes(cluster_[v].entry)));
}

void Simulation::came_back(VisitId v) {
  Trip& t = trips_[v.index()];
  const Duration took = engine_.now() - t.left;
  if (const GatheringId g = cluster_[v].gathering) {
    if (!cluster_[g].resolved) {
      const auto& visits = cluster_[g].visits;
      const auto k = static_cast<std::size_t>(std::find(visits.begin(), visits.end(), v) - visits.begin());
      notes(g).answers[k].parts.network += took;
    }
    return note_return(v);
  }
  QueryEnd& end = ends_[v.index()];
  end.finish = engine_.now();
  end.network += took;
  t.told = true;
  for (Recorder* r : hear_ends_) r->ended(cluster_[v], end);
  if (ends_heard_) tell_end(cluster_[v], end);
  returned(v);
}

}  // namespace tideline
