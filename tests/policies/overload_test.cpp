// Shedding by utilization (AC4), and accuracy before that (AC7).
//
// Whose examples these are:
//   priority_shedding: Welsh and Culler, "Adaptive overload control for busy Internet servers", USITS 2003
//   downgrade_then_shed: doi:10.1145/3617232.3624849
#include "policies/components/overload.h"
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace tideline {
namespace {

using namespace test;

// e = .1 three times, then -.4: .05 + .01, + .05, + .05, - .2 - .05.
TEST(overload_controller, follows_the_formula) {
  OverloadController c({}, 1);
  for (const auto& [utilization, p] : {std::pair{1.0, .06}, {1.0, .11}, {1.0, .16}, {.5, 0.0}, {.5, 0.0}, {1.0, .1}}) {
    c.measure(utilization);
    EXPECT_NEAR(c.value(), p, 1e-12);
  }
  for (int k = 0; k < 100; ++k) c.measure(1);
  EXPECT_EQ(c.value(), 1);
}

TEST(lowest_first, sheds_the_next_only_where_the_lowest_do_not_suffice) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  b.variant("v", t, gpu, 0.7, 10ms);
  b.pool("p", s, gpu, 1);
  for (const int priority : {5, 0}) {
    b.add_class(t);
    b.classes.back().priority = priority;
  }
  const auto world = b.build();
  LowestFirst whom(*world);
  const QueryClass &high = (*world)[world->class_of(0)], &low = (*world)[world->class_of(1)];
  const auto after = [&](double share) {
    for (int k = 0; k < 60; ++k) (void)whom.probability(low);
    for (int k = 0; k < 40; ++k) (void)whom.probability(high);
    whom.shed(share);
    const std::array p{whom.probability(low), whom.probability(high)};
    whom.shed(0);
    return p;
  };
  EXPECT_EQ(after(0), (std::array{0.0, 0.0}));
  EXPECT_EQ(after(.3), (std::array{.5, 0.0}));
  EXPECT_NEAR(after(.8)[1], .5, 1e-9);
  EXPECT_EQ(after(.8)[0], 1);
  EXPECT_EQ(after(1), (std::array{1.0, 1.0}));
}

struct Shares {
  std::array<double, 2> rejected{}, arrived{};  // by class: low, high
  double answered_qps = 0, accuracy = 0;
};

/// 200 s of Poisson arrivals of a low and a high class at one device with heavy (40 ms, .9) and light (10 ms, .6); the last 100 s count.
Shares loaded_run(const PolicyDefinition& d, double low_qps, double high_qps, bool with_heavy) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  b.variant("light", t, gpu, 0.6, 10ms);
  if (with_heavy) b.variant("heavy", t, gpu, 0.9, 40ms);
  b.pool("p", s, gpu, 1);
  for (const int priority : {0, 5}) {
    b.add_class(t);
    b.classes.back().priority = priority;
  }
  RunBench r(b);
  r.use(d);
  r.use(oldest_first());
  r.options.duration = 200s;
  r.options.drain = 600s;
  r.classes = 2;
  for (std::size_t v = 0; v < b.catalog.variants.size(); ++v) r.warm_at_start(VariantId{v}, 0);
  auto source = std::make_unique<PlainSource>();
  source->names = {"low", "high"};
  Stream draws(4);
  Shares out;
  std::vector<std::uint32_t> classes;
  for (double at = 0; at < 200;) {
    at += -std::log1p(-uniform01(draws)) / (low_qps + high_qps);
    classes.push_back(uniform01(draws) * (low_qps + high_qps) < low_qps ? 0 : 1);
    source->list.emplace_back(Time{} + from_seconds(at), classes.back());
  }
  struct ByArrival final : Recorder {
    Shares* out;
    void ended(const Visit& v, const QueryEnd& e) override {
      if (v.arrival < Time{} + 100s) return;
      ++out->arrived[v.cls.index()];
      if (e.ending == Ending::rejected) ++out->rejected[v.cls.index()];
      if (e.ending != Ending::answered) return;
      out->answered_qps += 1 / 100.0;
      out->accuracy += e.accuracy;
    }
  };
  ByArrival recorder;
  recorder.out = &out;
  r.arrivals(std::move(source));
  r.also = &recorder;
  r.run();
  out.accuracy /= 100 * out.answered_qps;
  for (std::size_t c : {0U, 1U}) out.rejected[c] /= out.arrived[c];
  return out;
}

// 160 a second for a device that serves 100: the utilization is held at .9, at the cost of those of low priority.
TEST(priority_shedding, holds_the_utilization_and_spares_the_higher_priority) {
  const Shares s = loaded_run(priority_shedding(), 100, 60, false);
  EXPECT_NEAR(s.answered_qps, 90, 3);
  EXPECT_LT(s.rejected[1], .01);
  EXPECT_NEAR(s.rejected[0], .7, .05);
  const Shares idle = loaded_run(priority_shedding(), 20, 20, false);
  EXPECT_EQ(idle.rejected[0], 0);
}

// Batches of one where four would go: 8 batches of 100 ms in a second, but 32 queries could have been served. Two devices hold an instance;
// the third has none, and that it is idle says nothing.
TEST(busy_share, counts_batches_as_they_were_or_as_large_as_they_could_be) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant(
      "v", t, gpu, 0.7, [](std::uint32_t) { return 100ms; }, 4);
  b.pool("p", s, gpu, 3);
  b.add_class(t);
  for (const auto& [utilization, share] : {std::pair{OverloadParams::Utilization::busy, .4}, {OverloadParams::Utilization::capacity, .1}}) {
    ClusterBench bench(b);
    BusyShare busy(*bench.world, utilization);
    const InstanceId i = bench.warm(v, 0);
    bench.warm(v, 1);
    EXPECT_EQ(busy.end_window(bench.view()), 0) << "nothing has passed";
    for (int k = 0; k < 8; ++k) {
      bench.wait_at(i, ClassId{0}, Time{} + k * 100ms);
      bench.run(i, 1, Time{} + k * 100ms, 100ms);
      bench.end(i, Time{} + (k + 1) * 100ms);
    }
    EXPECT_NEAR(busy.end_window(bench.view(Time{} + 1s)), share, 1e-9);
    EXPECT_EQ(busy.end_window(bench.view(Time{} + 2s)), 0) << "that was before";
  }
}

// 10 a second: heavy for all. 50: none is rejected, answers are less accurate. 130: all light, and the rest is shed, the low ones first.
TEST(downgrade_then_shed, gives_up_accuracy_before_queries) {
  const Shares few = loaded_run(downgrade_then_shed(), 5, 5, true);
  EXPECT_EQ(few.rejected[0], 0);
  EXPECT_NEAR(few.accuracy, .9, 1e-9);
  const Shares more = loaded_run(downgrade_then_shed(), 25, 25, true);
  EXPECT_EQ(more.rejected[0] + more.rejected[1], 0);
  EXPECT_GT(more.accuracy, .62);
  EXPECT_LT(more.accuracy, .85);
  const Shares many = loaded_run(downgrade_then_shed(), 90, 40, true);
  EXPECT_NEAR(many.accuracy, .6, .005);
  EXPECT_NEAR(many.answered_qps, 90, 5);
  EXPECT_LT(many.rejected[1], .05);
}

}  // namespace
}  // namespace tideline
