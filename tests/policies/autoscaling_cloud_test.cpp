// A3, A4: the autoscalers of Kubernetes and Knative.
//
// Whose examples these are:
//   knative_kpa: Knative documentation, "Additional autoscaling configuration for Knative Pod Autoscaler"
//   kubernetes_hpa: Kubernetes documentation, "Horizontal Pod Autoscaling" (autoscaling/v2)
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// One group on many devices; rounds whose busy time, or visits sent, a test gives.
struct Rounds {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> warm, starting;
  std::unique_ptr<AutoscalingPolicy> p;
  std::string_view why;  ///< of the last wish
  Time now{};

  Rounds(const PolicyDefinition& d, std::size_t instances, const param::Object& parameters) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, 1ms);
    b.variant("unused", t, gpu, 0.6, 1ms);
    b.pool("p", s, gpu, 64);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    have(instances);
    bench->cluster.set_wish(bench->group(v), static_cast<std::uint32_t>(instances));
    p = make<AutoscalingPolicy>(d, bench->setup(), parameters);
  }
  /// The wish for the variant, or -1 where the plan does not name it. It is not carried out.
  int plan() {
    Plan plan;
    p->plan(bench->view(now), plan);
    int wish = -1;
    for (const Plan::Wish& w : plan.wishes) {
      EXPECT_EQ(w.group, bench->group(v));  // groups without instances and wishes are left alone
      wish = static_cast<int>(w.instances);
      why = p->reasons()[w.reason];
    }
    return wish;
  }
  /// A round of 15 s in which each warm instance is busy for the share `utilization`.
  int busy(double utilization) {
    const Duration took = from_seconds(15 * utilization);
    for (const InstanceId i : warm) {
      if (took == Duration{}) break;
      bench->wait_at(i, ClassId{0}, now);
      bench->run(i, 1, now, took);
      bench->end(i, now + took);
    }
    now += 15s;
    return plan();
  }
  /// As a plan would be carried out, if all that was sent had been served.
  void have(std::size_t n) {
    for (; warm.size() > n; warm.pop_back()) bench->cluster.fail(warm.back(), now);
    while (warm.size() < n) warm.push_back(bench->warm(v, warm.size() + starting.size(), now));
    bench->cluster.set_wish(bench->group(v), static_cast<std::uint32_t>(n));
  }
  void start(std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) starting.push_back(bench->starting(v, 63 - starting.size(), now, now + 100s));
    bench->cluster.set_wish(bench->group(v), static_cast<std::uint32_t>(warm.size() + starting.size()));
  }
  /// A second in which so many visits are sent to the first instance.
  void sent(std::size_t visits) {
    for (std::size_t k = 0; k < visits; ++k) bench->cluster.send(bench->admit(ClassId{0}, now), bench->cluster.own_line(warm.front()));
    now += 1s;
    p->round(bench->view(now));
  }
};

// A3, pairs of (ready, ratio): (4,1.05) -> 4; (4,1.5) -> 6; (10,.91) -> 10; (3,3.0) -> 9, limited to 7.
TEST(autoscaling_kubernetes_hpa, wishes_ready_times_ratio_beyond_the_tolerance) {
  const param::Object p{{"target", 0.25}};
  const auto wish = [&](std::size_t ready, double ratio) {
    Rounds r(kubernetes_hpa(), ready, p);
    r.plan();
    return r.busy(0.25 * ratio);
  };
  EXPECT_EQ(wish(4, 1.05), 4);
  EXPECT_EQ(wish(4, 1.5), 6);
  EXPECT_EQ(wish(10, 0.91), 10);
  EXPECT_EQ(wish(3, 3.0), 7);
  EXPECT_EQ(wish(20, 3.0), 40) << "the share is more than four";
}

TEST(autoscaling_kubernetes_hpa, a_limited_step_goes_on_in_the_next_round) {
  Rounds r(kubernetes_hpa(), 3, {{"target", 0.25}});
  r.plan();
  EXPECT_EQ(r.busy(0.75), 7);
  r.have(7);
  EXPECT_EQ(r.busy(0.75 * 3 / 7), 9) << "constant load: the ratio is 9/7";
}

// A3: at a ratio that stays 3 however many there are, the step is limited each time: 7, 14, 28.
TEST(autoscaling_kubernetes_hpa, a_ratio_that_stays_is_followed_in_limited_steps) {
  Rounds r(kubernetes_hpa(), 3, {{"target", 0.25}});
  r.plan();
  for (const int wish : {7, 14, 28}) {
    EXPECT_EQ(r.busy(0.75), wish);
    r.have(static_cast<std::size_t>(wish));
  }
}

// A3: (4,.5) -> 2 and (10,.89) -> 9 only after 300 s, the first count being a recommendation.
TEST(autoscaling_kubernetes_hpa, scales_down_to_the_most_of_a_window) {
  for (const auto& [ready, ratio, less] : {std::tuple{4, 0.5, 2}, std::tuple{10, 0.89, 9}}) {
    Rounds r(kubernetes_hpa(), static_cast<std::size_t>(ready), {{"target", 0.5}});
    EXPECT_EQ(r.plan(), ready);
    for (int k = 1; k < 20; ++k) EXPECT_EQ(r.busy(0.5 * ratio), ready) << k * 15;
    EXPECT_EQ(r.busy(0.5 * ratio), less) << "after 300 s";
  }
}

TEST(autoscaling_kubernetes_hpa, down_takes_a_share_rounded_down_and_up_the_least_of_a_window) {
  Rounds r(kubernetes_hpa(), 5, {{"target", 0.5}, {"down_stabilization_s", 0}, {"down_share", 0.5}});
  r.plan();
  EXPECT_EQ(r.busy(0.05), 2);  // 1 wanted; 5 x 0.5 rounded down
  Rounds up(kubernetes_hpa(), 4, {{"target", 0.25}, {"up_stabilization_s", 30}});
  up.plan();
  EXPECT_EQ(up.busy(0.5), 4) << "4 was wanted 15 s ago";
  EXPECT_EQ(up.busy(0.375), 6) << "8, then 6";
}

TEST(autoscaling_kubernetes_hpa, instances_that_start_count_as_idle_only_where_more_are_wanted) {
  Rounds r(kubernetes_hpa(), 4, {{"target", 0.25}, {"down_stabilization_s", 0}});
  r.plan();
  r.start(4);
  EXPECT_EQ(r.busy(0.5), 8) << "eight, four of them idle, are at 0.25";
  EXPECT_EQ(r.busy(0.75), 12) << "3 x 4 over 8 is 1.5";
  EXPECT_EQ(r.busy(0.4), 8) << "1.6 of four would be 7, 0.8 of eight asks for less: the direction turns";
  EXPECT_EQ(r.busy(0.125), 2) << "downwards the four are set aside";
}

TEST(autoscaling_kubernetes_hpa, from_nothing_it_cannot_scale) {
  Rounds r(kubernetes_hpa(), 0, {});
  EXPECT_EQ(r.busy(0), -1);
  r.start(2);
  EXPECT_EQ(r.busy(0), 2) << "none is warm: no metric";
  EXPECT_TRUE(r.p->needs().plans_from_use_only);
}

TEST(autoscaling_kubernetes_hpa, holds_visits_at_each_instance) {
  Rounds r(kubernetes_hpa(), 2, {{"metric", "load"}, {"target", 5}, {"max", 6}});
  r.plan();
  for (int k = 0; k < 17; ++k) r.bench->wait_at(r.warm[0], ClassId{0}, r.now);
  r.now += 15s;
  EXPECT_EQ(r.plan(), 4);  // 17 / 5
  for (int k = 0; k < 100; ++k) r.bench->wait_at(r.warm[1], ClassId{0}, r.now);
  r.now += 15s;
  EXPECT_EQ(r.plan(), 6);
}

TEST(autoscaling_kubernetes_hpa, refuses_bounds_and_windows_that_make_no_sense) {
  EXPECT_THROW(Rounds(kubernetes_hpa(), 1, {{"min", 5}, {"max", 2}}), std::invalid_argument);
  EXPECT_THROW(Rounds(kubernetes_hpa(), 1, {{"interval_s", 0.001}, {"down_stabilization_s", 3600}}), std::invalid_argument);
}

const param::Object seven{{"metric", "rps"}, {"rps", 10}};  // x 0.7

/// A minute of `before` visits in its first 54 s, `last` in its last 6; not in a panic before.
int after_a_minute(std::size_t ready, std::size_t before, std::size_t last, param::Object parameters = seven, const char* why = "stable") {
  Rounds r(knative_kpa(), 1, parameters);
  r.sent(0);
  r.plan();
  r.have(ready);
  for (std::size_t k = 0; k < 54; ++k) r.sent((k + 1) * before / 54 - k * before / 54);
  for (std::size_t k = 0; k < 6; ++k) r.sent((k + 1) * last / 6 - k * last / 6);
  const int wish = r.plan();
  EXPECT_EQ(r.why, why);
  return wish;
}

// A4: ready 5, averages 40 and 90, target 7 -> 13 and panic; 35, 35 -> 5; ready 10, 14, 0 -> 5 (down-rate limit).
TEST(autoscaling_knative_kpa, wishes_what_the_windows_ask_for) {
  EXPECT_EQ(after_a_minute(5, 40 * 60 - 90 * 6, 90 * 6, seven, "panic"), 13);
  EXPECT_EQ(after_a_minute(5, 35 * 54, 35 * 6), 5);
  EXPECT_EQ(after_a_minute(10, 14 * 60, 0), 5);
  EXPECT_EQ(after_a_minute(1, 0, 1), 1);
}

TEST(autoscaling_knative_kpa, a_panic_never_scales_down_and_ends_a_stable_window_after_its_last_cause) {
  Rounds r(knative_kpa(), 1, seven);
  r.sent(0);
  r.plan();
  for (int k = 0; k < 6; ++k) r.sent(28);
  EXPECT_EQ(r.plan(), 4) << "28 over 7 is twice one and more";
  r.have(4);
  for (int k = 0; k < 60; ++k) {
    r.sent(7);
    EXPECT_EQ(r.plan(), 4) << k;
  }
  r.sent(7);
  EXPECT_EQ(r.plan(), 2) << "the panic is over: half of four, though one is wanted";
}

TEST(autoscaling_knative_kpa, more_than_one_at_first_sight_is_a_panic) {
  Rounds r(knative_kpa(), 6, seven);
  r.sent(1);
  EXPECT_EQ(r.plan(), 6);
  for (int k = 0; k < 60; ++k) r.sent(1);
  EXPECT_EQ(r.plan(), 6);
  r.sent(1);
  EXPECT_EQ(r.plan(), 3);
}

// A4: no traffic for 60 s, and 30 s more: 0.
TEST(autoscaling_knative_kpa, goes_to_zero_after_window_and_grace) {
  Rounds r(knative_kpa(), 1, seven);
  r.sent(7);
  for (int k = 0; k < 30; ++k) {
    r.sent(0);
    r.sent(0);
    EXPECT_EQ(r.plan(), 1) << k;
  }
  for (int k = 0; k < 14; ++k) {
    r.sent(0);
    r.sent(0);
    EXPECT_EQ(r.plan(), 1) << "grace " << k;
  }
  r.sent(0);
  r.sent(0);
  EXPECT_EQ(r.plan(), 0);
  r.have(0);
  EXPECT_EQ(r.plan(), -1) << "it is left alone: a query that asks starts one";
}

TEST(autoscaling_knative_kpa, bounds_rates_of_change_and_delays_downwards) {
  param::Object slow = seven;
  slow.emplace_back("max_up_rate", 1.5);
  EXPECT_EQ(after_a_minute(4, 70 * 54, 70 * 6, slow, "panic"), 6);
  param::Object delayed = seven;
  delayed.emplace_back("scale_down_delay_s", 20);
  Rounds r(knative_kpa(), 1, delayed);
  r.sent(0);
  r.plan();
  r.have(3);
  for (int k = 0; k < 60; ++k) r.sent(21);
  EXPECT_EQ(r.plan(), 3);
  for (int k = 0; k < 60; ++k) r.sent(1);
  EXPECT_EQ(r.plan(), 1) << "nothing was planned for a minute";
  EXPECT_EQ(after_a_minute(1, 7 * 54, 7 * 6, {{"metric", "rps"}, {"rps", 10}, {"min", 3}}), 3);
}

TEST(autoscaling_knative_kpa, averages_concurrency) {
  Rounds r(knative_kpa(), 1, {{"concurrency", 10}});
  r.sent(0);
  EXPECT_EQ(r.plan(), 1);
  for (int k = 0; k < 60; ++k) r.sent(k == 0 ? 13 : 0);
  EXPECT_EQ(r.plan(), 2) << "13 visits all the time, 7 each";
}

TEST(autoscaling_knative_kpa, refuses_bounds_and_windows_that_make_no_sense) {
  EXPECT_THROW(Rounds(knative_kpa(), 1, {{"min", 5}, {"max", 2}}), std::invalid_argument);
  EXPECT_THROW(Rounds(knative_kpa(), 1, {{"panic_window_s", 100}}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline
