// Queries with several visits: ensembles, cascades, hedges, retries.
#include "sim/serving/simulation.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace tideline {

Simulation::GatheringNotes& Simulation::notes(GatheringId g) {
  if (g.index() >= notes_.size()) notes_.resize(g.index() + 1);
  return notes_[g.index()];
}

void Simulation::gather(VisitId first, const Selection& s) {
  const GatheringId g = cluster_.gather(first);
  notes(g) = {};
  cluster_.gathering(g).retries_left = options_.retry_lost ? options_.retry_budget : std::uint8_t{0};
  cluster_.gathering(g).made = 0;
  cluster_.gathering(g).open = 0;
  cluster_.gathering(g).visits[0] = {};
  add_stage(g, first, s);
}

VisitId Simulation::add_visit(GatheringId id, VisitId like, VariantId variant) {
  Gathering& before = cluster_.gathering(id);
  const VisitId v = before.made == 0 ? like : cluster_.add_visit(like);
  Gathering& g = cluster_.gathering(id);
  if (cluster_[like].flags.resumes) [[unlikely]] {  // the other did a part only
    const auto k = std::find(g.visits.begin(), g.visits.end(), like) - g.visits.begin();
    cluster_.visit(v).work /= rest_after_exit(notes(id).answers[static_cast<std::size_t>(k)].variant);
  }
  cluster_.visit(v).gathering = id;
  const auto earlier = std::count(g.variants.begin(), g.variants.begin() + g.made, variant);
  cluster_.visit(v).attempt = static_cast<std::uint8_t>(earlier);
  g.variants[g.made] = variant;
  ++g.made;
  ++g.open;
  const auto slot = std::find(g.visits.begin(), g.visits.end(), VisitId{});
  *slot = v;
  GatheringNotes& n = notes(id);
  Answer& answer = n.answers[static_cast<std::size_t>(slot - g.visits.begin())];
  answer = {};
  answer.variant = variant;
  answer.asked = n.stage_began;
  answer.parts = n.earlier;
  return v;
}

void Simulation::add_stage(GatheringId id, VisitId like, const Selection& s) {
  if (cluster_[id].made + s.count > static_cast<int>(Gathering::most_visits))
    wrong_answer(PolicyKind::selection, "makes more than 16 visits for one query");
  if (is_vote(s.combine) && !world_.catalog()[world_[cluster_[like].cls].task].hit_rate)
    wrong_answer(PolicyKind::selection, "lets answers vote on a task whose answers have scores");
  {
    Gathering& g = cluster_.gathering(id);
    g.quorum = static_cast<std::uint8_t>(g.answers + std::clamp<int>(s.quorum, 1, s.count));
    g.combine = s.combine;
  }
  notes(id).may_escalate = s.may_escalate;
  notes(id).answer_by = s.answer_by;
  if (s.answer_by != never) {
    if (s.answer_by <= engine_.now()) wrong_answer(PolicyKind::selection, "wants an answer by a time that is not in the future");
    schedule(s.answer_by, EventKind::gathering_due, id.index());
  }
  std::array<VisitId, Gathering::most_visits> made;
  for (std::size_t k = 0; k < s.count; ++k) made[k] = add_visit(id, like, s.variants[k]);
  // A visit may end while the others are being placed. The gathering stays open meanwhile: those that are not placed yet
  // are among its visits, so only the last of them can resolve it.
  for (std::size_t k = 0; k < s.count; ++k) place(made[k], s.variants[k]);
}

void Simulation::forget(GatheringId id, VisitId v) {
  Gathering& g = cluster_.gathering(id);
  *std::find(g.visits.begin(), g.visits.end(), v) = VisitId{};
  --g.open;
}

void Simulation::release_if_done(GatheringId id) {
  Gathering& g = cluster_.gathering(id);
  if (!g.resolved || g.open > 0) return;
  g.due = never;
  cluster_.release(id);
}

void Simulation::note_return(VisitId v) {
  const GatheringId id = cluster_[v].gathering;
  Gathering& g = cluster_.gathering(id);
  if (g.resolved) {  // cancelled while it was answered or on its way back
    forget(id, v);
    cluster_.close(v);
    return release_if_done(id);
  }
  const auto k = static_cast<std::size_t>(std::find(g.visits.begin(), g.visits.end(), v) - g.visits.begin());
  const Answer answer = notes(id).answers[k];
  g.answered[g.answers] = answer.variant;
  ++g.answers;
  notes(id).last = answer;
  if (g.answers < g.quorum && g.open > 1) {
    forget(id, v);
    cluster_.close(v);
    return;
  }
  if (notes(id).may_escalate) {
    Controller& c = controller_of(SiteId{cluster_[v].origin});
    const StageResult stage{answer.variant, g.stage, outcome_.confidence(cluster_[v].serial, answer.variant)};
    const Selection s = c.policies.selection->escalate(query(v), stage, view(c));
    const bool goes_on = s.answer == Selection::Answer::variants;
    notes(id).confidence_asked = true;
    if (decisions_heard_)
      tell(c, {.answer = goes_on ? DecisionAnswer::escalated : DecisionAnswer::stands,
               .reason = s.reason,
               .query = cluster_[v].serial,
               .chosen = (goes_on ? s.variants[0] : answer.variant).index(),
               .runner_up = s.runner_up.index(),
               .amount = goes_on ? s.count : 0});
    if (goes_on) {
      for (std::size_t n = 0; n < s.count; ++n) check_variant(v, s.variants[n], PolicyKind::selection);
      ++g.stage;
      GatheringNotes& n = notes(id);
      n.stage_began = engine_.now();
      n.earlier = n.last.parts;
      // The next stage's visits are copies of this one, which keeps the gathering open until they are placed.
      add_stage(id, v, s);
      if (cluster_[id].open == 1) return resolve(id, v, Ending::answered);  // none found a place: the answer so far stands
      forget(id, v);
      cluster_.close(v);
      return;
    }
  }
  resolve(id, v, Ending::answered);
}

void Simulation::visit_gone(VisitId v, Ending ending) {
  const GatheringId id = cluster_[v].gathering;
  if (cluster_[id].resolved) {
    forget(id, v);
    cluster_.close(v);
    return release_if_done(id);
  }
  if (cluster_[id].open > 1) {
    forget(id, v);
    cluster_.close(v);
    return;
  }
  resolve(id, v, ending);
}

/// A visit goes to a device, or to a line of several (none). Where the last answer of its query is of an early exit of the same network,
/// given on that device, what is left to do is the rest; elsewhere it is all.
void Simulation::resume(VisitId v, VariantId variant, DeviceId device) {
  Visit& visit = cluster_.visit(v);
  bool goes_on = false;
  if (visit.gathering && device) {
    const Answer& last = notes(visit.gathering).last;
    goes_on = last.variant == world_[variant].resumes && last.device == device;
  }
  if (visit.flags.resumes == goes_on) return;
  const float rest = rest_after_exit(variant);
  visit.work = goes_on ? visit.work * rest : visit.work / rest;
  visit.flags.resumes = goes_on;
}

void Simulation::resolve(GatheringId id, VisitId last, Ending if_empty, bool over) {
  Gathering& g = cluster_.gathering(id);
  assert(!g.resolved && last);
  g.resolved = true;
  g.due = never;
  notes(id).answer_by = never;
  const Visit& visit = cluster_[last];
  const GatheringNotes& n = notes(id);
  QueryEnd end;
  // Its answer goes on to its client; one that has none ends here.
  const Duration in = access_there(visit), out = g.answers > 0 ? access_back(visit) : Duration{};
  end.finish = engine_.now() + out;
  end.visits = g.made;
  end.cost_usd = n.cost;
  end.transfer_usd = n.transfer;
  if (g.answers == 0) {
    end.ending = if_empty == Ending::answered ? Ending::dropped : if_empty;
  } else {
    const std::span<const VariantId> variants{g.answered.data(), g.answers};
    VariantId winner = variants.back();
    if (g.combine == Combine::first) winner = variants.front();
    const bool votes = is_vote(g.combine);
    if (g.combine == Combine::best || votes)
      winner = *std::max_element(variants.begin(), variants.end(), [&](VariantId a, VariantId b) {
        return world_[a].accuracy != world_[b].accuracy ? world_[a].accuracy < world_[b].accuracy : b < a;
      });
    end.variant = winner;
    end.instance = n.last.instance;
    end.instance_serial = n.last.instance_serial;
    end.batch = n.last.batch;
    end.network = in + n.last.parts.network + out;
    end.load = n.last.parts.load;
    end.service = n.last.parts.service;
    end.queue = std::max(Duration{}, end.finish - visit.arrival - end.network - end.load - end.service);
    if (votes && g.answers > 1) {
      if (g.combine == Combine::learnt) {
        const SelectionPolicy& selection = *controller_of(SiteId{visit.origin}).policies.selection;
        std::array<double, Gathering::most_visits> weights{};
        selection.vote_weights(QueryView(visit, world_), variants, std::span(weights).first(variants.size()));
        end.accuracy = outcome_.majority_expected(visit.serial, variants, weights);
        end.realised = outcome_.majority_right(visit.serial, variants, weights) ? 1 : 0;
      } else {
        const Votes weights = g.combine == Combine::weighted ? Votes::log_odds : Votes::equal;
        end.accuracy = outcome_.majority_expected(visit.serial, variants, weights);
        end.realised = outcome_.majority_right(visit.serial, variants, weights) ? 1 : 0;
      }
      tell_votes(visit, variants, end.realised > 0.5);
    } else {
      // An answer that stands because it is confident is better than its variant is on average.
      end.accuracy = n.confidence_asked ? outcome_.expected_given_confidence(visit.serial, winner) : world_[winner].accuracy;
      end.realised = outcome_.realised(visit.serial, winner);
    }
  }
  for (Recorder* r : hear_ends_) r->ended(visit, end);
  if (ends_heard_) tell_end(visit, end);
  if (visit.flags.measured) --measured_open_;
  cluster_.query_done(last);
  // The others are no longer needed: what waits leaves, what is under way ends as waste.
  const auto open = g.visits;
  for (const VisitId o : open) {
    if (!o) continue;
    const VisitState state = cluster_[o].state;
    if (o == last && over) {
      forget(id, o);
      cluster_.close(o);
    } else if (state == VisitState::waiting || state == VisitState::held) {
      const LineId line = cluster_[o].line;
      const InstanceId owner = cluster_[line].kind == LineKind::own ? cluster_[line].instance : InstanceId{};
      cluster_.leave(o, engine_.now());
      forget(id, o);
      cluster_.close(o);
      if (owner && is_idle(owner)) became_idle(owner);
      line_emptied(line);
    } else {
      cluster_.visit(o).flags.cancelled = true;
    }
  }
  release_if_done(id);
}

void Simulation::ask_again(VisitId v, VariantId variant, Time when) {
  if (when <= engine_.now()) wrong_answer(PolicyKind::dispatch, "asks to be asked again at a time that is not in the future");
  GatheringId id = cluster_[v].gathering;
  if (id && notes(id).may_escalate) return;  // the other copy's answer would count as one of the next stage
  if (!id) {
    id = cluster_.gather(v);
    notes(id) = {};
    Gathering& g = cluster_.gathering(id);
    g.combine = Combine::first;
    g.variants[0] = variant;
    g.retries_left = options_.retry_lost ? options_.retry_budget : std::uint8_t{0};
  }
  notes(id).hedged = variant;
  Gathering& g = cluster_.gathering(id);
  g.due = when;
  if (g.scheduled == never || g.scheduled < engine_.now() || when < g.scheduled) {
    g.scheduled = when;
    schedule(when, EventKind::gathering_due, id.index());
  }
}

void Simulation::hedge_due(GatheringId id) {
  Gathering& g = cluster_.gathering(id);
  if (g.scheduled != engine_.now()) return;
  g.scheduled = never;
  if (g.due == never || g.resolved || g.open == 0) return;
  if (g.due > engine_.now()) {
    g.scheduled = g.due;
    return schedule(g.due, EventKind::gathering_due, id.index());
  }
  g.due = never;
  if (g.made >= Gathering::most_visits) return;
  const VariantId variant = notes(id).hedged;
  const VisitId like = *std::find_if(g.visits.begin(), g.visits.end(), [](VisitId x) { return static_cast<bool>(x); });
  Controller& c = controller_of(SiteId{cluster_[like].origin});
  const Dispatch d = ask_dispatch(c, like, variant);
  if (d.answer == Dispatch::Answer::hold || d.answer == Dispatch::Answer::none) return;
  const VisitId v = add_visit(id, like, variant);
  apply(v, variant, d);
}

void Simulation::answer_due(GatheringId id) {
  if (notes(id).answer_by != engine_.now()) return;  // of what had this slot before
  notes(id).answer_by = never;
  Gathering& g = cluster_.gathering(id);
  if (g.answers == 0) {  // nothing to answer with yet
    g.quorum = 1;
    return;
  }
  const VisitId open = *std::find_if(g.visits.begin(), g.visits.end(), [](VisitId x) { return static_cast<bool>(x); });
  resolve(id, open, Ending::answered, false);
}

void Simulation::lose(VisitId v, VariantId variant) {
  // A lost visit is tried again within its budget: arrival and deadline stay, selection is asked anew.
  const Visit& visit = cluster_[v];
  if (!visit.gathering && !options_.retry_lost) return end_unserved(v, Ending::lost);
  GatheringId id = visit.gathering;
  if (!id) {
    id = cluster_.gather(v);
    notes(id) = {};
    Gathering& g = cluster_.gathering(id);
    g.combine = Combine::first;
    g.retries_left = options_.retry_budget;
    g.variants[0] = variant;
  }
  Gathering& g = cluster_.gathering(id);
  if (g.resolved || g.retries_left == 0 || g.made >= Gathering::most_visits) return visit_gone(v, Ending::lost);
  --g.retries_left;
  Controller& c = controller_of(SiteId{visit.origin});
  const Selection s = ask_selection(c, v);
  if (s.answer != Selection::Answer::variants) return visit_gone(v, Ending::lost);
  check_variant(v, s.variants[0], PolicyKind::selection);
  const VisitId again = add_visit(id, v, s.variants[0]);
  forget(id, v);
  cluster_.close(v);
  place(again, s.variants[0]);
}

}  // namespace tideline
