// A7 and A12.
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
