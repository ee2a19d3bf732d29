#!/usr/bin/env python3
"""Starts a new policy: writes policies/KIND/NAME.cpp and tests/policies/NAME_test.cpp, and adds NAME to policies/builtin.{h,cpp}.

What is written compiles, passes its test and decides something sensible; then put the decision of your own in its place.
Exit status: 0 done, 2 a name is refused or the tree is not as expected; nothing is then written.
"""
import argparse
import difflib
import re
import sys
from pathlib import Path

# Words that C++ keeps for itself, and names of the namespace that a policy's function would hide.
RESERVED = set("""alignas alignof and asm auto bool break case catch char class concept const consteval constexpr constinit continue
    decltype default delete do double else enum explicit export extern false float for friend goto if inline int long mutable namespace
    new noexcept not nullptr operator or private protected public register requires return short signed sizeof static struct switch
    template this throw true try typedef typeid typename union unsigned using virtual void volatile while xor
    define later never forever param std tideline policy test main below hash to_string to_seconds from_seconds uniform01""".split())

# For each kind: headers, the parameter (declaration of the member, of the field), the rest of the class, and a test of the decision.
# @...@ is filled in. Every decision uses its parameter, so that what is there shows how.
KINDS = {
    "admission": {
        "member": "std::uint32_t most_in_flight = 1000;",
        "field": 'param::field("most_in_flight", &Params::most_in_flight, "Most queries of a task in flight.", {1, 1e9})',
        "needs": "",
        "reasons": ["admitted", "full"],
        "decision": """\
  Admission admit(const QueryView& query, ClusterView view) override {
    // The query that asks is counted already.
    if (view.in_flight(query.task()) <= params_.most_in_flight) return {true, admitted};
    return {false, full};
  }
""",
        "interface": "AdmissionPolicy",
        "test_params": '{{"most_in_flight", 1}}',
        "test_name": "admits_up_to_its_bound",
        "test": """\
  const VisitId first = bench.admit(ClassId{0});
  EXPECT_TRUE(policy->admit(bench.query(first), bench.view()).admit);
  const VisitId second = bench.admit(ClassId{0});
  EXPECT_FALSE(policy->admit(bench.query(second), bench.view()).admit);
""",
    },
    "selection": {
        "member": "double least_accuracy = 0;",
        "field": 'param::field("least_accuracy", &Params::least_accuracy, "Least accuracy to use, whatever the class asks for.", {0, 1})',
        "needs": "",
        "reasons": ["fastest", "no_candidate"],
        "decision": """\
  Selection select(const QueryView& query, ClusterView view) override {
    for (const VariantId v : view.candidates(query.class_id(), CandidateOrder::by_latency)) {
      const bool reachable = !view.groups_of(v, query.origin()).empty();
      if (reachable && view.world()[v].accuracy >= params_.least_accuracy) return Selection::one(v, fastest);
    }
    return Selection::reject(no_candidate);
  }
""",
        "interface": "SelectionPolicy",
        "test_params": '{{"least_accuracy", 0.7}}',
        "test_name": "takes_the_fastest_that_is_accurate_enough",
        "test": """\
  const Selection s = policy->select(bench.query(bench.admit(ClassId{0})), bench.view());
  ASSERT_EQ(s.answer, Selection::Answer::variants);
  EXPECT_EQ(s.variants[0], slow);
""",
    },
    "dispatch": {
        "member": "std::uint32_t most_load = 1000;",
        "field": 'param::field("most_load", &Params::most_load, "Most visits travelling to, waiting or in service at an instance.", {1, 1e9})',
        "needs": "  Needs needs() const override { return {.indexes = {.by_load = true}, .writes = {}, .reads = {}}; }\n",
        "reasons": ["nearest", "nothing_free"],
        "decision": """\
  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    for (const GroupId g : view.groups_of(variant, query.origin())) {  // nearest first
      if (view.warm(g) == 0) continue;
      const InstanceId i = view.least_loaded(g)[0];
      if (view.instance(i).load < params_.most_load) return Dispatch::to(i, nearest_with_room);
    }
    return Dispatch::hold(nothing_free);
  }
""",
        "interface": "DispatchPolicy",
        "test_params": '{{"most_load", 1}}',
        "test_name": "goes_to_a_warm_instance_with_room_or_holds",
        "test": """\
  const VisitId q = bench.admit(ClassId{0});
  EXPECT_EQ(policy->place(bench.query(q), fast, bench.view()).answer, Dispatch::Answer::hold);
  const InstanceId i = bench.warm(fast, 0);
  EXPECT_EQ(policy->place(bench.query(q), fast, bench.view()).instance, i);
  bench.wait_at(i, ClassId{0});
  EXPECT_EQ(policy->place(bench.query(q), fast, bench.view()).answer, Dispatch::Answer::hold);
""",
    },
    "sharing": {
        "member": "bool by_priority = true;",
        "field": 'param::field("by_priority", &Params::by_priority, "Look at priorities before arrivals.")',
        "needs": "",
        "reasons": [],
        "decision": """\
  std::size_t next(DeviceId, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView) override {
    std::size_t best = 0;
    for (std::size_t k = 1; k < ready.size(); ++k) {
      const std::int32_t a = heads[k].attributes().priority, b = heads[best].attributes().priority;
      const bool higher = params_.by_priority && a > b, same = !params_.by_priority || a == b;
      if (higher || (same && heads[k].arrival() < heads[best].arrival())) best = k;
    }
    return best;
  }
""",
        "interface": "SharingPolicy",
        "test_params": '{{"by_priority", false}}',
        "test_name": "takes_the_oldest",
        "test": """\
  const std::vector<InstanceId> ready{bench.warm(slow, 0), bench.warm(fast, 0)};
  const VisitId late = bench.wait_at(ready[0], ClassId{0}, Time{} + 2s), early = bench.wait_at(ready[1], ClassId{0}, Time{} + 1s);
  const std::vector<QueryView> heads{bench.query(late), bench.query(early)};
  EXPECT_EQ(policy->next(DeviceId{0}, ready, heads, bench.view()), 1U);
""",
    },
    "batching": {
        "headers": '#include "policies/components/batch_size.h"\n',
        "member": "std::uint32_t most_items = 1000;",
        "field": 'param::field("most_items", &Params::most_items, "Most items of a batch.", {1, 1e6})',
        "needs": "",
        "reasons": ["what_is_there"],
        "decision": """\
  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    Batch b;
    b.take = longest_batch(line, std::min(params_.most_items, batch_cap(view, i))).visits;
    b.reason = what_is_there;
    return b;
  }
""",
        "interface": "BatchingPolicy",
        "test_params": '{{"most_items", 2}}',
        "test_name": "takes_what_is_there_up_to_its_bound",
        "test": """\
  const InstanceId i = bench.warm(fast, 0);
  bench.wait_at(i, ClassId{0});
  EXPECT_EQ(policy->form(i, bench.line(i), bench.view()).take, 1U);
  for (int k = 0; k < 3; ++k) bench.wait_at(i, ClassId{0});
  EXPECT_EQ(policy->form(i, bench.line(i), bench.view()).take, 2U);
""",
    },
    "autoscaling": {
        "member": "Duration interval = 10s;",
        "field": 'param::field("interval_s", &Params::interval, "Time between two rounds.", {0.001, 86400})',
        "needs": "  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }\n",
        "reasons": ["one_of_each"],
        "decision": """\
  Duration interval() const override { return params_.interval; }

  void plan(ClusterView view, Plan& plan) override {
    // Whatever is in use is kept at one instance at least.
    for (std::size_t k = 0; k < view.world().groups().size(); ++k) {
      const GroupId g{k};
      const std::uint32_t have = view.warm(g) + view.starting(g);
      if (have > 0) plan.wishes.push_back({g, 1, one_of_each});
    }
  }
""",
        "interface": "AutoscalingPolicy",
        "test_params": '{{"interval_s", 5}}',
        "test_name": "plans_what_is_in_use",
        "test": """\
  EXPECT_EQ(policy->interval(), 5s);
  bench.warm(fast, 0);
  Plan plan;
  policy->plan(bench.view(), plan);
  ASSERT_EQ(plan.wishes.size(), 1U);
  EXPECT_EQ(plan.wishes[0].group, bench.group(fast));
  EXPECT_EQ(plan.wishes[0].instances, 1U);
""",
    },
    "placement": {
        "member": "bool most_free = true;",
        "field": 'param::field("most_free", &Params::most_free, "Take the device with most memory free, not the first.")',
        "needs": "",
        "reasons": ["fits", "after_evictions"],
        "decision": """\
  Placement choose(VariantId, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) override {
    DeviceId best;
    for (const DeviceId d : fits.empty() ? after_eviction : fits)
      if (!best || (params_.most_free && view.device(d).memory_free > view.device(best).memory_free)) best = d;
    return {best, fits.empty() ? after_evictions : fits_now};
  }
""",
        "interface": "PlacementPolicy",
        "test_params": "{}",
        "test_name": "takes_the_device_with_most_memory_free",
        "test": """\
  bench.warm(fast, 0);
  const std::vector<DeviceId> fits{DeviceId{0}, DeviceId{1}};
  EXPECT_EQ(policy->choose(slow, 1, fits, {}, bench.view()).device, DeviceId{1});
  EXPECT_FALSE(policy->choose(slow, 1, {}, {}, bench.view()).device);
""",
    },
    "coldstart": {
        "member": "Duration keep_alive = 60s;",
        "field": 'param::field("keep_alive_s", &Params::keep_alive, "Time that an idle instance is kept.")',
        "needs": "",
        "reasons": ["keep_alive_over"],
        "decision": """\
  KeepAlive became_idle(InstanceId, ClusterView) override { return {params_.keep_alive, forever, keep_alive_over}; }
""",
        "interface": "ColdstartPolicy",
        "test_params": '{{"keep_alive_s", 5}}',
        "test_name": "keeps_an_idle_instance_for_a_time",
        "test": """\
  EXPECT_EQ(policy->became_idle(bench.warm(fast, 0), bench.view()).keep, 5s);
""",
    },
    "eviction": {
        "member": "bool newest = false;",
        "field": 'param::field("newest", &Params::newest, "Take the instance that became idle last, not first.")',
        "needs": "",
        "reasons": ["by_idle_time"],
        "decision": """\
  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    InstanceId victim;
    for (const InstanceId i : idle) {
      const Time a = view.instance(i).idle_since, b = victim ? view.instance(victim).idle_since : a;
      if (!victim || (params_.newest ? a > b : a < b)) victim = i;
    }
    return {victim, by_idle_time};
  }
""",
        "interface": "EvictionPolicy",
        "test_params": "{}",
        "test_name": "takes_the_one_idle_longest",
        "test": """\
  const std::vector<InstanceId> idle{bench.warm(slow, 0, Time{} + 2s), bench.warm(fast, 0, Time{} + 1s)};
  EXPECT_EQ(policy->choose(DeviceId{0}, idle, 1, bench.view()).instance, idle[1]);
""",
    },
}
# Where the name of a reason is also the name of something that the decision uses.
ENUMERATORS = {"nearest": "nearest_with_room", "fits": "fits_now"}

POLICY = """\
#include "policies/builtin.h"
@headers@
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// TODO: what it decides and by what, in one sentence.
/// Source: TODO: authors, venue, year, section; what is left out or done otherwise, and why.
class @Class@ final : public @interface@ {
 public:
  struct Params {
    @member@
    static constexpr auto declare() {
      return param::fields(@field@);
    }
  };
  @Class@(const Params& params, const Setup&) : params_(params) {}

@needs@@reasons@@decision@
 private:
@enum@  Params params_;
};

}  // namespace

PolicyDefinition @name@() {
  return define<@Class@>("@name@", "TODO: one sentence for listings.",
                         {Provenance::our_reading, R"(TODO: authors, "title", venue and year, DOI)"});
}

}  // namespace tideline
"""

TEST = """\
// TODO: the worked example of the source.
#include "policies/builtin.h"
#include "tests/support/make_policy.h"
#include "tests/support/small_world.h"

#include <vector>

namespace tideline::test {
namespace {

TEST(@Class@, @test_name@) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId task = b.task("task");
  [[maybe_unused]] const VariantId slow = b.variant("slow", task, gpu, 0.8, 20ms);
  [[maybe_unused]] const VariantId fast = b.variant(
      "fast", task, gpu, 0.6, [](std::uint32_t n) { return 5ms + n * 1ms; }, 4);
  b.pool("pool", here, gpu, 2);
  b.add_class(task);
  ClusterBench bench(b);
  const auto policy = make_policy<@interface@>(@name@(), bench.setup(), @test_params@);
@test@}

}  // namespace
}  // namespace tideline::test
"""


class Refused(Exception):
    """The message says why; nothing was written."""


def fill(template, values):
    return re.sub(r"@(\w+)@", lambda m: values[m[1]], template)


def policy_text(kind, name):
    part = KINDS[kind]
    values = dict(part, name=name, Class="".join(w.capitalize() for w in name.split("_")))
    values["headers"] = part.get("headers", "")
    names = part["reasons"]
    values["reasons"] = "  std::span<const std::string_view> reasons() const override { return names; }\n\n" if names else ""
    if part["needs"] and not names:
        values["needs"] += "\n"
    values["enum"] = ""
    if names:
        listed = ", ".join(f'"{n}"' for n in names)
        values["enum"] = (f"  enum : Reason {{ {', '.join(ENUMERATORS.get(n, n) for n in names)} }};\n"
                          f"  static constexpr std::array<std::string_view, {len(names)}> names{{{listed}}};\n\n")
    text = fill(POLICY, values)
    # Only the headers that it uses.
    for header, use in (("algorithm", "std::min"), ("array", "std::array"), ("cstdint", "std::(u?int|int)"), ("vector", "std::vector")):
        if not re.search(use, text):
            text = text.replace(f"#include <{header}>\n", "")
    text = re.sub(r"\n{3,}", "\n\n", text)
    declared = f"      return param::fields({part['field']});\n"
    if len(declared) > 141:
        text = text.replace(declared, f"      return param::fields(\n          {part['field']});\n")
    return text, fill(TEST, values)


def check_name(name):
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise Refused(f"'{name}' is no name of a policy: lower case words of letters and digits, joined by one underscore, such as least_cost")
    if name in RESERVED:
        raise Refused(f"'{name}' means something else in C++ or in this project; choose another name")


def nearest(word, known):
    found = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {found[0]}?" if found else f"; known: {', '.join(known)}"


def with_line(text, path, kind, line, pattern, name):
    """The text with a line more in the list of the kind, in order of names. `pattern` finds the name of a line of the list."""
    lines = text.split("\n")
    heads = [k for k, l in enumerate(lines) if l.strip() == f"// {kind}"]
    if len(heads) != 1:
        raise Refused(f"{path}: expected one line '// {kind}' with the list of the kind below it")
    at = heads[0] + 1
    while at < len(lines) and (found := re.fullmatch(pattern, lines[at])):
        if found[1] > name:
            break
        at += 1
    return "\n".join(lines[:at] + [line] + lines[at:])


def make(root, kind, name):
    """What to write: {path: text}."""
    if kind not in KINDS:
        raise Refused(f"unknown kind '{kind}'{nearest(kind, sorted(KINDS))}")
    check_name(name)
    policy, test = f"policies/{kind}/{name}.cpp", f"tests/policies/{name}_test.cpp"
    taken = [p for p in root.glob("policies/*/*.cpp") if p.stem == name]
    if taken:
        raise Refused(f"there is a policy {name} already: {taken[0].relative_to(root)}")
    if (root / test).exists():
        raise Refused(f"{test} exists already")
    header, source = (root / "policies/builtin.h"), (root / "policies/builtin.cpp")
    for path in (header, source):
        if not path.is_file():
            raise Refused(f"{root} is not the project: it has no {path.relative_to(root)}")
    if re.search(rf"\b{name}\(", header.read_text(encoding="utf-8")):
        raise Refused(f"policies/builtin.h declares {name} already")
    policy_source, test_source = policy_text(kind, name)
    return {
        policy: policy_source,
        test: test_source,
        "policies/builtin.h": with_line(header.read_text(encoding="utf-8"), "policies/builtin.h", kind, f"PolicyDefinition {name}();",
                                        r"PolicyDefinition (\w+)\(\);", name),
        "policies/builtin.cpp": with_line(source.read_text(encoding="utf-8"), "policies/builtin.cpp", kind, f"  registry.add({name}());",
                                          r"  registry\.add\((\w+)\(\)\);", name),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: scripts/new_policy.py selection least_cost")
    parser.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", help="lower case words joined by underscores: file, registered name and class agree")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="folder of the project (default: this one)")
    arguments = parser.parse_args()
    try:
        files = make(arguments.root, arguments.kind, arguments.name)
    except Refused as why:
        print(f"new_policy.py: {why}", file=sys.stderr)
        return 2
    for path, text in files.items():
        target = arguments.root / path
        if arguments.dry_run:
            old = target.read_text(encoding="utf-8") if target.exists() else ""
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), path if old else "/dev/null", path, n=1))
            continue
        new = not target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(f"{'wrote' if new else 'added to'} {path}")
    if not arguments.dry_run:
        print(f"""
It is built and passes its test as it is: cmake --build --preset dev && ctest --preset dev -R {''.join(w.capitalize() for w in arguments.name.split('_'))}
Next:
  1. Write the decision in policies/{arguments.kind}/{arguments.name}.cpp, and cite its source above the class.
  2. Test the worked example of the source in tests/policies/{arguments.name}_test.cpp.
  3. Use it in a scenario of tests/golden/scenarios; a test sees to it that every policy is used there.
  4. Look at the numbers, then accept them: scripts/accept_golden.sh
  5. Bring the manual and the schema up to date: scripts/generate_docs.py""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
