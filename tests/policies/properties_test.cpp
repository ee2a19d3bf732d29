// Properties that every registered policy has, run over the whole registry: each exception is named, with its reason. Numbers X1 to X9 are
// those of the list that the names of the tests spell out; X4 and X8 are in properties_bound_test.cpp, X5 in properties_equal_test.cpp.
#include "tests/support/allocation_counter.h"
#include "tests/support/every_policy.h"
#include "tests/support/sanitized.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tideline::test {
namespace {

std::vector<Shape> worlds_and(const std::vector<Shape>& others) {
  std::vector<Shape> out = worlds();
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

/// With sanitizers a run takes a hundred times as long: there a world of each kind has to do.
std::vector<Shape> some_of(const std::vector<Shape>& all) {
  if (!is_sanitized) return all;
  return {all[1], all[worlds().size()], all[worlds().size() + 4]};
}

// A policy that is never asked has all properties.
TEST(Properties, the_worlds_ask_each_policy) {
  each({}, [&](const PolicyDefinition& d) {
    std::array<std::uint64_t, policy_kinds> asked{};
    std::string wrong;
    for (const Shape& shape : worlds()) {
      Outcome o;
      run(d, shape, o, true);
      if (o.answered() < 50) wrong += std::to_string(o.answered()) + " of 600 queries are answered. ";
      for (std::size_t k = 0; k < policy_kinds; ++k) asked[k] += o.log.count(static_cast<PolicyKind>(k));
    }
    for (const PolicyKind kind : d.kinds)
      if (asked[static_cast<std::size_t>(kind)] == 0) wrong += std::string(to_string(kind)) + " decides nothing. ";
    return wrong;
  });
}

// X1. Two runs of one seed are one run, decision for decision. Who comes hangs on no policy, nor does what a query meets: the same variant
// gives it the same answer in all runs.
TEST(Properties, a_run_repeats_itself_and_draws_belong_to_queries) {
  for (Shape shape : is_sanitized ? std::vector<Shape>{worlds().front()} : worlds_and(rough_worlds())) {
    shape.drawn_classes = true;
    std::vector<Came> came;
    std::map<std::pair<std::uint64_t, std::uint32_t>, double> answers;
    std::uint64_t compared = 0;
    each([&](const PolicyDefinition& d) {
      Outcome once, twice;
      run(d, shape, once, true);
      run(d, shape, twice, true);
      EXPECT_EQ(parting(once.log.decisions, twice.log.decisions), "");
      EXPECT_EQ(parting(once.list(), twice.list()), "");
      EXPECT_EQ(once.log.loads, twice.log.loads);
      EXPECT_GT(once.log.decisions.size(), 600U);
      if (came.empty()) came = once.log.came;
      EXPECT_TRUE(once.log.came == came) << "other queries came";
      for (const auto& [serial, fate] : once.log.fates) {
        if (fate.ending != Ending::answered || fate.visits > 1) continue;
        const auto [at, is_new] = answers.emplace(std::pair{serial, fate.variant.index()}, fate.realised);
        if (is_new) continue;
        ++compared;
        EXPECT_EQ(at->second, fate.realised) << "query " << serial;
      }
    });
    EXPECT_GT(compared, 5'000U);
    shape.seed = 8;
    Outcome other;
    run(*all().find("lru"), shape, other);
    EXPECT_FALSE(other.log.came == came) << "classes are drawn, and another seed drew the same";
  }
}

// X1. Who draws decides otherwise with another seed; nobody else does: nothing else in this world hangs on the seed.
TEST(Properties, another_seed_is_another_run_where_somebody_draws) {
  const Exceptions drawing{{"accuracy_scaling", "a route by the shares of the plan"},
                           {"accuracy_scaling_greedy", "a route by the shares of the plan"},
                           {"cascade", "goes by how confident answers were, which are drawn"},
                           {"cocktail", "goes by who agreed in votes, which is drawn"},
                           {"downgrade_then_shed", "whom to shed"},
                           {"epsilon_greedy", "when to explore, and what"},
                           {"exp3", "an arm"},
                           {"hedged", "among equal queues"},
                           {"jellyfish", "a neighbour in simulated annealing"},
                           {"join_shortest_queue", "among equal queues"},
                           {"power_of_d", "whom to compare"},
                           {"priority_shedding", "whom to shed"},
                           {"proportional", "a route by the shares"},
                           {"random", "an instance"},
                           {"thompson", "from what is believed of the arms"}};
  each(drawing, [](const PolicyDefinition& d) {
    std::string found;
    for (const Shape& shape : worlds()) {
      Shape other = shape;
      other.seed = 8;
      Outcome one, two;
      run(d, shape, one, true);
      run(d, other, two, true);
      found += parting(one.log.decisions, two.log.decisions);
    }
    return found;
  });
}

// X2 and X7. Every query ends once, nothing is lost from the accounts, Little's law holds exactly on every line, no device holds more than
// it has, and nothing runs on what is not loaded.
TEST(Properties, nothing_is_lost_and_nothing_is_held_twice) {
  std::uint64_t failed = 0, stale = 0;
  for (const Shape& shape : some_of(worlds_and(rough_worlds()))) {
    SCOPED_TRACE("at rate " + std::to_string(shape.rate) + (shape.failing ? ", nodes fail" : ""));
    each([&](const PolicyDefinition& d) {
      Outcome o;
      run(d, shape, o);
      EXPECT_EQ(o.log.came.size(), 600U);
      EXPECT_EQ(o.log.fates.size(), 600U);
      EXPECT_EQ(o.log.ended_twice, 0U);
      EXPECT_EQ(o.log.before_warm, 0U);
      EXPECT_EQ(o.log.too_full, 0U);
      for (const auto& fault : o.faults) ADD_FAILURE() << fault;
      failed += o.log.failed;
      stale += o.log.stale;
    });
  }
  EXPECT_GT(failed, is_sanitized ? 100U : 1000U);
  EXPECT_GT(stale, is_sanitized ? 10U : 100U);
}

// X3. Who keeps an instance free while its line has somebody that it may take, and who never does.
TEST(Properties, batching_is_work_conserving_where_it_says_so) {
  struct Setting {
    std::string name;
    param::Object parameters;
    bool conserving;
  };
  const std::vector<Setting> settings{
      {"no_batching", {}, true},
      {"fixed_size", {{"batch_size", 2}, {"timeout_s", 0.05}}, false},
      {"fixed_size", {{"batch_size", 1}}, true},
      {"timeout", {}, false},
      {"timeout", {{"timeout_s", 0}}, true},
      {"dynamic_batcher", {}, true},
      {"dynamic_batcher", {{"preferred_batch_sizes", param::List{2, 4}}}, true},
      {"dynamic_batcher", {{"max_queue_delay_s", 0.02}}, false},
      {"dynamic_batcher", {{"preferred_batch_sizes", param::List{2, 4}}, {"max_queue_delay_s", 0.02}}, false},
      {"aimd", {{"target_s", 0.04}}, true},
      {"aimd", {{"target_s", 0.04}, {"form", "estimator"}}, true},
      {"aimd", {{"target_s", 0.04}, {"wait_s", 0.02}}, false},
      {"slo_aware", {}, true},
      {"slo_aware", {{"drop", false}}, true},
      {"slo_aware", {{"order", "deadline"}, {"margin_s", 0.01}}, true},
      {"early_drop", {}, true},
      {"early_drop", {{"batch_size", 2}}, true},
      {"proteus_batching", {}, false},
      {"proteus_batching", {{"max_batch_size", 1}}, true},
      {"slackfit", {}, true},
      {"slackfit", {{"rule", "max_accuracy"}}, true},
      {"slackfit", {{"rule", "max_batch"}, {"on_infeasible", "fastest"}}, true},
      {"nexus", {}, true},
      // As published it plans ahead, and may wait for what it planned; here a batch starts when its device is free.
      {"clockwork", {}, true}};
  std::set<std::string> said, registered;
  for (const PolicyDefinition& d : all().list())
    if (d.has(PolicyKind::batching)) registered.insert(d.name);
  for (const Setting& s : settings) {
    said.insert(s.name);
    SCOPED_TRACE(s.name);
    std::uint64_t started = 0, waited = 0;
    for (const Shape& shape : {Shape{.initial = true}, Shape{.nodes = 2, .initial = true, .rate = 3}}) {
      Outcome o;
      run(*all().find("lru"), shape, o, true, {{s.name, s.parameters}});
      for (const Decided& k : o.log.decisions) {
        if (k.answer == DecisionAnswer::started_batch) ++started;
        // Who is to be asked again at once does not wait.
        if (k.answer == DecisionAnswer::waits && k.amount != 0) ++waited;
      }
    }
    EXPECT_GT(started, 200U);
    EXPECT_EQ(waited == 0, s.conserving) << waited << " waits, setting " << &s - settings.data();
  }
  EXPECT_EQ(said, registered) << "say of each whether it is work conserving";
}

/// Equal but for times, which are `factor` times as long to within what rounding to nanoseconds makes.
std::string difference(const std::vector<Fate>& one, const std::vector<Fate>& other, std::int64_t factor, Duration shift) {
  if (one.size() != other.size()) return "another number of queries";
  for (std::size_t k = 0; k < one.size(); ++k) {
    const Fate &a = one[k], &b = other[k];
    const auto name = "query " + std::to_string(k) + ": ";
    if (b.arrival - Time{} != factor * (a.arrival - Time{}) + shift) return name + "another arrival";
    if (a.ending != b.ending) return name + "another ending";
    if (a.variant != b.variant) return name + "another variant";
    if (a.ending == Ending::answered && std::abs((b.took - factor * a.took).count()) > 100)
      return name + std::to_string(a.took.count()) + " ns, then " + std::to_string(b.took.count()) + " ns";
  }
  return {};
}

// X6. A world in which everything takes twice as long, the parameters of policies included, is the same world.
TEST(Properties, twice_the_time_is_the_same_run) {
  for (const Shape& shape : some_of(worlds_and(rough_worlds())))
    each([&](const PolicyDefinition& d) {
      Shape longer = shape;
      longer.factor = 2;
      Outcome once, twice;
      run(d, shape, once);
      run(d, longer, twice);
      EXPECT_EQ(difference(once.list(), twice.list(), 2, {}), "");
      // After that averages of rates fall until they count as none, which is a number of planners.
      EXPECT_EQ(once.log.loads_before_last_end, twice.log.loads_before_last_end);
    });
}

TEST(Properties, a_time_that_stays_as_it_was_is_noticed) {
  const std::vector<std::pair<std::string, param::Object>> kept{{"fixed_keep_alive", {{"keep_alive_s", 30}}}};
  Outcome once, twice;
  run(*all().find("lru"), {.rate = 2}, once, false, kept);
  run(*all().find("lru"), {.factor = 2, .rate = 2}, twice, false, kept);
  EXPECT_NE(difference(once.list(), twice.list(), 2, {}), "");
}

// X6. When it all happens makes no difference to who decides by what is there.
TEST(Properties, a_later_start_is_the_same_run) {
  const Exceptions exceptions{{"cocktail", "its ensembles shrink round by round by what is expected of them, asked or not"},
                              {"scheduled", "goes by the time of day"},
                              {"preload_and_persist", "loads at time 0, which takes time"},
                              {"accuracy_scaling", "what it plans at time 0 holds at once, later plans after the time of a search"}};
  each(exceptions, [&](const PolicyDefinition& d) {
    std::string found;
    for (const Shape& shape : worlds()) {
      if (shape.initial) continue;  // what is warm and nobody uses is stopped until then
      Shape shifted = shape;
      shifted.shift = 600s;
      Outcome once, later;
      run(d, shape, once);
      run(d, shifted, later);
      if (const auto k = difference(once.list(), later.list(), 1, 600s); !k.empty())
        found += "world " + std::to_string(&shape - worlds().data()) + ", " + k + ". ";
    }
    return found;
  });
}

// X9. Empty, single and full clusters, no variants, nobody, all at once, SLOs that nothing meets, variants that fit nowhere.
TEST(Properties, odd_worlds_are_survived) {
  const std::map<std::string, Shape> shapes{
      {"no devices at the edge", {.nodes = 0}},
      {"no devices at all", {.nodes = 0, .core = false}},
      {"no devices at the edge, which decides for itself", {.nodes = 0, .control = {.mode = Control::Mode::per_site, .snapshot = 1s}}},
      {"one device", {.nodes = 1, .core = false}},
      {"one device, full, all at once", {.core = false, .initial = true, .same_times = true}},
      {"far too much", {.nodes = 1, .initial = true, .rate = 1000}},
      {"all at once", {.same_times = true}},
      {"nobody", {.initial = true, .queries = 0}},
      {"nobody, and no devices", {.nodes = 0, .core = false, .queries = 0}},
      {"a single query", {.queries = 1}},
      {"a task without variants", {.no_variants = true}},
      {"an SLO of no time", {.least_slo = 0ms}},
      {"an SLO that nothing meets", {.least_slo = 1ms}},
      {"SLOs that nothing meets", {.slo = 1ns}},
      {"variants that fit nowhere", {.memory = 2}}};
  const Exceptions no_groups{{"cascade", "it names a variant that the world lacks, and refuses it"},
                             {"fixed_variant", "it names a variant that the world lacks, and refuses it"},
                             {"proportional", "it names a variant that the world lacks, and refuses it"},
                             {"scheduled", "it names a variant that the world lacks, and refuses it"}},
      one_task{{"fixed_variant", "it names two variants of one task, and refuses them"}};
  for (const auto& [name, given] : shapes) {
    SCOPED_TRACE(name);
    Shape shape = given;
    if (is_sanitized) shape.queries = std::min(shape.queries, 100);
    each(shape.nodes == 0    ? no_groups
         : shape.no_variants ? one_task
                             : Exceptions{},
         [&](const PolicyDefinition& d) {
           Outcome o;
           run(d, shape, o);
           std::string wrong;
           if (o.log.fates.size() != static_cast<std::size_t>(shape.queries) || o.log.ended_twice > 0) wrong = "queries are lost. ";
           if (shape.nodes == 0 && !shape.core && o.log.loads + o.answered() > 0) wrong += "something runs on nothing. ";
           for (const auto& fault : o.faults) wrong += fault + ". ";
           return wrong;
         });
  }
}

/// A warmed cluster with queries, for single decisions.
struct Decisions {
  WorldBuilder b;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> warm;
  std::vector<VisitId> queries;
  VariantId big, finder;

  Decisions() {
    const SiteId edge = b.site("edge"), core = b.site("core");
    b.link(edge, core, 5ms, 1e6);
    const HardwareId gpu = b.hardware("gpu", 100);
    const TaskId see = b.task("see"), find = b.task("find");
    const auto linear = [](std::uint32_t n) { return 2ms + n * 1ms; };
    big = b.variant("big", see, gpu, 0.8, linear, 8, 1, 1s);
    b.variant("middle", see, gpu, 0.7, linear, 8, 1, 1s);
    b.variant("small", see, gpu, 0.6, linear, 8, 1, 1s);
    finder = b.variant("finder", find, gpu, 0.5, linear, 8, 1, 1s);
    b.pool("edge gpus", edge, gpu, 4);
    b.pool("core gpus", core, gpu, 4);
    b.add_class(see, 200ms, 0.5);
    b.add_class(see);
    b.add_class(find, 500ms);
    bench = std::make_unique<ClusterBench>(b);
    for (std::size_t k = 0; k < 16; ++k) warm.push_back(bench->warm(VariantId{k % 4}, k % 8));
    for (std::size_t k = 0; k < 40; ++k) bench->wait_at(warm[k % 16], ClassId{k % 16 % 4 == 3 ? 2U : 0U});
    for (int k = 0; k < 8; ++k) queries.push_back(bench->admit(ClassId{0}));
  }
};

// The query path allocates nothing, whatever the policy. Planners' rounds may.
TEST(Properties, no_decision_about_a_query_allocates) {
  each([&](const PolicyDefinition& d) {
    Decisions x;
    const auto made = make_policy(d, parameters_of(d.name, {}), x.bench->setup());
    Policy* p = made.get();
    auto* observer = dynamic_cast<Observer*>(p);
    if (observer != nullptr && observer->facts().instances)
      for (const InstanceId i : x.warm) {
        observer->instance_changed(i, Phase::starting, x.bench->view());
        observer->instance_changed(i, Phase::warm, x.bench->view());
      }
    Plan plan;
    std::vector<Prewarm> start;
    std::vector<GroupId> pin;
    const auto rounds = [&](Time now) {
      p->round(x.bench->view(now));
      if (auto* a = dynamic_cast<AutoscalingPolicy*>(p); a != nullptr) {
        plan.clear();
        a->plan(x.bench->view(now), plan);
      }
      if (auto* c = dynamic_cast<ColdstartPolicy*>(p); c != nullptr) {
        start.clear();
        pin.clear();
        c->prewarm(x.bench->view(now), start, pin);
      }
    };
    std::vector<QueryView> heads;
    for (std::size_t k = 0; k < 4; ++k) heads.push_back(x.bench->query(x.queries[k]));
    const std::vector<InstanceId> ready{x.warm[0], x.warm[4], x.warm[8], x.warm[12]};
    const std::vector<DeviceId> devices{DeviceId{0}, DeviceId{3}, DeviceId{5}};
    const auto decide = [&](Time now) {
      const ClusterView view = x.bench->view(now);
      for (const VisitId v : x.queries) {
        const QueryView q = x.bench->query(v);
        if (observer != nullptr && observer->facts().arrivals) observer->arrived(q, view);
        if (auto* k = dynamic_cast<AdmissionPolicy*>(p); k != nullptr) k->admit(q, view);
        if (auto* k = dynamic_cast<SelectionPolicy*>(p); k != nullptr) {
          k->select(q, view);
          k->escalate(q, {x.big, 0, 0.1}, view);
        }
        if (auto* k = dynamic_cast<DispatchPolicy*>(p); k != nullptr) k->place(q, x.big, view);
        if (auto* k = dynamic_cast<AutoscalingPolicy*>(p); k != nullptr) k->on_held(q, x.big, 0, view);
        if (observer != nullptr && observer->facts().visits) observer->visit_began(q, x.warm[0], view);
      }
      if (auto* k = dynamic_cast<SharingPolicy*>(p); k != nullptr) k->next(DeviceId{0}, ready, heads, view);
      if (auto* k = dynamic_cast<BatchingPolicy*>(p); k != nullptr)
        for (const InstanceId i : x.warm) k->form(i, x.bench->line(i), view);
      if (auto* k = dynamic_cast<PlacementPolicy*>(p); k != nullptr) {
        k->choose(x.big, 1, devices, {}, view);
        k->choose(x.big, 1, {}, devices, view);
      }
      if (auto* k = dynamic_cast<ColdstartPolicy*>(p); k != nullptr) k->became_idle(x.warm[0], view);
      if (auto* k = dynamic_cast<EvictionPolicy*>(p); k != nullptr) k->choose(DeviceId{0}, ready, 1, view);
      if (observer != nullptr && observer->facts().batches) {
        observer->batch_began(x.warm[0], 2, view);
        observer->batch_done(x.warm[0], 2, 4ms, view);
      }
    };
    for (int k = 0; k < 3; ++k) {
      rounds(Time{} + k * 40s);
      for (int n = 0; n < 20; ++n) decide(Time{} + k * 40s + n * 1ms);
    }
    EXPECT_EQ(allocations_of([&] {
                for (int n = 0; n < 20; ++n) decide(Time{} + 120s + n * 1ms);
              }),
              0U);
  });
}

}  // namespace
}  // namespace tideline::test
