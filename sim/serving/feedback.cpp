// What policies hear of queries that ended, and labels of answers: those that learn hear how good some of them were, some time later.
#include "sim/serving/simulation.h"

#include <algorithm>

namespace tideline {

void Simulation::tell_end(const Visit& v, const QueryEnd& end) {
  const Feedback& f = options_.environment.feedback;
  const bool answered = end.ending == Ending::answered;
  KeyedDraw draw(options_.seed, Purpose::feedback, v.serial);
  Told t;
  t.to = controller_of(SiteId{v.origin}).id;
  t.ended = {v.serial, v.cls, answered ? end.variant : VariantId{}, end.finish - v.arrival, end.cost_usd, uniform01(draw) < f.share};
  t.due = end.finish;
  // An answer that is told before it is back is heard of when it is; those of later queries may be back sooner.
  const Controller& c = controllers_[t.to.index()];
  if (!c.hear_ends.empty()) t.due > engine_.now() ? tell_later(t) : tell_now(t);
  if (!answered || !t.ended.labelled || c.hear_feedback.empty()) return;
  t.is_label = true;
  t.realised = end.realised;
  t.due = end.finish + f.delay;
  tell_later(t);
}

void Simulation::tell_later(const Told& t) {
  // What is done is cut off once it is the larger part.
  if (first_told_ > 1024 && 2 * first_told_ > told_.size()) {
    told_.erase(told_.begin(), told_.begin() + static_cast<std::ptrdiff_t>(first_told_));
    first_told_ = 0;
  }
  const bool none = first_told_ == told_.size();
  const auto at = std::upper_bound(told_.begin() + static_cast<std::ptrdiff_t>(first_told_), told_.end(), t,
                                   [](const Told& a, const Told& b) { return a.due < b.due; });
  const bool first = at - told_.begin() == static_cast<std::ptrdiff_t>(first_told_);
  told_.insert(at, t);
  if (none || first) schedule(t.due, EventKind::change, control_slot(told_slot));
}

void Simulation::tell_now(const Told& t) {
  Controller& c = controllers_[t.to.index()];
  if (!t.is_label) {
    for (Observer* o : c.hear_ends) o->ended(t.ended, view(c));
    return;
  }
  const Label label{t.ended.query, t.ended.cls, t.ended.variant, t.realised};
  for (Observer* o : c.hear_feedback) o->feedback(label, view(c));
}

void Simulation::told_due() {
  const Time now = engine_.now();
  const bool any = first_told_ < told_.size() && told_[first_told_].due <= now;
  if (!any) return;  // told with those of an earlier event
  while (first_told_ < told_.size() && told_[first_told_].due <= now) {
    const Told t = told_[first_told_++];
    tell_now(t);
  }
  if (first_told_ < told_.size()) schedule(told_[first_told_].due, EventKind::change, control_slot(told_slot));
}

/// All wrong answers agree, so whoever is as right as the vote said what it came to.
void Simulation::tell_votes(const Visit& v, std::span<const VariantId> answers, bool right) {
  Controller& c = controller_of(SiteId{v.origin});
  if (c.hear_votes.empty()) return;
  std::uint32_t agreed = 0;
  for (std::size_t k = 0; k < answers.size(); ++k)
    if ((outcome_.realised(v.serial, answers[k]) > 0.5) == right) agreed |= std::uint32_t{1} << k;
  for (Observer* o : c.hear_votes) o->voted(QueryView(v, world_), answers, agreed, view(c));
}

}  // namespace tideline
