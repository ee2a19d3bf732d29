// What changes during a run: failures, slowdowns and links, at exact times and by chance.
#include "sim/serving/simulation.h"
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tideline {
namespace {

using namespace test;

/// One device at the origin, 100 ms a query.
struct Near {
  WorldBuilder b;
  SiteId site = b.site("core");
  TaskId task = b.task("t");
  HardwareId gpu = b.hardware("gpu");
  VariantId v = b.variant("v", task, gpu, 0.7, 100ms, 1, Duration{});
  std::size_t cls = 0;
  explicit Near(std::uint32_t nodes = 1) {
    b.pool("gpus", site, gpu, nodes);
    cls = b.add_class(task);
  }
};

NodeRange node(std::size_t first, std::uint32_t count = 1) { return {NodeId{first}, count}; }

TEST(a_slowdown, lengthens_the_batches_that_start_meanwhile_and_multiplies_with_others) {
  Near p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.options.environment.changes = {{.kind = Change::Kind::slowdown, .from = at(2s), .to = at(6s), .nodes = node(0), .factor = 3},
                                   {.kind = Change::Kind::slowdown, .from = at(4s), .to = at(8s), .nodes = node(0), .factor = 2}};
  s.arrive(p.cls, {at(1950ms), at(3s), at(5s), at(7s), at(9s)});
  s.run();
  EXPECT_EQ(s.end(0).service, 100ms) << "it began before";
  EXPECT_EQ(s.end(1).service, 300ms);
  EXPECT_EQ(s.end(2).service, 600ms);
  EXPECT_EQ(s.end(3).service, 200ms);
  EXPECT_EQ(s.end(4).service, 100ms);
}

TEST(a_failure, loses_what_the_node_has_and_ends_when_its_last_reason_does) {
  Near p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.options.environment.changes = {{.kind = Change::Kind::failure, .from = at(1050ms), .to = at(5s), .nodes = node(0)}};
  s.arrive(p.cls, {at(1s), at(6s)});
  s.run();
  EXPECT_EQ(s.end(0).ending, Ending::lost);
  EXPECT_EQ(s.end(0).finish, at(1050ms));
  EXPECT_EQ(s.end(1).ending, Ending::answered) << "the node is up again, and the variant is loaded anew";
  EXPECT_EQ(s.record.triggered, 1U);
}

TEST(a_failure, of_one_node_leaves_queries_another_try_at_the_next) {
  Near p(2);
  ServingBench s(p.b);
  s.options.retry_lost = true;
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.options.environment.changes = {{.kind = Change::Kind::failure, .from = at(1050ms), .nodes = node(0)}};
  s.arrive(p.cls, {at(1s)});
  s.run();
  EXPECT_EQ(s.end(0).ending, Ending::answered);
}

TEST(a_link, that_gets_worse_slows_what_is_under_way) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 20ms, 1000);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, Duration{1}, 1, Duration{});
  b.pool("gpus", core, gpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.options.environment.changes = {
      {.kind = Change::Kind::link, .from = at(2s), .to = at(3s), .link = 0, .bandwidth_factor = 0},
      {.kind = Change::Kind::link, .from = at(10s), .to = at(20s), .link = 0, .bandwidth_factor = 0.5, .delay_factor = 4}};
  s.arrive(cls, {at(1900ms), at(11s), at(30s)}, edge, 200, 0);
  s.run();
  EXPECT_EQ(s.end(0).network, 100ms + 1s + 100ms + 20ms + 20ms) << "an outage in the middle";
  EXPECT_EQ(s.end(1).network, 400ms + 80ms + 80ms);
  EXPECT_EQ(s.end(2).network, 200ms + 20ms + 20ms);
}

TEST(a_link, without_bandwidth_changes_its_delay_too) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 20ms);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, Duration{1}, 1, Duration{});
  b.pool("gpus", core, gpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.options.environment.changes = {{.kind = Change::Kind::link, .from = at(2s), .to = at(3s), .link = 0, .delay_factor = 5}};
  s.arrive(cls, {at(1s), at(2500ms), at(4s)}, edge, 200, 100);
  s.run();
  EXPECT_EQ(s.end(0).network, 40ms);
  EXPECT_EQ(s.end(1).network, 200ms);
  EXPECT_EQ(s.end(2).network, 40ms);
}

TEST(a_reclaim, drains_the_node_until_it_is_gone_and_brings_it_back_empty) {
  Near p(2);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  s.options.environment.changes = {{.kind = Change::Kind::notice, .from = at(2s), .to = at(4s), .nodes = node(0)},
                                   {.kind = Change::Kind::failure, .from = at(4s), .to = at(6s), .nodes = node(0)}};
  s.arrive(p.cls, {at(1950ms), at(2500ms), at(3s)});
  std::vector<std::uint32_t> up, on;
  for (const Duration t : {1s, 3s, 5s, 7s})
    s.look(at(t), [&] {
      up.push_back(s.cluster().board(p.site).pools[0].up);
      on.push_back(s.cluster()[NodeId{0}].phase == NodePhase::draining ? 1U : 0U);
    });
  s.run();
  for (std::uint64_t k = 0; k < 3; ++k) EXPECT_EQ(s.end(k).ending, Ending::answered) << k;
  EXPECT_EQ(up, (std::vector<std::uint32_t>{2, 1, 1, 2}));
  EXPECT_EQ(on, (std::vector<std::uint32_t>{0, 1, 0, 0})) << "paid for until it is gone, though it is empty";
}

TEST(a_reclaim, of_a_node_that_is_down_drains_it_from_when_it_is_up) {
  Near p(2);
  ServingBench s(p.b);
  s.options.environment.changes = {{.kind = Change::Kind::failure, .from = at(1s), .to = at(3s), .nodes = node(0)},
                                   {.kind = Change::Kind::notice, .from = at(2s), .to = at(5s), .nodes = node(0)},
                                   {.kind = Change::Kind::failure, .from = at(5s), .to = at(7s), .nodes = node(0)}};
  std::vector<NodePhase> phases;
  for (const Duration t : {2500ms, 4000ms, 6000ms, 8000ms}) s.look(at(t), [&] { phases.push_back(s.cluster()[NodeId{0}].phase); });
  s.run();
  EXPECT_EQ(phases, (std::vector{NodePhase::failed, NodePhase::draining, NodePhase::failed, NodePhase::up}));
}

TEST(a_reclaim, holds_for_a_node_that_fails_while_it_drains) {
  Near p(2);
  ServingBench s(p.b);
  s.options.environment.changes = {{.kind = Change::Kind::notice, .from = at(1s), .to = at(5s), .nodes = node(0)},
                                   {.kind = Change::Kind::failure, .from = at(2s), .to = at(3s), .nodes = node(0)},
                                   {.kind = Change::Kind::failure, .from = at(5s), .to = at(7s), .nodes = node(0)}};
  std::vector<NodePhase> phases;
  for (const Duration t : {2500ms, 4000ms, 6000ms, 8000ms}) s.look(at(t), [&] { phases.push_back(s.cluster()[NodeId{0}].phase); });
  s.run();
  EXPECT_EQ(phases, (std::vector{NodePhase::failed, NodePhase::draining, NodePhase::failed, NodePhase::up}));
}

TEST(reclaims, come_after_their_notice) {
  Near p;
  ServingBench s(p.b);
  s.options.environment.failures = {{.nodes = node(0), .mean_up = 10s, .mean_down = 5s, .notice = 2s}};
  s.options.duration = 2000s;
  Time noticed{};
  std::vector<Duration> notices;
  Simulation& run = s.make();
  NodePhase before = NodePhase::up;
  while (run.step()) {
    const NodePhase now = run.cluster()[NodeId{0}].phase;
    if (now == NodePhase::draining && before == NodePhase::up) noticed = run.now();
    if (now == NodePhase::failed && before == NodePhase::draining) notices.push_back(run.now() - noticed);
    before = now;
  }
  EXPECT_GT(notices.size(), 50U);
  for (const Duration d : notices) EXPECT_EQ(d, 2s);
}

TEST(a_capacity, is_ordered_and_given_back) {
  Near p;
  p.b.topology.pools[0].max = 3;
  p.b.topology.pools[0].boot = 1s;
  ServingBench s(p.b);
  s.options.environment.changes = {{.kind = Change::Kind::capacity, .from = at(2s), .to = at(6s), .pool = PoolId{0}, .count = 3}};
  std::vector<std::uint32_t> up;
  for (const Duration t : {Duration{1s}, Duration{2500ms}, Duration{4s}, Duration{7s}})
    s.look(at(t), [&] { up.push_back(s.cluster().board(p.site).pools[0].up); });
  s.run();
  EXPECT_EQ(up, (std::vector<std::uint32_t>{1, 1, 3, 1}));
}

TEST(a_capacity, holds_when_failed_nodes_return_and_ends_with_all_that_the_pool_had) {
  Near p(3);
  p.b.topology.pools[0].min = 1;
  ServingBench s(p.b);
  s.options.environment.changes = {{.kind = Change::Kind::failure, .from = at(500ms), .to = at(5s), .nodes = node(0)},
                                   {.kind = Change::Kind::capacity, .from = at(1s), .to = at(8s), .pool = PoolId{0}, .count = 2}};
  std::vector<std::uint32_t> up;
  for (const Duration t : {2s, 6s, 9s}) s.look(at(t), [&] { up.push_back(s.cluster().board(p.site).pools[0].up); });
  s.run();
  EXPECT_EQ(up, (std::vector<std::uint32_t>{2, 2, 3}));
}

TEST(a_node, that_was_given_back_and_failed_comes_back_for_nobody) {
  Near p(2);
  p.b.topology.pools[0].min = 1;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  // Both work, so the last is given back, and works until it fails.
  s.options.environment.changes = {{.kind = Change::Kind::slowdown, .from = at(0s), .nodes = node(0), .factor = 100},
                                   {.kind = Change::Kind::slowdown, .from = at(0s), .nodes = node(1), .factor = 100},
                                   {.kind = Change::Kind::capacity, .from = at(2s), .pool = PoolId{0}, .count = 1},
                                   {.kind = Change::Kind::failure, .from = at(4s), .to = at(6s), .nodes = node(1)}};
  s.script.place = [&](const QueryView& q, VariantId, ClusterView view) {
    const auto members = view.group(GroupId{0}).members;
    return Dispatch::to(q.arrival() == at(1s) ? members.front() : members.back());
  };
  s.arrive(p.cls, {at(1s), at(1100ms)});
  std::vector<NodePhase> phases;
  for (const Duration t : {3s, 5s, 7s}) s.look(at(t), [&] { phases.push_back(s.cluster()[NodeId{1}].phase); });
  s.run();
  EXPECT_EQ(phases, (std::vector{NodePhase::draining, NodePhase::failed, NodePhase::off}));
}

TEST(what_others_take, idle_instances_make_room_for_and_busy_ones_keep) {
  WorldBuilder b;
  const SiteId site = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu", 10);
  const VariantId v = b.variant("v", t, gpu, 0.7, 10s, 4, Duration{});
  b.pool("p", site, gpu, 1);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(v, 0);
  s.warm_at_start(v, 0);
  s.options.environment.changes = {{.kind = Change::Kind::taken, .from = at(5s), .to = at(20s), .nodes = node(0), .bytes = 9}};
  s.arrive(cls, {at(4s)});
  std::vector<std::int64_t> free, taken;
  for (const Duration d : {4s, 6s, 21s})
    s.look(at(d), [&] {
      free.push_back(s.cluster().row(DeviceId{0}).memory_free);
      taken.push_back(s.cluster()[DeviceId{0}].taken_bytes);
      EXPECT_NO_THROW(s.cluster().check_boards());
    });
  s.run();
  EXPECT_EQ(taken, (std::vector<std::int64_t>{0, 6, 0})) << "all but what the busy one holds";
  EXPECT_EQ(free, (std::vector<std::int64_t>{2, 0, 6}));
  EXPECT_EQ(s.end(0).ending, Ending::answered);
}

TEST(an_accuracy, that_drifts_shows_in_what_is_realised_not_in_what_was_profiled) {
  Near p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.options.duration = 10000s;
  s.options.environment.changes = {{.kind = Change::Kind::accuracy, .from = at(3000s), .to = at(6000s), .variant = p.v, .amount = -0.5}};
  std::vector<Time> arrivals;
  for (int k = 0; k < 9000; ++k) arrivals.push_back(at(k * 1s + 500ms));
  s.arrive(p.cls, arrivals);
  s.run();
  double right[3] = {};
  for (std::uint64_t k = 0; k < 9000; ++k) {
    right[k / 3000] += s.end(k).realised;
    EXPECT_EQ(s.end(k).accuracy, 0.7);
  }
  const double error = 4 * std::sqrt(.25 / 3000);
  EXPECT_NEAR(right[0] / 3000, .7, error);
  EXPECT_NEAR(right[1] / 3000, .2, error);
  EXPECT_NEAR(right[2] / 3000, .7, error);
}

TEST(instances_of_two_variants, slow_each_other_by_what_the_catalog_says) {
  WorldBuilder b;
  const SiteId site = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  const VariantId v = b.variant("v", t, cpu, 0.7, 1s);
  const VariantId w = b.variant("w", t, cpu, 0.6, 1s);
  b.catalog.variants[v.index()].beside = {{w, 1.5}};
  b.pool("p", site, cpu, 1);
  const std::size_t one = b.add_class(t), other = b.add_class(t);
  for (const auto& [k, name] : {std::pair{one, "v"}, {other, "w"}}) {
    b.classes[k].pin_level = PinLevel::variant;
    b.classes[k].pin = name;
  }
  ServingBench s(b);
  s.script.select = [&](const QueryView& q, ClusterView view) {
    return Selection::one(view.candidates(q.class_id(), CandidateOrder::by_latency).front());
  };
  s.warm_at_start(v, 0);
  s.warm_at_start(w, 0);
  s.arrive(one, {at(1s), at(4s)});
  s.arrive(other, {at(3500ms)});
  s.run();
  EXPECT_EQ(s.end(0).service, 1s);
  EXPECT_EQ(s.end(1).service, 1s) << "w, alone";
  EXPECT_EQ(s.end(2).service, 1500ms) << "v, beside w";
}

/// Counts nodes that are up at samples.
class UpRecorder final : public Recorder {
 public:
  explicit UpRecorder(std::size_t nodes) : nodes_(nodes) {}
  void sample(const Cluster& cluster, Time) override {
    for (std::size_t n = 0; n < nodes_; ++n) up_ += cluster[NodeId{n}].phase == NodePhase::up ? 1U : 0U;
    ++samples_;
  }
  double share() const { return static_cast<double>(up_) / static_cast<double>(samples_ * nodes_); }

 private:
  std::size_t nodes_;
  std::uint64_t up_ = 0, samples_ = 0;
};

TEST(failures, leave_nodes_up_for_the_share_of_an_alternating_renewal_process) {
  // Up for mean_up / (mean_up + mean_down) of the time (Barlow and Proschan 1965): 3/4. 40 nodes over 5,000 s are 50,000 cycles of 4 s, of
  // which the share has a standard error of about 0.001.
  constexpr std::uint32_t nodes = 40;
  Near p(nodes);
  ServingBench s(p.b);
  UpRecorder up(nodes);
  s.recorders.push_back(&up);
  s.options.duration = 5000s;
  s.options.sample = 100ms;
  s.options.environment.failures = {{node(0, nodes), 3s, 1s}};
  s.arrive(p.cls, {at(1s), at(4999s)});
  s.run();
  EXPECT_NEAR(up.share(), 0.75, 0.004);
}

}  // namespace
}  // namespace tideline
