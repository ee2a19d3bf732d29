// Labels of answers: policies that learn hear how good some of them were, some time later.
#include "sim/serving/simulation.h"

#include <algorithm>

namespace tideline {

void Simulation::label(const Visit& v, const QueryEnd& end) {
  const Feedback& f = options_.environment.feedback;
  KeyedDraw draw(options_.seed, Purpose::feedback, v.serial);
  if (end.ending != Ending::answered || uniform01(draw) >= f.share) return;
  // What is done is cut off once it is the larger part.
  if (first_label_ > 1024 && 2 * first_label_ > labels_.size()) {
    labels_.erase(labels_.begin(), labels_.begin() + static_cast<std::ptrdiff_t>(first_label_));
    first_label_ = 0;
  }
  const bool none = first_label_ == labels_.size();
  // An answer that is told before it is back is labelled when it is; those of later queries may be back sooner.
  const Label l{end.finish + f.delay, v.cls, end.variant, controller_of(SiteId{v.origin}).id, end.realised};
  const auto at = std::upper_bound(labels_.begin() + static_cast<std::ptrdiff_t>(first_label_), labels_.end(), l,
                                   [](const Label& a, const Label& b) { return a.due < b.due; });
  const bool first = at - labels_.begin() == static_cast<std::ptrdiff_t>(first_label_);
  labels_.insert(at, l);
  if (none || first) schedule(l.due, EventKind::change, control_slot(labels_slot));
}

void Simulation::labels_due() {
  const Time now = engine_.now();
  const bool any = first_label_ < labels_.size() && labels_[first_label_].due <= now;
  if (!any) return;  // told with those of an earlier event
  while (first_label_ < labels_.size() && labels_[first_label_].due <= now) {
    const Label l = labels_[first_label_++];
    Controller& c = controllers_[l.to.index()];
    for (Observer* o : c.hear_feedback) o->feedback(l.cls, l.variant, l.realised, view(c));
  }
  if (first_label_ < labels_.size()) schedule(labels_[first_label_].due, EventKind::change, control_slot(labels_slot));
}

}  // namespace tideline
