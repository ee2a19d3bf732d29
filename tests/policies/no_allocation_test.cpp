// A decision asks for no memory.
#include "tests/support/allocation_counter.h"

#include "policies/builtin.h"
#include "tests/support/make_policy.h"
#include "tests/support/small_world.h"

namespace tideline::test {

namespace {

/// Two sites, two types of hardware, twelve variants of batches up to 8, classes with and without SLO, cap and pin.
WorldBuilder builder() {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 5ms, 1e8);
  const TaskId t = b.task("t");
  const HardwareId c = b.hardware("cpu", 1000, Sharing::partitioned, 8), g = b.hardware("gpu", 1000);
  for (std::uint32_t k = 0; k < 12; ++k)
    b.variant(
        "v" + std::to_string(k), t, k % 2 == 0 ? c : g, 0.5 + 0.02 * k, [k](std::uint32_t n) { return (5ms + k * 1ms) + n * 2ms; }, 8, 100,
        1s);
  b.pool("cpus", edge, c, 2, 1);
  b.pool("gpus", core, g, 2, 5);
  b.add_class(t, 60ms);
  b.add_class(t, 1s, 0.6);
  b.add_class(t, 12ms);
  b.add_class(t);
  QueryClass capped;
  capped.task = t;
  capped.slo = 100ms;
  capped.cost_cap_usd = 1e-6;
  b.classes.push_back(capped);
  capped.pin_level = PinLevel::variant;
  capped.pin = "v3";
  b.classes.push_back(capped);
  return b;
}

/// Runs `decide(query)` for queries of all classes, sites and several sizes in an empty, a loading, a warm and a crowded cluster.
template <class Decide>
void in_all_states(ClusterBench& bench, Policy& policy, Decide decide) {
  std::vector<VisitId> queries;
  for (std::size_t c = 0; c < bench.world->classes().size(); ++c)
    for (const std::size_t site : {0U, 1U})
      for (const std::uint16_t items : {std::uint16_t{1}, std::uint16_t{3}, std::uint16_t{20}})
        queries.push_back(bench.admit(ClassId{c}, {}, items, SiteId{site}));
  const auto all = [&](Time now) {
    policy.round(bench.view(now));
    for (const VisitId v : queries) {
      const std::size_t before = allocations();
      decide(bench.query(v), bench.view(now));
      EXPECT_EQ(allocations(), before);
    }
  };
  all({});
  std::vector<InstanceId> instances;
  for (std::size_t k = 0; k < 12; ++k)
    instances.push_back(bench.starting(VariantId{k}, k % 2 == 0 ? k % 4 / 2 : 2 + k % 4 / 2, {}, Time{} + 1s));
  all(Time{} + 10ms);
  for (const InstanceId i : instances) bench.cluster.warm(i, Time{} + 1s);
  all(Time{} + 2s);
  for (const InstanceId i : instances)
    for (int k = 0; k < 20; ++k) bench.wait_at(i, ClassId{3}, Time{} + 2s);
  all(Time{} + 4s);
}

TEST(NoAllocation, counts) {
  const std::size_t before = allocations();
  delete new int;
  EXPECT_GE(allocations(), before);
  const std::vector<int> list(100);
  EXPECT_GT(allocations(), before);
}

using Settings = std::vector<std::pair<PolicyDefinition, param::Object>>;

/// These, and all other registered policies of the kind as they are without parameters.
Settings and_all_others(PolicyKind kind, Settings settings) {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  const std::size_t given = settings.size();
  for (const PolicyDefinition& d : registry.list()) {
    const auto last = settings.begin() + static_cast<std::ptrdiff_t>(given);
    if (d.has(kind) && std::none_of(settings.begin(), last, [&](const auto& s) { return s.first.name == d.name; }))
      settings.emplace_back(d, param::Object{});
  }
  return settings;
}

TEST(NoAllocation, in_selection) {
  const Settings settings{{fixed_variant(), {{"variants", param::List{"v3"}}}},
                          {cheapest_feasible(), {}},
                          {cheapest_feasible(), {{"batch_estimate", "one"}, {"idle_is_free", true}, {"on_infeasible", "reject"}}},
                          {accuracy_max(), {}},
                          {accuracy_max(), {{"hysteresis", 0.05}, {"on_infeasible", "reject"}}},
                          {ensemble(), {}},
                          {ensemble(), {{"quorum", 2}, {"combine", "weighted"}, {"at_deadline", true}}},
                          {cascade(), {}},
                          {accuracy_scaling(), {}},
                          {accuracy_scaling_greedy(), {}},
                          {cheapest_plan(), {}},
                          {inferline_planner(), {{"trace_queries", 200}}},
                          {jellyfish(), {}},
                          {proportional(), {{"shares", param::List{"v2@edge=1", "v3@core=2", "v5@core=1"}}}},
                          {infaas(), {{"memory_reserve_bytes", 0}}},
                          {infaas(), {{"memory_reserve_bytes", 0}, {"objective", "accuracy"}, {"mode", "best_effort"}}},
                          {static_hardware(), {{"hardware", param::List{"gpu"}}}},
                          {model_switching(), {{"table_queries", 100}}},
                          {cocktail(), {}},
                          {epsilon_greedy(), {}},
                          {ucb1(), {{"only_warm", true}}},
                          {thompson(), {}},
                          {thompson(), {{"form", "linear"}}},
                          {lin_ucb(), {{"discount", 0.9}}},
                          {exp3(), {}},
                          {exp4(), {}},
                          {slackfit(), {}},
                          {downgrade_then_shed(), {}}};
  for (const auto& [definition, params] : and_all_others(PolicyKind::selection, settings)) {
    SCOPED_TRACE(definition.name);
    ClusterBench bench(builder());
    Problems problems;
    const auto made = definition.bind(params, "", problems).make(bench.setup());
    auto& p = dynamic_cast<SelectionPolicy&>(*made);
    in_all_states(bench, p, [&](const QueryView& q, ClusterView view) {
      const Selection s = p.select(q, view);
      if (s.may_escalate) p.escalate(q, {s.variants[0], 0, 0.1}, view);
      auto* o = dynamic_cast<Observer*>(made.get());
      if (o == nullptr || s.count == 0) return;
      if (o->facts().votes) o->voted(q, std::span(s.variants).first(s.count), 1, view);
      if (o->facts().ends) o->ended({q.number(), q.class_id(), s.variants[0], 1ms, 0, true}, view);
    });
  }
}

TEST(NoAllocation, in_admission) {
  const Settings settings{{accept_all(), {}},        {bounded_in_flight(), {{"limit", 5}}},
                          {deadline_feasible(), {}}, {token_bucket(), {{"rate_qps", 10}, {"burst", 5}}},
                          {priority_shedding(), {}}, {downgrade_then_shed(), {}}};
  for (const auto& [definition, params] : and_all_others(PolicyKind::admission, settings)) {
    SCOPED_TRACE(definition.name);
    ClusterBench bench(builder());
    Problems problems;
    const auto made = definition.bind(params, "", problems).make(bench.setup());
    auto& p = dynamic_cast<AdmissionPolicy&>(*made);
    in_all_states(bench, p, [&](const QueryView& q, ClusterView view) { p.admit(q, view); });
  }
}

TEST(NoAllocation, in_batching) {
  const Settings settings{
      {no_batching(), {}},
      {timeout(), {}},
      {slo_aware(), {}},
      {slo_aware(), {{"drop", false}}},
      {fixed_size(), {{"batch_size", 4}}},
      {dynamic_batcher(), {{"preferred_batch_sizes", param::List{2, 4}}, {"max_queue_delay_s", 0.01}, {"default_timeout_s", 1.0}}},
      {aimd(), {{"target_s", 0.05}}},
      {aimd(), {{"target_s", 0.05}, {"form", "estimator"}}},
      {early_drop(), {}},
      {proteus_batching(), {}},
      {nexus(), {}},
      {clockwork(), {}}};
  for (const auto& [definition, params] : and_all_others(PolicyKind::batching, settings)) {
    SCOPED_TRACE(definition.name);
    ClusterBench bench(builder());
    Problems problems;
    const auto made = definition.bind(params, "", problems).make(bench.setup());
    auto& p = dynamic_cast<BatchingPolicy&>(*made);
    const InstanceId i = bench.warm(VariantId{3}, 2);
    auto* o = dynamic_cast<Observer*>(made.get());
    if (o != nullptr) o->instance_changed(i, Phase::starting, bench.view());
    for (std::uint16_t k = 0; k < 30; ++k) {
      const VisitId v = bench.admit(ClassId{k % 6U}, {}, k < 15 ? std::uint16_t{1} : k);
      bench.cluster.send(v, bench.cluster.own_line(i));
      bench.cluster.join(v, {});
      for (const Duration t : {Duration{0ms}, Duration{30ms}, Duration{5s}}) {
        const std::size_t before = allocations();
        p.form(i, bench.line(i), bench.view(Time{} + t));
        if (o != nullptr) o->batch_done(i, 1, 5ms + k * 1ms, bench.view(Time{} + t));
        EXPECT_EQ(allocations(), before);
      }
    }
  }
}

}  // namespace
}  // namespace tideline::test
