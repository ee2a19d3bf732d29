// A2: target utilization and thresholds.
//
// Whose examples these are:
//   target_utilization: AWS Application Auto Scaling documentation, "Step scaling policies"
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// Ten devices; windows whose busy time a test gives.
struct Windows {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> warm;
  std::unique_ptr<AutoscalingPolicy> p;
  Time now{};

  Windows(std::size_t instances, const param::Object& parameters) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, 1ms);
    b.variant("unused", t, gpu, 0.6, 1ms);
    b.pool("p", s, gpu, 20);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    for (std::size_t d = 0; d < instances; ++d) warm.push_back(bench->warm(v, d));
    p = make<AutoscalingPolicy>(target_utilization(), bench->setup(), parameters);
    plan();
  }
  /// The wish for the variant, or -1 where the plan does not name it.
  int plan() {
    Plan plan;
    p->plan(bench->view(now), plan);
    int wish = -1;
    for (const Plan::Wish& w : plan.wishes) {
      EXPECT_EQ(w.group, bench->group(v));  // groups without instances and wishes are left alone
      wish = static_cast<int>(w.instances);
      bench->cluster.set_wish(w.group, w.instances);
    }
    return wish;
  }
  /// A window of 10 s in which each instance is busy for the share `utilization`.
  int window(double utilization) {
    const Duration busy = from_seconds(10 * utilization);
    if (busy > Duration{})
      for (const InstanceId i : warm) {
        bench->wait_at(i, ClassId{0}, now);
        bench->run(i, 1, now, busy);
        bench->end(i, now + busy);
      }
    now += 10s;
    return plan();
  }
  /// As the plan would be carried out.
  void have(std::size_t n) {
    for (; warm.size() > n; warm.pop_back()) bench->cluster.stop(warm.back(), now);
    while (warm.size() < n) warm.push_back(bench->warm(v, warm.size(), now));
  }
};

// policies.md A2: n = ceil(n u / target).
TEST(autoscaling_target_utilization, wishes_instances_times_utilization_over_target) {
  const param::Object at_once{{"down_windows", 1}};
  EXPECT_EQ(Windows(4, at_once).window(0.7), 4);
  EXPECT_EQ(Windows(4, at_once).window(1.0), 6);   // ceil(5.71)
  EXPECT_EQ(Windows(4, at_once).window(0.71), 5);  // ceil(4.06)
  EXPECT_EQ(Windows(4, at_once).window(0.35), 2);
  EXPECT_EQ(Windows(4, at_once).window(0.36), 3);
  EXPECT_EQ(Windows(7, at_once).window(0.1), 1);  // 7 x 0.1 / 0.7 is 1, not a rounding error more
  EXPECT_EQ(Windows(3, {{"target", 0.5}, {"down_windows", 1}}).window(1.0), 6);
}

TEST(autoscaling_target_utilization, a_window_counts_only_its_own_busy_time) {
  Windows w(4, {{"down_windows", 1}});
  EXPECT_EQ(w.window(1.0), 6);
  w.have(6);
  EXPECT_EQ(w.window(0.7), 6);
  EXPECT_EQ(w.window(0.35), 3);
}

TEST(autoscaling_target_utilization, minimum_and_maximum_bound_the_wish) {
  EXPECT_EQ(Windows(4, {{"max", 5}}).window(1.0), 5);
  EXPECT_EQ(Windows(4, {{"min", 3}, {"down_windows", 1}}).window(0.1), 3);
  EXPECT_EQ(Windows(4, {{"down_windows", 1}}).window(0), 1);
  EXPECT_EQ(Windows(4, {{"down_windows", 1}, {"scale_to_zero", true}}).window(0), 0);
  EXPECT_EQ(Windows(4, {{"down_windows", 1}, {"scale_to_zero", true}}).window(0.01), 1);
}

TEST(autoscaling_target_utilization, windows_in_a_row_must_agree) {
  Windows up(4, {{"up_windows", 2}});
  EXPECT_EQ(up.window(1.0), 4);
  EXPECT_EQ(up.window(0.6), 4);  // breaks the row
  EXPECT_EQ(up.window(1.0), 4);
  EXPECT_EQ(up.window(1.0), 6);
  Windows down(4, {});  // three by default
  EXPECT_EQ(down.window(0.2), 4);
  EXPECT_EQ(down.window(0.2), 4);
  EXPECT_EQ(down.window(0.2), 2);
}

TEST(autoscaling_target_utilization, nothing_changes_during_a_cooldown) {
  Windows w(4, {{"cooldown_s", 25}});
  EXPECT_EQ(w.window(1.0), 6);
  w.have(6);
  EXPECT_EQ(w.window(1.0), 6);
  EXPECT_EQ(w.window(1.0), 6);
  EXPECT_EQ(w.window(1.0), 9);
}

TEST(autoscaling_target_utilization, what_is_pending_is_not_ordered_again) {
  Windows w(4, {});
  EXPECT_EQ(w.window(1.0), 6);  // two have no room yet
  EXPECT_EQ(w.window(1.0), 6);
}

// policies.md A2, threshold form: +step above the high mark, -step below the low one.
TEST(autoscaling_target_utilization, the_threshold_form_moves_in_steps) {
  const param::Object p{{"mode", "threshold"}, {"step", 2}, {"down_windows", 2}};
  Windows w(5, p);
  EXPECT_EQ(w.window(0.81), 7);
  w.have(7);
  EXPECT_EQ(w.window(0.8), 7);
  EXPECT_EQ(w.window(0.3), 7);
  EXPECT_EQ(w.window(0.29), 7);
  EXPECT_EQ(w.window(0.29), 5);
  w.have(2);
  w.bench->cluster.set_wish(w.bench->group(w.v), 2);
  EXPECT_EQ(w.window(0), 2);
  EXPECT_EQ(w.window(0), 1);  // the minimum
}

TEST(autoscaling_target_utilization, an_unused_cluster_gets_no_plan) {
  Windows w(0, {});
  EXPECT_EQ(w.window(0), -1);
}

// A whole run: load for 3.5 busy instances at a target of 0.7 settles at five of twenty devices.
TEST(autoscaling_target_utilization, a_run_settles_at_the_target) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, gpu, 0.7, 100ms, 1, 1s);
  b.pool("p", s, gpu, 20);
  b.add_class(t);
  RunBench r(b);
  r.use(target_utilization(), {{"interval_s", 60}});
  r.use(least_expected_latency());
  r.use(best_fit());
  auto source = std::make_unique<PlainSource>();
  source->names = {"classify"};
  // A hair under 35 queries/s, so that no window holds one more than its share.
  for (int k = 0; k < 60'000; ++k) source->list.emplace_back(Time{} + k * 28'700us, 0);
  r.arrivals(std::move(source));
  Simulation& sim = r.make_simulation();
  while (sim.now() < Time{} + 1600s && sim.step()) {
  }
  EXPECT_EQ(sim.cluster().row(r.world().group(v, s)).warm(), 5U);
  // Best fit spreads replicas: five on one exclusive device would serve like one.
  std::vector<DeviceId> devices;
  for (const InstanceId i : sim.cluster().row(r.world().group(v, s)).members) devices.push_back(sim.cluster().row(i).device);
  std::sort(devices.begin(), devices.end());
  EXPECT_EQ(std::unique(devices.begin(), devices.end()), devices.end());
}

TEST(autoscaling_target_utilization, refuses_bounds_that_cross) {
  WorldBuilder b;
  b.add_class(b.task("t"));
  const ClusterBench bench(b);
  const auto made = [&](const param::Object& p) { return make<AutoscalingPolicy>(target_utilization(), bench.setup(), p); };
  EXPECT_THROW(made({{"min", 5}, {"max", 2}}), std::invalid_argument);
  EXPECT_THROW(made({{"high", 0.2}, {"low", 0.9}}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline
