// Transfers that share a link: processor sharing, there and back. A queue in order of arrival would have M/D/1 waits, 3 s at load .8.
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

double network(const Observed& o) { return o.total().network_mean_s; }

/// Payloads take 1 s of the link alone, answers 0.5 s; departures from the first are Poisson (Kelly 1979, sec. 3.3), so the way back is
/// another such queue.
Cell link(double rate, double millions, double quick_millions, double quick_factor = 1) {
  return {"rho" + std::to_string(static_cast<int>(std::lround(rate * 100))),
          "link.json",
          {"/workload/0/params/rate_qps=" + std::to_string(rate)},
          rate,
          warmup(rate),
          millions,
          {{"mean time on the links", network, 1 + 1 / (1 - rate) + .5 / (1 - rate / 2)}},
          quick_millions,
          quick_factor};
}

std::vector<Cell> cells() { return {link(.3, 1, .5), link(.5, 1, 1), link(.8, 8, 4), link(.9, 20, 5, 2)}; }

class SharedLink : public testing::TestWithParam<Cell> {};
TEST_P(SharedLink, takes_the_time_of_processor_sharing) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, SharedLink, testing::ValuesIn(quick(cells())), CellName());
TEST(SharedLinkTable, full) { check_full_table(cells()); }

}  // namespace
}  // namespace tideline::test
