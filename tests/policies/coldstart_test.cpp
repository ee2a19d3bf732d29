// C1 to C3: how long idle instances are kept, what is loaded at the start.
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

struct One {
  WorldBuilder b;
  VariantId v;
  explicit One(Duration service = 1s, Duration load = 2s) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, service, 1, load);
    b.pool("p", s, gpu, 1);
    b.add_class(t);
  }
};

std::unique_ptr<PlainSource> at(std::initializer_list<Duration> times) {
  auto source = std::make_unique<PlainSource>();
  source->names = {"classify"};
  for (const Duration d : times) source->list.emplace_back(Time{} + d, 0);
  return source;
}

TEST(coldstart_fixed_keep_alive, runs_from_the_end_of_the_last_execution) {
  One x;
  ClusterBench bench(x.b);
  const auto p = make<ColdstartPolicy>(fixed_keep_alive(), bench.setup(), {{"keep_alive_s", 60}});
  const InstanceId i = bench.warm(x.v, 0, Time{} + 10s);
  EXPECT_EQ(p->became_idle(i, bench.view(Time{} + 10s)).keep, 60s);
  EXPECT_EQ(p->became_idle(i, bench.view(Time{} + 30s)).keep, 40s);  // told late: a visit on its way was called off
  EXPECT_EQ(p->became_idle(i, bench.view(Time{} + 90s)).keep, 0s);
  EXPECT_EQ(p->became_idle(i, bench.view(Time{} + 90s)).start_again, forever);
  EXPECT_EQ(make<ColdstartPolicy>(fixed_keep_alive(), bench.setup())->became_idle(i, bench.view(Time{} + 10s)).keep, 600s);
}

// Load 2 s, service 1 s, kept 60 s. The query at 0 is served from 2 to 3. One that comes 60 s later finds it warm, and the
// time starts anew at 64; the next one, at 125, is cold: the instance is gone since 124.
TEST(coldstart_fixed_keep_alive, a_run_keeps_the_instance_from_end_to_end_of_execution) {
  One x;
  RunBench r(x.b);
  r.use(fixed_keep_alive(), {{"keep_alive_s", 60}});
  r.arrivals(at({0s, 63s, 125s}));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 3U);
  EXPECT_EQ(r.notes.cold_starts, 2U);
  EXPECT_EQ(r.notes.ends[0].finish, Time{} + 3s);
  EXPECT_EQ(r.notes.ends[1].finish, Time{} + 64s);  // an arrival at the very end of the time is in time
  EXPECT_EQ(r.notes.ends[2].finish, Time{} + 128s);
  ASSERT_EQ(r.notes.stopped.size(), 2U);
  EXPECT_EQ(r.notes.stopped[0].at, Time{} + 124s);
  EXPECT_EQ(r.notes.stopped[1].at, Time{} + 188s);
}

// C1: unload at once when idle.
TEST(coldstart_fixed_keep_alive, zero_stops_at_once_but_not_while_work_waits) {
  One x;
  RunBench r(x.b);
  r.use(fixed_keep_alive(), {{"keep_alive_s", 0}});
  r.arrivals(at({0s, 1s, 100s}));
  r.run();
  EXPECT_EQ(r.notes.cold_starts, 2U);
  EXPECT_EQ(r.notes.delayed, 1U);
  ASSERT_EQ(r.notes.stopped.size(), 2U);
  EXPECT_EQ(r.notes.stopped[0].at, Time{} + 4s);
  EXPECT_EQ(r.notes.stopped[1].at, Time{} + 103s);
}

// policies.md C3: Poisson arrivals at 6/h, 10 min, no load or service time: cold share exp(-1) = 0.3679; warm and idle for
// 6.32 min per request.
TEST(coldstart_fixed_keep_alive, poisson_arrivals_are_cold_with_probability_exp_minus_rate_times_time) {
  One x(0s, 0s);
  RunBench r(x.b);
  r.use(fixed_keep_alive());
  constexpr int n = 100'000;
  r.arrivals(std::make_unique<PoissonSource>(3, 6.0 / 3600, n));
  r.options.duration = forever;
  r.run();
  const double cold = static_cast<double>(r.notes.cold_starts) / n;
  EXPECT_NEAR(cold, 0.3679, 0.006);  // four standard errors
  double warm_s = 0;
  ASSERT_EQ(r.notes.started.size(), r.notes.stopped.size());
  for (std::size_t k = 0; k < r.notes.stopped.size(); ++k) warm_s += to_seconds(r.notes.stopped[k].at - r.notes.started[k].second);
  EXPECT_NEAR(warm_s / n / 60, 6.32, 0.06);
}

struct Catalogue {
  WorldBuilder b;
  VariantId a, c, d, other;
  HardwareId gpu;
  Catalogue() {
    const SiteId edge = b.site("edge"), core = b.site("core");
    b.link(edge, core, 1ms);
    gpu = b.hardware("gpu", 10);
    const TaskId t = b.task("classify");
    a = b.variant("a", t, gpu, 0.6, 1ms, 4, 1s);
    c = b.variant("c", t, gpu, 0.8, 1ms, 6, 1s);
    d = b.variant("d", t, gpu, 0.7, 1ms, 5, 1s);
    other = b.variant("unasked", b.task("detect"), gpu, 0.9, 1ms, 1, 1s);
    b.pool("p", edge, gpu, 1);
    b.pool("q", core, gpu, 2);
    b.add_class(t);
  }
};

TEST(coldstart_preload_and_persist, starts_candidates_in_order_of_accuracy_at_every_site) {
  Catalogue x;
  ClusterBench bench(x.b);
  const auto p = make<ColdstartPolicy>(preload_and_persist(), bench.setup());
  std::vector<Prewarm> start;
  std::vector<GroupId> pin;
  p->prewarm(bench.view(), start, pin);
  ASSERT_EQ(start.size(), 6U);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(start[k].group, bench.group(std::vector{x.c, x.d, x.a}[k / 2], SiteId{k % 2}));
    EXPECT_EQ(start[k].instances, 1U);
  }
  EXPECT_EQ(p->became_idle(bench.warm(x.a, 0), bench.view()).keep, forever);
}

TEST(coldstart_preload_and_persist, the_list_of_variants_restricts_and_is_checked) {
  Catalogue x;
  ClusterBench bench(x.b);
  const auto p = make<ColdstartPolicy>(preload_and_persist(), bench.setup(), {{"variants", param::List{"a"}}, {"per_device", true}});
  std::vector<Prewarm> start;
  std::vector<GroupId> pin;
  p->prewarm(bench.view(), start, pin);
  ASSERT_EQ(start.size(), 2U);
  EXPECT_EQ(start[0].instances, 1U);
  EXPECT_EQ(start[1].instances, 2U);
  EXPECT_THROW(make<ColdstartPolicy>(preload_and_persist(), bench.setup(), {{"variants", param::List{"unaskd"}}}), std::invalid_argument);
}

TEST(coldstart_preload_and_persist, a_run_loads_until_memory_is_full_and_keeps_it) {
  Catalogue x;
  RunBench r(x.b);
  r.use(preload_and_persist());
  r.use(best_fit());
  r.options.duration = 48h;
  r.options.drain = 0s;
  r.run();
  const auto have = [&](VariantId v, std::size_t site) { return r.simulation().cluster().row(r.world().group(v, SiteId{site})).warm(); };
  EXPECT_EQ(have(x.c, 0), 1U);  // 6 of 10 bytes
  EXPECT_EQ(have(x.d, 0), 0U);  // 5: no room
  EXPECT_EQ(have(x.a, 0), 1U);  // 4: room
  EXPECT_EQ(have(x.c, 1) + have(x.d, 1) + have(x.a, 1), 3U);
  EXPECT_TRUE(r.notes.stopped.empty());
}

}  // namespace
}  // namespace tideline
