// A query's way, instances' lives, gatherings and failures: what serving does with the answers of policies.
#include "sim/serving/simulation.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// One site, one device of one hardware type, one task, one variant of 10 ms per item.
struct Plain {
  WorldBuilder b;
  SiteId site = b.site("core");
  TaskId task = b.task("t");
  HardwareId gpu;
  VariantId v;
  std::size_t cls = 0;
  explicit Plain(std::uint32_t devices = 1, Duration latency = 10ms, Duration load = {}, std::int64_t memory = 1,
                 std::uint32_t max_batch = 1, std::int64_t device_memory = 10)
      : gpu(b.hardware("gpu", device_memory)) {
    v = b.variant(
        "v", task, gpu, 0.7, [latency](std::uint32_t n) { return latency * n; }, max_batch, memory, load);
    b.pool("gpus", site, gpu, devices);
    cls = b.add_class(task);
  }
};

/// Two variants of one task on one device.
struct Two : Plain {
  VariantId w;
  explicit Two(Duration load = {}, std::int64_t memory = 1, std::int64_t device_memory = 10, std::uint32_t devices = 1)
      : Plain(devices, 10ms, load, memory, 1, device_memory) {
    w = b.variant("w", task, gpu, 0.9, 20ms, memory, load);
  }
};

void expect_sums(const Recorded& record) {
  for (const auto& e : record.ends)
    if (e.end.ending == Ending::answered) {
      EXPECT_EQ(e.end.network + e.end.load + e.end.queue + e.end.service, e.end.finish - e.arrival) << "query " << e.serial;
    }
}

// --- a plain query ---

TEST(a_plain_query, is_answered_after_its_service_time) {
  Plain p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.ends.size(), 1U);
  const QueryEnd& e = s.end(0);
  EXPECT_EQ(e.ending, Ending::answered);
  EXPECT_EQ(e.finish, at(1010ms));
  EXPECT_EQ(e.service, 10ms);
  EXPECT_EQ(e.queue, 0ms);
  EXPECT_EQ(e.load, 0ms);
  EXPECT_EQ(e.network, 0ms);
  EXPECT_EQ(e.variant, p.v);
  EXPECT_EQ(e.batch, 1U);
  EXPECT_DOUBLE_EQ(e.accuracy, 0.7);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

TEST(a_plain_query, waits_for_the_one_before_it) {
  Plain p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, {at(1s), at(1004ms), at(1005ms)});
  s.run();
  EXPECT_EQ(s.end(1).finish, at(1020ms));
  EXPECT_EQ(s.end(1).queue, 6ms);
  EXPECT_EQ(s.end(2).finish, at(1030ms));
  expect_sums(s.record);
}

TEST(a_plain_query, is_rejected_by_admission_and_is_infeasible_without_a_variant) {
  Plain p;
  const std::size_t hopeless = p.b.add_class(p.task, forever, 0.99);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.admit = [](const QueryView& q, ClusterView) { return Admission{q.arrival() < at(2s), 0}; };
  s.arrive(p.cls, {at(1s), at(3s)});
  s.arrive(hopeless, {at(1500ms)});
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 1U);
  EXPECT_EQ(s.record.count(Ending::rejected), 1U);
  EXPECT_EQ(s.record.count(Ending::infeasible), 1U);
}

TEST(a_plain_query, travels_both_ways_over_a_link) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 20ms, 1000);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, 10ms);
  b.pool("gpus", core, gpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.arrive(cls, {at(1s)}, edge, 500, 100);  // 0.5 s there, 0.1 s back
  bool seen = false;
  s.look(at(1200ms), [&] {
    seen = true;
    const InstanceId i{s.cluster().row(s.group(v, core)).members.front()};
    EXPECT_EQ(s.cluster().row(i).load, 1U) << "counts as load while it travels";
    EXPECT_EQ(s.cluster()[s.cluster().own_line(i)].count, 0U);
    EXPECT_EQ(s.cluster().board(edge).tasks[0].in_flight, 1U);
    EXPECT_EQ(s.cluster().board(core).tasks[0].in_flight, 0U);
  });
  s.look(at(1600ms), [&] {
    EXPECT_EQ(s.cluster().board(edge).tasks[0].in_flight, 1U) << "the answer is on its way";
    EXPECT_EQ(s.cluster().visits_open(), 1U);
  });
  s.run();
  EXPECT_TRUE(seen);
  const QueryEnd& e = s.end(0);
  EXPECT_EQ(e.finish, at(1s + 520ms + 10ms + 120ms));
  EXPECT_EQ(e.network, 640ms);
  EXPECT_EQ(e.queue, 0ms);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
}

TEST(a_single_server, has_the_mean_wait_of_an_m_m_1_queue) {
  Plain p(1, 10ms);
  p.b.catalog.variants[0].service = Law::exponential();
  ServingBench s(p.b);
  s.options.duration = 10000s;
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, std::make_unique<RandomSource>(50.0, 20000, 7));  // rho 0.5: mean sojourn 20 ms
  s.run();
  double sum = 0;
  for (const auto& e : s.record.ends) sum += to_seconds(e.end.finish - e.arrival);
  // The sojourn is exponential; its correlation in time makes about (1+rho)/(1-rho)^2 ~ 6 queries worth one: sd 20 ms x sqrt(6/20000).
  EXPECT_NEAR(sum / 20000, 0.020, 5 * 0.020 * std::sqrt(6.0 / 20000));
}

// --- holding and loads ---

TEST(a_held_query, starts_one_instance_and_the_next_is_delayed_by_its_load) {
  Plain p(2, 10ms, 2s);
  ServingBench s(p.b);
  s.arrive(p.cls, {at(1s), at(1500ms), at(10s)});
  s.run();
  ASSERT_EQ(s.record.starts.size(), 1U);
  EXPECT_EQ(s.record.starts[0].cause, StartCause::held);
  EXPECT_EQ(s.record.starts[0].at, at(1s));
  EXPECT_EQ(s.record.triggered, 1U);
  EXPECT_EQ(s.record.delayed, 1U);
  EXPECT_EQ(s.end(0).finish, at(3010ms));
  EXPECT_EQ(s.end(0).load, 2s);
  EXPECT_EQ(s.end(1).finish, at(3020ms));
  EXPECT_EQ(s.end(1).load, 1500ms);
  EXPECT_EQ(s.end(1).queue, 10ms);
  EXPECT_EQ(s.end(2).load, 0s);
  expect_sums(s.record);
}

TEST(a_held_query, travels_only_once_an_instance_is_warm_and_its_wait_at_home_is_load) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 20ms, 1000);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  b.variant("v", t, gpu, 0.7, 10ms, 1, 2s);
  b.pool("gpus", core, gpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.arrive(cls, {at(1s), at(2s)}, edge, 500, 100);
  s.run();
  // Both leave at 3 s and share the link: 1.02 s there. Back the first has the link for 10 ms, then 0.18 s of half of it for its last 90
  // bytes; the second by then has 10 left, for which it has all of it.
  EXPECT_EQ(s.end(0).finish, at(3s + 1020ms + 10ms + 190ms + 20ms));
  EXPECT_EQ(s.end(0).load, 2s);
  EXPECT_EQ(s.end(0).network, 1230ms);
  EXPECT_EQ(s.end(0).queue, 0ms);
  EXPECT_EQ(s.end(1).finish, at(3s + 1020ms + 20ms + 190ms + 20ms));
  EXPECT_EQ(s.end(1).network, 1230ms);
  EXPECT_EQ(s.end(1).load, 1s);
  EXPECT_EQ(s.end(1).queue, 10ms) << "for the one before it";
  expect_sums(s.record);
}

TEST(a_held_query, that_joins_a_starting_instance_is_delayed_by_load) {
  Plain p(1, 10ms, 2s);
  ServingBench s(p.b);
  s.script.place = [](const QueryView& q, VariantId v, ClusterView view) {
    for (const GroupId g : view.groups_of(v, q.origin()))
      if (!view.group(g).members.empty()) return Dispatch::to(view.group(g).members.front());
    return Dispatch::hold();
  };
  s.arrive(p.cls, {at(1s), at(2s)});
  s.run();
  EXPECT_EQ(s.record.triggered, 1U);
  EXPECT_EQ(s.record.delayed, 1U);
  // The first is held until the instance is warm; the second waits in its own line; batching takes the oldest line first.
  EXPECT_EQ(s.record.count(Ending::answered), 2U);
  EXPECT_EQ(std::max(s.end(0).finish, s.end(1).finish), at(3020ms));
}

TEST(a_held_query, is_asked_for_again_at_the_end_of_a_round) {
  // Dispatch holds although an instance is warm, until a round of control has passed.
  Plain p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.interval = 5s;
  s.script.place = [](const QueryView& q, VariantId v, ClusterView view) {
    if (view.now() < at(4s)) return Dispatch::hold();
    return Dispatch::to(view.least_loaded(view.groups_of(v, q.origin()).front())[0]);
  };
  s.arrive(p.cls, {at(1s)});
  s.run();
  EXPECT_EQ(s.end(0).finish, at(5010ms));
}

// --- keep-alive ---

struct KeepAliveRun {
  std::uint64_t cold = 0, starts = 0;
};
KeepAliveRun periodic(Duration period, Duration keep, std::size_t n = 20) {
  Plain p(1, 100ms, 1s);
  ServingBench s(p.b);
  s.script.became_idle = [keep](InstanceId, ClusterView) { return KeepAlive{keep, forever, 0}; };
  std::vector<Time> times;
  for (std::size_t k = 0; k < n; ++k) times.push_back(at(1s + period * static_cast<int>(k)));
  s.arrive(p.cls, times);
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), n);
  return {s.record.triggered, s.record.starts.size()};
}

TEST(keep_alive, runs_from_the_end_of_the_last_execution) {
  // Every query but the cold one ends 100 ms after its arrival; the cold one 1.1 s after.
  EXPECT_EQ(periodic(10s, 8800ms).cold, 20U);  // even the cold run leaves 8.9 s
  EXPECT_EQ(periodic(10s, 9900ms).cold, 1U);
  EXPECT_EQ(periodic(10s, 9900ms).starts, 1U);
  // Between: warm once after each cold one (the gap after a cold run is 8.9 s, after a warm run 9.9 s).
  EXPECT_EQ(periodic(10s, 9s).cold, 10U);
}

TEST(keep_alive, that_is_due_when_a_query_arrives_lets_it_in) {
  // At one instant arrivals come before timers.
  EXPECT_EQ(periodic(10s, 8900ms).cold, 10U);
}

TEST(keep_alive, is_cancelled_by_use) {
  Plain p(1, 100ms, 1s);
  ServingBench s(p.b);
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{3s, forever, 0}; };
  s.arrive(p.cls, {at(1s), at(3s), at(5s), at(7s)});
  s.run();
  ASSERT_EQ(s.record.stops.size(), 1U);
  EXPECT_EQ(s.record.stops[0].at, at(10100ms));
  EXPECT_EQ(s.record.stops[0].cause, StopCause::keep_alive);
  EXPECT_EQ(s.record.starts.size(), 1U);
}

TEST(keep_alive, of_zero_stops_at_once) {
  Plain p(1, 100ms, 1s);
  ServingBench s(p.b);
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{0s, forever, 0}; };
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.stops.size(), 1U);
  EXPECT_EQ(s.record.stops[0].at, at(2100ms));
}

TEST(keep_alive, keeps_as_many_as_the_plan_wishes) {
  Plain p(3, 100ms, 1s);
  ServingBench s(p.b);
  s.script.interval = 1000s;  // one round, at time 0
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == Time{}) plan.wishes.push_back({s.group(p.v), 2, 0});
  };
  for (const std::size_t d : {0U, 1U, 2U}) s.warm_at_start(p.v, d);
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{1s, forever, 0}; };
  // The plan scales three to two at once; a query held by nobody: idle ones must stay two.
  s.look(at(20s), [&] { EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 2U); });
  s.arrive(p.cls, {at(5s)});
  s.run();
  EXPECT_EQ(s.record.stops.size(), 1U);
}

TEST(keep_alive, prewarms_after_the_time_that_was_asked_for) {
  Plain p(1, 100ms, 1s);
  ServingBench s(p.b);
  s.script.became_idle = [](InstanceId, ClusterView view) {
    return view.now() < at(3s) ? KeepAlive{1s, 5s, 0} : KeepAlive{forever, forever, 0};
  };
  s.arrive(p.cls, {at(1s)});  // warm at 2, done at 2.1, stopped at 3.1, started at 7.1
  s.run();
  ASSERT_EQ(s.record.starts.size(), 2U);
  EXPECT_EQ(s.record.starts[1].cause, StartCause::prewarm);
  EXPECT_EQ(s.record.starts[1].at, at(7100ms));
}

TEST(keep_alive, asks_for_a_prewarm_anew_with_each_answer) {
  Plain p(1, 100ms, 1s);
  ServingBench s(p.b);
  s.script.became_idle = [](InstanceId, ClusterView view) {
    if (view.now() < at(3s)) return KeepAlive{0s, 5s, 0};
    if (view.now() < at(6s)) return KeepAlive{0s, 10s, 0};
    return KeepAlive{1s, forever, 0};
  };
  s.arrive(p.cls, {at(1s), at(4s)});  // done at 2.1 and at 5.1: started again at 15.1, and not at 7.1
  s.run();
  ASSERT_EQ(s.record.starts.size(), 3U);
  EXPECT_EQ(s.record.starts[2].cause, StartCause::prewarm);
  EXPECT_EQ(s.record.starts[2].at, at(15100ms));
}

TEST(keep_alive, of_an_instance_of_a_shared_line_is_asked_for_again_when_another_took_the_work) {
  // Two instances share a line; batching waits for a batch of two at the first; both must be stopped in the end.
  Plain p(2, 100ms, 1s, 1, 2);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.script.place = [&](const QueryView&, VariantId, ClusterView) { return Dispatch::to(p.site); };
  s.script.form = [](InstanceId, const LineView& line, ClusterView view) {
    Batch b;
    if (line.size() >= 2)
      b.take = 2;
    else if (view.now() >= line.front().arrival() + 1s)
      b.take = 1;
    else
      b.retry = line.front().arrival() + 1s;
    return b;
  };
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{3s, forever, 0}; };
  s.arrive(p.cls, {at(1s), at(1500ms), at(2s), at(2s), at(2s)});
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 5U);
  EXPECT_EQ(s.record.stops.size(), 2U);
}

// --- plans ---

TEST(a_plan, starts_up_to_its_wish_and_stops_the_idle_longest_first) {
  Plain p(4, 10ms, 1s);
  ServingBench s(p.b);
  s.script.interval = 10s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == Time{}) plan.wishes.push_back({s.group(p.v), 3, 0});
    if (view.now() == at(10s)) plan.wishes.push_back({s.group(p.v), 1, 0});
    // Later rounds name nothing: what a plan does not name is left alone.
  };
  s.script.place = [](const QueryView& q, VariantId v, ClusterView view) {
    const auto& members = view.group(view.groups_of(v, q.origin()).front()).members;
    return members.empty() ? Dispatch::hold() : Dispatch::to(members[q.arrival() < at(5500ms) ? 0 : 2]);
  };
  s.arrive(p.cls, {at(5s), at(6s)});
  s.look(at(9s), [&] { EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 3U); });
  InstanceId third;
  s.look(at(3s), [&] { third = s.cluster().row(s.group(p.v)).members[2]; });
  s.look(at(50s), [&] {
    ASSERT_EQ(s.cluster().row(s.group(p.v)).warm(), 1U);
    EXPECT_EQ(s.cluster().row(s.group(p.v)).members[0], third) << "the one that was used last stays";
  });
  s.run();
  EXPECT_EQ(s.record.starts.size(), 3U);
  EXPECT_EQ(s.record.starts[0].cause, StartCause::plan);
  EXPECT_EQ(s.record.stops.size(), 2U);
  EXPECT_EQ(s.record.stops[0].cause, StopCause::plan);
}

TEST(a_plan, drains_the_least_loaded_and_what_they_have_is_served) {
  Plain p(2, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.script.interval = 10s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == at(10s)) plan.wishes.push_back({s.group(p.v), 1, 0});
  };
  int n = 0;
  s.script.place = [&n](const QueryView& q, VariantId v, ClusterView view) {
    const GroupId g = view.groups_of(v, q.origin()).front();
    const auto& members = view.group(g).members;
    return Dispatch::to(n++ < 3 ? members[0] : (view.warm(g) == 2 ? members[1] : view.least_loaded(g)[0]));
  };
  s.arrive(p.cls, {at(9s), at(9s), at(9s), at(9s), at(9s), at(10500ms)});  // three here, two there
  InstanceId second;
  s.look(at(1s), [&] { second = s.cluster().row(s.group(p.v)).members[1]; });
  s.look(at(10500ms), [&] {
    EXPECT_EQ(s.cluster().row(second).phase, Phase::draining);
    EXPECT_EQ(s.cluster().row(second).load, 1U);
    EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 1U);
  });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 6U);
  ASSERT_EQ(s.record.stops.size(), 1U);
  EXPECT_EQ(s.record.stops[0].instance, second);
  EXPECT_EQ(s.record.stops[0].at, at(11s));
}

TEST(a_plan, takes_effect_after_the_time_it_took_to_decide) {
  Plain p;
  ServingBench s(p.b);
  s.script.interval = 100s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == Time{}) plan.wishes.push_back({s.group(p.v), 1, 0}), plan.takes_effect = 3s;
  };
  s.run();
  ASSERT_EQ(s.record.starts.size(), 1U);
  EXPECT_EQ(s.record.starts[0].at, at(3s));
}

TEST(a_plan, of_a_smaller_batch_cap_changes_what_is_known_of_waiting_work) {
  Plain p(1, 10ms, {}, 1, 4);
  p.b.catalog.variants[0].profile = Profile({1}, {{0ms, 10ms, 11ms, 12ms, 13ms}});
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.interval = 1s;
  s.script.form = take_up_to(1);
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == at(1s)) plan.batch_caps.push_back({s.group(p.v), 1});
  };
  std::vector<Time> times(300, at(900ms));
  s.arrive(p.cls, times);
  EXPECT_NO_THROW(s.run());
  EXPECT_EQ(s.record.count(Ending::answered), 300U);
}

/// A pool of one to three nodes, `nodes` at first, each with one device that has room for one instance.
struct Elastic : Plain {
  explicit Elastic(std::uint32_t nodes = 1, Duration latency = 10ms, Duration load = 1s) : Plain(nodes, latency, load, 10) {
    b.topology.pools[0].min = 1;
    b.topology.pools[0].max = 3;
    b.topology.pools[0].boot = 5s;
  }
};

/// The plan of that time wants one node of the first pool.
void plan_one_node(ServingBench& s, Duration when) {
  s.script.interval = when;
  s.script.plan = [when](ClusterView view, Plan& plan) {
    if (view.now() == at(when)) plan.nodes.push_back({PoolId{0}, 1});
  };
}

TEST(a_plan, orders_nodes_that_boot_and_then_take_what_is_pending) {
  Elastic p;
  ServingBench s(p.b);
  s.script.interval = 10s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() != at(10s)) return;
    plan.nodes.push_back({PoolId{0}, 3});
    plan.wishes.push_back({s.group(p.v), 3, 0});
  };
  s.look(at(11s), [&] {
    EXPECT_EQ(s.cluster().board(p.site).pools[0].booting, 2U);
    EXPECT_EQ(s.record.starts.size(), 1U) << "two fit nowhere yet";
  });
  s.look(at(15s), [&] { EXPECT_EQ(s.cluster().board(p.site).pools[0].up, 3U); });
  s.look(at(17s), [&] { s.cluster().check_boards(); });
  s.run();
  ASSERT_EQ(s.record.starts.size(), 3U);
  EXPECT_EQ(s.record.starts[2].at, at(15s));
  EXPECT_EQ(s.record.warmed[2].second, at(16s));
  EXPECT_EQ(s.cluster()[NodeId{2}].on, Duration{1000s - 10s}.count()) << "paid for from the order on";
}

TEST(a_plan, gives_back_the_node_with_least_work_and_it_goes_off_when_that_is_served) {
  Elastic p(3, 2s);
  ServingBench s(p.b);
  for (std::size_t d = 0; d < 3; ++d) s.warm_at_start(p.v, d);
  plan_one_node(s, 10s);
  // By members of the group: three visits at the first, two at the second, one at the third.
  int n = 0;
  s.script.place = [&](const QueryView& q, VariantId v, ClusterView view) {
    const GroupId g = view.groups_of(v, q.origin()).front();
    constexpr std::array<std::size_t, 6> to{0, 0, 0, 1, 1, 2};
    return Dispatch::to(n < 6 ? view.group(g).members[to[static_cast<std::size_t>(n++)]] : view.least_loaded(g)[0]);
  };
  s.arrive(p.cls, {at(9s), at(9s), at(9s), at(9s), at(9s), at(9s), at(12500ms)});
  s.look(at(10500ms), [&] {
    EXPECT_EQ(s.cluster()[NodeId{0}].phase, NodePhase::up);
    EXPECT_EQ(s.cluster()[NodeId{1}].phase, NodePhase::draining);
    EXPECT_EQ(s.cluster()[NodeId{2}].phase, NodePhase::draining);
    EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 1U);
  });
  s.look(at(12s), [&] {
    EXPECT_EQ(s.cluster()[NodeId{1}].phase, NodePhase::draining);
    EXPECT_EQ(s.cluster()[NodeId{2}].phase, NodePhase::off);
  });
  s.look(at(14s), [&] { s.cluster().check_boards(); });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 7U);
  EXPECT_EQ(s.cluster()[NodeId{1}].on, Duration{13s}.count()) << "9 s and two services";
  EXPECT_EQ(s.end(6).finish, at(17s)) << "at the node that stays, after the three that came before";
}

TEST(a_plan, keeps_a_draining_node_and_calls_off_one_that_boots) {
  Elastic p(2, 4s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  const std::vector<std::uint32_t> wished{3, 1, 2};
  s.script.interval = 1s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    const auto round = static_cast<std::size_t>(view.now().time_since_epoch() / 1s);
    if (round >= 1 && round <= 3) plan.nodes.push_back({PoolId{0}, wished[round - 1]});
  };
  s.arrive(p.cls, {at(500ms), at(600ms)});
  s.look(at(1500ms), [&] { EXPECT_EQ(s.cluster()[NodeId{2}].phase, NodePhase::booting); });
  s.look(at(2500ms), [&] {
    EXPECT_EQ(s.cluster()[NodeId{2}].phase, NodePhase::off) << "called off";
    EXPECT_EQ(s.cluster()[NodeId{1}].phase, NodePhase::draining);
  });
  s.look(at(3500ms), [&] { EXPECT_EQ(s.cluster()[NodeId{1}].phase, NodePhase::up) << "kept before another is ordered"; });
  s.look(at(7s), [&] { EXPECT_EQ(s.cluster()[NodeId{2}].phase, NodePhase::off) << "the order of 1 s comes to nothing"; });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 2U);
}

TEST(a_plan, gives_back_an_empty_node_before_one_that_loads) {
  Elastic p(2, 10ms, 4s);
  ServingBench s(p.b);
  plan_one_node(s, 2s);
  s.script.choose = [](VariantId, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId>, ClusterView) {
    return Placement{fits.empty() ? DeviceId{} : fits.back(), 0};
  };
  s.arrive(p.cls, {at(1s)});
  s.look(at(3s), [&] {
    EXPECT_EQ(s.cluster()[NodeId{1}].phase, NodePhase::up);
    EXPECT_EQ(s.cluster()[NodeId{0}].phase, NodePhase::off);
  });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 1U);
}

TEST(a_node_given_back_while_it_loads, drains_once_it_is_warm_and_who_waits_for_it_is_served) {
  Elastic p(2, 10ms, 4s);
  ServingBench s(p.b);
  plan_one_node(s, 2s);
  s.script.on_held = [](const QueryView&, VariantId, std::uint32_t starting, ClusterView) {
    return HeldAnswer{starting == 0 ? 2U : 0U, 0};
  };
  int n = 0;
  s.script.place = [&n](const QueryView& q, VariantId v, ClusterView view) {  // in turn to what starts
    const auto& members = view.group(view.groups_of(v, q.origin()).front()).members;
    return members.empty() ? Dispatch::hold() : Dispatch::to(members[static_cast<std::size_t>(n++ % 2)]);
  };
  s.arrive(p.cls, {at(1s), at(1500ms), at(1600ms), at(1700ms)});
  s.look(at(3s), [&] { EXPECT_EQ(s.cluster().board(p.site).pools[0].draining, 1U); });
  s.look(at(6s), [&] {
    EXPECT_EQ(s.cluster().board(p.site).pools[0].draining, 0U);
    EXPECT_EQ(s.cluster().board(p.site).pools[0].up, 1U);
    s.cluster().check_boards();
  });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 4U);
}

TEST(a_plan, of_nodes_beyond_the_pool_or_of_cores_that_a_variant_has_not_is_a_wrong_answer) {
  Elastic p;
  for (const std::uint32_t count : {0U, 4U}) {
    ServingBench s(p.b);
    s.script.plan = [&](ClusterView, Plan& plan) { plan.nodes.push_back({PoolId{0}, count}); };
    EXPECT_THROW(s.run(), PolicyError);
  }
  ServingBench s(p.b);
  s.script.plan = [&](ClusterView, Plan& plan) { plan.cores.push_back({s.group(p.v), 1}); };
  EXPECT_THROW(s.run(), PolicyError);
}

TEST(a_plan, of_more_cores_makes_the_instances_to_come_faster) {
  WorldBuilder b;
  const SiteId site = b.site("edge");
  const TaskId task = b.task("t");
  const HardwareId cpu = b.hardware("cpu", 10, Sharing::partitioned, 4);
  const VariantId v = b.variant("v", task, cpu, 0.7, 40ms);
  b.catalog.variants[0].profile = Profile({1, 4}, {{0ms, 40ms}, {0ms, 10ms}});
  b.pool("cpus", site, cpu, 1);
  const std::size_t cls = b.add_class(task);
  ServingBench s(b);
  s.script.interval = 1s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == at(2s)) plan.cores.push_back({s.group(v), 1});
  };
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{0ms, forever, 0}; };
  s.arrive(cls, {at(1s), at(3s)});
  s.look(at(2s), [&] { EXPECT_EQ(s.cluster().row(DeviceId{0}).cores_free, 4U); });
  s.run();
  EXPECT_EQ(s.end(0).service, 40ms);
  EXPECT_EQ(s.end(1).service, 10ms);
  EXPECT_EQ(s.cluster()[DeviceId{0}].cores_held, Area{1} * 40'000'000 + Area{4} * 10'000'000);
}

TEST(a_bounded_line, turns_away_who_would_be_one_more_but_not_one_that_can_start_at_once) {
  Plain p(1, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.line_bound = 2;
  s.arrive(p.cls, {at(1000ms), at(1100ms), at(1200ms), at(1300ms), at(2100ms), at(10s)});
  s.run();
  // One is served, two wait, the fourth is turned away; at 2.1 s one has left the line.
  EXPECT_EQ(s.end(3).ending, Ending::rejected);
  EXPECT_EQ(s.end(3).finish, at(1300ms));
  for (const std::uint64_t k : {0U, 1U, 2U, 4U, 5U}) EXPECT_EQ(s.end(k).ending, Ending::answered) << k;

  ServingBench none(p.b);  // a loss system
  none.warm_at_start(p.v, 0);
  none.script.line_bound = 0;
  none.arrive(p.cls, {at(1000ms), at(1100ms), at(2000ms)});
  none.run();
  EXPECT_EQ(none.end(0).ending, Ending::answered);
  EXPECT_EQ(none.end(1).ending, Ending::rejected);
  EXPECT_EQ(none.end(2).ending, Ending::answered) << "the batch that ends at that instant has ended";
}

TEST(a_bounded_line, that_is_shared_lets_in_as_many_as_can_start_and_wait) {
  Plain p(2, 1s);
  for (const bool indexes : {true, false}) {
    ServingBench s(p.b);
    s.script.indexes = indexes;
    s.warm_at_start(p.v, 0);
    s.warm_at_start(p.v, 1);
    s.script.line_bound = 0;
    s.script.place = [&](const QueryView&, VariantId, ClusterView) { return Dispatch::to(p.site); };
    s.arrive(p.cls, {at(1s), at(1s), at(1s), at(1500ms), at(2s)});
    s.run();
    for (std::uint64_t k = 0; k < 5; ++k) EXPECT_EQ(s.end(k).ending, k == 2 || k == 3 ? Ending::rejected : Ending::answered) << k;
  }
}

TEST(a_bounded_line, counts_the_visits_of_an_ensemble_one_by_one) {
  Two p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 0);
  s.script.line_bound = 0;
  s.script.select = [&](const QueryView&, ClusterView) {
    Selection x = Selection::one(p.v);
    x.count = 2;
    x.variants[1] = p.w;
    x.quorum = 2;
    return x;
  };
  s.arrive(p.cls, {at(1s)});
  s.run();
  // They share a device: the second cannot start at once and is turned away; the first answers.
  EXPECT_EQ(s.end(0).ending, Ending::answered);
  EXPECT_EQ(s.end(0).variant, p.v);
  expect_sums(s.record);
}

TEST(the_order_of_a_line, is_the_one_that_batching_declares) {
  Plain p(1, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.order = LineOrder::newest;
  s.arrive(p.cls, {at(1000ms), at(1100ms), at(1200ms), at(1300ms)});
  s.run();
  EXPECT_EQ(s.end(3).finish, at(3s));
  EXPECT_EQ(s.end(2).finish, at(4s));
  EXPECT_EQ(s.end(1).finish, at(5s));
}

TEST(an_instance, serves_its_own_line_before_the_one_that_it_shares) {
  Plain p(1, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  int n = 0;
  s.script.place = [&](const QueryView& q, VariantId v, ClusterView view) {  // the second to the shared line, the others to the instance
    return n++ == 1 ? Dispatch::to(p.site) : Dispatch::to(view.group(view.groups_of(v, q.origin()).front()).members[0]);
  };
  s.arrive(p.cls, {at(1000ms), at(1100ms), at(1200ms)});
  s.run();
  EXPECT_EQ(s.end(2).finish, at(3s));
  EXPECT_EQ(s.end(1).finish, at(4s));
}

TEST(a_planned_start, is_warm_at_time_zero_and_costs_no_load) {
  Plain p(2, 10ms, 5s);
  ServingBench s(p.b);
  s.options.planned = true;
  s.script.interval = 10s;
  s.script.plan = [&](ClusterView view, Plan& plan) { plan.wishes.push_back({s.group(p.v), view.now() == Time{} ? 1U : 2U, 0}); };
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.starts.size(), 2U);
  EXPECT_EQ(s.record.starts[0].cause, StartCause::initial);
  EXPECT_EQ(s.record.warmed[0].second, Time{});
  EXPECT_EQ(s.record.starts[1].cause, StartCause::plan);
  EXPECT_EQ(s.record.warmed[1].second, at(15s));
  EXPECT_EQ(s.end(0).finish, at(1010ms));
}

TEST(initial_instances, are_warm_at_time_zero) {
  Plain p(2, 10ms, 5s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.make().begin();
  EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 2U);
  EXPECT_EQ(s.record.warmed.size(), 2U);
  EXPECT_NO_THROW(s.cluster().check_boards());
}

TEST(a_preload, starts_at_time_zero_and_pays_for_its_load) {
  Plain p(2, 10ms, 5s);
  ServingBench s(p.b);
  s.script.prewarm = [&](ClusterView, std::vector<Prewarm>& start, std::vector<GroupId>& pin) {
    start.push_back({s.group(p.v), 2});
    pin.push_back(s.group(p.v));
  };
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{1s, forever, 0}; };
  s.run();
  ASSERT_EQ(s.record.starts.size(), 2U);
  EXPECT_EQ(s.record.starts[0].cause, StartCause::preload);
  EXPECT_EQ(s.record.warmed[0].second, at(5s));
  EXPECT_TRUE(s.record.stops.empty()) << "pinned";
}

// --- memory, pending starts, eviction ---

TEST(a_start_that_fits_nowhere, waits_until_memory_is_freed) {
  Two p(1s, 6, 10);
  const std::size_t accurate = p.b.add_class(p.task, forever, 0.8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.victim = [](DeviceId, std::span<const InstanceId>, std::int64_t, ClusterView) { return Victim{}; };  // refuses
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{5s, forever, 0}; };
  s.arrive(p.cls, {at(1s)});     // keeps v until 6.01 s
  s.arrive(accurate, {at(2s)});  // needs w
  s.run();
  ASSERT_EQ(s.record.stops.size(), 2U);
  EXPECT_EQ(s.record.stops[0].at, at(6010ms));
  ASSERT_EQ(s.record.starts.size(), 2U);
  EXPECT_EQ(s.record.starts[1].at, at(6010ms));
  EXPECT_EQ(s.end(1).finish, at(7030ms));
  EXPECT_EQ(s.record.triggered, 1U);
}

TEST(a_start_that_fits_nowhere, is_forgotten_when_nobody_needs_it) {
  Two p(1s, 6, 10);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.victim = [](DeviceId, std::span<const InstanceId>, std::int64_t, ClusterView) { return Victim{}; };
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{20s, forever, 0}; };
  s.script.interval = 10s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == Time{}) plan.wishes.push_back({s.group(p.w), 1, 0});  // does not fit
    if (view.now() == at(10s)) plan.wishes.push_back({s.group(p.w), 0, 0});
  };
  s.run();
  EXPECT_EQ(s.record.starts.size(), 1U) << "only the initial one";
}

TEST(eviction, makes_room_for_a_held_query_at_the_cost_of_an_idle_instance) {
  Two p(1s, 6, 10);
  const std::size_t accurate = p.b.add_class(p.task, forever, 0.8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  std::uint32_t told = 0;
  s.script.evicted = [&](InstanceId, ClusterView) { ++told; };
  s.script.plan = [&](ClusterView, Plan& plan) {
    plan.wishes.push_back({s.group(p.v), 1, 0});
  };  // a wish does not protect from a held start
  s.arrive(accurate, {at(2s)});
  s.run();
  ASSERT_EQ(s.record.stops.size(), 1U);
  EXPECT_EQ(s.record.stops[0].cause, StopCause::evicted);
  EXPECT_EQ(told, 1U);
  EXPECT_EQ(s.end(0).finish, at(3020ms));
}

TEST(eviction, for_a_plan_spares_groups_that_have_no_more_than_their_wish) {
  for (const std::uint32_t wish : {0U, 1U}) {
    Two p(1s, 6, 10);
    ServingBench s(p.b);
    s.warm_at_start(p.v, 0);
    s.script.interval = 10s;
    s.script.plan = [&](ClusterView view, Plan& plan) {
      if (view.now() == Time{} && wish > 0) plan.wishes.push_back({s.group(p.v), wish, 0});
      if (view.now() == at(10s)) plan.wishes.push_back({s.group(p.w), 1, 0});
    };
    s.run();
    EXPECT_EQ(s.record.stops.size(), wish == 0 ? 1U : 0U);
  }
}

TEST(eviction, of_several_for_a_plan_leaves_the_wish) {
  // Three small instances of v (wish 2) and a big start that needs the room of two: only one may go, so none goes.
  Plain p(1, 10ms, 1s, 3, 1, 10);
  const VariantId big = p.b.variant("big", p.task, p.gpu, 0.9, 20ms, 7, 1s);
  ServingBench s(p.b);
  for (int k = 0; k < 3; ++k) s.warm_at_start(p.v, 0);
  s.script.interval = 10s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == at(10s)) plan.wishes = {{s.group(big), 1, 0}};
  };
  // A wish of 2 that does not scale the three down: set while two are there.
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{forever, forever, 0}; };
  s.make().begin();
  const_cast<Cluster&>(s.cluster()).set_wish(s.group(p.v), 2);
  s.simulation->run();
  EXPECT_TRUE(s.record.stops.empty());
  EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 3U);
}

TEST(eviction, never_takes_instances_that_work_or_are_pinned) {
  Two p({}, 6, 10);
  const std::size_t accurate = p.b.add_class(p.task, forever, 0.8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.prewarm = [&](ClusterView, std::vector<Prewarm>&, std::vector<GroupId>& pin) { pin.push_back(s.group(p.v)); };
  s.arrive(accurate, {at(2s)});
  s.run();
  EXPECT_TRUE(s.record.stops.empty());
  EXPECT_EQ(s.record.count(Ending::unfinished), 1U);
}

// --- devices ---

TEST(an_exclusive_device, runs_the_batches_of_two_instances_one_after_the_other) {
  Two p;
  const std::size_t accurate = p.b.add_class(p.task, forever, 0.8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 0);
  std::size_t asked = 0;
  s.script.share = [&](DeviceId, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView) {
    ++asked;
    EXPECT_EQ(ready.size(), 2U);
    EXPECT_EQ(heads.size(), 2U);
    return heads[0].arrival() < heads[1].arrival() ? std::size_t{1} : std::size_t{0};  // the newest first, to see that it decides
  };
  s.arrive(p.cls, {at(1000ms), at(1001ms)});  // v: 10 ms each
  s.arrive(accurate, {at(1002ms)});           // w: 20 ms
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1010ms));
  EXPECT_EQ(s.end(2).finish, at(1030ms)) << "sharing chose the newer head";
  EXPECT_EQ(s.end(1).finish, at(1040ms));
  EXPECT_EQ(asked, 1U);
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

TEST(an_exclusive_device, gives_two_instances_of_one_variant_the_throughput_of_one) {
  const auto last = [](std::size_t instances, std::uint32_t devices) {
    Plain p(devices, 10ms);
    ServingBench s(p.b);
    for (std::size_t k = 0; k < instances; ++k) s.warm_at_start(p.v, k % devices);
    s.arrive(p.cls, std::vector<Time>(100, at(1s)));
    s.run();
    Time latest{};
    for (const auto& e : s.record.ends) latest = std::max(latest, e.end.finish);
    return latest - at(1s);
  };
  EXPECT_EQ(last(1, 1), 1s);
  EXPECT_EQ(last(2, 1), 1s);
  EXPECT_EQ(last(2, 2), 500ms);
}

TEST(an_exclusive_device, leaves_out_who_batching_put_off) {
  // v waits for two queries or 100 ms; w runs meanwhile.
  Two p;
  p.b.catalog.variants[0].max_batch = 2;
  p.b.catalog.variants[0].profile = Profile({1}, {{0ms, 10ms, 10ms}});
  const std::size_t accurate = p.b.add_class(p.task, forever, 0.8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 0);
  std::uint32_t forms_of_v = 0;
  s.script.form = [&](InstanceId i, const LineView& line, ClusterView view) {
    Batch b;
    if (view.variant_of(i) == p.w) {
      b.take = 1;
      return b;
    }
    ++forms_of_v;
    const Time limit = line.front().arrival() + 100ms;
    if (line.size() == 2 || view.now() >= limit)
      b.take = line.size();
    else
      b.retry = limit;
    return b;
  };
  s.arrive(p.cls, {at(1000ms), at(2000ms), at(2050ms)});
  s.arrive(accurate, {at(1001ms), at(1002ms)});
  s.run();
  EXPECT_EQ(s.end(1).finish, at(1021ms));
  EXPECT_EQ(s.end(2).finish, at(1041ms));
  EXPECT_EQ(s.end(0).finish, at(1110ms)) << "its retry time";
  EXPECT_EQ(s.end(3).finish, at(2060ms)) << "its line changed";
  EXPECT_EQ(s.end(4).finish, at(2060ms));
  EXPECT_EQ(s.end(4).batch, 2U);
  EXPECT_EQ(forms_of_v, 4U) << "not asked while it is put off";
}

TEST(an_exclusive_device, forgets_an_instance_whose_only_waiting_visit_was_cancelled) {
  // An ensemble of v and w on one device with quorum 1: w is ready when v's answer cancels its visit.
  Two p;
  const VariantId u = p.b.variant("u", p.task, p.gpu, 0.8, 10ms);
  ServingBench s(p.b);
  for (const VariantId k : {p.v, p.w, u}) s.warm_at_start(k, 0);
  s.script.select = [&](const QueryView&, ClusterView) {
    Selection x = Selection::one(p.v);
    x.count = 3;
    x.variants[1] = p.w;
    x.variants[2] = u;
    x.quorum = 1;
    return x;
  };
  s.arrive(p.cls, {at(1s), at(1s), at(1005ms), at(1006ms)});
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 4U);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  EXPECT_TRUE(s.cluster()[DeviceId{0}].ready.empty());
}

TEST(a_partitioned_device, runs_batches_side_by_side_slowed_by_interference) {
  WorldBuilder b;
  const SiteId site = b.site("core");
  const TaskId t = b.task("t");
  const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  b.catalog.hardware[0].interference = {1.0, 1.5};
  const VariantId v = b.variant(
      "v", t, cpu, 0.7, [](std::uint32_t) { return Duration{100ms}; }, 1, 1, {}, 2);
  b.pool("cpus", site, cpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.warm_at_start(v, 0);
  s.arrive(cls, {at(1s), at(1010ms)});
  s.look(at(500ms), [&] { EXPECT_EQ(s.cluster().row(DeviceId{0}).cores_free, 0U); });
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1100ms));
  EXPECT_EQ(s.end(1).finish, at(1160ms));
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

// --- batching ---

TEST(batching, waits_and_is_asked_again_at_its_retry_time) {
  Plain p(1, 10ms, {}, 1, 8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.form = [](InstanceId, const LineView& line, ClusterView view) {
    Batch b;
    const Time limit = line.front().arrival() + 50ms;
    if (line.size() >= 8 || view.now() >= limit)
      b.take = std::min(8U, line.size());
    else
      b.retry = limit;
    return b;
  };
  s.arrive(p.cls, {at(1000ms), at(1020ms), at(2000ms)});
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1070ms));  // began at 1050, two items
  EXPECT_EQ(s.end(1).finish, at(1070ms));
  EXPECT_EQ(s.end(0).batch, 2U);
  EXPECT_EQ(s.end(2).finish, at(2060ms));
  EXPECT_EQ(s.record.batches, 2U);
  EXPECT_EQ(s.record.items, 3U);
}

TEST(batching, drops_from_the_head_and_takes_the_rest) {
  Plain p(1, 10ms, {}, 1, 8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.form = [](InstanceId, const LineView& line, ClusterView view) {
    Batch b;  // who waited more than 5 ms is given up
    for (const QueryView q : line)
      if (q.arrival() + 5ms < view.now()) ++b.drop;
    b.take = std::min(8U, line.size() - b.drop);
    return b;
  };
  s.arrive(p.cls, {at(1000ms), at(1001ms), at(1004ms), at(1007ms), at(1008ms)});
  s.run();
  EXPECT_EQ(s.record.count(Ending::dropped), 2U);
  EXPECT_EQ(s.end(1).ending, Ending::dropped);
  EXPECT_EQ(s.end(2).ending, Ending::dropped);
  EXPECT_EQ(s.end(3).finish, at(1030ms));
  EXPECT_EQ(s.end(3).batch, 2U);
}

TEST(a_batch, longer_than_any_run_is_unfinished_instead_of_ending_in_the_past) {
  Plain p(1, 1000000s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  std::vector<Arrival> list(1);
  list[0].at = at(1s);
  list[0].work = 1e12F;
  s.arrive(p.cls, std::make_unique<ListSource>(std::move(list)));
  s.run();
  EXPECT_EQ(s.end(0).ending, Ending::unfinished);
}

TEST(batching, sums_items_and_weighs_their_work) {
  Plain p(1, 10ms, {}, 1, 8);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.script.form = take_up_to(8);
  Arrival a, b, c;
  a.at = at(1000ms);
  b.at = at(1001ms);
  b.items = 3;
  b.work = 2;
  c.at = at(1002ms);
  c.work = 1;
  s.arrive(p.cls, std::make_unique<ListSource>(std::vector<Arrival>{a, b, c}));
  s.run();
  // Batch of 4 items: 40 ms by profile, work (3 x 2 + 1) / 4.
  EXPECT_EQ(s.end(1).finish, at(1010ms + 70ms));
  EXPECT_EQ(s.record.items, 5U);
}

// --- wrong and stale answers ---

TEST(a_stale_answer, is_dispatched_again_at_most_three_times_then_dropped) {
  Plain p(2, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.script.interval = 2s;
  s.script.plan = [&](ClusterView view, Plan& plan) {
    if (view.now() == at(2s)) plan.wishes.push_back({s.group(p.v), 1, 0});
  };
  InstanceId first;
  std::uint32_t asked = 0;
  s.script.place = [&](const QueryView& q, VariantId v, ClusterView view) {
    const auto& members = view.group(view.groups_of(v, q.origin()).front()).members;
    if (q.arrival() < at(1700ms)) first = members[0];
    if (q.arrival() > at(2s)) ++asked;
    if (q.arrival() == at(2300ms) && asked == 3) return Dispatch::to(members[1] == first ? members[0] : members[1]);
    if (q.arrival() < at(1800ms)) return Dispatch::to(first);
    return q.arrival() < at(2s) ? Dispatch::to(members[1]) : Dispatch::to(first);  // first drains from 2 s on
  };
  // One visit at the first, two at the other: the first is drained at 2 s.
  s.arrive(p.cls, {at(1600ms), at(1900ms), at(1950ms), at(2300ms), at(2400ms)});
  s.look(at(2200ms), [&] { EXPECT_EQ(s.cluster().row(first).phase, Phase::draining); });
  s.run();
  EXPECT_EQ(s.end(3).ending, Ending::answered) << "the third try found a place";
  EXPECT_EQ(s.end(4).ending, Ending::dropped);
  EXPECT_EQ(s.record.stale, 2U + 4U);
}

template <class Change>
void expect_policy_error(Change change) {
  Two p;
  const TaskId other = p.b.task("other");
  const VariantId foreign = p.b.variant("foreign", other, p.gpu, 0.5, 10ms);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 0);
  change(s, p, foreign);
  s.arrive(p.cls, {at(1s), at(1s), at(1s)});
  EXPECT_THROW(s.run(), PolicyError);
}

TEST(a_wrong_answer, stops_the_run) {
  expect_policy_error([](ServingBench& s, Two&, VariantId foreign) {
    s.script.select = [=](const QueryView&, ClusterView) { return Selection::one(foreign); };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) {
    s.script.select = [](const QueryView&, ClusterView) { return Selection::one(VariantId{99}); };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) {
    s.script.select = [](const QueryView&, ClusterView) {
      Selection x = Selection::one(VariantId{0});
      x.count = 0;
      return x;
    };
  });
  expect_policy_error([](ServingBench& s, Two& p, VariantId) {  // an instance of another variant
    const VariantId w = p.w;
    s.script.place = [w](const QueryView& q, VariantId, ClusterView view) {
      return Dispatch::to(view.least_loaded(view.groups_of(w, q.origin()).front())[0]);
    };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) {
    s.script.place = [](const QueryView&, VariantId, ClusterView) { return Dispatch::to(InstanceId{}); };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) {
    s.script.place = [](const QueryView&, VariantId, ClusterView) { return Dispatch::to(InstanceId{77}); };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) {
    s.script.form = take_up_to(0), s.script.form = [](InstanceId, const LineView& l, ClusterView) {
      Batch b;
      b.take = l.size() + 1;
      return b;
    };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) { s.script.form = take_up_to(8); });  // batch cap is 1
  expect_policy_error([](ServingBench& s, Two& p, VariantId) {
    s.options.initial.clear();
    (void)p;
    s.script.choose = [](VariantId, std::int64_t, std::span<const DeviceId>, std::span<const DeviceId>, ClusterView) {
      return Placement{DeviceId{3}, 0};
    };
  });
  expect_policy_error([](ServingBench& s, Two& p, VariantId) {
    const VariantId w = p.w;
    s.script.select = [w, n = 0](const QueryView&, ClusterView) mutable { return Selection::one(n++ % 2 == 0 ? w : VariantId{0}); };
    s.script.share = [](DeviceId, std::span<const InstanceId> ready, std::span<const QueryView>, ClusterView) { return ready.size(); };
  });
  expect_policy_error([](ServingBench& s, Two&, VariantId) {  // asks to be asked again in the past
    s.script.round = [](ClusterView view) { return view.now(); };
  });
}

TEST(routing_shares, that_nobody_reads_are_refused) {
  Plain p;
  ServingBench s(p.b);
  s.script.needs.writes.shares = true;
  EXPECT_THROW(s.make(), PolicyError);
  ServingBench t(p.b);
  t.script.needs.writes.shares = t.script.needs.reads.shares = true;
  EXPECT_NO_THROW(t.make());
}

// --- lines that are shared ---

TEST(a_shared_line, is_served_by_all_instances_of_the_variant_at_the_site) {
  Plain p(2, 10ms, 1s, 1, 1, 1);  // one instance a device
  ServingBench s(p.b);
  s.script.place = [&](const QueryView&, VariantId, ClusterView) { return Dispatch::to(p.site); };
  s.script.on_held = [](const QueryView&, VariantId, std::uint32_t starting, ClusterView) {
    return HeldAnswer{starting == 0 ? 2U : 0U, 0};
  };
  s.arrive(p.cls, std::vector<Time>(10, at(1s)));
  s.look(at(1500ms), [&] {
    EXPECT_EQ(s.cluster().row(s.group(p.v)).waiting, 10U);
    EXPECT_EQ(s.cluster().row(s.group(p.v)).starting(), 2U);
  });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 10U);
  EXPECT_EQ(s.record.triggered, 1U);
  EXPECT_EQ(s.record.delayed, 9U);
  Time latest{};
  for (const auto& e : s.record.ends) latest = std::max(latest, e.end.finish);
  EXPECT_EQ(latest, at(2050ms));
}

TEST(a_shared_line, wakes_the_instance_that_was_idle_longest) {
  for (const bool indexes : {true, false}) {
    Plain p(3, 100ms);
    ServingBench s(p.b);
    s.script.indexes = indexes;
    for (const std::size_t d : {0U, 1U, 2U}) s.warm_at_start(p.v, d);
    s.script.place = [&](const QueryView&, VariantId, ClusterView) { return Dispatch::to(p.site); };
    std::vector<Time> times;
    for (int k = 0; k < 9; ++k) times.push_back(at(1s + k * 1s));
    s.arrive(p.cls, times);
    s.run();
    for (std::uint64_t k = 3; k < 9; ++k) {
      EXPECT_EQ(s.end(k).instance, s.end(k - 3).instance) << (indexes ? "with" : "without") << " the index, query " << k;
      EXPECT_NE(s.end(k).instance, s.end(k - 1).instance);
    }
  }
}

TEST(a_late_line, is_served_by_whatever_variant_of_the_task_is_free) {
  Two p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 0);
  s.script.select = [](const QueryView&, ClusterView) { return Selection::bind_late(); };
  s.arrive(p.cls, std::vector<Time>(6, at(1s)));
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 6U);
  EXPECT_EQ(s.record.batches, 6U);
}

TEST(a_late_line, is_served_only_by_candidates_of_the_class) {
  Two p({}, 1, 10, 2);
  const std::size_t accurate = p.b.add_class(p.task, forever, 0.8);  // only w will do
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.script.select = [](const QueryView&, ClusterView) { return Selection::bind_late(); };
  s.arrive(accurate, std::vector<Time>(4, at(1s)));
  s.arrive(p.cls, std::vector<Time>(4, at(1s)));
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 8U);
  for (std::uint64_t k = 0; k < 4; ++k) EXPECT_EQ(s.end(k).variant, p.w) << "query " << k;
}

TEST(a_late_line, that_no_warm_instance_serves_asks_for_a_start) {
  Two p(1s);
  ServingBench s(p.b);
  s.script.select = [](const QueryView&, ClusterView) { return Selection::bind_late(); };
  s.arrive(p.cls, {at(1s), at(1s)});
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 2U);
  EXPECT_EQ(s.record.starts.size(), 1U);
}
// --- gatherings ---

struct Ensemble : Two {
  VariantId u;
  explicit Ensemble(std::uint32_t devices = 3) : Two({}, 1, 10, devices) { u = b.variant("u", task, gpu, 0.8, 50ms); }
  auto first_stage() const {
    return [v = v](const QueryView&, ClusterView) {
      Selection x = Selection::one(v);
      x.may_escalate = true;
      return x;
    };
  }
  auto all(std::uint8_t quorum, Combine combine) const {
    return [=, *this](const QueryView&, ClusterView) {
      Selection x = Selection::one(v);
      x.count = 3;
      x.variants[1] = w;
      x.variants[2] = u;
      x.quorum = quorum;
      x.combine = combine;
      return x;
    };
  }
};

TEST(an_ensemble, is_resolved_by_its_quorum_and_the_rest_runs_to_its_end_as_waste) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.warm_at_start(p.u, 2);
  s.script.select = p.all(2, Combine::best);
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.ends.size(), 1U);
  const QueryEnd& e = s.end(0);
  EXPECT_EQ(e.finish, at(1020ms));
  EXPECT_EQ(e.variant, p.w);
  EXPECT_EQ(e.visits, 3U);
  EXPECT_DOUBLE_EQ(e.accuracy, 0.9);
  EXPECT_EQ(s.record.batches, 3U) << "what was in service ran to its end";
  EXPECT_EQ(s.record.wasted, 1U);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  EXPECT_EQ(s.cluster().gatherings_open(), 0U);
  expect_sums(s.record);
}

TEST(an_ensemble, cancels_what_still_waits) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.warm_at_start(p.u, 2);
  s.script.select = p.all(1, Combine::first);
  s.arrive(p.cls, {at(1s), at(1s)});  // the second's visit at u waits for the first's
  s.look(at(1s), [&] { EXPECT_EQ(s.cluster().visits_open(), 6U); });
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1010ms));
  EXPECT_EQ(s.end(1).finish, at(1020ms));
  // At 1020 ms w ends its first batch and begins its second before v's second answer comes. Only u's second never begins.
  EXPECT_EQ(s.record.batches, 5U);
  EXPECT_EQ(s.record.wasted, 3U);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
}

TEST(an_ensemble, votes_and_its_accuracy_is_the_expectation_given_the_difficulty) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.warm_at_start(p.u, 2);
  s.script.select = p.all(3, Combine::majority);
  std::vector<Time> times;
  for (int k = 0; k < 50; ++k) times.push_back(at(1s + k * 1s));
  s.arrive(p.cls, times);
  s.run();
  const OutcomeModel outcome(s.world->catalog(), s.options.seed);
  const std::vector<VariantId> order{p.v, p.w, p.u};
  for (const auto& e : s.record.ends) {
    EXPECT_EQ(e.end.finish, e.arrival + 50ms);
    EXPECT_DOUBLE_EQ(e.end.accuracy, outcome.majority_expected(e.serial, order));
    EXPECT_DOUBLE_EQ(e.end.realised, outcome.majority_right(e.serial, order) ? 1 : 0);
  }
}

TEST(an_ensemble, all_of_whose_visits_are_dropped_at_once_is_dropped_once) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.warm_at_start(p.u, 2);
  s.script.select = p.all(2, Combine::best);
  s.script.form = [](InstanceId, const LineView& line, ClusterView) {
    Batch b;
    b.drop = line.size();
    return b;
  };
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.ends.size(), 1U);
  EXPECT_EQ(s.end(0).ending, Ending::dropped);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  EXPECT_EQ(s.cluster().gatherings_open(), 0U);
}

TEST(an_ensemble, that_loses_some_visits_answers_with_the_rest) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.warm_at_start(p.u, 2);
  s.script.select = p.all(3, Combine::best);
  s.script.form = [&](InstanceId i, const LineView&, ClusterView view) {
    Batch b;
    (view.variant_of(i) == p.w ? b.drop : b.take) = 1;
    return b;
  };
  s.arrive(p.cls, {at(1s)});
  s.run();
  EXPECT_EQ(s.end(0).ending, Ending::answered);
  EXPECT_EQ(s.end(0).variant, p.u);
  EXPECT_EQ(s.end(0).finish, at(1050ms));
}

TEST(a_vote, on_a_task_whose_answers_have_scores_is_refused) {
  WorldBuilder b;
  const SiteId site = b.site("core");
  const TaskId t = b.task("t", false);
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, 10ms), w = b.variant("w", t, gpu, 0.7, 10ms);
  b.pool("gpus", site, gpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.warm_at_start(w, 0);
  s.script.select = [=](const QueryView&, ClusterView) {
    Selection x = Selection::one(v);
    x.count = 2;
    x.variants[1] = w;
    x.quorum = 2;
    x.combine = Combine::majority;
    return x;
  };
  s.arrive(cls, {at(1s)});
  EXPECT_THROW(s.run(), PolicyError);
}

TEST(a_cascade, escalates_until_it_is_confident) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.script.select = p.first_stage();
  double confidence = 0;
  s.script.escalate = [&](const QueryView& q, const StageResult& stage, ClusterView) {
    EXPECT_EQ(stage.variant, p.v);
    EXPECT_EQ(stage.stage, 0);
    confidence = stage.confidence;
    if (q.arrival() == at(2s)) return Selection::reject();
    Selection x = Selection::one(p.w);
    x.combine = Combine::last;
    return x;
  };
  s.arrive(p.cls, {at(1s), at(2s)});
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1030ms));
  EXPECT_EQ(s.end(0).variant, p.w);
  EXPECT_EQ(s.end(0).visits, 2U);
  EXPECT_EQ(s.end(1).finish, at(2010ms));
  EXPECT_EQ(s.end(1).variant, p.v);
  EXPECT_EQ(s.end(1).visits, 1U);
  const OutcomeModel outcome(s.world->catalog(), s.options.seed);
  EXPECT_DOUBLE_EQ(confidence, outcome.confidence(1, p.v));
  expect_sums(s.record);
}

TEST(a_cascade, whose_next_stage_is_dropped_later_keeps_the_answer_it_has_and_who_gave_it) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.script.select = p.first_stage();
  s.script.escalate = [&](const QueryView&, const StageResult&, ClusterView) { return Selection::one(p.w); };
  s.script.form = [&](InstanceId i, const LineView&, ClusterView view) {
    Batch b;
    if (view.variant_of(i) == p.v)
      b.take = 1;
    else if (view.now() < at(1100ms))
      b.retry = at(1100ms);
    else
      b.drop = 1;
    return b;
  };
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.ends.size(), 1U);
  const QueryEnd& e = s.end(0);
  EXPECT_EQ(e.ending, Ending::answered);
  EXPECT_EQ(e.variant, p.v);
  EXPECT_EQ(s.simulation->cluster().row(e.instance).group, s.group(p.v));
  EXPECT_EQ(e.batch, 1U);
  EXPECT_EQ(e.finish, at(1100ms));
  EXPECT_EQ(e.service, 10ms);
  EXPECT_EQ(e.queue, 90ms);
  expect_sums(s.record);
}

TEST(a_cascade, is_worth_what_its_answer_is_given_that_it_stands) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.script.select = p.first_stage();
  s.script.escalate = [&](const QueryView&, const StageResult& stage, ClusterView) {
    Selection x = stage.confidence < 0.7 ? Selection::one(p.w) : Selection::reject();
    x.combine = Combine::last;
    return x;
  };
  std::vector<Time> times;
  for (int k = 0; k < 50; ++k) times.push_back(at(1s + k * 1s));
  s.arrive(p.cls, times);
  s.run();
  const OutcomeModel outcome(s.world->catalog(), s.options.seed);
  int sent_on = 0;
  for (const auto& e : s.record.ends) {
    EXPECT_DOUBLE_EQ(e.end.accuracy, outcome.expected_given_confidence(e.serial, e.end.variant));
    EXPECT_EQ(e.end.service, e.end.visits == 2 ? 30ms : 10ms) << "of both stages";
    sent_on += e.end.visits - 1;
  }
  EXPECT_GT(sent_on, 0);
  EXPECT_LT(sent_on, 50);
  expect_sums(s.record);
}

TEST(an_ensemble, that_has_to_answer_by_a_time_calls_off_the_rest) {
  for (const auto& [by, finish, answers] : {std::tuple{at(1030ms), at(1030ms), 2}, {at(1005ms), at(1010ms), 1}, {at(2s), at(1050ms), 3}}) {
    Ensemble p;
    ServingBench s(p.b);
    s.warm_at_start(p.v, 0);
    s.warm_at_start(p.w, 1);
    s.warm_at_start(p.u, 2);
    s.script.select = [&, by = by](const QueryView& q, ClusterView view) {
      Selection x = p.all(3, Combine::weighted)(q, view);
      x.answer_by = by;
      return x;
    };
    s.arrive(p.cls, {at(1s)});
    s.run();
    ASSERT_EQ(s.record.ends.size(), 1U);
    EXPECT_EQ(s.end(0).finish, finish);
    const OutcomeModel outcome(s.world->catalog(), s.options.seed);
    const std::vector<VariantId> order{p.v, p.w, p.u};
    const auto came = std::span(order).first(static_cast<std::size_t>(answers));
    EXPECT_DOUBLE_EQ(s.end(0).accuracy, answers == 1 ? (*s.world)[p.v].accuracy : outcome.majority_expected(0, came, Votes::log_odds));
    EXPECT_EQ(s.record.wasted, static_cast<std::uint64_t>(3 - answers));
    EXPECT_EQ(s.cluster().visits_open(), 0U);
    EXPECT_EQ(s.cluster().gatherings_open(), 0U);
    expect_sums(s.record);
  }
}

TEST(a_cascade, whose_next_stage_is_dropped_keeps_the_answer_it_has) {
  Ensemble p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.script.select = p.first_stage();
  s.script.escalate = [&](const QueryView&, const StageResult&, ClusterView) { return Selection::one(p.w); };
  s.script.form = [&](InstanceId i, const LineView&, ClusterView view) {
    Batch b;
    (view.variant_of(i) == p.w ? b.drop : b.take) = 1;
    return b;
  };
  s.arrive(p.cls, {at(1s)});
  s.run();
  ASSERT_EQ(s.record.ends.size(), 1U);
  EXPECT_EQ(s.end(0).ending, Ending::answered);
  EXPECT_EQ(s.end(0).variant, p.v);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  EXPECT_EQ(s.cluster().gatherings_open(), 0U);
}

TEST(a_hedge, makes_a_second_visit_when_the_first_takes_long_and_cancels_the_loser) {
  Plain p(2, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.script.place = [](const QueryView& q, VariantId v, ClusterView view) {
    const auto& members = view.group(view.groups_of(v, q.origin()).front()).members;
    if (q.arrival() == at(1s)) return Dispatch::to(members[0]);
    if (view.now() > q.arrival()) return Dispatch::to(members[1]);
    Dispatch d = Dispatch::to(members[0]);
    d.ask_again = view.now() + 100ms;
    return d;
  };
  s.arrive(p.cls, {at(1s), at(1200ms)});  // the second waits behind the first until 2 s; hedged at 1.3 s
  s.run();
  EXPECT_EQ(s.end(0).finish, at(2s));
  EXPECT_EQ(s.end(1).finish, at(2300ms));
  EXPECT_EQ(s.end(1).visits, 2U);
  EXPECT_EQ(s.record.batches, 3U);
  EXPECT_EQ(s.record.wasted, 1U) << "the first visit began at 2 s and lost";
  EXPECT_EQ(s.record.ends.size(), 2U);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  expect_sums(s.record);
}

TEST(a_hedge, is_not_asked_for_when_the_query_is_resolved) {
  Plain p(1, 10ms);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  std::uint32_t asked = 0;
  s.script.place = [&](const QueryView& q, VariantId v, ClusterView view) {
    ++asked;
    Dispatch d = Dispatch::to(view.least_loaded(view.groups_of(v, q.origin()).front())[0]);
    d.ask_again = view.now() + 100ms;
    return d;
  };
  s.arrive(p.cls, {at(1s), at(2s)});
  s.run();
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(s.end(0).visits, 1U);
  EXPECT_EQ(s.cluster().gatherings_open(), 0U);
}

TEST(a_hedge, cancels_a_visit_that_waits_behind_others) {
  Plain p(2, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.script.place = [](const QueryView& q, VariantId v, ClusterView view) {
    const auto& members = view.group(view.groups_of(v, q.origin()).front()).members;
    if (q.arrival() < at(1200ms)) return Dispatch::to(members[0]);
    if (view.now() > q.arrival()) return Dispatch::to(members[1]);
    Dispatch d = Dispatch::to(members[0]);
    d.ask_again = view.now() + 100ms;
    return d;
  };
  s.arrive(p.cls, {at(1s), at(1s), at(1s), at(1200ms)});
  s.look(at(2500ms), [&] {
    const InstanceId i = s.cluster().row(s.group(p.v)).members[0];
    EXPECT_EQ(s.cluster().row(i).load, 2U);
  });
  s.run();
  EXPECT_EQ(s.end(3).finish, at(2300ms));
  EXPECT_EQ(s.record.wasted, 0U);
  EXPECT_EQ(s.record.batches, 4U);
}

// --- failures ---

TEST(a_failed_node, loses_its_batches_and_lines) {
  Plain p(1, 1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, {at(1s), at(1s), at(1s)});
  s.look(at(2500ms), [&] {
    s.simulation->fail_node(NodeId{0});
    EXPECT_EQ(s.cluster().row(s.group(p.v)).warm(), 0U);
    EXPECT_FALSE(s.cluster().row(DeviceId{0}).up);
    EXPECT_EQ(s.cluster().row(DeviceId{0}).memory_free, 10);
    EXPECT_EQ(s.cluster().row(s.group(p.v)).counters.answered, 1U) << "what was lost was not answered";
  });
  s.look(at(10s), [&] { s.simulation->restore_node(NodeId{0}); });
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 1U);
  EXPECT_EQ(s.record.count(Ending::lost), 2U);
  EXPECT_EQ(s.record.batches, 1U);
  EXPECT_EQ(s.record.lost_batches, (std::vector<Duration>{500ms})) << "how long it had run";
  ASSERT_EQ(s.record.stops.size(), 1U);
  EXPECT_EQ(s.record.stops[0].cause, StopCause::failed);
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
  EXPECT_EQ(s.cluster()[DeviceId{0}].off, 7'500'000'000);
}

TEST(a_lost_visit, is_retried_within_its_budget_with_its_arrival_unchanged) {
  for (const std::uint8_t budget : {std::uint8_t{1}, std::uint8_t{2}}) {
    Plain p(3, 1s);
    ServingBench s(p.b);
    s.options.retry_lost = true;
    s.options.retry_budget = budget;
    for (const std::size_t d : {0U, 1U, 2U}) s.warm_at_start(p.v, d);
    s.script.place = [](const QueryView& q, VariantId v, ClusterView view) {
      const auto& members = view.group(view.groups_of(v, q.origin()).front()).members;
      EXPECT_EQ(q.arrival(), at(1s));
      for (const InstanceId i : members)
        if (view.instance(i).load == 0) return Dispatch::to(i);
      return Dispatch::hold();
    };
    s.arrive(p.cls, {at(1s)});
    std::uint32_t failed = 0;
    const auto fail_busy = [&] {
      for (std::uint32_t n = 0; n < 3; ++n)
        if (s.cluster().row(DeviceId{n}).running > 0) {
          ++failed;
          for (const InstanceId i : s.cluster()[DeviceId{n}].instances)
            EXPECT_EQ(s.cluster()[s.cluster()[i].batch_head].attempt, failed - 1) << "part of the key of its service time";
          return s.simulation->fail_node(NodeId{n});
        }
    };
    s.look(at(1500ms), fail_busy);
    s.look(at(2s), fail_busy);
    s.run();
    ASSERT_EQ(s.record.ends.size(), 1U);
    EXPECT_EQ(failed, 2U);
    EXPECT_EQ(s.end(0).ending, budget == 1 ? Ending::lost : Ending::answered);
    if (budget == 2) {
      EXPECT_EQ(s.end(0).finish, at(3s));
      EXPECT_EQ(s.end(0).visits, 3U);
      expect_sums(s.record);
    }
    EXPECT_EQ(s.cluster().visits_open(), 0U);
  }
}

TEST(a_visit_on_its_way, to_an_instance_that_failed_is_dispatched_again) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 500ms);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, 10ms);
  b.pool("gpus", core, gpu, 2);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.warm_at_start(v, 1);
  s.arrive(cls, {at(1s)}, edge);
  s.look(at(1200ms), [&] {
    const InstanceId i = s.cluster().row(s.group(v, core)).members[0];
    const std::uint32_t node = s.cluster().row(i).load == 1 ? 0 : 1;
    s.simulation->fail_node(NodeId{node});
    EXPECT_EQ(s.record.stops.size(), 1U);
  });
  s.run();
  EXPECT_EQ(s.end(0).ending, Ending::answered);
  EXPECT_EQ(s.record.stale, 1U);
  EXPECT_EQ(s.cluster().visits_open(), 0U);
  expect_sums(s.record);
}

TEST(a_failed_node, that_was_loading_for_a_held_query_does_not_strand_it) {
  for (const bool shared : {false, true}) {
    Plain p(2, 10ms, 5s);
    ServingBench s(p.b);
    if (shared) s.script.place = [&](const QueryView&, VariantId, ClusterView) { return Dispatch::to(p.site); };
    s.arrive(p.cls, {at(1s)});
    s.look(at(2s), [&] { s.simulation->fail_node(NodeId{0}); });
    s.run();
    EXPECT_EQ(s.end(0).ending, Ending::answered);
    EXPECT_EQ(s.end(0).finish, at(7010ms));
  }
}

TEST(a_restored_node, is_used_by_pending_starts) {
  Plain p(1, 10ms, 1s);
  ServingBench s(p.b);
  s.look(at(500ms), [&] { s.simulation->fail_node(NodeId{0}); });
  s.look(at(5s), [&] { s.simulation->restore_node(NodeId{0}); });
  s.arrive(p.cls, {at(1s), at(3s)});
  s.run();
  EXPECT_EQ(s.record.starts.size(), 1U);
  EXPECT_EQ(s.end(0).finish, at(6010ms));
  EXPECT_EQ(s.end(1).finish, at(6020ms));
}

// --- the measured window, rounds, observers ---

TEST(the_measured_window, counts_queries_by_their_arrival_and_waits_for_them) {
  Plain p(1, 3s);
  ServingBench s(p.b);
  s.options.warmup = 10s;
  s.options.duration = 10s;
  s.options.drain = 100s;
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, {at(9s), at(10s), at(19999ms), at(20s), at(21s), at(80s)});
  s.run();
  std::vector<bool> measured;
  for (const auto& e : s.record.ends) measured.push_back(e.measured);
  ASSERT_GE(measured.size(), 3U);
  EXPECT_FALSE(measured[0]);
  EXPECT_TRUE(measured[1]);
  EXPECT_TRUE(measured[2]);
  EXPECT_EQ(s.simulation->now(), at(22999ms)) << "ends when every measured query is resolved";
  EXPECT_EQ(s.record.windows, (std::vector<std::pair<bool, Time>>{{true, at(10s)}, {false, at(20s)}}));
  EXPECT_EQ(s.record.count(Ending::unfinished), 2U) << "what arrived after the window and is open";
  EXPECT_EQ(s.record.arrivals, 5U);
  EXPECT_EQ(s.record.ended_count, 5U);
}

TEST(the_measured_window, leaves_unfinished_what_the_drain_does_not_resolve) {
  Plain p(1, 30s);
  ServingBench s(p.b);
  s.options.duration = 10s;
  s.options.drain = 5s;
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, {at(9s)});
  s.run();
  EXPECT_EQ(s.simulation->now(), at(15s));
  EXPECT_EQ(s.record.count(Ending::unfinished), 1U);
  EXPECT_TRUE(s.record.ends[0].measured);
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

TEST(an_open_gathering, is_unfinished_once) {
  Ensemble p;
  ServingBench s(p.b);
  s.options.duration = 1s + 15ms;
  s.options.drain = 0s;
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.w, 1);
  s.warm_at_start(p.u, 2);
  s.script.select = p.all(3, Combine::best);
  s.arrive(p.cls, {at(1s)});
  s.run();
  EXPECT_EQ(s.record.ends.size(), 1U);
  EXPECT_EQ(s.record.count(Ending::unfinished), 1U);
}

TEST(rounds_of_policies, are_called_at_time_zero_and_when_due) {
  Plain p;
  ServingBench s(p.b);
  s.options.duration = 10s;
  std::vector<Time> called;
  s.script.round = [&](ClusterView view) {
    called.push_back(view.now());
    return view.now() < at(6s) ? view.now() + 3s : never;
  };
  std::vector<Time> planned;
  s.script.interval = 4s;
  s.script.plan = [&](ClusterView view, Plan&) { planned.push_back(view.now()); };
  s.run();
  EXPECT_EQ(called, (std::vector<Time>{Time{}, at(3s), at(6s)}));
  EXPECT_EQ(planned, (std::vector<Time>{Time{}, at(4s), at(8s)}));
}

TEST(observers, hear_what_they_asked_for) {
  Plain p(2, 10ms, 1s);
  ServingBench s(p.b);
  s.listen({.arrivals = true, .batches = true, .instances = true, .visits = true});
  s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{1s, forever, 0}; };
  s.script.admit = [](const QueryView& q, ClusterView) { return Admission{q.arrival() != at(5s), 0}; };
  s.arrive(p.cls, {at(1s), at(2500ms), at(5s), at(20s)});
  s.run();
  EXPECT_EQ(s.heard.arrivals, 3U) << "admitted ones";
  EXPECT_EQ(s.heard.began, 3U);
  EXPECT_EQ(s.heard.visits, 3U);
  EXPECT_EQ(s.heard.done, 3U);
  EXPECT_EQ(s.heard.starting, 2U);
  EXPECT_EQ(s.heard.warm, 2U);
  EXPECT_EQ(s.heard.gone, 2U);

  ServingBench deaf(p.b);
  deaf.listen({});
  deaf.arrive(p.cls, {at(1s)});
  deaf.run();
  EXPECT_EQ(deaf.heard.arrivals + deaf.heard.began + deaf.heard.done + deaf.heard.starting + deaf.heard.visits, 0U);
}

TEST(observers, hear_of_each_visit_before_its_batch_begins) {
  Plain p(1, 10ms, 1s, 1, 2);
  ServingBench s(p.b);
  s.listen({.batches = true, .visits = true});
  s.script.form = take_up_to(2);
  s.arrive(p.cls, {at(1s), at(1100ms), at(1200ms)});  // the load is over at 2 s: the first alone, then two
  s.look(at(2005ms), [&] {
    EXPECT_EQ(s.heard.began, 1U);
    EXPECT_EQ(s.heard.visits, 1U);
    EXPECT_EQ(s.heard.last_arrival, at(1s));
  });
  s.look(at(2015ms), [&] {
    EXPECT_EQ(s.heard.began, 2U);
    EXPECT_EQ(s.heard.last_arrival, at(1200ms));
  });
  s.run();
  EXPECT_EQ(s.heard.visits, 3U);
  EXPECT_EQ(s.heard.visits_when_batch_began, 3U);
}

TEST(a_run, is_interrupted_by_its_progress) {
  Plain p(1, 10us);
  ServingBench s(p.b);
  s.options.duration = 1000s;
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, std::make_unique<RandomSource>(1000.0, 1'000'000, 3));
  std::uint32_t asked = 0;
  s.options.progress = [&](Time) { return ++asked < 2; };
  s.record.keep_ends = false;
  s.run();
  EXPECT_TRUE(s.simulation->interrupted());
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(s.record.windows.size(), 2U);
  EXPECT_FALSE(s.record.windows[1].first);
  EXPECT_EQ(s.record.arrivals, s.record.ended_count);
}

TEST(two_runs, of_one_scenario_end_alike) {
  const auto run = [] {
    Ensemble p;
    for (auto& v : p.b.catalog.variants) v.service = Law::lognormal(0.5);
    auto s = std::make_unique<ServingBench>(p.b);
    s->warm_at_start(p.v, 0);
    s->warm_at_start(p.w, 1);
    s->warm_at_start(p.u, 2);
    s->script.select = p.all(2, Combine::majority);
    s->arrive(p.cls, std::make_unique<RandomSource>(15.0, 2000, 11));
    s->run();
    return s;
  };
  const auto a = run(), b = run();
  ASSERT_EQ(a->record.ends.size(), b->record.ends.size());
  for (std::size_t k = 0; k < a->record.ends.size(); ++k) {
    EXPECT_EQ(a->record.ends[k].serial, b->record.ends[k].serial);
    EXPECT_EQ(a->record.ends[k].end.finish, b->record.ends[k].end.finish);
    EXPECT_EQ(a->record.ends[k].end.realised, b->record.ends[k].end.realised);
  }
}

/// An executor that posts, and a pacer that says when: what a run on real kernels looks like.
class Posting final : public Executor {
 public:
  std::vector<Completion> open;
  int failing_loads = 0;
  std::vector<InstanceId> unloaded;
  Duration expected_load(const LoadParts&) const override { return 1s; }
  std::optional<double> load(const LoadRun& run) override {
    open.push_back({static_cast<unsigned>(EventKind::warm), run.instance.index(), failing_loads > 0});
    --failing_loads;
    return {};
  }
  Duration expected_run(const BatchRun&) const override { return 10ms; }
  Duration run(InstanceId i, const BatchRun&) override {
    open.push_back({static_cast<unsigned>(EventKind::batch_done), i.index(), false});
    return forever;
  }
  void unload(InstanceId i) override { unloaded.push_back(i); }
};

class Waiting final : public Pacer {
 public:
  explicit Waiting(Posting& e) : executor_(e) {}
  std::optional<Completion> wait_until(Time next, Time& now) override {
    is_stopped = now >= stop_at;
    if (is_stopped || executor_.open.empty() || next < now + 30ms) return std::nullopt;
    now += 30ms;  // all things take 30 ms
    const Completion c = executor_.open.front();
    executor_.open.erase(executor_.open.begin());
    return c;
  }
  bool stopped() const override { return is_stopped; }
  Time stop_at = never;
  bool is_stopped = false;

 private:
  Posting& executor_;
};

TEST(a_posted_load_and_batch, become_events_when_they_complete) {
  Plain p;
  ServingBench s(p.b);
  s.options.duration = 10s;
  auto posting = std::make_unique<Posting>();
  Waiting pacer(*posting);
  s.executor = std::move(posting);
  s.arrive(p.cls, {at(1s)});
  s.make().run(&pacer);
  EXPECT_EQ(s.end(0).ending, Ending::answered);
  EXPECT_EQ(s.end(0).finish, at(1060ms));
  EXPECT_EQ(s.end(0).load, 30ms);
}

TEST(a_posted_load, that_failed_ends_the_instance_and_another_starts_for_those_who_wait) {
  for (const bool retries : {false, true}) {
    Plain p;
    ServingBench s(p.b);
    s.options.duration = 10s;
    s.options.retry_lost = retries;
    auto posting = std::make_unique<Posting>();
    Posting& executor = *posting;
    executor.failing_loads = 1;
    Waiting pacer(executor);
    s.executor = std::move(posting);
    s.arrive(p.cls, {at(1s), at(2s)});
    s.make().run(&pacer);
    EXPECT_EQ(executor.unloaded.size(), 1U);
    if (retries) {
      EXPECT_EQ(s.end(0).ending, Ending::answered);
      EXPECT_EQ(s.end(0).finish, at(1090ms)) << "two loads and a batch";
    }
    EXPECT_EQ(s.end(1).ending, Ending::answered);
    EXPECT_FALSE(s.simulation->interrupted());
  }
}

TEST(a_run, that_its_pacer_stops_is_interrupted_and_what_is_open_unfinished) {
  Plain p;
  ServingBench s(p.b);
  s.options.duration = 10s;
  auto posting = std::make_unique<Posting>();
  Waiting pacer(*posting);
  pacer.stop_at = at(1s);
  s.executor = std::move(posting);
  s.arrive(p.cls, {at(1s), at(2s)});
  s.make().run(&pacer);
  EXPECT_TRUE(s.simulation->interrupted());
  EXPECT_EQ(s.end(0).ending, Ending::unfinished);
  EXPECT_EQ(s.simulation->now(), at(1s));
}

// --- memory of the program ---

TEST(a_steady_state, allocates_nothing) {
  for (const bool shared : {false, true}) {
    Plain p(4, 10ms, {}, 1, 4);
    ServingBench s(p.b);
    s.options.duration = 100000s;
    s.record.keep_ends = false;
    for (const std::size_t d : {0U, 1U, 2U, 3U}) s.warm_at_start(p.v, d);
    s.script.form = take_up_to(4);
    if (shared) s.script.place = [&](const QueryView&, VariantId, ClusterView) { return Dispatch::to(p.site); };
    s.script.became_idle = [](InstanceId, ClusterView) { return KeepAlive{10s, forever, 0}; };
    s.script.interval = 1s;
    s.arrive(p.cls, std::make_unique<RandomSource>(300.0, 100000, 5));
    s.make().begin();
    while (s.record.arrivals < 50000) ASSERT_TRUE(s.simulation->step());
      // The check of the boards itself allocates: where it is compiled in there is nothing to count.
#ifndef TIDELINE_CHECK_BOARDS
    const std::uint64_t before = test::allocations();
    while (s.record.arrivals < 99000) ASSERT_TRUE(s.simulation->step());
    EXPECT_EQ(test::allocations() - before, 0U) << (shared ? "shared line" : "own lines");
#endif
  }
}

}  // namespace
}  // namespace tideline
