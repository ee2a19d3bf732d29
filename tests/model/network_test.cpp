// Ways between sites: payloads and answers over shared links, by hand.
#include "sim/serving/simulation.h"
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// Queries come at `edge` and are served in `core`, at once and in no time to speak of.
struct Far {
  WorldBuilder b;
  SiteId edge = b.site("edge"), core = b.site("core");
  TaskId task = b.task("t");
  HardwareId gpu = b.hardware("gpu");
  VariantId v = b.variant("v", task, gpu, 0.7, Duration{1}, 1, Duration{});
  std::size_t cls = 0;
  explicit Far(std::uint32_t devices = 4) {
    b.pool("gpus", core, gpu, devices);
    cls = b.add_class(task);
  }
};

TEST(a_way, crosses_the_links_of_its_route_one_after_the_other) {
  Far f;
  const SiteId between = f.b.site("between");
  f.b.link(f.edge, between, 20ms, 1000);
  f.b.link(f.core, between, 30ms, 500);
  ServingBench s(f.b);
  s.warm_at_start(f.v, 0);
  s.arrive(f.cls, {at(1s)}, f.edge, 100, 50);
  s.run();
  // There 100 ms + 20 ms, then 200 ms + 30 ms; back 100 ms + 30 ms, then 50 ms + 20 ms.
  EXPECT_EQ(s.end(0).network, 350ms + 200ms);
  EXPECT_EQ(s.end(0).finish, at(1550ms + Duration{1}));
}

TEST(a_way, without_bytes_or_bandwidth_takes_its_delays) {
  Far f;
  const SiteId between = f.b.site("between");
  f.b.link(f.edge, between, 20ms, 1000);
  f.b.link(between, f.core, 30ms);
  ServingBench s(f.b);
  s.warm_at_start(f.v, 0);
  s.arrive(f.cls, {at(1s)}, f.edge, 100, 0);
  s.arrive(f.cls, {at(5s)}, f.edge, 0, 10);
  s.run();
  EXPECT_EQ(s.end(0).network, 150ms + 50ms);
  EXPECT_EQ(s.end(1).network, 50ms + 60ms);
}

TEST(a_link, is_shared_by_those_who_go_the_same_way) {
  Far f;
  f.b.link(f.edge, f.core, 20ms, 1000);
  ServingBench s(f.b);
  for (std::uint32_t d = 0; d < 4; ++d) s.warm_at_start(f.v, d);
  s.arrive(f.cls, {at(1s), at(1s)}, f.edge, 100, 0);
  s.arrive(f.cls, {at(9s)}, f.edge, 100, 0);
  s.run();
  EXPECT_EQ(s.end(0).network, 200ms + 40ms) << "twice the time";
  EXPECT_EQ(s.end(1).network, 200ms + 40ms);
  EXPECT_EQ(s.end(2).network, 100ms + 40ms) << "alone";
}

TEST(a_link, has_its_bandwidth_in_each_direction) {
  Far f;
  f.b.link(f.edge, f.core, 0ms, 1000);
  ServingBench s(f.b);
  for (std::uint32_t d = 0; d < 4; ++d) s.warm_at_start(f.v, d);
  // The answer of the first crosses the payload of the second.
  s.arrive(f.cls, {at(1s), at(1100ms)}, f.edge, 100, 100);
  s.run();
  EXPECT_EQ(s.end(0).network, 200ms);
  EXPECT_EQ(s.end(1).network, 200ms);
}

TEST(a_link, that_is_halved_moves_the_end_by_exactly_the_bytes_over_the_bandwidth) {
  Duration before{};
  for (const double bandwidth : {1e6, 0.5e6}) {
    Far f;
    f.b.link(f.edge, f.core, 20ms, bandwidth);
    ServingBench s(f.b);
    s.warm_at_start(f.v, 0);
    s.arrive(f.cls, {at(1s)}, f.edge, 123'456, 0);
    s.run();
    if (bandwidth == 1e6)
      before = s.end(0).network;
    else
      EXPECT_EQ(s.end(0).network - before, 123'456us);
  }
}

TEST(a_link, has_jitter_that_is_drawn_by_query_and_way) {
  Far f;
  f.b.link(f.edge, f.core, 20ms);
  f.b.topology.links.back().mean_jitter = 5ms;
  f.b.topology.links.back().jitter = Law::exponential();
  constexpr std::size_t count = 20'000;
  std::vector<Time> times;
  for (std::size_t k = 0; k < count; ++k) times.push_back(Time{} + 10ms * (k + 1));
  std::vector<Duration> first;
  for (int run = 0; run < 2; ++run) {
    ServingBench s(f.b);
    for (std::uint32_t d = 0; d < 4; ++d) s.warm_at_start(f.v, d);
    s.arrive(f.cls, times, f.edge, 100, 100);
    s.run();
    double sum = 0;
    std::vector<Duration> all;
    for (std::size_t k = 0; k < count; ++k) {
      EXPECT_GE(s.end(k).network, 40ms);
      all.push_back(s.end(k).network);
      sum += to_seconds(s.end(k).network);
    }
    // Twice 20 ms and an exponential of 5 ms: the mean of 20,000 has a standard error of 0.05 ms.
    EXPECT_NEAR(sum / count, 0.050, 0.0002);
    if (run == 0)
      first = all;
    else
      EXPECT_EQ(all, first);
  }
}

TEST(an_answer, that_is_on_its_way_when_the_run_ends_is_unfinished) {
  Far f;
  f.b.link(f.edge, f.core, 20ms, 1000);
  ServingBench s(f.b);
  s.options.duration = 10s;
  s.options.drain = 1s;
  s.warm_at_start(f.v, 0);
  s.arrive(f.cls, {at(2s), at(3s)}, f.edge, 100, 0);
  s.arrive(f.cls, {at(9s)}, f.edge, 100, 60'000);
  s.run();
  EXPECT_EQ(s.record.count(Ending::answered), 2U);
  EXPECT_EQ(s.record.count(Ending::unfinished), 1U);
}

}  // namespace
}  // namespace tideline
