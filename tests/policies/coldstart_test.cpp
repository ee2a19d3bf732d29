// How long idle instances are kept, what is loaded at the start, what is started again.
//
// Whose examples these are:
//   fixed_keep_alive: arXiv:2003.03423
//   hybrid_histogram: arXiv:2003.03423
//   no_keep_alive: doi:10.1287/opre.12.5.736
//   pinned_top_k: doi:10.1145/321623.321632
//   preload_and_persist: NVIDIA Triton Inference Server documentation, "Model management"
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

// Without keep-alive, or one of no time.
TEST(coldstart_no_keep_alive, stops_at_once_but_not_while_work_waits) {
  for (const bool fixed : {false, true}) {
    One x;
    RunBench r(x.b);
    if (fixed)
      r.use(fixed_keep_alive(), {{"keep_alive_s", 0}});
    else
      r.use(no_keep_alive());
    r.arrivals(at({0s, 1s, 100s}));
    r.run();
    EXPECT_EQ(r.notes.cold_starts, 2U);
    EXPECT_EQ(r.notes.delayed, 1U);
    ASSERT_EQ(r.notes.stopped.size(), 2U);
    EXPECT_EQ(r.notes.stopped[0].at, Time{} + 4s);
    EXPECT_EQ(r.notes.stopped[1].at, Time{} + 103s);
  }
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

// --- hybrid histogram ---

/// Tells the policy of executions of no time, each a given idle time after the last, and asks it at the end of the last one.
struct Told {
  One x{0s, 0s};
  ClusterBench bench{x.b};
  std::unique_ptr<ColdstartPolicy> policy;
  Observer* observer = nullptr;
  InstanceId i;
  Time now{};

  explicit Told(const param::Object& parameters = {}) : policy(make<ColdstartPolicy>(hybrid_histogram(), bench.setup(), parameters)) {
    observer = dynamic_cast<Observer*>(policy.get());
    i = bench.warm(x.v, 0);
    observer->instance_changed(i, Phase::starting, bench.view());
    execute();
  }
  void execute() {
    const VisitId v = bench.wait_at(i, ClassId{0}, now);
    observer->visit_began(bench.query(v), i, bench.view(now));
    bench.run(i, 1, now, 0s);
    observer->batch_began(i, 1, bench.view(now));
    bench.end(i, now);
    observer->batch_done(i, 1, 0s, bench.view(now));
  }
  void idle_for(Duration d, int times = 1) {
    for (int k = 0; k < times; ++k) {
      now += d;
      execute();
    }
  }
  KeepAlive answer(Duration later = 0s) { return policy->became_idle(i, bench.view(now + later)); }
  std::string_view why() { return policy->reasons()[answer().reason]; }
};

// Of 20 idle times 18 are of 30 min, one of 12, one of 45: variation 13.95, head 12 min, tail 46 min, alive from 10.8 to 50.6 min.
TEST(coldstart_hybrid_histogram, keeps_from_the_head_to_the_tail) {
  for (const double least : {13.94, 13.96}) {
    Told t({{"variation", least}});
    t.idle_for(30min, 9);
    t.idle_for(12min + 30s);
    t.idle_for(30min, 9);
    t.idle_for(45min + 10s);
    if (least > 13.95) {
      EXPECT_EQ(t.why(), "no_pattern");
      continue;
    }
    EXPECT_EQ(t.why(), "histogram");
    EXPECT_EQ(t.answer().keep, 0s);
    EXPECT_EQ(t.answer().start_again, 648s);
    // Started again and idle by then; and unused to the end.
    EXPECT_EQ(t.answer(648s).keep, 3036s - 648s);
    EXPECT_EQ(t.answer(648s).start_again, forever);
    EXPECT_EQ(t.answer(4000s).keep, 0s);
  }
}

TEST(coldstart_hybrid_histogram, without_a_pattern_keeps_for_the_range) {
  Told t;
  for (int k = 0; k < 240; ++k) t.idle_for(1min * k);
  EXPECT_EQ(t.why(), "no_pattern");  // one in each bin: variation 0
  EXPECT_EQ(t.answer().keep, 4h);
  EXPECT_EQ(t.answer(1h).keep, 3h);
  EXPECT_EQ(t.answer().start_again, forever);
}

TEST(coldstart_hybrid_histogram, few_idle_times_are_no_pattern) {
  Told t;
  t.idle_for(30min, 9);
  EXPECT_EQ(t.why(), "few_idle_times");
  EXPECT_EQ(t.answer().keep, 4h);
  t.idle_for(30min);
  EXPECT_EQ(t.why(), "histogram");
  EXPECT_EQ(t.answer().start_again, 27min);
  Told other({{"few", 3}});
  other.idle_for(30min, 3);
  EXPECT_EQ(other.why(), "histogram");
}

TEST(coldstart_hybrid_histogram, a_head_of_zero_is_kept_through) {
  Told t;
  t.idle_for(20s, 15);
  EXPECT_EQ(t.answer().keep, 66s);
  EXPECT_EQ(t.answer().start_again, forever);
}

TEST(coldstart_hybrid_histogram, beyond_the_range_the_next_is_predicted) {
  Told t;
  t.idle_for(4h, 5);  // the range itself is out of range
  t.idle_for(30min, 5);
  EXPECT_EQ(t.why(), "histogram");  // half is not most
  t.idle_for(5h, 40);
  EXPECT_EQ(t.why(), "predicted");
  Told same;
  same.idle_for(5h, 20);
  EXPECT_EQ(same.answer().keep, 0s);
  EXPECT_NEAR(to_seconds(same.answer().start_again), 0.85 * 18000, 1);
  EXPECT_NEAR(to_seconds(same.answer(4h + 30min).keep), 1.15 * 18000 - 16200, 1);
  Told few({{"few", 2}});  // too few to fit a model: their mean
  few.idle_for(5h);
  few.idle_for(7h);
  EXPECT_EQ(few.answer().start_again, from_seconds(0.85 * 6 * 3600));
}

TEST(coldstart_hybrid_histogram, the_range_is_made_of_bins) {
  Told fine({{"range_s", 3600}, {"bin_s", 10}});
  EXPECT_EQ(fine.answer().keep, 1h);
  EXPECT_THROW(Told({{"range_s", 3600}, {"bin_s", 7}}), std::invalid_argument);
  EXPECT_THROW(Told({{"range_s", 31536000}, {"bin_s", 0.5}}), std::invalid_argument);
}

// Exactly 30 min from end to arrival, load 2 min: kept at first; once it is known, each time stopped at once, loaded from 27 min on, warm
// when asked for, so 3 min of each period are waited instead of 30.
TEST(coldstart_hybrid_histogram, a_run_loads_just_before_it_is_asked) {
  One x(0s, 120s);
  RunBench r(x.b);
  r.use(hybrid_histogram());
  auto source = std::make_unique<PlainSource>();
  source->names = {"classify"};
  source->list.emplace_back(Time{}, 0);
  const Time served = Time{} + 120s;  // the first one waits for its load
  for (int k = 1; k <= 40; ++k) source->list.emplace_back(served + k * 30min, 0);
  r.arrivals(std::move(source));
  r.run();
  EXPECT_EQ(r.notes.cold_starts, 1U);
  EXPECT_EQ(r.notes.delayed, 0U);
  ASSERT_EQ(r.notes.started.size(), 32U);  // the first, one before each from the 11th on, and one for nobody at the end
  EXPECT_EQ(r.notes.stopped[0].at, served + 10 * 30min);
  for (std::size_t k = 1; k <= 30; ++k) {
    const Time end = served + static_cast<int>(k + 9) * 30min;
    EXPECT_EQ(r.notes.started[k].second, end + 27min);
    EXPECT_EQ(r.notes.stopped[k].at, end + 30min);
  }
  EXPECT_EQ(r.notes.stopped[31].at, served + 40 * 30min + from_seconds(1.1 * 31 * 60));
}

// One that comes before the instance was started again is cold; when to start again then counts from the end of its execution.
TEST(coldstart_hybrid_histogram, an_early_arrival_is_cold_and_moves_the_next_start) {
  One x(0s, 60s);
  RunBench r(x.b);
  r.use(hybrid_histogram(), {{"few", 3}, {"head", 0.4}});
  // From the execution at 60 s on: idle for 30 min three times, then 10 min; it waits a minute for its load.
  r.arrivals(at({0s, 1860s, 3660s, 5460s, 6060s}));
  r.run();
  EXPECT_EQ(r.notes.cold_starts, 2U);
  ASSERT_EQ(r.notes.started.size(), 3U);
  EXPECT_EQ(r.notes.started[1].second, Time{} + 6060s);
  EXPECT_EQ(r.notes.started[2].second, Time{} + 6120s + 27min);  // and not at 5460 s + 27 min
}

TEST(coldstart_hybrid_histogram, an_instance_lost_with_its_batch_is_not_running_any_more) {
  Told t;
  t.idle_for(30min, 10);
  t.now += 30min;
  const VisitId v = t.bench.wait_at(t.i, ClassId{0}, t.now);
  t.observer->visit_began(t.bench.query(v), t.i, t.bench.view(t.now));
  t.observer->batch_began(t.i, 1, t.bench.view(t.now));
  t.observer->instance_changed(t.i, Phase::gone, t.bench.view(t.now));
  t.observer->instance_changed(t.i, Phase::starting, t.bench.view(t.now));
  t.idle_for(200min, 1);
  EXPECT_EQ(t.answer().keep, 0s);
  EXPECT_EQ(t.answer(27min).keep, from_seconds(1.1 * 201 * 60) - 27min);  // it has been counted
}

// --- pinned_top_k ---

struct Ranked {
  WorldBuilder b;
  std::vector<VariantId> v;
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<ColdstartPolicy> policy;
  std::vector<InstanceId> i;
  explicit Ranked(const param::Object& parameters) {
    const SiteId s = b.site("s"), other = b.site("other");
    b.link(s, other, 1ms);
    const HardwareId gpu = b.hardware("gpu", 10);
    const TaskId t = b.task("classify");
    for (const char* name : {"a", "b", "c"}) v.push_back(b.variant(name, t, gpu, 0.7, 1ms, 1));
    b.pool("p", s, gpu, 1);
    b.pool("q", other, gpu, 1);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    policy = make<ColdstartPolicy>(pinned_top_k(), bench->setup(), parameters);
    for (const VariantId k : v) i.push_back(bench->warm(k, 0));
  }
  void send(std::size_t variant, int n) {
    for (int k = 0; k < n; ++k) bench->wait_at(i[variant], ClassId{0});
  }
  std::vector<GroupId> pinned(Time now) {
    EXPECT_EQ(policy->round(bench->view(now)), now + 60s);
    std::vector<Prewarm> start;
    std::vector<GroupId> pin;
    policy->prewarm(bench->view(now), start, pin);
    EXPECT_EQ(start.size(), pin.size());
    return pin;
  }
};

TEST(coldstart_pinned_top_k, ranks_by_averaged_rate_with_hysteresis) {
  Ranked x({{"k", 1}, {"weight", 0.5}});
  const auto a = std::vector{x.bench->group(x.v[0])}, b = std::vector{x.bench->group(x.v[1])};
  EXPECT_TRUE(x.pinned(Time{}).empty());  // nothing was ever asked for
  x.send(0, 100);
  x.send(1, 99);
  EXPECT_EQ(x.pinned(Time{} + 60s), a);
  x.send(0, 100);
  x.send(1, 115);
  EXPECT_EQ(x.pinned(Time{} + 120s), a);  // 75 against 82.25: not 10 % more
  x.send(0, 100);
  x.send(1, 120);
  EXPECT_EQ(x.pinned(Time{} + 180s), b);  // 87.5 against 101.125
  EXPECT_EQ(x.pinned(Time{} + 240s), b);
}

TEST(coldstart_pinned_top_k, others_have_a_fixed_keep_alive) {
  Ranked x({{"k", 1}, {"keep_alive_s", 100}});
  x.send(0, 1);
  x.pinned(Time{} + 60s);
  EXPECT_EQ(x.policy->became_idle(x.i[1], x.bench->view(Time{} + 60s)).keep, 40s);
  EXPECT_EQ(x.policy->reasons()[x.policy->became_idle(x.i[1], x.bench->view()).reason], "not_pinned");
  EXPECT_EQ(x.policy->reasons()[x.policy->became_idle(x.i[0], x.bench->view()).reason], "pinned");
}

TEST(coldstart_pinned_top_k, a_run_keeps_what_is_pinned_and_lets_it_go_with_its_pin) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu", 10);
  const TaskId t = b.task("classify");
  for (const char* name : {"a", "b"}) {
    b.variant(name, t, gpu, 0.7, 1ms, 1, 1s);
    const std::size_t c = b.add_class(t);
    b.classes[c].pin_level = PinLevel::variant;
    b.classes[c].pin = name;
  }
  b.pool("p", s, gpu, 1);
  RunBench r(b);
  r.use(pinned_top_k(), {{"k", 1}, {"keep_alive_s", 10}, {"weight", 1}});
  r.classes = 2;
  auto source = std::make_unique<PlainSource>();
  source->names = {"a", "b"};
  source->list = {{Time{} + 40s, 0}, {Time{} + 50s, 1}, {Time{} + 50s, 0}, {Time{} + 150s, 1}};
  r.arrivals(std::move(source));
  r.options.duration = 4min;
  r.run();
  // a, sent two visits, is pinned from 60 s to 120 s; then nobody was sent any, and a, idle for longer than 10 s, goes at once.
  ASSERT_GE(r.notes.stopped.size(), 2U);
  EXPECT_EQ(r.notes.stopped[0].variant, VariantId{1});
  EXPECT_EQ(r.notes.stopped[0].at, Time{} + 61s + 1ms);
  EXPECT_EQ(r.notes.stopped[1].variant, VariantId{0});
  EXPECT_EQ(r.notes.stopped[1].at, Time{} + 120s);
}

// Independent references by Zipf's law to 100 variants of one size, memory for 10, 9 of them pinned: hits are those of the 9 most popular,
// and, for the tenth place, of each other one its share among the others.
TEST(coldstart_pinned_top_k, hits_of_zipf_references_are_those_of_the_most_popular) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu", 10);
  const TaskId t = b.task("classify");
  auto source = std::make_unique<PlainSource>();
  std::vector<double> upto;
  double top = 0, rest = 0;
  for (int k = 1; k <= 100; ++k) {
    const std::string name = "v" + std::to_string(k);
    b.variant(name, t, gpu, 0.7, 0s, 1, 0s);
    const std::size_t c = b.add_class(t);
    b.classes[c].pin_level = PinLevel::variant;
    b.classes[c].pin = name;
    source->names.push_back(name);
    upto.push_back((upto.empty() ? 0 : upto.back()) + 1.0 / k);
    (k <= 9 ? top : rest) += k <= 9 ? 1.0 / k : 1.0 / k / k;
  }
  const double all = upto.back(), expected = top / all + rest / all / all / (1 - top / all);
  EXPECT_NEAR(expected, 0.5531, 1e-4);
  b.pool("p", s, gpu, 1);
  RunBench r(b);
  r.use(pinned_top_k(), {{"k", 9}, {"keep_alive_s", 31536000}, {"hysteresis", 0}, {"interval_s", 10}, {"weight", 0.1}});
  r.use(lru());
  r.classes = 100;
  Stream stream(13);
  constexpr int n = 24'000, learning = 4'000;
  for (int k = 0; k < n; ++k) {
    const double u = uniform01(stream) * all;
    source->list.emplace_back(Time{} + k * 5ms, static_cast<std::uint32_t>(std::upper_bound(upto.begin(), upto.end(), u) - upto.begin()));
  }
  r.arrivals(std::move(source));
  r.options.duration = n * 5ms;
  Simulation& run = r.make_simulation();
  while (r.notes.ends.size() < learning) ASSERT_TRUE(run.step());
  const auto before = r.notes.cold_starts;
  while (run.step()) {
  }
  EXPECT_NEAR(1 - static_cast<double>(r.notes.cold_starts - before) / (n - learning), expected, 0.012);
}

}  // namespace
}  // namespace tideline
