// C5: what is held because it will probably be asked for.
//
// Whose examples these are:
//   forecast_prewarm: arXiv:2003.03423
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// A variant that loads in 30 s and answers in 30 ms, on half the memory of a device of 3.60 USD per hour; windows of 60 s.
struct Windows {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  InstanceId i;
  std::unique_ptr<ColdstartPolicy> p;
  Time now{};

  explicit Windows(const param::Object& parameters) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu", 100);
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, 30ms, 50, 30s);
    b.variant("unused", t, gpu, 0.6, 30ms, 50, 30s);
    b.pool("p", s, gpu, 1, 3.6);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    i = bench->warm(v, 0);
    p = make<ColdstartPolicy>(forecast_prewarm(), bench->setup(), parameters);
    EXPECT_EQ(held(), 0U);
  }
  /// Instances to have, which are pinned.
  std::uint32_t held() {
    EXPECT_EQ(p->round(bench->view(now)), now + 60s);
    std::vector<Prewarm> start;
    std::vector<GroupId> pin;
    p->prewarm(bench->view(now), start, pin);
    EXPECT_EQ(start.size(), pin.size());
    if (start.empty()) return 0;
    EXPECT_EQ(start.size(), 1U) << "what was never used is not loaded";
    EXPECT_EQ(start[0].group, bench->group(v));
    EXPECT_EQ(pin[0], bench->group(v));
    return start[0].instances;
  }
  std::uint32_t window(std::size_t visits) {
    for (std::size_t k = 0; k < visits; ++k) bench->cluster.send(bench->admit(ClassId{0}, now), bench->cluster.own_line(i));
    now += 60s;
    return held();
  }
};

// One visit a minute and 90 s ahead: an arrival with chance 1 - exp(-1.5), .777; then averages of .7, .49 and .343 a minute, chances of
// .650, .520 and .402.
TEST(coldstart_forecast_prewarm, holds_what_will_probably_be_asked_for) {
  Windows w(param::Object{});
  EXPECT_EQ(w.window(1), 1U);
  EXPECT_EQ(w.p->reasons()[w.p->became_idle(w.i, w.bench->view(w.now)).reason], "expected");
  EXPECT_EQ(w.window(0), 1U);
  EXPECT_EQ(w.window(0), 1U);
  EXPECT_EQ(w.window(0), 0U);
  const KeepAlive k = w.p->became_idle(w.i, w.bench->view(Time{} + 20s));
  EXPECT_EQ(k.keep, 40s) << "from the end of the last execution";
  EXPECT_EQ(w.p->reasons()[k.reason], "not_expected");
  EXPECT_EQ(Windows(param::Object{{"threshold", 0.77}}).window(1), 1U);
  EXPECT_EQ(Windows(param::Object{{"threshold", 0.78}}).window(1), 0U);
  EXPECT_EQ(Windows(param::Object{{"margin_s", 0}}).window(1), 0U) << "30 s ahead: .393";
}

TEST(coldstart_forecast_prewarm, as_many_as_are_expected_to_be_busy) {
  EXPECT_EQ(Windows(param::Object{}).window(60 * 100), 3U);  // 100 per second, 30 ms each
  EXPECT_EQ(Windows(param::Object{}).window(60 * 101), 4U);
}

// Half of 0.001 USD/s for 90 s is 0.045 USD: over 0.06 a threshold of .75, over 0.05 one of .9.
TEST(coldstart_forecast_prewarm, weighs_what_holding_and_a_cold_start_cost) {
  EXPECT_EQ(Windows(param::Object{{"cold_start_cost_usd", 0.06}}).window(1), 1U);
  EXPECT_EQ(Windows(param::Object{{"cold_start_cost_usd", 0.05}}).window(1), 0U);
}

// A query in the first minute of every five: from the second time on it is loaded in the minute before, and stopped after.
TEST(coldstart_forecast_prewarm, a_run_loads_before_a_season_comes_again) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu", 100);
  const TaskId t = b.task("classify");
  b.variant("net", t, gpu, 0.7, 30ms, 50, 30s);
  b.pool("p", s, gpu, 1);
  b.add_class(t);
  RunBench r(b);
  r.use(forecast_prewarm(), {{"method", "seasonal_naive"}, {"season_s", 300}, {"keep_alive_s", 10}, {"margin_s", 30}});
  auto source = std::make_unique<PlainSource>();
  source->names = {"classify"};
  for (int k = 0; k < 6; ++k) source->list.emplace_back(Time{} + k * 5min + 20s, 0);
  r.arrivals(std::move(source));
  r.options.duration = 30min;
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 6U);
  EXPECT_EQ(r.notes.cold_starts, 1U);
  EXPECT_GE(r.notes.started.size(), 5U) << "it was not simply kept";
}

TEST(coldstart_forecast_prewarm, refuses_a_season_of_broken_windows) {
  EXPECT_THROW(Windows({{"method", "seasonal_naive"}, {"season_s", 100}}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline
