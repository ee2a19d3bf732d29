// What changes during a run: failures, slowdowns and links, at exact times and by chance.
#include "sim/serving/simulation.h"
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

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
