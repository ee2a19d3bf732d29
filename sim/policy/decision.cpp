#include "sim/policy/decision.h"

#include <array>

namespace tideline {

namespace {

using enum DecisionAnswer;
using Kind = PolicyKind;
using Subject = DecisionSubject;

constexpr DecisionForm forms[] = {
    {admitted, "admitted", Kind::admission, true, Subject::nothing, {}, {}},
    {refused, "refused", Kind::admission, true, Subject::nothing, {}, {}},
    {selected, "selected", Kind::selection, true, Subject::variant, "visits", "1"},
    {bound_late, "bound late", Kind::selection, true, Subject::nothing, {}, {}},
    {found_none, "found none", Kind::selection, true, Subject::nothing, {}, {}},
    {escalated, "escalated", Kind::selection, true, Subject::variant, "visits", "1"},
    {stands, "stands", Kind::selection, true, Subject::variant, {}, {}},
    {to_instance, "to instance", Kind::dispatch, true, Subject::instance, {}, {}},
    {to_site, "to site", Kind::dispatch, true, Subject::site, {}, {}},
    {held, "held", Kind::dispatch, true, Subject::variant, {}, {}},
    {found_no_place, "found no place", Kind::dispatch, true, Subject::variant, {}, {}},
    {goes_next, "goes next", Kind::sharing, false, Subject::instance, "instances that were ready", "1"},
    {started_batch, "started batch", Kind::batching, false, Subject::instance, "visits", "1"},
    {dropped, "dropped", Kind::batching, false, Subject::instance, "visits", "1"},
    {waits, "waits", Kind::batching, false, Subject::instance, "until it is asked again; -1: until its line changes", "ns"},
    {wished, "wished", Kind::autoscaling, false, Subject::group, "instances to have", "1"},
    {ordered_nodes, "ordered nodes", Kind::autoscaling, false, Subject::pool, "nodes to have", "1"},
    {allotted, "allotted", Kind::autoscaling, false, Subject::group, "cores of an instance", "1"},
    {starts_for_held, "starts for held", Kind::autoscaling, true, Subject::variant, "instances to start", "1"},
    {placed, "placed", Kind::placement, false, Subject::device, "memory of the instance", "bytes"},
    {placed_nowhere, "placed nowhere", Kind::placement, false, Subject::nothing, "memory of the instance", "bytes"},
    {keeps, "keeps", Kind::coldstart, false, Subject::instance, "for how long; -1: until it is stopped otherwise", "ns"},
    {starts_again, "starts again", Kind::coldstart, false, Subject::instance, "after how long", "ns"},
    {prewarms, "prewarms", Kind::coldstart, false, Subject::group, "instances to have", "1"},
    {pins, "pins", Kind::coldstart, false, Subject::group, {}, {}},
    {evicts, "evicts", Kind::eviction, false, Subject::instance, "memory short", "bytes"},
    {evicts_none, "evicts none", Kind::eviction, false, Subject::device, "memory short", "bytes"},
    {gives_up, "gives up", Kind::batching, false, Subject::group, "visits", "1"},
};

constexpr bool in_order() {
  for (std::size_t k = 0; k < std::size(forms); ++k)
    if (static_cast<std::size_t>(forms[k].answer) != k) return false;
  return std::size(forms) == static_cast<std::size_t>(gives_up) + 1;
}
static_assert(in_order());

}  // namespace

std::span<const DecisionForm> decision_forms() { return forms; }

std::string_view to_string(DecisionSubject subject) {
  static constexpr std::array<std::string_view, 7> names{"", "variant", "instance", "site", "group", "pool", "device"};
  return names[static_cast<std::size_t>(subject)];
}

}  // namespace tideline
