// N5: cores by a percentile of their use.
#include "policies/builtin.h"
#include "policies/components/decaying_histogram.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

TEST(decaying_histogram, answers_the_end_of_the_bucket_of_the_percentile) {
  DecayingHistogram h(0.01, 0.05, 1000, 24h);
  EXPECT_TRUE(h.empty());
  EXPECT_EQ(h.percentile(0.9), 0);
  for (int k = 0; k < 9; ++k) h.add(0.005, Time{});
  h.add(0.5, Time{});
  EXPECT_NEAR(h.percentile(0.9), 0.01, 1e-12);  // nine of ten are in the first bucket
  EXPECT_GE(h.percentile(0.91), 0.5);
  EXPECT_LE(h.percentile(0.91), 0.5 * 1.05 + 0.01);
}

TEST(decaying_histogram, halves_the_weight_of_a_sample_each_half_life) {
  DecayingHistogram h(0.01, 0.05, 1000, 1h);
  h.add(0.005, Time{});
  h.add(5, Time{} + 1h);  // weighs twice as much: the old one is a third
  EXPECT_NEAR(h.percentile(0.33), 0.01, 1e-12);
  EXPECT_GE(h.percentile(0.34), 5);
  h.add(0.005, Time{} + 1000h);  // what came before is next to nothing, also beyond the range of doubles
  h.add(5, Time{} + 3000h);
  EXPECT_GE(h.percentile(0.01), 5);
}

/// Instances of a variant profiled on 1, 2, 4 and 8 cores, one on each device.
struct Cores {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<AutoscalingPolicy> p;
  InstanceId one;
  Time now{};
  explicit Cores(const param::Object& params = {}) {
    const SiteId s = b.site("s");
    const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 8);
    const TaskId t = b.task("t");
    v = b.variant("v", t, cpu, 0.7, 100ms);
    b.catalog.variants.back().profile = Profile({1, 2, 4, 8}, {{{}, 800ms}, {{}, 400ms}, {{}, 200ms}, {{}, 100ms}});
    b.pool("p", s, cpu, 4);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    bench->cluster.set_option(bench->group(v), 2);
    one = bench->warm(v, 0);
    bench->cluster.resize(one, 2, now);
    p = make<AutoscalingPolicy>(vertical(), bench->setup(), params);
  }
  /// A minute in which the instance of four cores is busy for so long; what is planned: the core option, or -1.
  int minute(Duration busy) {
    auto* observer = dynamic_cast<Observer*>(p.get());
    if (busy > Duration{}) observer->batch_done(one, 1, busy, bench->view(now));
    now += 60s;
    Plan plan;
    p->plan(bench->view(now), plan);
    return plan.cores.empty() ? -1 : static_cast<int>(plan.cores.front().option);
  }
};

// Four cores in use the whole time are 4 x 1.15 = 4.6, beyond the band of 4.4: eight. A quarter of the time they are one core, 1.15: two.
TEST(autoscaling_vertical, takes_the_least_option_that_is_not_below_percentile_times_margin) {
  EXPECT_EQ(Cores().minute(60s), 3);
  EXPECT_EQ(Cores().minute(15s), 1);
  EXPECT_EQ(Cores().minute(0s), 0);
}

TEST(autoscaling_vertical, changes_nothing_within_the_band) {
  EXPECT_EQ(Cores().minute(51s), -1);  // 3.4 to 3.57 cores by the bucket, times 1.15: 3.9 to 4.1
  EXPECT_EQ(Cores({{"band", 0.5}}).minute(60s), -1);
  EXPECT_EQ(Cores({{"margin", 1.0}}).minute(58s), -1);
}

TEST(autoscaling_vertical, follows_the_percentile_of_the_minutes) {
  Cores c;
  for (int k = 0; k < 10; ++k) EXPECT_EQ(c.minute(15s), 1);
  EXPECT_EQ(c.minute(60s), 1);  // one of eleven
  EXPECT_EQ(c.minute(60s), 3);
}

TEST(autoscaling_vertical, with_a_queue_gives_cores_until_the_load_is_carried) {
  // 3 queries/s of 800 ms on a core offer 2.4 cores: more than two have, and four are enough for the 90th percentile of a minute x 1.15.
  WorldBuilder b;
  const SiteId site = b.site("s");
  const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 8);
  const TaskId t = b.task("t");
  const VariantId v = b.variant("v", t, cpu, 0.7, 100ms);
  b.catalog.variants.back().profile = Profile({1, 2, 4, 8}, {{{}, 800ms}, {{}, 400ms}, {{}, 200ms}, {{}, 100ms}});
  b.pool("p", site, cpu, 1);
  b.add_class(t);
  RunBench r(b);
  r.use(vertical());
  r.options.duration = 8h;
  r.warm_at_start(v, 0);
  r.arrivals(std::make_unique<PoissonSource>(3, 3, 9 * 3600 * 3));
  r.run();
  const Simulation& run = r.simulation();
  EXPECT_EQ(run.cluster().row(r.world().group(v, site)).option, 2);
  EXPECT_TRUE(run.cluster().audit_accounts(run.now()).empty());
}

}  // namespace
}  // namespace tideline
