// Batch service of b + 4 ms: all that waits, up to a cap, full batches only, a timeout; one server and many.
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

const std::string cap = "/catalog/variants/0/max_batch", timeout = "/policies/batching/params/timeout_s";

std::string per_second(double per_ms) { return std::to_string(static_cast<int>(std::lround(per_ms * 1000))); }

struct Tail {
  double p99_ms = 0, half_width_ms = 0;
};

/// `rate` per ms; times in ms, as in the tables.
Cell batches(const std::string& name, double rate, int most, double timeout_ms, double latency, double millions, double quick_millions,
             double batch = 0, Tail tail = {}, double half_width = 0) {
  Cell cell{name + "_rate" + per_second(rate),
            "batch.json",
            {set(cap, most), set(timeout, timeout_ms / 1000)},
            rate * 1000,
            10,
            millions,
            {{"mean latency", measure::latency, latency / 1000, .01, half_width / 1000}},
            quick_millions};
  if (batch > 0) cell.expected.push_back({"mean batch", measure::batch, batch, .01, .00005});
  // Each query has its share of a batch's 4 ms and 1 ms of its own.
  if (batch > 0 && rate < .5) cell.expected.push_back({"utilization", measure::utilization, rate * (1 + 4 / batch), .01, .0002});
  if (tail.p99_ms > 0) cell.expected.push_back({"p99", measure::p99, tail.p99_ms / 1000, .02, tail.half_width_ms / 1000});
  return cell;
}

std::vector<Cell> uncapped_cells() {
  const auto cell = [](double rate, double latency, double batch, double millions, Tail tail = {}) {
    return batches("all", rate, 1000, 0, latency, millions, millions, batch, tail);
  };
  return {cell(.05, 5.67673, 1.0292, .5, {10.312, .02}),
          cell(.1, 6.41800, 1.1113, .5),
          cell(.2, 7.94790, 1.4268, .5, {13.833, .03}),
          cell(.4, 11.30758, 2.7983, 1, {20.448, .04}),
          cell(.6, 17.02249, 6.0192, 2, {32.773, .06}),
          cell(.8, 33.88882, 16, 6, {69.18, .06}),
          cell(.9, 67.63158, 36, 12)};
}

std::vector<Cell> capped_cells() {
  return {batches("cap8", .1, 8, 0, 6.418, .5, .5),
          batches("cap8", .2, 8, 0, 7.9479, .5, .5),
          batches("cap8", .4, 8, 0, 11.3171, 1, 1),
          batches("cap8", .5, 8, 0, 13.79943, 2, 2),
          batches("cap8", .6, 8, 0, 19.70881, 6, 6, 0, {47.30, .07}),
          batches("cap1", .05, 1, 0, 5.83333, .5, .5),
          batches("cap1", .1, 1, 0, 7.5, 1, 1),
          batches("cap1", .15, 1, 0, 12.5, 3, 3),
          batches("cap1", .18, 1, 0, 27.5, 12, 12)};
}

/// A timeout longer than any line takes to fill.
std::vector<Cell> full_cells() {
  const double never_ms = 3'600'000;
  const auto cell = [&](double rate, int size, double latency) {
    return batches("full" + std::to_string(size), rate, size, never_ms, latency, 1, 1, size);
  };
  return {cell(.05, 4, 38.00131), cell(.1, 4, 23.01646), cell(.2, 4, 15.68159), cell(.3, 4, 13.78701), cell(.4, 4, 14.83876),
          cell(.05, 8, 82),       cell(.1, 8, 47.00006), cell(.2, 8, 29.50562), cell(.3, 8, 23.72866), cell(.4, 8, 21.05813)};
}

std::vector<Cell> timeout_cells() {
  std::vector<Cell> out;
  struct Row {
    double rate, two, five, ten, half_width, millions;
  };
  for (const Row r :
       {Row{.05, 7.343, 9.957, 14.167, .002, .5}, Row{.1, 7.726, 10.034, 14.000, .002, .5}, Row{.2, 8.648, 10.422, 14.313, .002, .5},
        Row{.4, 11.435, 12.291, 15.573, .004, 1}, Row{.6, 19.719, 19.904, 21.313, .011, 6}}) {
    out.push_back(batches("timeout2", r.rate, 8, 2, r.two, r.millions, r.millions, 0, {}, r.half_width));
    out.push_back(batches("timeout5", r.rate, 8, 5, r.five, r.millions, r.millions, 0, {}, r.half_width));
    out.push_back(batches("timeout10", r.rate, 8, 10, r.ten, r.millions, r.millions, 0, {}, r.half_width));
  }
  return out;
}

/// So many servers on one line that one is always free: a batch leaves as soon as it is due.
Cell gathered(double rate, double timeout_ms, int most, double wait, double batch) {
  return {
      "timeout" + std::to_string(static_cast<int>(timeout_ms)) + "_cap" + std::to_string(most) + "_rate" + per_second(rate),
      "batch.json",
      {set(cap, most), set(timeout, timeout_ms / 1000), set("/policies/dispatch/name", "shared_line"), set("/cluster/pools/0/count", 32)},
      rate * 1000,
      10,
      .5,
      {{"mean wait", measure::wait, wait / 1000, .01, 5e-9}, {"mean batch", measure::batch, batch, .01, 5e-6}},
      .5};
}

std::vector<Cell> gathered_cells() {
  std::vector<Cell> out;
  for (const double rate : {.01, .05, .1, .2, .5}) out.push_back(gathered(rate, 10, 1000, gathering_wait(rate, 10), 1 + rate * 10));
  out.push_back(gathered(.1, 10, 4, 7.09027, 1.97666));
  out.push_back(gathered(.5, 10, 4, 2.89351, 3.82818));
  out.push_back(gathered(1, 10, 4, 1.49890, 3.99669));
  out.push_back(gathered(.2, 5, 8, 3.74979, 2));
  out.push_back(gathered(1, 5, 8, 2.65380, 5.74452));
  return out;
}

class BatchService : public testing::TestWithParam<Cell> {};
TEST_P(BatchService, takes_as_long_as_the_chain_says) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Uncapped, BatchService, testing::ValuesIn(quick(uncapped_cells())), CellName());
INSTANTIATE_TEST_SUITE_P(Capped, BatchService, testing::ValuesIn(quick(capped_cells())), CellName());
INSTANTIATE_TEST_SUITE_P(FullOnly, BatchService, testing::ValuesIn(quick(full_cells())), CellName());
INSTANTIATE_TEST_SUITE_P(Timeout, BatchService, testing::ValuesIn(quick(timeout_cells())), CellName());
INSTANTIATE_TEST_SUITE_P(Gathered, BatchService, testing::ValuesIn(quick(gathered_cells())), CellName());

double saturated_throughput(int instances) {
  const Ran ran = run_scenario("theory/batch.json", {set("/initial/0/per_device", instances), "/workload/0/params/rate_qps=2000",
                                                     "/measure/warmup_s=0", "/measure/duration_s=60", "/measure/drain_s=0"});
  EXPECT_TRUE(ran.audit.passed) << failed_checks(ran.audit);
  return ran.summary.total.throughput_qps;
}

TEST(ExclusiveDevice, gives_two_instances_the_throughput_of_one) {
  const double capacity = 8 / .012;
  EXPECT_NEAR(saturated_throughput(1), capacity, .001 * capacity);
  EXPECT_NEAR(saturated_throughput(2), capacity, .001 * capacity);
  EXPECT_NEAR(saturated_throughput(5), capacity, .001 * capacity);
}

}  // namespace
}  // namespace tideline::test
