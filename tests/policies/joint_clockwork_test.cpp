// D7: Clockwork's controller.
//
// Whose examples these are:
//   clockwork: arXiv:2006.02464
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline::test {
namespace {

/// A model that takes 3, 4, 6 and 10 ms for batches of 1, 2, 4 and 8, on two devices; another of 3 ms.
struct Controller2 {
  WorldBuilder b;
  SiteId here = b.site("here");
  HardwareId gpu = b.hardware("gpu");
  TaskId task = b.task("task"), other_task = b.task("other");
  VariantId model = b.variant(
      "model", task, gpu, 0.7, [](std::uint32_t n) { return n == 1   ? 3ms
                                                            : n == 2 ? 4ms
                                                            : n <= 4 ? 6ms
                                                                     : 10ms; }, 8, 1, 50ms);
  VariantId other = b.variant("other", other_task, gpu, 0.7, 3ms);
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<Policy> made;
  InstanceId i, j;

  explicit Controller2(const param::Object& params = {{"buffer_s", 0}, {"schedule_ahead_s", 0}}) {
    b.pool("p", here, gpu, 2);
    for (const Duration slo : {5ms, 9ms, 20ms, 200ms}) b.add_class(task, slo);
    b.add_class(other_task, 12ms);
    bench = std::make_unique<ClusterBench>(b);
    bench->cluster.set_batch_cap(bench->group(model), 8);
    made = make_policy(clockwork(), params, bench->setup());
    i = bench->warm(model, 0);
    j = bench->warm(other, 0);
  }
  /// The batch for queries that arrive now, by the index of their SLO.
  Batch batch(const std::vector<std::size_t>& classes, Time now = {}) {
    for (const std::size_t k : classes) wait(k, now);
    return dynamic_cast<BatchingPolicy&>(*made).form(i, line(), bench->view(now));
  }
  void wait(std::size_t k, Time now = {}) {
    const VisitId v = bench->admit(ClassId{k}, now);
    bench->cluster.send(v, bench->cluster.shared_line(bench->group(k < 4 ? model : other)));
    bench->cluster.join(v, now);
  }
  LineView line() const { return {bench->cluster, bench->cluster.shared_line(bench->group(model))}; }
};

// Due at 5, 9, 20, 20, 20: a batch of 4 of all but the first, which only a smaller one could have served; eight are too few.
TEST(Clockwork, takes_the_largest_batch_that_every_smaller_size_has_demand_for) {
  Controller2 x;
  const Batch b = x.batch({0, 1, 2, 2, 2});
  EXPECT_EQ(b.drop, 1U);
  EXPECT_EQ(b.take, 4U);
}

TEST(Clockwork, runs_one_where_there_is_one) {
  Controller2 x;
  const Batch b = x.batch({0});
  EXPECT_EQ(b.drop, 0U);
  EXPECT_EQ(b.take, 1U);
}

// Its round comes each 0.1 s: who waits for a model that finds no room is given up once it is too late, not at the end of the run.
TEST(Clockwork, gives_up_who_waits_for_a_model_that_is_not_loaded) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu", 10);
  const TaskId task = b.task("task");
  b.variant("model", task, gpu, 0.7, 10ms, 20);  // larger than any device
  b.pool("p", here, gpu, 1);
  b.add_class(task, 200ms);
  RunBench r(b);
  r.options.duration = 2s;  // it has ten rounds each second
  r.options.drain = 1s;
  r.use(clockwork());
  auto source = std::make_unique<PlainSource>();
  source->names = {"task"};
  for (int k = 0; k < 20; ++k) source->list.emplace_back(Time{} + k * 50ms, 0);
  r.arrivals(std::move(source));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 20U);
  for (std::size_t k = 0; k < 20; ++k) {
    EXPECT_EQ(r.notes.ends[k].ending, Ending::dropped);
    // Its last start in time is 10 ms and the buffer of 5 ms before its deadline.
    const Duration after = r.notes.ends[k].finish - (Time{} + static_cast<int>(k) * 50ms);
    EXPECT_GT(after, 185ms);
    EXPECT_LE(after, 285ms);
  }
}

TEST(Clockwork, counts_who_is_too_late_in_a_line_that_nobody_serves) {
  Controller2 x;
  for (const std::size_t k : {0U, 1U, 2U}) x.wait(k);
  auto& batching = dynamic_cast<BatchingPolicy&>(*x.made);
  const GroupId g = x.bench->group(x.model);
  EXPECT_EQ(batching.give_up(g, x.line(), x.bench->view()), 0U);
  EXPECT_EQ(batching.give_up(g, x.line(), x.bench->view(Time{} + 2ms)), 0U);
  EXPECT_EQ(batching.give_up(g, x.line(), x.bench->view(Time{} + 3ms)), 1U);
  EXPECT_EQ(batching.give_up(g, x.line(), x.bench->view(Time{} + 1s)), 3U);
}

TEST(Clockwork, never_starts_who_cannot_be_in_time) {
  Controller2 x;
  const Batch b = x.batch({0}, {});
  EXPECT_EQ(b.take, 1U);
  const Batch late = dynamic_cast<BatchingPolicy&>(*x.made).form(x.i, x.line(), x.bench->view(Time{} + 3ms));
  EXPECT_EQ(late.drop, 1U);
  EXPECT_EQ(late.take, 0U);
  x.wait(3, Time{} + 3ms);
  const Batch next = dynamic_cast<BatchingPolicy&>(*x.made).form(x.i, x.line(), x.bench->view(Time{} + 3ms));
  EXPECT_EQ(next.drop, 1U);
  EXPECT_EQ(next.take, 1U);
}

// At twice what the device can do: who is served is in time, and what could not be is never started.
TEST(Clockwork, wastes_no_execution_under_overload) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId task = b.task("task");
  const VariantId v = b.variant(
      "model", task, gpu, 0.7, [](std::uint32_t n) { return 2ms + n * 1ms; }, 8);
  b.pool("p", here, gpu, 1);
  b.add_class(task, 50ms);
  RunBench r(b);
  r.options.duration = 20s;  // it has ten rounds each second
  r.options.drain = 1s;
  r.use(clockwork());
  r.warm_at_start(v, 0);
  r.arrivals(std::make_unique<PoissonSource>(6, 1600, 20'000));
  r.run();
  std::size_t answered = 0, dropped = 0;
  ASSERT_EQ(r.notes.ends.size(), 20'000U);
  for (const QueryEnd& e : r.notes.ends) {
    answered += e.ending == Ending::answered ? 1U : 0U;
    dropped += e.ending == Ending::dropped ? 1U : 0U;
    if (e.ending == Ending::answered) {
      ASSERT_LE(e.load + e.queue + e.service, 50ms);
    }
  }
  EXPECT_GT(answered, 8'000U);
  EXPECT_EQ(answered + dropped, 20'000U);
}

TEST(Clockwork, three_make_a_batch_of_two_and_the_third_waits) {
  Controller2 x;
  EXPECT_EQ(x.batch({2, 2, 2}).take, 2U);
}

TEST(Clockwork, a_buffer_comes_off_deadlines_that_leave_the_time) {
  Controller2 with(param::Object{});  // 5 and 10 ms: an SLO of 20 ms is 15 ms, those of 5 and 9 ms are 15 ms too
  EXPECT_EQ(with.batch({0}).take, 1U);
  EXPECT_EQ(dynamic_cast<BatchingPolicy&>(*with.made).form(with.i, with.line(), with.bench->view(Time{} + 12ms)).take, 1U);
  EXPECT_EQ(dynamic_cast<BatchingPolicy&>(*with.made).form(with.i, with.line(), with.bench->view(Time{} + 12ms + 1us)).take, 0U);
}

TEST(Clockwork, goes_by_what_batches_took_rather_than_by_profile) {
  Controller2 x;
  auto& observer = dynamic_cast<Observer&>(*x.made);
  observer.batch_done(x.i, 1, 6ms, x.bench->view());
  EXPECT_EQ(x.batch({0}).drop, 1U);  // 6 ms > 5 ms
  for (int k = 0; k < 9; ++k) observer.batch_done(x.i, 1, 3ms, x.bench->view());
  EXPECT_EQ(x.batch({}).drop, 1U);  // still among the last ten
  observer.batch_done(x.i, 1, 3ms, x.bench->view());
  EXPECT_EQ(x.batch({}).take, 1U);
}

// A batch of one query of eight items is a batch of eight.
TEST(Clockwork, sizes_are_of_items) {
  Controller2 x;
  const VisitId v = x.bench->admit(ClassId{3}, {}, 8);
  x.bench->cluster.send(v, x.bench->cluster.shared_line(x.bench->group(x.model)));
  x.bench->cluster.join(v, {});
  EXPECT_EQ(x.batch({}).take, 1U);
  dynamic_cast<Observer&>(*x.made).batch_done(x.i, 1, 10ms, x.bench->view());
  Controller2 y;
  EXPECT_EQ(y.batch({0}).take, 1U);
  x.bench->cluster.leave(v, {});
  EXPECT_EQ(x.batch({0}).take, 1U) << "one takes 3 ms still";
}

// Ten queries are given up because of one slow batch; the next runs, and finds out whether it still is.
TEST(Clockwork, finds_out_that_a_slow_time_is_over) {
  Controller2 x;
  auto& observer = dynamic_cast<Observer&>(*x.made);
  observer.batch_done(x.i, 1, 6ms, x.bench->view());
  for (int k = 1; k <= 4; ++k) EXPECT_EQ(x.batch({0}).take, 0U);  // 1 + 2 + 3 + 4: all that wait each time
  EXPECT_GT(x.batch({0}).take, 0U);
}

TEST(Clockwork, the_model_that_must_start_first_goes_first) {
  Controller2 x;
  x.wait(2);  // due at 20 ms, 3 ms: by 17 ms
  x.wait(4);  // due at 12 ms, 3 ms: by 9 ms
  std::vector<VisitId> visits{x.bench->admit(ClassId{2}), x.bench->admit(ClassId{4})};
  const std::vector<QueryView> heads{x.bench->query(visits[0]), x.bench->query(visits[1])};
  const std::vector<InstanceId> ready{x.i, x.j};
  auto& sharing = dynamic_cast<SharingPolicy&>(*x.made);
  EXPECT_EQ(sharing.next(DeviceId{0}, ready, heads, x.bench->view()), 1U);
}

TEST(Clockwork, another_copy_is_loaded_where_more_waits_than_a_device_is_counted_on_for) {
  Controller2 x;
  auto& coldstart = dynamic_cast<ColdstartPolicy&>(*x.made);
  std::vector<Prewarm> start;
  std::vector<GroupId> pin;
  for (int k = 0; k < 33; ++k) x.wait(3);  // 99 ms of work, of the 100 of its device
  coldstart.prewarm(x.bench->view(), start, pin);
  EXPECT_TRUE(start.empty());
  for (int k = 0; k < 2; ++k) x.wait(3);
  coldstart.prewarm(x.bench->view(), start, pin);
  ASSERT_EQ(start.size(), 1U);
  EXPECT_EQ(start[0].group, x.bench->group(x.model));
  EXPECT_EQ(start[0].instances, 2U);
  x.bench->warm(x.model, 1);
  start.clear();
  coldstart.prewarm(x.bench->view(), start, pin);
  EXPECT_TRUE(start.empty()) << "every device has it";
}

}  // namespace
}  // namespace tideline::test
