// Vertical scaling: cores of instances that change while they live.
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;
using Resize = Plan::Resize;

/// One device of eight cores; a variant that takes 400 ms on one core, 200 ms on two, 100 ms on four.
struct Cpu {
  WorldBuilder b;
  SiteId site = b.site("s");
  TaskId task = b.task("t");
  HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 8);
  VariantId v;
  std::size_t cls = 0;
  explicit Cpu(Duration load = {}) {
    v = b.variant(
        "v", task, cpu, 0.7, [](std::uint32_t) { return Duration{400ms}; }, 1, 1, load);
    b.catalog.variants.back().profile = Profile({1, 2, 4}, {{{}, 400ms}, {{}, 200ms}, {{}, 100ms}});
    b.pool("cpus", site, cpu, 1);
    cls = b.add_class(task);
  }
};

/// Plans this core option at the round of `when`, and nothing else.
void plan_at(ServingBench& s, Time when, std::uint8_t option, Resize resize) {
  s.script.interval = 500ms;
  const auto before = s.script.plan;
  s.script.plan = [=](ClusterView view, Plan& plan) {
    before(view, plan);
    if (view.now() == when) plan.cores.push_back({GroupId{0}, option, resize, 0});
  };
}

/// How often an instance changed its cores, and when.
struct Resizes final : Recorder {
  std::vector<std::pair<std::uint32_t, Time>> before;
  void instance_resized(InstanceId, std::uint32_t cores, Time at) override { before.emplace_back(cores, at); }
};

TEST(a_resize, in_place_holds_for_the_batches_that_start_from_then_on) {
  Cpu p;
  ServingBench s(p.b);
  Resizes resizes;
  s.recorders.push_back(&resizes);
  s.warm_at_start(p.v, 0);
  plan_at(s, at(500ms), 2, Resize::in_place);
  s.arrive(p.cls, {at(0s), at(400ms), at(450ms)});  // the second runs until 800 ms and is not disturbed
  s.look(at(600ms), [&] { EXPECT_EQ(s.cluster().row(DeviceId{0}).cores_free, 7U); });
  s.look(at(850ms), [&] { EXPECT_EQ(s.cluster().row(DeviceId{0}).cores_free, 4U); });
  s.run();
  EXPECT_EQ(s.end(0).finish, at(400ms));
  EXPECT_EQ(s.end(1).finish, at(800ms));
  EXPECT_EQ(s.end(2).finish, at(900ms));
  EXPECT_EQ(resizes.before, (std::vector{std::pair<std::uint32_t, Time>{1, at(800ms)}}));
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

TEST(a_resize, none_is_for_instances_to_come) {
  Cpu p;
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  plan_at(s, at(500ms), 2, Resize::none);
  s.arrive(p.cls, {at(1s)});
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1400ms));
}

TEST(a_resize, that_grows_waits_for_cores_that_others_give_back) {
  Cpu p;
  ServingBench s(p.b);
  Resizes resizes;
  s.recorders.push_back(&resizes);
  s.options.initial = {{GroupId{0}, DeviceId{0}, 1}, {GroupId{0}, DeviceId{0}, 1}, {GroupId{0}, DeviceId{0}, 1}};
  s.script.interval = 500ms;
  // 3 x 2 of 8 cores are held, and all are to have 4: one has them at once; the others when that is stopped.
  s.script.plan = [](ClusterView view, Plan& plan) {
    if (view.now() == at(500ms)) plan.cores.push_back({GroupId{0}, 2, Resize::in_place, 0});
    if (view.now() == at(2s)) plan.wishes.push_back({GroupId{0}, 2, 0});
  };
  s.arrive(p.cls, {at(3s)});
  std::vector<std::uint32_t> free;
  for (const Duration t : {400ms, 600ms, 2100ms}) s.look(at(t), [&] { free.push_back(s.cluster().row(DeviceId{0}).cores_free); });
  s.run();
  EXPECT_EQ(free, (std::vector<std::uint32_t>{2, 0, 0}));
  ASSERT_EQ(resizes.before.size(), 3U);
  EXPECT_EQ(resizes.before[0].second, at(500ms));
  EXPECT_EQ(resizes.before[1].second, at(2s));
  EXPECT_EQ(resizes.before[2].second, at(2s));
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

TEST(a_resize, that_shrinks_makes_room_for_a_start_that_waits) {
  Cpu p;
  ServingBench s(p.b);
  s.options.initial = {{GroupId{0}, DeviceId{0}, 2}, {GroupId{0}, DeviceId{0}, 2}};
  s.script.interval = 500ms;
  s.script.plan = [](ClusterView view, Plan& plan) {
    if (view.now() == at(500ms)) plan.wishes.push_back({GroupId{0}, 3, 0});
    if (view.now() == at(1s)) plan.cores.push_back({GroupId{0}, 1, Resize::in_place, 0});
  };
  s.arrive(p.cls, {at(3s)});
  std::vector<std::uint32_t> warm;
  for (const Duration t : {600ms, 1100ms}) s.look(at(t), [&] { warm.push_back(s.cluster().row(GroupId{0}).warm()); });
  s.run();
  EXPECT_EQ(warm, (std::vector<std::uint32_t>{2, 3}));
}

TEST(a_resize, by_restart_replaces_one_instance_after_the_other_and_pays_their_loads) {
  Cpu p(1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 0);
  plan_at(s, at(500ms), 2, Resize::restart);
  // One works when the plan comes: the other, which is idle, goes first, and this one when that is warm again.
  s.arrive(p.cls, {at(400ms), at(4s), at(4s)});
  struct Seen {
    std::uint32_t warm, starting, cores_free;
    bool operator==(const Seen&) const = default;
  };
  std::vector<Seen> seen;
  for (const Duration t : {600ms, 1600ms, 2600ms}) {
    s.look(at(t), [&] {
      const GroupRow& g = s.cluster().row(GroupId{0});
      seen.push_back({g.warm(), g.starting(), s.cluster().row(DeviceId{0}).cores_free});
    });
  }
  s.run();
  EXPECT_EQ(seen, (std::vector<Seen>{{1, 1, 3}, {1, 1, 0}, {2, 0, 0}}));
  EXPECT_EQ(s.end(0).finish, at(800ms));
  EXPECT_EQ(s.end(1).finish, at(4100ms));
  EXPECT_EQ(s.end(2).finish, at(4100ms));
  EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
}

TEST(a_resize, by_restart_goes_on_when_the_one_that_drains_fails) {
  Cpu p;
  p.b.pool("more", p.site, p.cpu, 1);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(p.v, 1);
  plan_at(s, at(500ms), 2, Resize::restart);
  s.script.place = [](const QueryView& q, VariantId, ClusterView view) {
    const auto members = view.group(GroupId{0}).members;
    return Dispatch::to(q.arrival() < at(410ms) ? members.front() : members.back());
  };
  // Both work; the first drains until its node fails at 600 ms. The second is busy until 820 ms and then its turn comes.
  s.arrive(p.cls, {at(400ms), at(420ms), at(2s)});
  s.options.environment.changes = {{.kind = Change::Kind::failure, .from = at(600ms), .nodes = {NodeId{0}, 1}}};
  std::vector<std::uint32_t> cores;
  for (const Duration t : {700ms, 900ms}) s.look(at(t), [&] { cores.push_back(8 - s.cluster().row(DeviceId{1}).cores_free); });
  s.run();
  EXPECT_EQ(cores, (std::vector<std::uint32_t>{1, 4}));
}

TEST(a_resize, by_restart_of_the_only_instance_holds_who_comes_meanwhile) {
  Cpu p(1s);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  plan_at(s, at(500ms), 2, Resize::restart);
  s.arrive(p.cls, {at(1s)});
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1600ms));  // warm again at 1.5 s
  EXPECT_EQ(s.end(0).load, 500ms);
}

}  // namespace
}  // namespace tideline
