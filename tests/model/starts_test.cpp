// What starts when memory is short or nodes fail, and what must not go for it.
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// One exclusive device with memory for 4; variants of size 2, pinned by a class each, and one of size 4.
struct Small {
  WorldBuilder b;
  VariantId a, c, whole;
  explicit Small(std::uint32_t nodes = 1) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu", 4);
    const TaskId t = b.task("classify");
    a = b.variant("a", t, gpu, 0.7, 1s, 2, 5s);
    c = b.variant("c", t, gpu, 0.7, 1s, 2, 5s);
    whole = b.variant("whole", t, gpu, 0.7, 1s, 4, 5s);
    for (const char* name : {"a", "c", "whole"}) {
      const std::size_t k = b.add_class(t);
      b.classes[k].pin_level = PinLevel::variant;
      b.classes[k].pin = name;
    }
    b.pool("p", s, gpu, nodes);
  }
};

std::unique_ptr<PlainSource> queries(std::initializer_list<std::pair<Duration, std::uint32_t>> list) {
  auto source = std::make_unique<PlainSource>();
  source->names = {"a", "c", "whole"};
  for (const auto& [at, cls] : list) source->list.emplace_back(Time{} + at, cls);
  return source;
}

/// Plans each wish of its list once, at its time, a multiple of 10 s.
struct Wishes final : AutoscalingPolicy {
  using Params = NoParams;
  struct Entry {
    Duration at;
    VariantId variant;
    std::uint32_t instances;
  };
  static inline std::vector<Entry> list;
  Wishes(const Params&, const tideline::Setup&) {}
  Duration interval() const override { return 10s; }
  void plan(ClusterView view, Plan& plan) override {
    for (const Entry& e : list)
      if (Time{} + e.at == view.now()) plan.wishes.push_back({view.world().group(e.variant, SiteId{0}), e.instances, 0});
  }
};

/// Has two instances of the first variant started at time 0.
struct PrewarmTwo final : ColdstartPolicy {
  using Params = NoParams;
  PrewarmTwo(const Params&, const tideline::Setup&) {}
  KeepAlive became_idle(InstanceId, ClusterView) override { return {}; }
  void prewarm(ClusterView, std::vector<Prewarm>& start, std::vector<GroupId>&) override { start.push_back({GroupId{0}, 2}); }
};

TEST(starts, a_held_visit_does_not_wait_for_a_start_that_a_plan_cannot_make) {
  Small x;
  RunBench r(x.b);
  r.classes = 3;
  Wishes::list = {{0s, x.a, 2}, {0s, x.whole, 1}};  // the second finds no room, and may not evict what the first holds
  r.use(define<Wishes>("wishes", "Wishes."));
  r.arrivals(queries({{10s, 2}}));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 1U);
  EXPECT_EQ(r.notes.ends[0].ending, Ending::answered);
  EXPECT_EQ(r.notes.ends[0].finish, Time{} + 16s);
  EXPECT_EQ(r.notes.evicted(), "aa");
}

TEST(starts, a_plan_evicts_no_group_below_its_wish) {
  // Two idle instances of which one is wished: the other may go, but for `whole` both would have to.
  Small x;
  RunBench r(x.b);
  r.classes = 3;
  Wishes::list = {{0s, x.a, 1}, {20s, x.whole, 1}};
  r.use(define<Wishes>("wishes", "Wishes."));
  r.use(define<PrewarmTwo>("prewarm_two", "Prewarms two."));
  r.options.duration = 100s;
  r.options.drain = 0s;
  r.run();
  EXPECT_EQ(r.notes.evicted(), "");
  EXPECT_EQ(r.simulation().cluster().row(r.world().group(x.a, SiteId{0})).warm(), 2U);
}

TEST(starts, a_held_visit_gets_another_start_when_the_node_of_the_first_fails) {
  for (const std::uint32_t nodes : {1U, 2U}) {
    Small x(nodes);
    RunBench r(x.b);
    r.classes = 3;
    r.arrivals(queries({{10s, 0}}));
    Simulation& s = r.make_simulation();
    while (s.now() < Time{} + 10s && s.step()) {
    }
    s.fail_node(NodeId{0});  // while it loads
    if (nodes == 1) s.restore_node(NodeId{0});
    while (s.step()) {
    }
    ASSERT_EQ(r.notes.ends.size(), 1U);
    EXPECT_EQ(r.notes.ends[0].ending, Ending::answered) << nodes;
    EXPECT_EQ(r.notes.ends[0].finish, Time{} + 16s) << nodes;
    EXPECT_EQ(r.notes.started.size(), 2U);
  }
}

}  // namespace
}  // namespace tideline
