// Batching: B1, B3, B6.
#include "policies/builtin.h"
#include "tests/support/make_policy.h"
#include "tests/support/small_world.h"

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
  for (const auto& d : {no_batching(), timeout(), slo_aware()}) {
    const auto p = make_policy<BatchingPolicy>(d, bench.setup());
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

// Property X5: with batches of one all policies that do not drop are equal.
TEST(Batching, all_are_equal_where_the_largest_batch_is_one) {
  Line1 w;
  Bench bench(w);
  bench.cluster.set_batch_cap(bench.group(VariantId{0}), 1);
  for (int k = 0; k < 3; ++k) bench.wait(bench.cls(w.loose));
  for (const auto& d : {no_batching(), timeout(), slo_aware()}) {
    const auto p = make_policy<BatchingPolicy>(d, bench.setup());
    EXPECT_EQ(p->form(bench.i, bench.line(bench.i), bench.view()).take, 1U) << d.name;
  }
}

}  // namespace
}  // namespace tideline::test
