// Dispatch by an old view: what ten M/M/1 lines make of it, and of a dispatcher that takes its time.
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

/// Ten lines at load .9, all seen as they were at the last multiple of `period` mean services, with or without what was sent since. The
/// references were simulated elsewhere, with half widths under 0.2 %.
Cell stale(const std::string& dispatch, int period, bool compensated, double latency, double millions, double quick_millions,
           double quick_factor = 1) {
  return {dispatch + "_age" + std::to_string(period) + (compensated ? "_compensated" : ""),
          "stale_view.json",
          {"/policies/dispatch=" + dispatch, set("/control/snapshot_s", period),
           std::string("/control/compensated=") + (compensated ? "true" : "false")},
          9,
          warmup(.9),
          millions,
          {{"mean latency", measure::latency, latency, .01, .002 * latency}},
          quick_millions,
          quick_factor};
}

std::vector<Cell> cells() {
  const std::string shortest = "join_shortest_queue", two = "power_of_d";
  return {stale(shortest, 1, false, 4.161, 10, 4, 2), stale(shortest, 5, false, 13.975, 10, 4, 2), stale(shortest, 10, false, 25.84, 10, 0),
          stale(shortest, 20, false, 49.62, 20, 0),   stale(shortest, 50, false, 123.0, 30, 0),    stale(two, 1, false, 3.300, 10, 4, 2),
          stale(two, 5, false, 4.400, 10, 0),         stale(two, 10, false, 5.622, 10, 4, 2),      stale(two, 20, false, 7.877, 10, 0),
          stale(two, 50, false, 14.09, 20, 0),        stale(shortest, 1, true, 2.380, 10, 4, 2),   stale(shortest, 5, true, 3.090, 10, 0),
          stale(shortest, 10, true, 3.492, 10, 4, 2), stale(two, 1, true, 3.152, 10, 0),           stale(two, 5, true, 3.615, 10, 4, 2),
          stale(two, 10, true, 3.970, 10, 0)};
}

class StaleView : public testing::TestWithParam<Cell> {};
TEST_P(StaleView, takes_as_long_as_it_is_old) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, StaleView, testing::ValuesIn(quick(cells())), CellName());
TEST(StaleViewTable, full) { check_full_table(cells()); }

double decision(const Observed& o) { return o.total().decision_mean_s; }

/// A controller that decides about one query after the other is M/D/1 (Pollaczek and Khinchine).
Cell late(double rho, double millions) {
  const double d = rho / 9;
  return {"rho" + std::to_string(static_cast<int>(std::lround(rho * 100))),
          "stale_view.json",
          {"/control/snapshot_s=0", set("/control/decision_s", d)},
          9,
          warmup(.9),
          millions,
          {{"mean time of a decision", decision, d + rho * d / (2 * (1 - rho))}},
          millions};
}
std::vector<Cell> late_cells() { return {late(.5, 1), late(.8, 3)}; }

class LateDecision : public testing::TestWithParam<Cell> {};
TEST_P(LateDecision, is_a_queue_of_its_own) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, LateDecision, testing::ValuesIn(quick(late_cells())), CellName());

}  // namespace
}  // namespace tideline::test
