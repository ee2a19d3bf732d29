// A10 as an autoscaler, and N2.
//
// Whose examples these are:
//   predictive: Zhang et al., USENIX ATC 2019
//   scheduled: AWS Application Auto Scaling documentation, "Scheduled scaling"
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <map>

namespace tideline {
namespace {

using namespace test;

/// A group of l(b) = 10 ms x (1 + b), b up to 8, another, and windows whose visits a test gives.
struct Site {
  WorldBuilder b;
  VariantId v, other;
  std::unique_ptr<ClusterBench> bench;
  InstanceId first;
  std::unique_ptr<AutoscalingPolicy> p;
  Time now{};

  Site(const PolicyDefinition& d, const param::Object& parameters, Duration slo = forever) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant(
        "net", t, gpu, 0.7, [](std::uint32_t n) { return 10ms * (1 + n); }, 8, 1, 90s);
    other = b.variant("other", t, gpu, 0.6, 1ms);
    b.pool("p", s, gpu, 64);
    b.add_class(t, slo);
    bench = std::make_unique<ClusterBench>(b);
    bench->cluster.set_batch_cap(bench->group(v), 8);
    first = bench->warm(v, 0);
    p = make<AutoscalingPolicy>(d, bench->setup(), parameters);
  }
  std::map<std::uint32_t, std::uint32_t> wishes() {
    Plan plan;
    p->plan(bench->view(now), plan);
    std::map<std::uint32_t, std::uint32_t> out;
    for (const Plan::Wish& w : plan.wishes) {
      EXPECT_EQ(out.count((*bench->world)[w.group].variant.index()), 0U);
      out[(*bench->world)[w.group].variant.index()] = w.instances;
      bench->cluster.set_wish(w.group, w.instances);
    }
    return out;
  }
  /// The wish for the variant, or -1 where the plan does not name it.
  int plan() {
    const auto all = wishes();
    const auto found = all.find(v.index());
    return found == all.end() ? -1 : static_cast<int>(found->second);
  }
  /// After a minute in which so many visits were sent.
  int minute(std::size_t visits) {
    for (std::size_t k = 0; k < visits; ++k) bench->cluster.send(bench->admit(ClassId{0}, now), bench->cluster.own_line(first));
    now += 60s;
    return plan();
  }
  int at(Duration t) {
    now = Time{} + t;
    return plan();
  }
};

// A10: desired = ceil(f (1 + safety) / rate at the utilization). One query at a time: 50 per second, 40 at 0.8.
TEST(autoscaling_predictive, wishes_what_the_forecast_asks_for) {
  Site s(predictive(), {{"level_weight", 1}, {"batch_size", 1}});
  EXPECT_EQ(s.plan(), -1) << "nothing was sent yet";
  EXPECT_EQ(s.minute(60 * 40), 1);
  EXPECT_EQ(s.minute(60 * 41), 2);
  EXPECT_EQ(s.minute(0), 0);
  Site safe(predictive(), {{"level_weight", 1}, {"batch_size", 1}, {"safety", 0.1}});
  EXPECT_EQ(safe.minute(60 * 37), 2);
}

TEST(autoscaling_predictive, counts_on_batches_within_a_share_of_the_slo) {
  // 8 in 90 ms; 4 in 50 ms: 80 per second, 64 at 0.8.
  Site s(predictive(), {{"level_weight", 1}}, 100ms);
  EXPECT_EQ(s.minute(60 * 64), 1);
  EXPECT_EQ(s.minute(60 * 65), 2);
  Site none(predictive(), {{"level_weight", 1}});
  EXPECT_EQ(none.minute(60 * 71), 1) << "no SLO: the largest batch, 88.9 per second";
  EXPECT_EQ(none.minute(60 * 72), 2);
}

// 100, 110, 120, 135 -> 143.75, 155, 166.25: the first load of 90 s and a window of 60 s look three windows ahead.
TEST(autoscaling_predictive, looks_ahead_as_far_as_a_load_takes) {
  const param::Object holt{{"method", "holt"}, {"batch_size", 1}, {"utilization", 0.02}};  // 1 per second
  Site s(predictive(), holt);
  int wish = 0;
  for (const std::size_t rate : {100U, 110U, 120U, 135U}) wish = s.minute(60 * rate);
  EXPECT_EQ(wish, 167);
  param::Object near = holt;
  near.emplace_back("horizon_s", 60);
  Site n(predictive(), near);
  for (const std::size_t rate : {100U, 110U, 120U, 135U}) wish = n.minute(60 * rate);
  EXPECT_EQ(wish, 144);
}

TEST(autoscaling_predictive, a_season_that_comes_again_is_served_before_it_does) {
  Site s(predictive(), {{"method", "seasonal_naive"}, {"season_s", 240}, {"batch_size", 1}, {"horizon_s", 120}});
  for (int day = 0; day < 2; ++day) {
    s.minute(60 * 30);
    s.minute(60 * 30);
    s.minute(60 * 30);
    s.minute(60 * 130);
  }
  EXPECT_EQ(s.minute(60 * 30), 1);
  EXPECT_EQ(s.minute(60 * 30), 4) << "two windows ahead is the peak";
  EXPECT_EQ(s.minute(60 * 30), 4);
  EXPECT_EQ(s.minute(60 * 130), 1);
}

TEST(autoscaling_predictive, bounds_and_refusals) {
  Site s(predictive(), {{"min", 2}, {"max", 3}, {"level_weight", 1}, {"batch_size", 1}});
  EXPECT_EQ(s.minute(1), 2);
  EXPECT_EQ(s.minute(60 * 500), 3);
  EXPECT_THROW(Site(predictive(), {{"min", 2}, {"max", 1}}), std::invalid_argument);
  EXPECT_THROW(Site(predictive(), {{"method", "holt_winters"}, {"season_s", 100}}), std::invalid_argument);
  Site little(predictive(), {{"least_rate_qps", 0.5}});
  EXPECT_EQ(little.minute(29), 0);
  EXPECT_EQ(little.minute(60), 1);
}

TEST(autoscaling_scheduled, holds_what_the_time_of_day_says) {
  Site s(scheduled(), {{"schedule", param::List{"08:00 net@s=3", "17:30 net@s=1", "1d 12:00:30 net@s=7"}}});
  EXPECT_EQ(s.at(0s), 1) << "since 17:30 of the day before";
  EXPECT_EQ(s.at(7h + 59min), -1) << "as it was: left alone";
  EXPECT_EQ(s.at(8h), 3);
  EXPECT_EQ(s.at(17h + 30min), 1);
  EXPECT_EQ(s.at(24h + 8h), 3);
  EXPECT_EQ(s.at(24h + 12h), -1);
  EXPECT_EQ(s.at(24h + 12h + 30s), 7);
  EXPECT_EQ(s.at(24h + 17h + 30min), 1);
  EXPECT_EQ(s.at(48h + 13h), 3);
}

TEST(autoscaling_scheduled, one_that_was_lost_is_wished_for_again) {
  Site s(scheduled(), {{"schedule", param::List{"00:00 net@s=1"}}});
  s.at(0s);
  EXPECT_EQ(s.at(60s), -1);
  s.bench->cluster.stop(s.first, s.now);
  s.bench->cluster.set_wish(s.bench->group(s.v), 0);
  EXPECT_EQ(s.at(120s), 1);
}

TEST(autoscaling_scheduled, is_the_maximum_of_both) {
  const param::Object over{{"schedule", param::List{"00:00 net@s=1", "01:00 net@s=3", "0d 02:00 other@s=2"}},
                           {"autoscaler", "predictive"},
                           {"params", param::Object{{"level_weight", 1}, {"batch_size", 1}}}};
  Site s(scheduled(), over);
  EXPECT_EQ(s.p->interval(), 60s) << "the other's";
  EXPECT_EQ(s.minute(60 * 70), 2);
  EXPECT_EQ(s.minute(0), 1);
  s.now = Time{} + 1h;
  EXPECT_EQ(s.minute(60 * 70), 3);
  EXPECT_EQ(s.minute(60 * 130), 4);
  s.now = Time{} + 2h;
  EXPECT_EQ(s.wishes().at(s.other.index()), 2U);
  EXPECT_EQ(s.p->reasons().back(), "scheduled");
}

TEST(autoscaling_scheduled, passes_on_what_the_other_observes) {
  Site s(scheduled(), {{"schedule", param::List{"00:00 net@s=1"}}, {"autoscaler", "demand_knapsack"}});
  auto& observer = dynamic_cast<Observer&>(*s.p);
  EXPECT_TRUE(observer.facts().arrivals);
  observer.arrived(s.bench->query(s.bench->admit(ClassId{0})), s.bench->view());
  s.at(0s);
  EXPECT_EQ(s.at(60s), 1);
  Site plain(scheduled(), {{"schedule", param::List{"00:00 net@s=1"}}});
  EXPECT_FALSE(dynamic_cast<Observer&>(*plain.p).facts().arrivals);
}

TEST(autoscaling_scheduled, refuses_what_it_cannot_read) {
  for (const char* text : {"8 net@s=1", "08:00", "24:00 net@s=1", "08:60 net@s=1", "08:00 net@s", "x 08:00 net@s=1", "08:00:61 net@s=1",
                           "08:00 nat@s=1", "d 08:00 net@s=1", "-1d 08:00 net@s=1", "1d08:00 net@s=1", ""})
    EXPECT_THROW(Site(scheduled(), {{"schedule", param::List{text}}}), std::invalid_argument) << text;
  EXPECT_THROW(Site(scheduled(), {{"schedule", param::List{}}, {"autoscaler", "none"}}), std::invalid_argument);
  EXPECT_THROW(Site(scheduled(), {{"schedule", param::List{}}, {"params", param::Object{{"interval", 1}}}}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline
