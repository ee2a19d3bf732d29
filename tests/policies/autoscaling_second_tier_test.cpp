// A7, A9 and A12.
//
// Whose examples these are:
//   inferline_tuner: doi:10.1145/3419111.3421285
//   swayam: doi:10.1145/3135974.3135993
//   target_tracking: AWS Application Auto Scaling documentation, "Target tracking scaling policies"
#include "policies/builtin.h"
#include "policies/components/erlang.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// One group of one item in `service`, and periods whose visits a test gives.
struct Group1 {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  InstanceId first;
  std::unique_ptr<AutoscalingPolicy> p;
  Time now{};

  Group1(const PolicyDefinition& d, const param::Object& params, Duration service, Duration slo, std::size_t instances = 1) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    v = b.variant("net", b.task("classify"), gpu, 0.7, service);
    b.pool("p", s, gpu, 64);
    b.add_class(TaskId{0}, slo);
    bench = std::make_unique<ClusterBench>(b);
    first = bench->warm(v, 0);
    for (std::size_t k = 1; k < instances; ++k) bench->warm(v, k);
    p = make<AutoscalingPolicy>(d, bench->setup(), params);
  }
  std::uint32_t period(std::size_t visits, Duration length) {
    for (std::size_t k = 0; k < visits; ++k) bench->cluster.send(bench->admit(ClassId{0}, now), bench->cluster.own_line(first));
    now += length;
    Plan plan;
    p->plan(bench->view(now), plan);
    EXPECT_EQ(plan.wishes.size(), 1U);
    if (!plan.wishes.empty()) bench->cluster.set_wish(plan.wishes[0].group, plan.wishes[0].instances);
    return plan.wishes.empty() ? 0 : plan.wishes[0].instances;
  }
};

// Worked: at a utilization of .75 of 20 a second, 30 a second take 2 instances. A planned trace of 15 a second fills one so far; a burst of a
// second is answered within a round, and nothing is taken away within 15 s.
TEST(inferline_tuner, adds_at_once_where_the_envelope_is_exceeded_and_takes_away_later) {
  Group1 g(inferline_tuner(), {{"planning_s", 10}, {"batch_size", 1}}, 50ms, 1s);
  for (int k = 0; k < 10; ++k) EXPECT_EQ(g.period(15, 1s), 1U);
  for (int k = 0; k < 5; ++k) EXPECT_EQ(g.period(15, 1s), 1U) << "as planned";
  EXPECT_EQ(g.period(30, 1s), 2U);
  for (int k = 0; k < 14; ++k) EXPECT_EQ(g.period(15, 1s), 2U) << "the last minute's envelope is still exceeded, " << k;
  for (int k = 0; k < 45; ++k) EXPECT_EQ(g.period(15, 1s), 2U);
  EXPECT_EQ(g.period(15, 1s), 1U) << "the burst is a minute ago";
  // Within the envelope of the planned trace a load that comes back gets back what was taken.
  for (int k = 0; k < 100; ++k) g.period(0, 1s);
  EXPECT_EQ(g.period(15, 1s), 1U);
}

// Planned for: 45 a second, three instances at .75. Then 30 for five seconds and 15: what the last half minute asks for is two at first,
// and one five seconds later; that one goes when the change before is 15 s ago.
TEST(inferline_tuner, takes_nothing_away_within_15_s_of_a_change) {
  Group1 g(inferline_tuner(), {{"planning_s", 10}, {"batch_size", 1}}, 50ms, 1s);
  for (int k = 0; k < 40; ++k) g.period(45, 1s);
  std::vector<int> went;
  std::uint32_t before = 3;
  for (int second = 1; second <= 70; ++second) {
    const std::uint32_t n = g.period(second <= 5 ? 30 : 15, 1s);
    if (n != before) went.push_back(second);
    before = n;
  }
  EXPECT_EQ(before, 1U);
  ASSERT_EQ(went.size(), 2U);
  EXPECT_EQ(went[0], 30);
  EXPECT_EQ(went[1], 45);
}

TEST(inferline_tuner, a_long_rise_shows_in_long_windows) {
  Group1 g(inferline_tuner(), {{"planning_s", 8}, {"batch_size", 1}}, 50ms, 1s);
  // Bursts of 30 in single seconds were planned for: 30, 0, 30, 0 ... is 15 a second.
  for (int k = 0; k < 8; ++k) g.period(k % 2 == 0 ? 30 : 0, 1s);
  const std::uint32_t planned = g.period(30, 1s);
  EXPECT_EQ(planned, 2U) << "five seconds of it are 18 a second, at 15 an instance";
  std::uint32_t after = 0;
  for (int k = 0; k < 4; ++k) after = g.period(30, 1s);
  EXPECT_GT(after, planned) << "30 a second for two seconds and more were not planned for";
}

// Two models on the one device of a site: whatever their queues ask for, there is one device.
TEST(swayam, instances_that_take_turns_on_a_device_have_its_rate_together) {
  for (const std::uint32_t devices : {1U, 3U}) {
    WorldBuilder b;
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("t"), u = b.task("u");
    b.variant("v", t, gpu, 0.7, 50ms);
    b.variant("w", u, gpu, 0.7, 50ms);
    b.pool("p", s, gpu, devices);
    b.add_class(t, 200ms);
    b.add_class(u, 200ms);
    ClusterBench bench(b);
    const InstanceId i = bench.warm(VariantId{0}, 0), j = bench.warm(VariantId{1}, 0);
    const auto p = make<AutoscalingPolicy>(swayam(), bench.setup());
    for (int k = 0; k < 1000; ++k) bench.cluster.send(bench.admit(ClassId{0}), bench.cluster.own_line(i));
    for (int k = 0; k < 100; ++k) bench.cluster.send(bench.admit(ClassId{1}), bench.cluster.own_line(j));
    Plan plan;
    p->plan(bench.view(Time{} + 10s), plan);
    ASSERT_EQ(plan.wishes.size(), 2U);
    // 100 and 10 a second would take 7 and 2.
    EXPECT_EQ(plan.wishes[0].instances, devices == 1 ? 1U : 2U);
    EXPECT_EQ(plan.wishes[1].instances, 1U);
    EXPECT_EQ(p->reasons()[plan.wishes[0].reason], "no_more_devices");
  }
}

TEST(swayam, waits_by_erlang_c) {
  EXPECT_NEAR(waits_longer(7, 100, 0.05, 0.15), 0.0008, 5e-5);
  EXPECT_NEAR(waits_longer(6, 100, 0.05, 0.15), 0.0293, 5e-5);
  EXPECT_NEAR(waits_longer(8, 100, 0.05, 0.05), 0.0083, 5e-5);
  EXPECT_NEAR(waits_longer(7, 100, 0.05, 0.05), 0.0439, 5e-5);
  EXPECT_NEAR(waits_longer(11, 400, 0.02, 0.03), 0.0027, 5e-5);
  EXPECT_NEAR(waits_longer(10, 400, 0.02, 0.03), 0.0204, 5e-5);
  EXPECT_EQ(waits_longer(5, 100, 0.05, 10), 1);
}

TEST(swayam, holds_the_fewest_instances_that_are_in_time) {
  EXPECT_EQ(Group1(swayam(), {}, 50ms, 200ms).period(1000, 10s), 7U);
  EXPECT_EQ(Group1(swayam(), {}, 50ms, 100ms).period(1000, 10s), 8U);
  EXPECT_EQ(Group1(swayam(), {}, 20ms, 50ms).period(4000, 10s), 11U);
  EXPECT_EQ(Group1(swayam(), {}, 50ms, 40ms).period(1000, 10s), 6U);  // never in time: as many as keep up
  EXPECT_EQ(Group1(swayam(), {{"max", 3}}, 50ms, 200ms).period(1000, 10s), 3U);
}

TEST(swayam, more_load_or_less_time_never_takes_fewer) {
  std::uint32_t before = 0;
  for (int rate = 20; rate <= 400; rate += 20) {
    const std::uint32_t c = Group1(swayam(), {}, 50ms, 200ms).period(static_cast<std::size_t>(10 * rate), 10s);
    EXPECT_GE(c, before);
    before = c;
  }
  before = 0;
  for (int slo = 400; slo >= 60; slo -= 20) {
    const std::uint32_t c = Group1(swayam(), {}, 50ms, slo * 1ms).period(1000, 10s);
    EXPECT_GE(c, before);
    before = c;
  }
}

TEST(target_tracking, adds_after_three_periods_above_and_rests) {
  Group1 g(target_tracking(), {{"target_per_min", 100}}, 1ms, forever);
  EXPECT_EQ(g.period(250, 60s), 1U);
  EXPECT_EQ(g.period(250, 60s), 1U);
  EXPECT_EQ(g.period(100, 60s), 1U);  // not above: begins anew
  EXPECT_EQ(g.period(250, 60s), 1U);
  EXPECT_EQ(g.period(250, 60s), 1U);
  EXPECT_EQ(g.period(250, 60s), 3U);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(g.period(600, 60s), 3U);  // 300 s of rest
  EXPECT_EQ(g.period(600, 60s), 6U);
}

TEST(target_tracking, takes_away_after_fifteen_periods_below_nine_tenths) {
  Group1 g(target_tracking(), {{"target_per_min", 100}}, 1ms, forever, 4);
  for (int k = 0; k < 20; ++k) EXPECT_EQ(g.period(370, 60s), 4U);  // 92.5 each
  for (int k = 0; k < 14; ++k) EXPECT_EQ(g.period(250, 60s), 4U);
  EXPECT_EQ(g.period(250, 60s), 3U);
}

}  // namespace
}  // namespace tideline
