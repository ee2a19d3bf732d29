// Properties that every registered policy has, run over the whole registry: each exception is named, with its reason. Numbers X1 to X9 are
// those of the list that the names of the tests spell out.
#include "policies/builtin.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tideline::test {
namespace {

const PolicyRegistry& all() {
  static const PolicyRegistry registry = [] {
    PolicyRegistry r;
    add_builtin_policies(r);
    return r;
  }();
  return registry;
}

/// By how much all times are longer, and all else that a property may change.
struct Shape {
  std::int64_t factor = 1;
  Duration shift{};          ///< of all arrivals
  std::uint32_t nodes = 1;   ///< of each pool of accelerators
  bool core = true;          ///< there is a second site
  std::int64_t memory = 9;   ///< of an accelerator: a large variant takes 5
  bool initial = false;      ///< something is warm at time 0
  bool same_times = false;   ///< all queries of a burst arrive at once
  bool no_variants = false;  ///< of one of the tasks
  Duration least_slo = 200ms;
  double rate = 1;
};

/// Parameters that a policy has to be given, and those without which it would do nothing here.
param::Object parameters_of(const std::string& name, const Shape& shape) {
  const auto f = static_cast<double>(shape.factor);
  static const param::List one_of_each{"big", "finder"};
  const auto minute = [&](int n) { return (n * shape.factor < 10 ? "00:0" : "00:") + std::to_string(n * shape.factor); };
  if (name == "bounded_in_flight") return {{"limit", 20}};
  if (name == "token_bucket") return {{"rate_qps", 20 / f}, {"burst", 5}};
  if (name == "aimd") return {{"target_s", 0.04 * f}};
  if (name == "fixed_size") return {{"batch_size", 2}, {"timeout_s", 0.05 * f}};
  if (name == "pinned_top_k") return {{"k", 1}};
  if (name == "target_tracking") return {{"target_per_min", 300 / f}};
  if (name == "fixed_variant") return {{"variants", one_of_each}};
  if (name == "scheduled") return {{"schedule", param::List{minute(1) + " big@edge=1", minute(2) + " big@edge=0"}}};
  if (name == "proportional") return {{"shares", param::List{"big@edge=2", "small@edge=1", "finder@edge=1"}}};
  return {};
}

/// The parameters with all times multiplied: those in seconds, and those per second.
param::Object scaled(const PolicyDefinition& d, const Shape& shape) {
  param::Object out = parameters_of(d.name, shape);
  const auto f = static_cast<double>(shape.factor);
  if (shape.factor == 1) return out;
  for (const param::FieldInfo& field : d.parameters()) {
    if (field.required || std::any_of(out.begin(), out.end(), [&](const auto& given) { return given.first == field.name; })) continue;
    const bool per_time = field.name.ends_with("_per_s") || field.name.ends_with("_qps") || field.name.ends_with("_per_min");
    if ((field.type != "duration" && !per_time) || field.default_text == "null") continue;
    const auto* whole = std::get_if<std::int64_t>(&field.default_value.data);
    const auto* real = std::get_if<double>(&field.default_value.data);
    if (whole == nullptr && real == nullptr) continue;
    out.emplace_back(field.name, (whole != nullptr ? static_cast<double>(*whole) : *real) * (per_time ? 1 / f : f));
  }
  return out;
}

/// What became of a query.
struct Fate {
  Time arrival{};
  Ending ending = Ending::unfinished;
  Duration took{};
  VariantId variant;
  double realised = 0;
  std::uint8_t visits = 1;
  bool operator==(const Fate&) const = default;
};

/// Hears what properties are about.
struct Log final : Recorder {
  std::map<std::uint64_t, Fate> fates;
  std::uint64_t arrivals = 0, ended_twice = 0, cold_starts = 0, loads = 0, before_warm = 0, too_full = 0, waits = 0;
  const Cluster* cluster = nullptr;
  std::map<std::uint32_t, Time> warm_since;  // by slot
  bool hears_decisions = false;

  Facts facts() const override { return {.arrivals = true, .batches = true, .decisions = hears_decisions}; }
  void run_begins(const Cluster& c) override { cluster = &c; }
  void arrived(const Visit&) override { ++arrivals; }
  void ended(const Visit& v, const QueryEnd& e) override {
    const Fate fate{v.arrival, e.ending, e.finish - v.arrival, e.variant, e.realised, e.visits};
    if (!fates.emplace(v.serial, fate).second) ++ended_twice;
  }
  void instance_started(InstanceId i, StartCause, Time) override {
    ++loads;
    warm_since.erase(i.index());
    const DeviceRow& d = cluster->row(cluster->row(i).device);
    if (d.memory_free < 0) ++too_full;
  }
  void instance_warm(InstanceId i, Time now) override { warm_since[i.index()] = now; }
  void batch_done(InstanceId i, DeviceId, VariantId, std::uint32_t, std::uint32_t, Duration took, Time now) override {
    const auto at = warm_since.find(i.index());
    if (at == warm_since.end() || now - took < at->second) ++before_warm;
  }
  void load_triggered(const Visit&) override { ++cold_starts; }
  void decided(ControllerId, const Decision& d, Time) override {
    if (d.answer == DecisionAnswer::waits) ++waits;
  }
};

struct Outcome {
  Log log;
  std::vector<std::string> faults;
  std::vector<Fate> list() const {
    std::vector<Fate> out;
    for (const auto& [serial, fate] : log.fates) out.push_back(fate);
    return out;
  }
};

/// Six hundred queries of two tasks, in bursts and with pauses, for an edge with accelerators and a core with one more and a CPU.
/// `d` decides, the defaults of the other kinds beside it.
void run(const PolicyDefinition& d, const Shape& shape, Outcome& out, bool decisions = false,
         const std::vector<std::pair<std::string, param::Object>>& beside = {}) {
  const std::int64_t f = shape.factor;
  WorldBuilder b;
  const SiteId edge = b.site("edge");
  const HardwareId gpu = b.hardware("gpu", shape.memory);
  const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  const TaskId see = b.task("see"), find = b.task("find");
  const auto linear = [&](std::int64_t base, std::int64_t item) {
    return [=](std::uint32_t n) { return f * (base * 1ms + n * (item * 1ms)); };
  };
  b.variant("big", see, gpu, 0.8, linear(6, 12), 4, 5, f * 300ms);
  b.variant("middle", see, gpu, 0.7, linear(4, 6), 4, 4, f * 200ms);
  b.variant("small", see, gpu, 0.6, linear(2, 2), 4, 3, f * 100ms);
  b.variant("slow", see, cpu, 0.75, linear(10, 20), 1, 10, f * 150ms, 2);
  b.variant("finder", shape.no_variants ? see : find, gpu, 0.5, linear(4, 4), 4, 4, f * 200ms);
  if (shape.nodes > 0) b.pool("edge gpus", edge, gpu, shape.nodes, 2.0 / static_cast<double>(f));
  if (shape.core) {
    const SiteId core = b.site("core");
    b.link(edge, core, f * 5ms, 1e6 / static_cast<double>(f));
    if (shape.nodes > 0) b.pool("core gpus", core, gpu, shape.nodes, 4.0 / static_cast<double>(f));
    b.pool("cpus", core, cpu, 1, 0.5 / static_cast<double>(f));
  }
  b.add_class(see, f * shape.least_slo, 0.5);
  b.add_class(see, f * Duration{1s}, 0.65);
  b.add_class(see);
  b.add_class(find, f * Duration{500ms});
  RunBench r(b);
  r.use(d, scaled(d, shape));
  for (const auto& [name, parameters] : beside) r.use(*all().find(name), parameters);
  for (std::size_t k = 0; k < policy_kinds; ++k) {
    const auto kind = static_cast<PolicyKind>(k);
    const bool taken =
        d.has(kind) || std::any_of(beside.begin(), beside.end(), [&](const auto& p) { return all().find(p.first)->has(kind); });
    if (!taken) r.use(*all().default_of(kind), scaled(*all().default_of(kind), shape));
  }
  if (shape.initial && shape.nodes > 0) {
    r.warm_at_start(VariantId{0}, 0);
    r.warm_at_start(VariantId{2}, 0);
  }
  r.options.seed = 7;
  r.options.duration = f * Duration{1h};
  r.options.drain = f * Duration{10min};
  r.classes = 4;
  out.log.hears_decisions = decisions;
  r.also = &out.log;
  auto source = std::make_unique<PlainSource>();
  source->names = {"a", "b", "c", "d"};
  Stream s(11);
  Duration now = shape.shift;
  for (int k = 0; k < 600; ++k) {
    const bool pause = below(s, 50) == 0;
    const Duration gap{from_seconds(below(s, 30) / (1000.0 * shape.rate)) + (pause ? 20s : 0s)};
    now += shape.same_times && !pause ? Duration{} : gap;
    source->list.emplace_back(Time{} + f * now, below(s, 4));
  }
  r.arrivals(std::move(source));
  Simulation& simulation = r.make_simulation();
  simulation.run();
  simulation.cluster().check_boards();
  out.faults = simulation.cluster().audit_accounts(simulation.now());
}

/// Names that a property leaves out, each with its reason.
using Exceptions = std::map<std::string, std::string>;

void each(const Exceptions& exceptions, const std::function<void(const PolicyDefinition&)>& holds) {
  for (const auto& [name, reason] : exceptions) {
    EXPECT_NE(all().find(name), nullptr) << name << " is excepted and does not exist";
    EXPECT_FALSE(reason.empty());
  }
  for (const PolicyDefinition& d : all().list()) {
    if (exceptions.contains(d.name)) continue;
    SCOPED_TRACE(d.name);
    try {
      holds(d);
    } catch (const std::exception& e) {
      ADD_FAILURE() << d.name << ": " << e.what();
    }
  }
}

// X1. Two runs of one seed are one run; and what a query meets hangs on no policy: the same variant gives it the same answer in all.
TEST(Properties, a_run_repeats_itself_and_draws_belong_to_queries) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, double> answers;
  std::uint64_t compared = 0;
  each({}, [&](const PolicyDefinition& d) {
    Outcome once, twice;
    run(d, {}, once);
    run(d, {}, twice);
    EXPECT_EQ(once.list(), twice.list());
    EXPECT_EQ(once.log.loads, twice.log.loads);
    for (const auto& [serial, fate] : once.log.fates) {
      if (fate.ending != Ending::answered || fate.visits > 1) continue;
      const auto [at, is_new] = answers.emplace(std::pair{serial, fate.variant.index()}, fate.realised);
      if (is_new) continue;
      ++compared;
      EXPECT_EQ(at->second, fate.realised) << "query " << serial;
    }
  });
  EXPECT_GT(compared, 10'000U);
}

// X2 and X7. Every query ends once, nothing is lost from the accounts, Little's law holds exactly on every line, no device holds more than
// it has, and nothing runs on what is not loaded.
TEST(Properties, nothing_is_lost_and_nothing_is_held_twice) {
  for (const bool full : {false, true})
    each({}, [&](const PolicyDefinition& d) {
      Outcome o;
      run(d, {.initial = full, .rate = full ? 20.0 : 1.0}, o);
      EXPECT_EQ(o.log.arrivals, 600U);
      EXPECT_EQ(o.log.fates.size(), 600U);
      EXPECT_EQ(o.log.ended_twice, 0U);
      EXPECT_EQ(o.log.before_warm, 0U);
      EXPECT_EQ(o.log.too_full, 0U);
      for (const auto& fault : o.faults) ADD_FAILURE() << fault;
    });
}

// X3. Who keeps an instance free while its line has somebody that it may take, and who never does.
TEST(Properties, batching_is_work_conserving_where_it_says_so) {
  const std::map<std::string, bool> conserving{{"no_batching", true}, {"slo_aware", true},        {"early_drop", true},
                                               {"aimd", true},        {"dynamic_batcher", true},  {"slackfit", true},
                                               {"nexus", true},       {"clockwork", true},        {"timeout", false},
                                               {"fixed_size", false}, {"proteus_batching", false}};
  for (const PolicyDefinition& d : all().list()) {
    if (!d.has(PolicyKind::batching)) continue;
    SCOPED_TRACE(d.name);
    const auto at = conserving.find(d.name);
    ASSERT_NE(at, conserving.end()) << "say whether it is work conserving";
    Outcome o;
    run(d, {.initial = true}, o, true);
    if (at->second) {
      EXPECT_EQ(o.log.waits, 0U);
    } else {
      EXPECT_GT(o.log.waits, 0U);
    }
  }
}

// X3. Those that wait only where they are told to.
TEST(Properties, a_delay_makes_batching_wait_and_none_makes_it_work_conserving) {
  const std::vector<std::tuple<std::string, param::Object, bool>> rows{{"timeout", {{"timeout_s", 0}}, true},
                                                                       {"timeout", {{"timeout_s", 0.02}}, false},
                                                                       {"dynamic_batcher", {{"max_queue_delay_s", 0}}, true},
                                                                       {"dynamic_batcher", {{"max_queue_delay_s", 0.02}}, false},
                                                                       {"aimd", {{"target_s", 0.04}, {"wait_s", 0}}, true},
                                                                       {"aimd", {{"target_s", 0.04}, {"wait_s", 0.02}}, false}};
  for (const auto& [name, parameters, conserves] : rows) {
    Outcome o;
    run(*all().find("lru"), {.initial = true}, o, true, {{name, parameters}});
    EXPECT_EQ(o.log.waits == 0, conserves) << name << ' ' << o.log.waits;
  }
}

// X5. With memory for all, who is evicted is never asked: runs are equal.
TEST(Properties, evictions_are_equal_where_all_fits) {
  std::vector<Fate> first;
  for (const PolicyDefinition& d : all().list()) {
    if (!d.has(PolicyKind::eviction)) continue;
    Outcome o;
    run(d, {.memory = 1000}, o);
    if (first.empty()) first = o.list();
    EXPECT_EQ(o.list(), first) << d.name;
  }
}

// X5. Batches of one: all that do not drop serve alike.
TEST(Properties, batching_is_equal_where_the_largest_batch_is_one) {
  // Its visits all have SLOs that are out of reach of none: nobody is dropped.
  std::map<std::string, std::vector<Duration>> waits;
  for (const PolicyDefinition& d : all().list()) {
    if (d.kinds != std::vector{PolicyKind::batching}) continue;
    WorldBuilder b;
    const SiteId here = b.site("here");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId task = b.task("task");
    b.variant("v", task, gpu, 0.8, 10ms);
    b.pool("p", here, gpu, 2);
    b.add_class(task, 10s);
    RunBench r(b);
    param::Object parameters = parameters_of(d.name, {});
    if (d.name == "fixed_size") parameters = {{"batch_size", 1}};
    r.use(d, parameters);
    r.use(least_expected_latency());
    r.warm_at_start(VariantId{0}, 0);
    r.warm_at_start(VariantId{0}, 1);
    Outcome o;
    r.also = &o.log;
    r.arrivals(std::make_unique<PoissonSource>(3, 150, 400));
    r.run();
    for (const Fate& fate : o.list()) waits[d.name].push_back(fate.took);
    EXPECT_EQ(waits[d.name], waits.begin()->second) << d.name << " and " << waits.begin()->first;
  }
  EXPECT_GE(waits.size(), 8U);
}

// X5. Kept for ever, nothing is loaded twice: after its first use a variant is as if it had been loaded at the start.
TEST(Properties, keep_alive_without_end_loads_nothing_twice) {
  Outcome o;
  run(*all().find("fixed_keep_alive"), {.memory = 1000}, o, false, {});
  const std::uint64_t finite = o.log.loads;
  Outcome kept;
  run(*all().find("lru"), {.memory = 1000}, kept, false, {{"fixed_keep_alive", {{"keep_alive_s", 1e6}}}});
  EXPECT_LE(kept.log.loads, finite);
  EXPECT_LE(kept.log.loads, 7U) << "groups of the world";
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
  each({}, [&](const PolicyDefinition& d) {
    Outcome once, twice;
    run(d, {.rate = 2}, once);
    run(d, {.factor = 2, .rate = 2}, twice);
    EXPECT_EQ(difference(once.list(), twice.list(), 2, {}), "");
    EXPECT_EQ(once.log.loads, twice.log.loads);
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
  const Exceptions exceptions{{"cocktail", "its ensembles shrink round by round by what is expected of them, asked or not"}};
  each(exceptions, [&](const PolicyDefinition& d) {
    if (d.has(PolicyKind::autoscaling) || d.has(PolicyKind::coldstart)) return;  // those see the time without load before, as they should
    Outcome once, later;
    run(d, {}, once);
    run(d, {.shift = 600s}, later);
    EXPECT_EQ(difference(once.list(), later.list(), 1, 600s), "");
  });
}

// X8. On one device with instances of one size nobody has fewer loads than who knows what comes is in eviction_test.cpp, where the trace
// can be told.

// X9. Empty, single and full clusters, no variants, all at once, an SLO that nothing meets, a variant that fits nowhere.
TEST(Properties, odd_worlds_are_survived) {
  const std::map<std::string, Shape> shapes{{"no devices at the edge", {.nodes = 0}},
                                            {"no devices at all", {.nodes = 0, .core = false}},
                                            {"one device", {.nodes = 1, .core = false}},
                                            {"far too much", {.nodes = 1, .initial = true, .rate = 1000}},
                                            {"all at once", {.same_times = true}},
                                            {"a task without variants", {.no_variants = true}},
                                            {"an SLO that nothing meets", {.least_slo = 1ms}},
                                            {"variants that fit nowhere", {.memory = 2}}};
  for (const auto& [name, shape] : shapes) {
    SCOPED_TRACE(name);
    const Exceptions lacking{{"fixed_variant", "it names a variant that the world lacks, and refuses it"},
                             {"proportional", "it names a variant that the world lacks, and refuses it"},
                             {"scheduled", "it names a variant that the world lacks, and refuses it"}};
    each(shape.nodes == 0 || shape.no_variants ? lacking : Exceptions{}, [&, &given = shape](const PolicyDefinition& d) {
      Outcome o;
      run(d, given, o);
      EXPECT_EQ(o.log.fates.size(), 600U);
      for (const auto& fault : o.faults) ADD_FAILURE() << fault;
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
  each({}, [&](const PolicyDefinition& d) {
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
