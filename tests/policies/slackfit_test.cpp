// Late binding (S11): SuperServe's SlackFit and its comparators.
//
// Whose examples these are:
//   slackfit: arXiv:2312.16733
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <numeric>

namespace tideline {
namespace {

using namespace test;

// lo l = (1:2, 4:4, 8:6, 16:10) ms, hi l = (1:6, 4:12, 8:20, 16:36) ms: batches are padded to these sizes.
Duration padded(const std::array<Duration, 4>& table, std::uint32_t n) { return table[n <= 1 ? 0 : n <= 4 ? 1 : n <= 8 ? 2 : 3]; }

struct TwoModels {
  WorldBuilder b;
  VariantId lo, hi;
  explicit TwoModels(const std::vector<Duration>& slos, std::uint32_t devices = 1,
                     const std::array<Duration, 4>& fast = {2ms, 4ms, 6ms, 10ms}, std::uint32_t most_of_hi = 16) {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId gpu = b.hardware("gpu");
    const std::array<Duration, 4> slow{6ms, 12ms, 20ms, 36ms};
    lo = b.variant(
        "lo", t, gpu, 0.7, [=](std::uint32_t n) { return padded(fast, n); }, 16);
    hi = b.variant(
        "hi", t, gpu, 0.8, [=](std::uint32_t n) { return padded(slow, n); }, most_of_hi);
    b.pool("p", s, gpu, devices);
    for (const Duration slo : slos) b.add_class(t, slo);
  }
};

/// What runs, and how many: "hi 4", or "drop 16".
std::string decision(const param::Object& params, Duration slack, int queries = 16, TwoModels w = TwoModels({1s})) {
  w.b.classes[0].slo = 1s;
  ClusterBench bench(w.b);
  const auto made = make_policy(slackfit(), params, bench.setup());
  auto& sharing = dynamic_cast<SharingPolicy&>(*made);
  auto& batching = dynamic_cast<BatchingPolicy&>(*made);
  const std::array ready{bench.warm(w.lo, 0), bench.warm(w.hi, 0)};
  const LineId line = bench.cluster.late_line(TaskId{0}, SiteId{0});
  std::vector<VisitId> visits;
  for (int k = 0; k < queries; ++k) {
    visits.push_back(bench.admit(ClassId{0}));
    bench.cluster.send(visits.back(), line);
    bench.cluster.join(visits.back(), {});
  }
  const std::array heads{bench.query(visits[0]), bench.query(visits[0])};
  const ClusterView view = bench.view(Time{} + 1s - slack);
  const InstanceId i = ready[sharing.next(DeviceId{0}, ready, heads, view)];
  const Batch batch = batching.form(i, LineView(bench.cluster, line, view.variant_of(i)), view);
  return (batch.take > 0 ? (*bench.world)[view.variant_of(i)].name + ' ' + std::to_string(batch.take)
                         : "drop " + std::to_string(batch.drop));
}

TEST(slackfit, decides_the_worked_example) {
  const param::Object width{{"bucket_width_s", 0.002}};
  EXPECT_EQ(decision(width, 5ms), "lo 4");
  EXPECT_EQ(decision(width, 13ms), "hi 4");
  EXPECT_EQ(decision(width, 21ms), "hi 8");
  EXPECT_EQ(decision(width, 10ms), "lo 16");
  EXPECT_EQ(decision(width, 40ms), "hi 16");
  EXPECT_EQ(decision(width, 1ms), "drop 16");
  EXPECT_EQ(decision(width, 40ms, 3), "hi 3") << "fewer than the batch run all the same";
}

// Latencies from 2 to 36 ms: by default 20 buckets of 1.7 ms, and the last, from 34.3 ms on, is closed. The 16 of lo in 35 ms are more than the 9
// of hi in 36 ms, which would begin a bucket of their own.
TEST(slackfit, the_last_bucket_holds_the_longest_batch) {
  EXPECT_EQ(decision({}, 40ms, 16, TwoModels({1s}, 1, {2ms, 4ms, 6ms, 35ms}, 9)), "lo 16");
}

TEST(slackfit, its_comparators_are_greedy_in_accuracy_or_in_batches) {
  const param::Object accuracy{{"rule", "max_accuracy"}}, batch{{"rule", "max_batch"}};
  EXPECT_EQ(decision(accuracy, 5ms), "lo 4");
  EXPECT_EQ(decision(accuracy, 6ms), "hi 1");
  EXPECT_EQ(decision(accuracy, 21ms), "hi 8");
  EXPECT_EQ(decision(batch, 6ms), "lo 8");
  EXPECT_EQ(decision(batch, 21ms), "lo 16");
  EXPECT_EQ(decision(batch, 40ms), "hi 16") << "of those with the largest batch the most accurate";
  for (const auto& rule : {accuracy, batch}) EXPECT_EQ(decision(rule, 1ms), "drop 16");
}

TEST(slackfit, may_run_the_fastest_where_none_is_in_time) { EXPECT_EQ(decision({{"on_infeasible", "fastest"}}, 1ms), "lo 1"); }

/// Both variants on each device; a query of class c at each of these times.
RunBench late_run(const std::vector<Duration>& slos, std::vector<std::pair<Duration, std::uint32_t>> arrivals, const param::Object& params,
                  std::uint32_t devices = 1) {
  const TwoModels w(slos, devices);
  RunBench r(w.b);
  r.use(slackfit(), params);
  for (std::size_t d = 0; d < devices; ++d)
    for (const VariantId v : {w.lo, w.hi}) r.warm_at_start(v, d);
  r.classes = slos.size();
  auto source = std::make_unique<PlainSource>();
  for (std::size_t k = 0; k < slos.size(); ++k) source->names.push_back("c" + std::to_string(k));
  for (const auto& [at, c] : arrivals) source->list.emplace_back(Time{} + at, c);
  r.arrivals(std::move(source));
  return r;
}

// Whichever variant is listed first: all that are warm on a free device stand for election.
TEST(slackfit, an_idle_device_runs_what_the_slack_allows) {
  RunBench r = late_run({40ms, 5ms}, {{1s, 0}, {2s, 1}, {3s, 0}}, {});
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 3U);
  EXPECT_EQ(r.notes.ends[0].variant, VariantId{1});
  EXPECT_EQ(r.notes.ends[1].variant, VariantId{0});
  EXPECT_EQ(r.notes.ends[2].variant, VariantId{1});
  for (const QueryEnd& e : r.notes.ends) EXPECT_EQ(e.queue, 0ms);
}

// While the device is busy until 1.006 s, four come; the first due has 13 ms left then: hi with all four. Of the two that come in the
// batch, which ends at 1.018, one has 1 ms left and is given up; the other, alone, has 39 ms.
TEST(slackfit, the_line_is_served_by_deadline_when_a_device_is_free) {
  RunBench r = late_run({40ms, 17ms, 12ms}, {{1000ms, 0}, {1001ms, 0}, {1002ms, 1}, {1003ms, 0}, {1004ms, 0}, {1007ms, 2}, {1017ms, 0}},
                        {{"bucket_width_s", 0.002}});
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 7U);
  std::vector<std::uint32_t> batches;
  int dropped = 0;
  for (const QueryEnd& e : r.notes.ends) {
    if (e.ending == Ending::dropped)
      ++dropped;
    else
      batches.push_back(e.batch);
    if (e.ending == Ending::answered) {
      EXPECT_EQ(e.variant, VariantId{1});
    }
  }
  EXPECT_EQ(dropped, 1);
  EXPECT_EQ(batches, (std::vector<std::uint32_t>{1, 4, 4, 4, 4, 1}));
}

// Published (section 6): SlackFit is between its comparators. At little load it is as accurate as MaxAcc; under load it is in time more often,
// and more accurate than MaxBatch.
TEST(slackfit, is_accurate_at_leisure_and_fast_under_load) {
  struct Result {
    double attainment, accuracy;  // of the answers in time
  };
  const auto run = [](const char* rule, double qps) {
    std::vector<std::pair<Duration, std::uint32_t>> arrivals;
    Stream s(3);
    double at = 1;
    for (int k = 0; k < 20'000; ++k) arrivals.emplace_back(from_seconds(at += -std::log1p(-uniform01(s)) / qps), 0);
    RunBench r = late_run({36ms}, arrivals, {{"rule", rule}}, 2);
    r.run();
    double on_time = 0, accuracy = 0;
    for (const QueryEnd& e : r.notes.ends) {
      if (e.ending != Ending::answered) continue;
      if (e.network + e.load + e.queue + e.service > 36ms) continue;
      ++on_time;
      accuracy += e.accuracy;
    }
    return Result{on_time / 20'000, accuracy / on_time};
  };
  const Result slack_low = run("slackfit", 50), accurate_low = run("max_accuracy", 50);
  EXPECT_GT(slack_low.attainment, 0.999);
  EXPECT_NEAR(slack_low.accuracy, accurate_low.accuracy, 0.005);
  const Result slack = run("slackfit", 1800), accurate = run("max_accuracy", 1800), batch = run("max_batch", 1800);
  EXPECT_GT(slack.attainment, accurate.attainment + 0.02);
  EXPECT_GT(slack.attainment, 0.94);
  EXPECT_GT(slack.accuracy, batch.accuracy + 0.01);
}

}  // namespace
}  // namespace tideline
