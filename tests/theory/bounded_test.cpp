// M/M/1/K: admission with a bound on those in the system, and a line with a bound on those who wait.
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

Cell bounded(double rho, int room, double millions, double quick_millions) {
  const double refused = mm1k_block(rho, room), inside = mm1k_in_system(rho, room);
  return {"rho" + std::to_string(static_cast<int>(std::lround(rho * 100))) + "_room" + std::to_string(room),
          "mm1k.json",
          {set("/policies/admission/params/limit", room)},
          rho,
          1000,
          millions,
          {{"share refused", measure::share_rejected, refused},
           {"mean number in the system", measure::in_system, inside},
           {"latency of those let in", measure::latency, inside / (rho * (1 - refused))},
           {"throughput", measure::throughput, rho * (1 - refused)},
           {"utilization", measure::utilization, rho * (1 - refused)}},
          quick_millions};
}

/// The same, where the line turns away whom it has no room for.
Cell bounded_line(double rho, int room, double millions) {
  Cell cell = bounded(rho, room, millions, millions);
  cell.name += "_line";
  cell.settings = {"/policies/admission=accept_all",
                   R"(/policies/batching={"name": "timeout", "params": {"timeout_s": 0, "max_batch_size": 1, "max_enqueued_batches": )" +
                       std::to_string(room - 1) + "}}"};
  return cell;
}

std::vector<Cell> cells() {
  return {bounded(.8, 5, 4, 4), bounded(.9, 10, 10, 10), bounded(1, 10, 8, 8),  bounded(1.2, 10, 4, 4),
          bounded(2, 4, 1, 1),  bounded_line(.8, 5, 4),  bounded_line(2, 4, 1), bounded_line(1, 1, 4)};
}

class BoundedQueue : public testing::TestWithParam<Cell> {};
TEST_P(BoundedQueue, refuses_what_finds_it_full) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, BoundedQueue, testing::ValuesIn(quick(cells())), CellName());  // this is the full table

TEST(BoundedQueue, serves_all_it_can_under_overload) {
  for (const double load : {2.0, 5.0, 20.0}) {
    const Ran ran = run_scenario("theory/mm1k.json", {set("/workload/0/params/rate_qps", load), "/policies/admission/params/limit=10",
                                                      "/measure/duration_s=20000", "/catalog/variants/0/service/law=deterministic"});
    EXPECT_TRUE(ran.audit.passed) << failed_checks(ran.audit);
    EXPECT_NEAR(ran.summary.total.throughput_qps, 1, .001) << "load " << load;
  }
}

}  // namespace
}  // namespace tideline::test
