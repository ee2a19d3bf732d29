// What property tests of all registered policies share: a world in which each kind has something to decide, runs in it, and what they keep.
#pragma once

#include "policies/builtin.h"
#include "sim/policy/decision.h"
#include "sim/serving/future.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tideline::test {

inline const PolicyRegistry& all() {
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
  bool initial = false;      ///< something is warm at time 0 on each accelerator at the edge
  bool same_times = false;   ///< all queries of a burst arrive at once
  bool no_variants = false;  ///< of one of the tasks
  Duration least_slo = 200ms;
  double rate = 1;
  std::uint64_t seed = 7;
  int queries = 600;
  bool drawn_classes = false;  ///< by the seed
  bool one_variant = false;    ///< of each task
  std::uint32_t largest_batch = 4;
  bool loads = true;   ///< loads take time
  Duration slo{};      ///< of all classes; 0: each has its own
  bool apart = false;  ///< no two arrive at one time
  Control control{};
  bool failing = false;  ///< nodes go down and come up again, some of them after notice
};

/// Worlds that between them ask each policy to decide: plain; several instances of a variant; too much at times; too little memory; one site.
inline const std::vector<Shape>& worlds() {
  static const std::vector<Shape> all{{},
                                      {.nodes = 3, .initial = true, .rate = 3},
                                      {.initial = true, .rate = 20},
                                      {.core = false, .memory = 5},
                                      {.nodes = 2, .core = false, .initial = true, .rate = 0.5}};
  return all;
}

/// Worlds in which what was decided comes to nothing: nodes fail, and controllers go by what was.
inline const std::vector<Shape>& rough_worlds() {
  using Mode = Control::Mode;
  static const std::vector<Shape> all{
      {.nodes = 2, .initial = true, .rate = 2, .failing = true},
      {.core = false, .memory = 5, .failing = true},
      {.nodes = 2, .initial = true, .rate = 3, .control = {.mode = Mode::central, .snapshot = 2s, .decision = 1ms}},
      {.nodes = 2, .rate = 3, .control = {.mode = Mode::per_site}},
      {.nodes = 2,
       .initial = true,
       .control = {.mode = Mode::per_site, .snapshot = 1s, .delay = 10ms, .compensated = true},
       .failing = true},
      {.nodes = 2, .control = {.mode = Mode::gossip, .snapshot = 1s, .forget = 10s}, .failing = true}};
  return all;
}

/// What some policies have to be given names of: a variant of each task, groups, and variants to ask one after the other.
struct Named {
  param::List variants{"big", "finder"}, groups{"big@edge", "small@edge", "finder@edge"}, stages{"small", "big", "finder"};
};

/// Parameters that a policy has to be given, and those without which it would do nothing here.
inline param::Object parameters_of(const std::string& name, const Shape& shape, const Named& named = {}) {
  const auto f = static_cast<double>(shape.factor);
  const auto group = [&](std::size_t k) { return std::get<std::string>(named.groups.at(k).data); };
  const auto minute = [&](int n) { return (n * shape.factor < 10 ? "00:0" : "00:") + std::to_string(n * shape.factor) + " "; };
  if (name == "bounded_in_flight") return {{"limit", 20}};
  if (name == "token_bucket") return {{"rate_qps", 20 / f}, {"burst", 5}};
  // Bursts last less than the second over which they would look.
  if (name == "priority_shedding" || name == "downgrade_then_shed") return {{"target", 0.3}, {"proportional", 2}, {"interval_s", 0.1 * f}};
  if (name == "cascade" && !named.stages.empty()) return {{"stages", named.stages}};
  if (name == "aimd") return {{"target_s", 0.04 * f}};
  if (name == "fixed_size") return {{"batch_size", 2}, {"timeout_s", 0.05 * f}};
  if (name == "pinned_top_k") return {{"k", 1}};
  if (name == "target_tracking") return {{"target_per_min", 300 / f}};
  if (name == "fixed_variant") return {{"variants", named.variants}};
  if (name == "scheduled") return {{"schedule", param::List{minute(1) + group(0) + "=1", minute(2) + group(0) + "=0"}}};
  if (name == "proportional") {
    param::List shares;
    for (std::size_t k = 0; k < named.groups.size(); ++k) shares.emplace_back(group(k) + (k == 0 ? "=2" : "=1"));
    return {{"shares", shares}};
  }
  // Noise in its tables is nothing to properties, and they are made for each run.
  if (name == "model_switching") return {{"table_queries", 200}};
  // A gibibyte to spare is more than a device has.
  if (name == "infaas" || name == "infaas_scaling") return {{"memory_reserve_bytes", 0}};
  if (name == "infaas_placement") return {{"slack_bytes", 0}};
  return {};
}

/// The parameters with all times multiplied: those in seconds, and those per second.
inline param::Object scaled(const PolicyDefinition& d, const Shape& shape) {
  param::Object out = parameters_of(d.name, shape, shape.one_variant ? Named{{"big", "finder"}, {"big@edge", "finder@edge"}, {}} : Named{});
  const auto f = static_cast<double>(shape.factor);
  if (shape.factor == 1) return out;
  for (const param::FieldInfo& field : d.parameters()) {
    // Of a policy over another that it makes: the other's.
    if (field.name == "autoscaler") out.emplace_back("params", scaled(*all().find(std::get<std::string>(field.default_value.data)), shape));
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

/// What a query was when it came.
struct Came {
  Time at{};
  ClassId cls;
  std::uint16_t origin = 0, items = 1;
  float work = 1;
  bool operator==(const Came&) const = default;
};

/// A decision and when it was taken.
struct Decided {
  Time at{};
  DecisionAnswer answer{};
  Reason reason = 0;
  std::uint64_t query = 0;
  std::uint32_t chosen = 0, runner_up = 0;
  std::int64_t amount = 0;
  bool operator==(const Decided&) const = default;
};

/// Hears what properties are about.
struct Log final : Recorder {
  std::map<std::uint64_t, Fate> fates;
  std::vector<Came> came;
  std::vector<Decided> decisions;
  std::uint64_t ended_twice = 0, loads = 0, before_warm = 0, too_full = 0;
  std::uint64_t loads_before_last_end = 0, failed = 0, stale = 0;
  Time last_warm{};
  const Cluster* cluster = nullptr;
  std::map<std::uint32_t, Time> warm_since;  // by slot
  bool hears_decisions = false;

  Facts facts() const override { return {.arrivals = true, .batches = true, .decisions = hears_decisions}; }
  void run_begins(const Cluster& c) override { cluster = &c; }
  void arrived(const Visit& v) override { came.push_back({v.arrival, v.cls, v.origin, v.items, v.work}); }
  void ended(const Visit& v, const QueryEnd& e) override {
    const Fate fate{v.arrival, e.ending, e.finish - v.arrival, e.variant, e.realised, e.visits};
    if (!fates.emplace(v.serial, fate).second) ++ended_twice;
    loads_before_last_end = loads;
  }
  void instance_started(InstanceId i, StartCause, Time) override {
    ++loads;
    warm_since.erase(i.index());
    const DeviceRow& d = cluster->row(cluster->row(i).device);
    if (d.memory_free < 0) ++too_full;
  }
  void instance_stopped(InstanceId, StopCause cause, Time) override { failed += cause == StopCause::failed ? 1 : 0; }
  void stale_answer(std::uint8_t, Time) override { ++stale; }
  void instance_warm(InstanceId i, Time now) override { warm_since[i.index()] = last_warm = now; }
  void batch_done(InstanceId i, DeviceId, VariantId, std::uint32_t, std::uint32_t, Duration took, Time now) override {
    const auto at = warm_since.find(i.index());
    if (at == warm_since.end() || now - took < at->second) ++before_warm;
  }
  void decided(ControllerId, const Decision& d, Time now) override {
    decisions.push_back({now, d.answer, d.reason, d.query, d.chosen, d.runner_up, d.amount});
  }
  std::uint64_t count(PolicyKind kind) const {
    return static_cast<std::uint64_t>(
        std::count_if(decisions.begin(), decisions.end(), [&](const Decided& d) { return form_of(d.answer).kind == kind; }));
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
  std::uint64_t answered() const {
    return static_cast<std::uint64_t>(
        std::count_if(log.fates.begin(), log.fates.end(), [](const auto& f) { return f.second.ending == Ending::answered; }));
  }
};

/// Where two runs part by what became of queries; empty: nowhere.
inline std::string parting(const std::vector<Fate>& a, const std::vector<Fate>& b) {
  if (a.size() != b.size()) return "another number of queries";
  const auto at = std::mismatch(a.begin(), a.end(), b.begin());
  if (at.first == a.end()) return {};
  const auto told = [](const Fate& f) {
    return std::to_string(static_cast<int>(f.ending)) + " after " + std::to_string(f.took.count()) + " ns by " +
           std::to_string(f.variant.index());
  };
  return "query " + std::to_string(at.first - a.begin()) + " ends as " + told(*at.first) + " and as " + told(*at.second);
}
/// The same by their decisions.
inline std::string parting(const std::vector<Decided>& a, const std::vector<Decided>& b) {
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at.first == a.end() && at.second == b.end()) return {};
  const auto name = [](const auto& k, const auto& end) {
    return k == end ? std::string("nothing") : std::string(form_of(k->answer).name) + " at " + std::to_string(to_seconds(k->at)) + " s";
  };
  return "decision " + std::to_string(at.first - a.begin()) + ": " + name(at.first, a.end()) + " and " + name(at.second, b.end());
}

/// Queries of two tasks, in bursts and with pauses, for an edge with accelerators and a core with one more and a CPU. `d` decides, the
/// defaults of the other kinds beside it.
inline void run(const PolicyDefinition& d, const Shape& shape, Outcome& out, bool decisions = false,
                const std::vector<std::pair<std::string, param::Object>>& beside = {}) {
  const std::int64_t f = shape.factor;
  WorldBuilder b;
  const SiteId edge = b.site("edge");
  const HardwareId gpu = b.hardware("gpu", shape.memory);
  const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  const TaskId see = b.task("see"), find = b.task("find");
  const std::uint32_t most = shape.largest_batch;
  const auto linear = [&](std::int64_t base, std::int64_t item) {
    return [=](std::uint32_t n) { return f * (base * 1ms + n * (item * 1ms)); };
  };
  const auto load = [&](Duration time) { return shape.loads ? f * time : Duration{}; };
  b.variant("big", see, gpu, 0.8, linear(6, 12), most, 5, load(300ms));
  if (!shape.one_variant) {
    b.variant("middle", see, gpu, 0.7, linear(4, 6), most, 4, load(200ms));
    b.variant("small", see, gpu, 0.6, linear(2, 2), most, 3, load(100ms));
    b.variant("slow", see, cpu, 0.75, linear(10, 20), 1, 10, load(150ms), 2);
  }
  const VariantId finder = b.variant("finder", shape.no_variants ? see : find, gpu, 0.5, linear(4, 4), most, 4, load(200ms));
  if (shape.nodes > 0) b.pool("edge gpus", edge, gpu, shape.nodes, 2.0 / static_cast<double>(f));
  if (shape.core) {
    const SiteId core = b.site("core");
    b.link(edge, core, f * 5ms, 1e6 / static_cast<double>(f));
    if (shape.nodes > 0) b.pool("core gpus", core, gpu, shape.nodes, 4.0 / static_cast<double>(f));
    b.pool("cpus", core, cpu, 1, 0.5 / static_cast<double>(f));
  }
  const auto slo = [&](Duration own) { return shape.slo > Duration{} ? f * shape.slo : own == forever ? forever : f * own; };
  b.add_class(see, slo(shape.least_slo), 0.5);
  b.add_class(see, slo(1s), 0.65);
  b.add_class(see, slo(forever));
  b.add_class(find, slo(500ms));
  RunBench r(b);
  r.use(d, scaled(d, shape));
  for (const auto& [name, parameters] : beside) r.use(*all().find(name), parameters);
  for (std::size_t k = 0; k < policy_kinds; ++k) {
    const auto kind = static_cast<PolicyKind>(k);
    const bool taken =
        d.has(kind) || std::any_of(beside.begin(), beside.end(), [&](const auto& p) { return all().find(p.first)->has(kind); });
    if (!taken) r.use(*all().default_of(kind), scaled(*all().default_of(kind), shape));
  }
  for (std::uint32_t k = 0; k < shape.nodes && shape.initial; ++k) {
    r.warm_at_start(VariantId{0}, k);
    r.warm_at_start(shape.one_variant ? finder : VariantId{2}, k);
  }
  r.options.seed = shape.seed;
  r.options.control = shape.control;
  r.options.control.snapshot *= f;
  r.options.control.delay *= f;
  r.options.control.decision *= f;
  if (shape.control.forget != forever) r.options.control.forget *= f;
  if (shape.failing) {
    const auto nodes = static_cast<std::uint32_t>(r.world().topology().nodes.size());
    r.options.environment.failures = {{{NodeId{0}, nodes}, f * Duration{30s}, f * Duration{5s}, {}},
                                      {{NodeId{0}, nodes}, f * Duration{60s}, f * Duration{2s}, f * Duration{3s}}};
    r.options.retry_lost = true;
  }
  r.options.duration = f * Duration{1h};
  r.options.drain = f * Duration{10min};
  r.classes = 4;
  r.drawn_classes = shape.drawn_classes;
  out.log.hears_decisions = decisions;
  r.also = &out.log;
  const auto source = [&] {
    auto made = std::make_unique<PlainSource>();
    made->names = {"a", "b", "c", "d"};
    Stream s(11);
    Duration now = shape.shift;
    for (int k = 0; k < shape.queries; ++k) {
      const bool pause = below(s, 50) == 0;
      const Duration gap{from_seconds(below(s, 30) / (1000.0 * shape.rate)) + (pause ? 20s : 0s)};
      now += shape.same_times && !pause ? Duration{} : gap + (shape.apart ? 1us : 0us);
      const std::uint32_t cls = below(s, 4);
      made->list.emplace_back(Time{} + f * now, shape.drawn_classes ? 0 : cls);
    }
    return made;
  };
  r.future = [&] {
    std::vector<WorkloadEntry> entries;
    entries.push_back(r.entry(source()));
    return read_ahead(Workload(std::move(entries), shape.seed));
  };
  r.arrivals(source());
  Simulation& simulation = r.make_simulation();
  simulation.run();
  simulation.cluster().check_boards();
  out.faults = simulation.cluster().audit_accounts(simulation.now());
}

/// Names that a property leaves out, each with its reason.
using Exceptions = std::map<std::string, std::string>;

/// Asks for what is wrong with each registered policy that is `of` these; empty: nothing is. With an exception something has to be, so that
/// none outlives its reason.
inline void each(
    const Exceptions& exceptions, const std::function<std::string(const PolicyDefinition&)>& wrong,
    const std::function<bool(const PolicyDefinition&)>& of = [](const PolicyDefinition&) { return true; }) {
  for (const auto& [name, reason] : exceptions) {
    const PolicyDefinition* d = all().find(name);
    EXPECT_TRUE(d != nullptr && of(*d)) << name << " is excepted and not there";
    EXPECT_FALSE(reason.empty());
  }
  for (const PolicyDefinition& d : all().list()) {
    if (!of(d)) continue;
    SCOPED_TRACE(d.name);
    std::string found;
    try {
      found = wrong(d);
    } catch (const std::exception& e) {
      found = e.what();
      if (found.empty()) found = "an exception";
    }
    if (const auto at = exceptions.find(d.name); at == exceptions.end()) {
      EXPECT_EQ(found, "") << d.name;
    } else {
      EXPECT_NE(found, "") << d.name << " is an exception no more: " << at->second;
    }
  }
}

/// The same of a property without exceptions that says by itself what is wrong.
inline void each(const std::function<void(const PolicyDefinition&)>& holds) {
  each({}, [&](const PolicyDefinition& d) { return holds(d), std::string(); });
}

inline bool is_only(const PolicyDefinition& d, PolicyKind kind) { return d.kinds == std::vector{kind}; }

}  // namespace tideline::test
