// X5: where there is nothing to choose, all policies of a kind are equal. Run over the whole registry, exceptions with their reasons.
#include "tests/support/every_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tideline::test {
namespace {

/// What is compared of two runs.
enum class Compared : bool { fates, decisions };

/// A world in which a kind has nothing to choose.
struct Idle {
  PolicyKind kind;
  Shape shape;
  Compared compared;
  Exceptions exceptions;
};

// Reasons, runners-up and amounts are how a policy tells of its answer.
std::vector<Decided> answers_of(const Outcome& o) {
  std::vector<Decided> out = o.log.decisions;
  for (Decided& d : out) d.reason = 0, d.runner_up = 0, d.amount = 0;
  return out;
}

std::vector<Idle> idle_worlds() {
  return {
      // One variant of each task: nothing to choose but it.
      {PolicyKind::selection, {.nodes = 2, .memory = 1000, .one_variant = true}, Compared::decisions, {}},
      {PolicyKind::selection, {.nodes = 2, .memory = 1000, .initial = true, .rate = 3, .one_variant = true}, Compared::decisions, {}},
      // One instance of each variant. What is held and what waits in its line is another decision, so it is warm from the start on.
      {PolicyKind::dispatch, {.core = false, .initial = true, .one_variant = true}, Compared::fates, {}},
      {PolicyKind::dispatch, {.core = false, .initial = true, .rate = 3, .one_variant = true}, Compared::fates, {}},
      // One instance on a device.
      {PolicyKind::sharing, {.nodes = 2, .memory = 5, .one_variant = true}, Compared::decisions, {}},
      // Batches of one, and nobody late: lines in order of deadlines are in order of arrival where all have one SLO.
      {PolicyKind::batching, {.nodes = 2, .initial = true, .largest_batch = 1, .slo = 1000s}, Compared::fates, {}},
      {PolicyKind::batching, {.memory = 1000, .rate = 3, .largest_batch = 1, .slo = 1000s}, Compared::fates, {}},
      // One device. Who has rounds has those that are held placed anew more often.
      {PolicyKind::placement, {.core = false, .memory = 5}, Compared::fates, {}},
      {PolicyKind::placement, {.core = false, .initial = true, .rate = 3}, Compared::fates, {}},
      // Loads that take no time: what is kept makes no difference to those who come. Of two who come at once the instance with the lower id
      // goes first, and ids are given as things are loaded.
      {PolicyKind::coldstart,
       {.core = false, .memory = 1000, .one_variant = true, .largest_batch = 1, .loads = false, .slo = 1000s, .apart = true},
       Compared::fates,
       {}},
      // Memory for all: nobody has to go.
      {PolicyKind::eviction, {.memory = 1000}, Compared::decisions, {}},
      {PolicyKind::eviction, {.nodes = 3, .memory = 1000, .initial = true, .rate = 3}, Compared::decisions, {}},
  };
}

// Those of several kinds decide more than one of these; they are in the next test.
TEST(EqualPolicies, are_those_of_a_kind_that_has_nothing_to_choose) {
  for (const Idle& w : idle_worlds()) {
    SCOPED_TRACE(std::string(to_string(w.kind)) + " at rate " + std::to_string(w.shape.rate));
    Outcome first;
    run(*all().default_of(w.kind), w.shape, first, true);
    EXPECT_GT(first.answered(), 400U);
    std::size_t compared = 0;
    each(
        w.exceptions,
        [&](const PolicyDefinition& d) {
          Outcome o;
          run(d, w.shape, o, true);
          ++compared;
          return w.compared == Compared::fates ? parting(first.list(), o.list()) : parting(answers_of(first), answers_of(o));
        },
        [&](const PolicyDefinition& d) { return is_only(d, w.kind); });
    EXPECT_GT(compared, 1U);
  }
}

// The kinds that are not among them always have a choice: admission refuses, autoscaling starts and stops. A new kind has to be thought of.
TEST(EqualPolicies, have_a_world_for_each_kind_that_can_have_nothing_to_choose) {
  std::array<bool, policy_kinds> any{};
  any[static_cast<std::size_t>(PolicyKind::admission)] = any[static_cast<std::size_t>(PolicyKind::autoscaling)] = true;
  for (const Idle& w : idle_worlds()) any[static_cast<std::size_t>(w.kind)] = true;
  for (std::size_t k = 0; k < policy_kinds; ++k) EXPECT_TRUE(any[k]) << to_string(static_cast<PolicyKind>(k));
}

/// One variant without load time, in batches of one, on one device, and nobody late: there is one way to serve.
void run_one_way(const PolicyDefinition& d, Outcome& out) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu", 1);
  const TaskId task = b.task("task");
  b.variant("v", task, gpu, 0.8, 10ms);
  b.pool("p", here, gpu, 1, 1);
  b.add_class(task, 100s, 0.5);
  RunBench r(b);
  r.use(d, parameters_of(d.name, {}, {{"v"}, {"v@here"}, {}}));
  for (std::size_t k = 0; k < policy_kinds; ++k)
    if (const auto kind = static_cast<PolicyKind>(k); !d.has(kind)) r.use(*all().default_of(kind));
  r.warm_at_start(VariantId{0}, 0);
  r.options.duration = r.options.drain = 60s;
  out.log.hears_decisions = true;
  r.also = &out.log;
  r.arrivals(std::make_unique<PoissonSource>(3, 60, 1000));
  r.run();
}

TEST(EqualPolicies, are_all_of_every_kind_where_there_is_one_way_to_serve) {
  Outcome first;
  run_one_way(*all().find("lru"), first);
  EXPECT_EQ(first.answered(), 1000U);
  const Exceptions exceptions{{"token_bucket", "refuses who exceeds its rate"},
                              {"priority_shedding", "refuses those above the utilization that it holds"},
                              {"downgrade_then_shed", "refuses those above the utilization that it holds"}};
  each(exceptions, [&](const PolicyDefinition& d) {
    Outcome o;
    run_one_way(d, o);
    return parting(first.list(), o.list());
  });
}

/// Queries pinned to one of four variants, on one device that has room for all, with pauses.
void run_pinned(const std::string& name, const param::Object& parameters, Outcome& out) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu", 1000);
  const TaskId task = b.task("task");
  for (const char* variant : {"a", "b", "c", "d"}) {
    b.variant(
        variant, task, gpu, 0.8, [](std::uint32_t n) { return 4ms + n * 4ms; }, 4, 5, 300ms);
    const std::size_t c = b.add_class(task);
    b.classes[c].pin_level = PinLevel::variant;
    b.classes[c].pin = variant;
  }
  b.pool("p", here, gpu, 1, 1);
  RunBench r(b);
  r.use(*all().find(name), parameters);
  for (std::size_t k = 0; k < policy_kinds; ++k)
    if (const auto kind = static_cast<PolicyKind>(k); kind != PolicyKind::coldstart) r.use(*all().default_of(kind));
  r.options.duration = 1h;
  r.classes = 4;
  auto source = std::make_unique<PlainSource>();
  source->names = {"a", "b", "c", "d"};
  Stream s(5);
  Time now{};
  for (int k = 0; k < 800; ++k) {
    now += Duration{below(s, 40'000'000)} + (below(s, 40) == 0 ? 20s : 0s);
    source->list.emplace_back(now, below(s, 4));
  }
  r.arrivals(std::move(source));
  r.also = &out.log;
  r.run();
}

// Kept for ever, a variant after its first use is as if it had been loaded at the start.
TEST(EqualPolicies, are_those_that_keep_for_ever_and_those_that_load_at_the_start_once_all_was_used) {
  Outcome loaded, finite;
  run_pinned("preload_and_persist", {}, loaded);
  run_pinned("fixed_keep_alive", {{"keep_alive_s", 10}}, finite);
  EXPECT_EQ(loaded.log.loads, 4U);
  EXPECT_GT(finite.log.loads, 20U) << "ten seconds are for ever too";
  std::size_t compared = 0;
  each(
      {},
      [&](const PolicyDefinition& d) -> std::string {
        ++compared;
        param::Object parameters = parameters_of(d.name, {});
        parameters.emplace_back("keep_alive_s", 1e6);
        Outcome kept;
        run_pinned(d.name, parameters, kept);
        if (kept.log.loads != 4) return std::to_string(kept.log.loads) + " loads of 4 variants";
        // From the first query on that came after a pause when all had been loaded.
        const auto all_fates = kept.list(), others = loaded.list();
        std::size_t from = 1;
        while (from < all_fates.size() &&
               (all_fates[from - 1].arrival < kept.log.last_warm || all_fates[from].arrival - all_fates[from - 1].arrival < 10s))
          ++from;
        if (from + 300 > all_fates.size()) return "too few queries after all was loaded";
        const auto after = [&](const std::vector<Fate>& fates) {
          return std::vector<Fate>(fates.begin() + static_cast<std::ptrdiff_t>(from), fates.end());
        };
        return parting(after(all_fates), after(others));
      },
      [](const PolicyDefinition& d) {
        const auto fields = d.parameters();
        return is_only(d, PolicyKind::coldstart) &&
               std::any_of(fields.begin(), fields.end(), [](const auto& f) { return f.name == "keep_alive_s"; });
      });
  EXPECT_GE(compared, 2U);
}

}  // namespace
}  // namespace tideline::test
