// N5: cores by a percentile of their use.
//
// Whose examples these are:
//   vertical: doi:10.1145/3342195.3387524
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

// Use u all the time: the answer is the end of a bucket, at most 5 % above, so that a target 15 % above that is within 1.15 u and 1.2075 u.
TEST(decaying_histogram, of_constant_use_is_at_most_a_bucket_above_it) {
  for (const double u : {0.3, 1.0, 3.7, 20.0}) {
    DecayingHistogram h(0.01, 0.05, 1000, 24h);
    for (int k = 0; k < 2000; ++k) h.add(u, Time{} + k * 5min);
    EXPECT_GT(1.15 * h.percentile(0.9), 1.15 * u);
    EXPECT_LE(1.15 * h.percentile(0.9), 1.2075 * u + 1.15 * 0.01);
  }
}

// Use doubles after a long time: nine tenths are below it until the new samples have a tenth of the weight, which is after half-life x log2(1/.9):
// 3.648 h of 24 h, 1.824 h of 12 h.
TEST(decaying_histogram, follows_a_step_as_its_half_life_says) {
  for (const auto& [half_life, moves] : {std::pair{Duration{24h}, 3.648}, std::pair{Duration{12h}, 1.824}}) {
    DecayingHistogram h(0.01, 0.05, 1000, half_life);
    const Duration step = 1min;
    const int before = 40 * 24 * 60;
    for (int k = 0; k < before; ++k) h.add(1, Time{} + k * step);
    int k = 0;
    for (; h.percentile(0.9) < 2; ++k) h.add(2, Time{} + (before + k) * step);
    EXPECT_NEAR(k / 60.0, moves, 2.0 / 60);
  }
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
