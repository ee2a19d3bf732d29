// Batching: B1 to B7, B9.
//
// Whose examples these are:
//   aimd: Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017
//   dynamic_batcher: NVIDIA Triton Inference Server documentation, "Batchers"
//   early_drop: doi:10.1145/3341301.3359658
//   fixed_size: Bailey, Journal of the Royal Statistical Society B 16(1), 1954
//   no_batching: Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017
//   proteus_batching: doi:10.1145/3617232.3624849
//   slo_aware: doi:10.1145/3341301.3359658
//   timeout: TensorFlow Serving documentation, "Batching guide"
#include "policies/builtin.h"
#include "tests/support/make_policy.h"
#include "tests/support/run_bench.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tideline::test {
namespace {

Time at(Duration d) { return Time{} + d; }

/// One instance of l(b) = 4 ms + b ms, b = 1 .. 8, at the second of two sites, 3 ms apart.
struct Line1 {
  WorldBuilder b;
  std::size_t plain, tight, loose;
  Line1() {
    const SiteId s = b.site("s"), far = b.site("far");
    b.link(s, far, 3ms);
    const TaskId t = b.task("t");
    const HardwareId h = b.hardware("gpu");
    b.variant(
        "v", t, h, 0.7, [](std::uint32_t n) { return 4ms + n * 1ms; }, 8);
    b.pool("p", s, h, 1);
    plain = b.add_class(t);
    tight = b.add_class(t, 10ms);
    loose = b.add_class(t, 100ms);
  }
};

struct Bench : ClusterBench {
  explicit Bench(const Line1& w) : ClusterBench(w.b), i(warm(VariantId{0}, 0)) {}
  ClassId cls(std::size_t declaration) const { return world->class_of(declaration); }
  VisitId wait(ClassId c, Time when = {}, std::uint16_t items = 1, SiteId origin = SiteId{0}) {
    const VisitId v = admit(c, when, items, origin);
    cluster.send(v, cluster.own_line(i));
    cluster.join(v, when);
    return v;
  }
  InstanceId i;
};

TEST(NoBatching, starts_one_query_at_a_time) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(no_batching(), bench.setup());
  for (int k = 0; k < 5; ++k) bench.wait(bench.cls(w.plain));
  const Batch b = p->form(bench.i, bench.line(bench.i), bench.view());
  EXPECT_EQ(b.take, 1U);
  EXPECT_EQ(b.drop, 0U);
}

TEST(NoBatching, drops_what_no_instance_could_run) {
  Line1 w;
  Bench bench(w);
  bench.wait(bench.cls(w.plain), {}, 9);
  for (const auto& [d, params] : std::vector<std::pair<PolicyDefinition, param::Object>>{{no_batching(), {}},
                                                                                         {timeout(), {}},
                                                                                         {slo_aware(), {}},
                                                                                         {fixed_size(), {{"batch_size", 4}}},
                                                                                         {dynamic_batcher(), {}},
                                                                                         {aimd(), {{"target_s", 1}}},
                                                                                         {early_drop(), {}},
                                                                                         {proteus_batching(), {}}}) {
    const auto p = make_policy<BatchingPolicy>(d, bench.setup(), params);
    const Batch b = p->form(bench.i, bench.line(bench.i), bench.view());
    EXPECT_EQ(b.drop, 1U) << d.name;
    EXPECT_EQ(b.take, 0U) << d.name;
  }
}

// B3: "lone request waits exactly T".
TEST(TimeoutBatching, a_lone_query_waits_exactly_the_timeout) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(timeout(), bench.setup(), {{"timeout_s", 0.02}, {"max_batch_size", 4}});
  bench.wait(bench.cls(w.plain), at(5ms));
  const Batch waits = p->form(bench.i, bench.line(bench.i), bench.view(at(5ms)));
  EXPECT_EQ(waits.take, 0U);
  EXPECT_EQ(waits.retry, at(25ms));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(25ms) - Duration{1})).take, 0U);
  const Batch goes = p->form(bench.i, bench.line(bench.i), bench.view(at(25ms)));
  EXPECT_EQ(goes.take, 1U);
  EXPECT_EQ(p.why(goes.reason), "timeout");
}

// B3: "batch leaves when full or when the oldest task in it has waited the timeout".
TEST(TimeoutBatching, a_full_batch_starts_at_once_and_the_oldest_counts) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(timeout(), bench.setup(), {{"timeout_s", 0.02}, {"max_batch_size", 4}});
  for (int k = 0; k < 3; ++k) bench.wait(bench.cls(w.plain), at(k * 6ms));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(12ms))).retry, at(20ms)) << "of the oldest";
  bench.wait(bench.cls(w.plain), at(13ms));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(13ms))).take, 4U);
  bench.wait(bench.cls(w.plain), at(14ms));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(50ms))).take, 4U) << "expired while the instance was busy: the cap";
}

TEST(TimeoutBatching, without_a_timeout_it_takes_what_is_there) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(timeout(), bench.setup(), {{"timeout_s", 0.0}});
  for (int k = 0; k < 3; ++k) bench.wait(bench.cls(w.plain));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 3U);
  for (int k = 0; k < 9; ++k) bench.wait(bench.cls(w.plain));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 8U) << "the instance's largest batch";
}

// B3: beyond max_enqueued_batches * max_batch_size a query is refused.
TEST(TimeoutBatching, bounds_a_line_in_full_batches) {
  Line1 w;
  Bench bench(w);
  const auto bound = [&](param::Object params) {
    return make_policy<BatchingPolicy>(timeout(), bench.setup(), std::move(params))->line_bound(VariantId{0}, *bench.world);
  };
  EXPECT_EQ(bound({}), unbounded);
  EXPECT_EQ(bound({{"max_enqueued_batches", 10}, {"max_batch_size", 4}}), 40U);
  EXPECT_EQ(bound({{"max_enqueued_batches", 10}}), 80U) << "the variant's largest batch is 8";
  EXPECT_EQ(bound({{"max_enqueued_batches", 0}}), 0U);
}

TEST(TimeoutBatching, counts_items) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(timeout(), bench.setup(), {{"timeout_s", 1.0}, {"max_batch_size", 4}});
  bench.wait(bench.cls(w.plain), {}, 3);
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 0U);
  bench.wait(bench.cls(w.plain), {}, 2);
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 1U) << "the next does not fit: as full as it gets";
  Bench large(w);
  large.wait(large.cls(w.plain), {}, 7);
  EXPECT_EQ(p->form(large.i, large.line(large.i), large.view()).take, 1U) << "larger than the cap: alone";
}

// B6: "largest b<=queue with now+l(b)<=deadline of oldest; drop oldest if even b=1 misses".
TEST(SloAware, takes_the_largest_batch_with_which_the_oldest_is_in_time) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup());
  for (int k = 0; k < 8; ++k) bench.wait(bench.cls(w.tight));
  const auto form = [&](Duration t) { return p->form(bench.i, bench.line(bench.i), bench.view(at(t))); };
  EXPECT_EQ(form(0ms).take, 6U);  // 4 + 6 = 10
  EXPECT_EQ(p.why(form(0ms).reason), "deadline");
  EXPECT_EQ(form(1ms).take, 5U);
  EXPECT_EQ(form(5ms).take, 1U);
  EXPECT_EQ(form(5ms).drop, 0U);
  EXPECT_EQ(form(5ms + Duration{1}).drop, 8U);
  EXPECT_EQ(form(5ms + Duration{1}).take, 0U);
}

// The example of B7 with the rule of B6: l(b) = b + 4, deadlines 4.5, 9, 9, 9, 9 at 0: the first is dropped, then four finish at 8.
TEST(SloAware, drops_from_the_head_and_starts_the_rest) {
  Line1 w;
  auto b = w.b;
  const TaskId t{0};
  const std::size_t hopeless = b.add_class(t, 4500us), nine = b.add_class(t, 9ms);
  ClusterBench bench(b);
  const InstanceId i = bench.warm(VariantId{0}, 0);
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup());
  // Its SLO is below the fastest answer, so selection would not choose it; batching copes all the same.
  bench.wait_at(i, bench.world->class_of(hopeless));
  for (int k = 0; k < 4; ++k) bench.wait_at(i, bench.world->class_of(nine));
  const Batch x = p->form(i, bench.line(i), bench.view());
  EXPECT_EQ(x.drop, 1U);
  EXPECT_EQ(x.take, 4U);
  EXPECT_EQ(p.why(x.reason), "all");
}

TEST(SloAware, never_drops_a_query_without_an_slo) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup());
  for (int k = 0; k < 12; ++k) bench.wait(bench.cls(w.plain));
  const Batch b = p->form(bench.i, bench.line(bench.i), bench.view(at(24h)));
  EXPECT_EQ(b.drop, 0U);
  EXPECT_EQ(b.take, 8U);
  EXPECT_EQ(p.why(b.reason), "cap");
}

TEST(SloAware, without_dropping_the_late_hold_nobody_up) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup(), {{"drop", false}});
  bench.wait(bench.cls(w.tight), at(0ms));
  for (int k = 0; k < 7; ++k) bench.wait(bench.cls(w.tight), at(6ms));
  const Batch b = p->form(bench.i, bench.line(bench.i), bench.view(at(8ms)));  // due 10 (lost) and 16
  EXPECT_EQ(b.drop, 0U);
  EXPECT_EQ(b.take, 4U);  // 8 + 4 + 4 = 16
  const Batch all_late = p->form(bench.i, bench.line(bench.i), bench.view(at(1s)));
  EXPECT_EQ(all_late.take, 8U);
}

TEST(SloAware, leaves_time_for_the_margin_and_the_way_back) {
  Line1 w;
  Bench bench(w);
  for (int k = 0; k < 8; ++k) bench.wait(bench.cls(w.tight), {}, 1, SiteId{1});
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup());
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 3U);  // 4 + 3 + 3 back
  const auto q = make_policy<BatchingPolicy>(slo_aware(), bench.setup(), {{"margin_s", "2ms"}});
  EXPECT_EQ(q->form(bench.i, bench.line(bench.i), bench.view()).take, 1U);
}

TEST(SloAware, counts_items) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup());
  for (int k = 0; k < 4; ++k) bench.wait(bench.cls(w.tight), {}, 2);
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 3U);         // 6 items take 10 ms
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(3ms))).take, 1U);  // 2 items take 6 ms
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(5ms))).drop, 4U);
}

TEST(SloAware, in_the_order_of_deadlines_the_first_that_can_be_in_time_sets_the_size) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(slo_aware(), bench.setup(), {{"order", "deadline"}});
  EXPECT_EQ(p->order(), LineOrder::by_deadline);
  EXPECT_EQ(make_policy<BatchingPolicy>(slo_aware(), bench.setup())->order(), LineOrder::by_arrival);
}

// B2: "start only when exactly B are queued (option flush timer)".
TEST(FixedSize, starts_only_full_batches) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(fixed_size(), bench.setup(), {{"batch_size", 3}});
  bench.wait(bench.cls(w.plain));
  bench.wait(bench.cls(w.plain));
  const Batch waits = p->form(bench.i, bench.line(bench.i), bench.view(at(1h)));
  EXPECT_EQ(waits.take, 0U);
  EXPECT_EQ(waits.retry, at(1h + 1s)) << "to see whether it drains";
  bench.wait(bench.cls(w.plain));
  bench.wait(bench.cls(w.plain));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 3U);
  const auto q = make_policy<BatchingPolicy>(fixed_size(), bench.setup(), {{"batch_size", 5}, {"timeout_s", 0.02}});
  EXPECT_EQ(q->form(bench.i, bench.line(bench.i), bench.view()).retry, at(20ms));
  EXPECT_EQ(q->form(bench.i, bench.line(bench.i), bench.view(at(20ms))).take, 4U);
  bench.cluster.drain(bench.i, {});
  EXPECT_EQ(q->form(bench.i, bench.line(bench.i), bench.view()).take, 4U) << "nobody will join any more";
}

// Two instances, one of which has one query in its line when the plan of a schedule drains it.
TEST(FixedSize, a_run_serves_who_is_left_where_an_instance_drains) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu");
  const VariantId v = b.variant(
      "v", t, h, 0.7, [](std::uint32_t n) { return 4ms + n * 1ms; }, 8);
  b.pool("p", s, h, 2);
  b.add_class(t);
  RunBench r(b);
  r.use(fixed_size(), {{"batch_size", 3}});
  r.use(round_robin());
  r.use(scheduled(), {{"schedule", param::List{"00:00 v@s=2", "00:01 v@s=1"}}, {"interval_s", 60}});
  r.warm_at_start(v, 0);
  r.warm_at_start(v, 1);
  auto source = std::make_unique<PlainSource>();
  source->names = {"t"};
  for (int k = 0; k < 2; ++k) source->list.emplace_back(at(58s), 0);
  for (int k = 0; k < 2; ++k) source->list.emplace_back(at(70s), 0);
  r.arrivals(std::move(source));
  r.options.duration = 5min;
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 4U);
  for (const QueryEnd& e : r.notes.ends) EXPECT_EQ(e.ending, Ending::answered);
  EXPECT_EQ(r.notes.ends[0].batch, 1U) << "left where it drained";
  EXPECT_LE(r.notes.ends[0].finish, at(61s + 5ms));
  EXPECT_EQ(r.notes.ends[1].batch, 3U);
}

/// Mean time in ms from arrival to answer of Poisson queries, `rate` per ms, at one instance of l(b) = 4 + b ms.
double mean_ms(double rate, const PolicyDefinition& policy, const param::Object& params, std::uint64_t queries) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu");
  const VariantId v = b.variant(
      "v", t, h, 0.7, [](std::uint32_t n) { return 4ms + n * 1ms; }, 16);
  b.pool("p", s, h, 1);
  b.add_class(t);
  RunBench r(b);
  r.use(policy, params);
  r.warm_at_start(v, 0);
  r.arrivals(std::make_unique<PoissonSource>(7, 1000 * rate, queries));
  r.options.drain = 1h;
  r.run();
  return 1000 * r.notes.sum_s / static_cast<double>(r.notes.ends.size());
}

// Full batches only, M/D^B/1, exact (transforms): B = 4. Light load: (B - 1) / (2 rate) + l(B).
TEST(FixedSize, has_the_mean_of_a_queue_with_bulk_service) {
  const param::Object four{{"batch_size", 4}};
  EXPECT_NEAR(mean_ms(0.05, fixed_size(), four, 50'000), 38.00131, 0.02 * 38);
  EXPECT_NEAR(mean_ms(0.1, fixed_size(), four, 50'000), 23.01646, 0.02 * 23);
  EXPECT_NEAR(mean_ms(0.3, fixed_size(), four, 100'000), 13.78701, 0.02 * 14);
  EXPECT_NEAR(mean_ms(0.002, fixed_size(), four, 20'000), 3 / (2 * 0.002) + 8, 0.02 * 758);
}

// B4: "preferred {4,8}, max 8, 6 queued, delay 0 -> batch 4 then 2".
TEST(DynamicBatcher, takes_the_largest_preferred_size_then_what_is_left) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(dynamic_batcher(), bench.setup(), {{"preferred_batch_sizes", param::List{8, 4}}});
  for (int k = 0; k < 6; ++k) bench.wait(bench.cls(w.plain));
  const Batch four = p->form(bench.i, bench.line(bench.i), bench.view());
  EXPECT_EQ(four.take, 4U);
  EXPECT_EQ(p.why(four.reason), "preferred");
  bench.run(bench.i, 4, {}, 8ms);
  bench.end(bench.i, at(8ms));
  const Batch two = p->form(bench.i, bench.line(bench.i), bench.view(at(8ms)));
  EXPECT_EQ(two.take, 2U);
  EXPECT_EQ(p.why(two.reason), "delayed");
}

// B4: "delay 100 us, 3 queued at t=0 -> leaves at 100 us with 3, or at the 4th arrival".
TEST(DynamicBatcher, waits_the_delay_for_a_preferred_size) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(dynamic_batcher(), bench.setup(),
                                             {{"preferred_batch_sizes", param::List{4, 8}}, {"max_queue_delay_s", "100us"}});
  for (int k = 0; k < 3; ++k) bench.wait(bench.cls(w.plain));
  const Batch waits = p->form(bench.i, bench.line(bench.i), bench.view());
  EXPECT_EQ(waits.take, 0U);
  EXPECT_EQ(waits.retry, at(100us));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(100us))).take, 3U);
  bench.wait(bench.cls(w.plain), at(50us));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view(at(50us))).take, 4U);
}

TEST(DynamicBatcher, without_preferred_sizes_waits_for_the_largest) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(dynamic_batcher(), bench.setup(), {{"max_queue_delay_s", "1ms"}});
  for (int k = 0; k < 7; ++k) bench.wait(bench.cls(w.plain));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 0U);
  bench.wait(bench.cls(w.plain));
  const Batch b = p->form(bench.i, bench.line(bench.i), bench.view());
  EXPECT_EQ(b.take, 8U);
  EXPECT_EQ(p.why(b.reason), "largest");
}

TEST(DynamicBatcher, drops_the_head_after_its_timeout_and_bounds_the_line) {
  Line1 w;
  Bench bench(w);
  const auto p = make_policy<BatchingPolicy>(dynamic_batcher(), bench.setup(),
                                             {{"default_timeout_s", "5ms"}, {"max_queue_delay_s", "20ms"}, {"max_queue_size", 3}});
  bench.wait(bench.cls(w.plain));
  EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).retry, at(5ms));
  const Batch b = p->form(bench.i, bench.line(bench.i), bench.view(at(5ms)));
  EXPECT_EQ(b.drop, 1U);
  EXPECT_EQ(p.why(b.reason), "timed_out");
  EXPECT_EQ(p->line_bound(VariantId{0}, *bench.world), 3U);
  EXPECT_EQ(p->order(), LineOrder::by_arrival);
  const auto q = make_policy<BatchingPolicy>(dynamic_batcher(), bench.setup(), {{"order", "priority"}});
  EXPECT_EQ(q->line_bound(VariantId{0}, *bench.world), unbounded);
  EXPECT_EQ(q->order(), LineOrder::by_priority);
}

/// An instance of l(b) = 5 ms + b/2 ms, b = 1 .. 64, with a long line; each batch takes its profile times a factor.
struct Learner {
  WorldBuilder b;
  std::unique_ptr<ClusterBench> bench;
  InstanceId i;
  std::unique_ptr<BatchingPolicy> p;
  Time now{};

  Learner(const param::Object& params, std::size_t waiting = 5000) {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId h = b.hardware("gpu");
    b.variant(
        "v", t, h, 0.7, [](std::uint32_t n) { return 5ms + n * 500us; }, 64);
    b.pool("p", s, h, 1);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    i = bench->warm(VariantId{0}, 0);
    p = make<BatchingPolicy>(aimd(), bench->setup(), params);
    observer().instance_changed(i, Phase::starting, bench->view());
    for (std::size_t k = 0; k < waiting; ++k) bench->wait_at(i, ClassId{0});
  }
  Observer& observer() { return dynamic_cast<Observer&>(*p); }
  /// Runs the next batch and answers its size.
  std::uint32_t batch(double factor = 1) {
    const Batch x = p->form(i, bench->line(i), bench->view(now));
    if (x.take == 0) return 0;
    const Duration took = from_seconds(factor * to_seconds(5ms + x.take * 500us));
    bench->run(i, x.take, now, took);
    now += took;
    bench->end(i, now);
    observer().batch_done(i, x.take, took, bench->view(now));
    return x.take;
  }
};

// B5: "l=5+.5b, target 20, a=4: caps 1,5,...,29,33,29,33,... (max feasible 30)".
TEST(Aimd, adds_while_in_time_and_backs_off_by_a_tenth) {
  Learner l({{"target_s", "20ms"}, {"increase", 4}});
  std::vector<std::uint32_t> caps;
  for (int k = 0; k < 12; ++k) caps.push_back(l.batch());
  EXPECT_EQ(caps, (std::vector<std::uint32_t>{1, 5, 9, 13, 17, 21, 25, 29, 33, 29, 33, 29}));
}

TEST(Aimd, a_batch_below_the_cap_tells_nothing) {
  Learner l({{"target_s", "20ms"}, {"increase", 4}}, 1 + 5 + 3);
  EXPECT_EQ(l.batch(), 1U);
  EXPECT_EQ(l.batch(), 5U);
  EXPECT_EQ(l.batch(), 3U) << "all that is left";
  for (int k = 0; k < 20; ++k) l.bench->wait_at(l.i, ClassId{0}, l.now);
  EXPECT_EQ(l.batch(), 9U);
}

TEST(Aimd, never_goes_beyond_the_largest_batch_or_below_one) {
  Learner l({{"target_s", "1s"}, {"increase", 100}});
  EXPECT_EQ(l.batch(), 1U);
  EXPECT_EQ(l.batch(), 64U);
  EXPECT_EQ(l.batch(), 64U);
  Learner slow(param::Object{{"target_s", "1ms"}});
  for (int k = 0; k < 5; ++k) EXPECT_EQ(slow.batch(), 1U);
}

TEST(Aimd, a_new_instance_in_a_used_slot_begins_at_one) {
  Learner l({{"target_s", "20ms"}, {"increase", 4}});
  for (int k = 0; k < 4; ++k) l.batch();
  l.observer().instance_changed(l.i, Phase::starting, l.bench->view());
  EXPECT_EQ(l.batch(), 1U);
}

TEST(Aimd, delayed_batching_waits_for_the_cap) {
  Learner l({{"target_s", "20ms"}, {"increase", 4}, {"wait_s", "2ms"}}, 3);
  EXPECT_EQ(l.batch(), 1U) << "the cap";
  l.now = at(1ms);
  const Batch waits = l.p->form(l.i, l.bench->line(l.i), l.bench->view(l.now));
  EXPECT_EQ(waits.take, 0U);
  EXPECT_EQ(waits.retry, at(2ms));
  l.now = at(2ms);
  EXPECT_EQ(l.batch(), 2U);
}

// The estimator finds the largest feasible batch, 30, by itself and stays there.
TEST(Aimd, the_estimator_settles_at_the_largest_feasible_batch) {
  Learner l({{"target_s", "20ms"}, {"form", "estimator"}});
  std::vector<std::uint32_t> caps;
  for (int k = 0; k < 10; ++k) caps.push_back(l.batch());
  EXPECT_EQ(caps, (std::vector<std::uint32_t>{1, 2, 4, 8, 16, 30, 30, 30, 30, 30}));
}

TEST(Aimd, the_estimator_leaves_room_for_what_varies) {
  Learner l({{"target_s", "20ms"}, {"form", "estimator"}}, 10'000);
  std::uint32_t last = 0;
  for (int k = 0; k < 200; ++k) last = l.batch(k % 2 == 0 ? 1.1 : 0.9);
  // At 1.1 times the profile the largest feasible batch is 26.
  EXPECT_GE(last, 24U);
  EXPECT_LE(last, 28U);
}

/// An instance of l(b) = 4 ms + b ms, b up to 8, and queries with a given deadline.
struct Deadlines {
  WorldBuilder b;
  std::unique_ptr<ClusterBench> bench;
  InstanceId i;
  explicit Deadlines(std::vector<Duration> slos, const PolicyDefinition& d, const param::Object& params = {}, std::uint16_t items = 1) {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId h = b.hardware("gpu");
    b.variant(
        "v", t, h, 0.7, [](std::uint32_t n) { return 4ms + n * 1ms; }, 8);
    b.pool("p", s, h, 1);
    for (const Duration slo : slos) b.add_class(t, slo);
    bench = std::make_unique<ClusterBench>(b);
    p = make<BatchingPolicy>(d, bench->setup(), params);
    bench->cluster.set_line_rules(s, p->order(), {});
    i = bench->warm(VariantId{0}, 0);
    for (std::size_t k = 0; k < slos.size(); ++k) join(k, {}, items);
  }
  void join(std::size_t declaration, Time when, std::uint16_t items = 1) {
    const VisitId v = bench->admit(bench->world->class_of(declaration), when, items);
    bench->cluster.send(v, bench->cluster.own_line(i));
    bench->cluster.join(v, when);
  }
  Batch form(Duration t = {}) { return p->form(i, bench->line(i), bench->view(at(t))); }
  std::unique_ptr<BatchingPolicy> p;
};

// B7: "l(b)=b+4, B=4, queue deadlines (5.5,9,9,9,9) at t=0 -> 5.5 dropped, batch of 4 finishing at 8". 5.5 could be in time alone.
TEST(EarlyDrop, gives_up_who_would_be_late_in_a_batch_of_the_target) {
  Deadlines w({9ms, 9ms, 5500us, 9ms, 9ms}, early_drop(), {{"batch_size", 4}});
  const Batch b = w.form();
  EXPECT_EQ(b.drop, 1U);
  EXPECT_EQ(b.take, 4U);
  EXPECT_EQ(w.p->reasons()[b.reason], "target");
  Deadlines lazy({9ms, 9ms, 5500us, 9ms, 9ms}, slo_aware(), {{"order", "deadline"}});
  EXPECT_EQ(lazy.form().drop, 0U) << "the rule that it is compared with serves it alone";
  EXPECT_EQ(lazy.form().take, 1U);
}

// B7: "if fewer remain than B, recompute finish with the reduced size (already dropped ones stay dropped)".
TEST(EarlyDrop, what_is_left_is_the_batch) {
  Deadlines w({6900us, 6900us, 20ms}, early_drop(), {{"batch_size", 4}});
  const Batch b = w.form();
  EXPECT_EQ(b.drop, 1U) << "three would be done at 7";
  EXPECT_EQ(b.take, 2U) << "two are done at 6";
  EXPECT_EQ(w.form(16ms).drop, 3U);
  EXPECT_EQ(w.form(16ms).take, 0U);
  EXPECT_EQ(w.form(15ms).drop, 2U);
  EXPECT_EQ(w.form(15ms).take, 1U) << "done when it is due";
}

TEST(EarlyDrop, those_without_slo_are_never_dropped) {
  Deadlines w({forever, 5ms, forever}, early_drop());
  EXPECT_EQ(w.form().drop, 1U);
  EXPECT_EQ(w.form().take, 2U);
  EXPECT_EQ(w.form(1h).take, 2U);
}

TEST(EarlyDrop, counts_items) {
  Deadlines w({6500us, 7500us}, early_drop(), {{"batch_size", 4}}, 3);
  w.join(1, {}, 1);
  const Batch b = w.form();
  EXPECT_EQ(b.drop, 2U) << "four items would be done at 8";
  EXPECT_EQ(b.take, 1U);
}

// B9: "l(b)=4+b, D1=20: q=1 -> wait to 14; 2nd arrival at 3 -> 13; third at 12.5 -> now > T_wait(4)=12 -> run 3 at 12.5, done 19.5<=20".
TEST(ProteusBatching, waits_while_one_more_would_be_in_time) {
  Deadlines w({20ms}, proteus_batching(), {{"max_batch_size", 8}});
  EXPECT_EQ(w.form().take, 0U);
  EXPECT_EQ(w.form().retry, at(14ms));
  w.join(0, at(3ms));
  EXPECT_EQ(w.form(3ms).retry, at(13ms));
  w.join(0, at(12500us));
  const Batch b = w.form(12500us);
  EXPECT_EQ(b.take, 3U);
  EXPECT_EQ(b.drop, 0U);
  EXPECT_EQ(w.p->reasons()[b.reason], "due");
}

TEST(ProteusBatching, what_is_there_starts_when_the_wait_is_over) {
  Deadlines w({20ms}, proteus_batching());
  EXPECT_EQ(w.form(14ms - Duration{1}).take, 0U);
  EXPECT_EQ(w.form(14ms).take, 1U);
  EXPECT_EQ(w.form(15ms).take, 1U) << "the wait ended while a batch ran";
  EXPECT_EQ(w.form(15ms + Duration{1}).drop, 1U);
}

TEST(ProteusBatching, the_largest_batch_starts_at_once) {
  const std::vector<Duration> six(6, 20ms);
  Deadlines w(six, proteus_batching());  // 4 + 6 is half of 20
  EXPECT_EQ(w.form().take, 6U);
  EXPECT_EQ(w.p->reasons()[w.form().reason], "full");
  Deadlines x(six, proteus_batching(), {{"slo_share", 0.4}});
  EXPECT_EQ(x.form().take, 4U);
  Deadlines y(six, proteus_batching(), {{"slo_share", 0.1}});
  EXPECT_EQ(y.form().take, 1U) << "not even one takes so little";
}

TEST(ProteusBatching, drops_who_would_be_late_in_the_batch) {
  Deadlines w({10ms, 30ms, 30ms}, proteus_batching(), {{"max_batch_size", 8}});
  const Batch b = w.form(4ms);  // three would be done at 11
  EXPECT_EQ(b.drop, 1U);
  EXPECT_EQ(b.take, 0U);
  EXPECT_EQ(b.retry, at(23ms)) << "30 - l(3)";
}

TEST(ProteusBatching, without_an_slo_nobody_waits) {
  Deadlines w({forever}, proteus_batching());
  EXPECT_EQ(w.form().take, 1U);
  Deadlines margin({20ms}, proteus_batching(), {{"margin_s", "2ms"}, {"max_batch_size", 8}});
  EXPECT_EQ(margin.form().retry, at(12ms));
}

/// Share of queries with 24 ms that are answered in time at one instance of l(b) = 4 + b ms, b up to 8; gaps of a law.
double attainment(double rate, const Law& gaps, const PolicyDefinition& policy, const param::Object& params, std::size_t queries) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu");
  const VariantId v = b.variant(
      "v", t, h, 0.7, [](std::uint32_t n) { return 4ms + n * 1ms; }, 8);
  b.pool("p", s, h, 1);
  b.add_class(t, 24ms);
  RunBench r(b);
  r.use(policy, params);
  r.warm_at_start(v, 0);
  auto source = std::make_unique<PlainSource>();
  source->names = {"t"};
  double at_s = 0;
  for (std::size_t k = 0; k < queries; ++k) {
    KeyedDraw draw(11, Purpose::service, k);
    at_s += gaps.sample(draw) / rate;
    source->list.emplace_back(Time{} + from_seconds(at_s), 0);
  }
  r.arrivals(std::move(source));
  r.run();
  std::size_t in_time = 0;
  for (const QueryEnd& e : r.notes.ends) in_time += e.ending == Ending::answered && e.load + e.queue + e.service <= 24ms ? 1 : 0;
  return static_cast<double>(in_time) / static_cast<double>(queries);
}

// B9: "uniform arrivals: ~0 violations for B5, B7, B9; Gamma(0.05): B9 best", of 0.6 per ms of a capacity of 0.667.
TEST(Batching, those_that_know_deadlines_bear_bursts_better) {
  const param::Object target{{"target_s", "12ms"}};
  const auto all = [&](double rate, const Law& gaps, std::size_t n) {
    return std::array{attainment(rate, gaps, aimd(), target, n), attainment(rate, gaps, early_drop(), {}, n),
                      attainment(rate, gaps, proteus_batching(), {}, n)};
  };
  for (const double in_time : all(600, Law{}, 5'000)) EXPECT_EQ(in_time, 1);
  for (const double rate : {300.0, 450.0, 600.0}) {
    const auto [of_aimd, of_early_drop, of_proteus] = all(rate, Law::gamma(20), 20'000);
    EXPECT_GT(of_early_drop, of_aimd + 0.1) << rate;
    EXPECT_GT(of_proteus, of_early_drop) << rate;
  }
}

// Property X5: with batches of one all policies that do not drop are equal.
TEST(Batching, all_are_equal_where_the_largest_batch_is_one) {
  Line1 w;
  Bench bench(w);
  bench.cluster.set_batch_cap(bench.group(VariantId{0}), 1);
  for (int k = 0; k < 3; ++k) bench.wait(bench.cls(w.loose));
  PolicyRegistry registry;
  add_builtin_policies(registry);
  const std::map<std::string, param::Object> given{{"fixed_size", {{"batch_size", 4}}}, {"aimd", {{"target_s", 1}}}};
  for (const PolicyDefinition& d : registry.list()) {
    if (!d.has(PolicyKind::batching)) continue;
    const auto p = make_policy<BatchingPolicy>(d, bench.setup(), given.contains(d.name) ? given.at(d.name) : param::Object{});
    const Batch batch = p->form(bench.i, bench.line(bench.i), bench.view());
    EXPECT_EQ(batch.take, 1U) << d.name;
    EXPECT_EQ(batch.drop, 0U) << d.name;
  }
}

}  // namespace
}  // namespace tideline::test
