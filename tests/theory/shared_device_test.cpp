// Batches that share a device: processor sharing, and what is less or more than that.
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

/// As many instances as there are ever queries. M/G/1-PS: the mean is that of M/M/1, whatever the law (Kleinrock 1967).
Cell shared(const std::string& law, double rho, double millions, double quick_millions) {
  return {law + "_rho" + std::to_string(static_cast<int>(std::lround(rho * 100))),
          "shared_device.json",
          {"/catalog/variants/0/service/law=" + law, set("/workload/0/params/rate_qps", rho)},
          rho,
          warmup(rho),
          millions,
          {{"mean latency", measure::latency, 1 / (1 - rho)}},
          quick_millions,
          2};
}
std::vector<Cell> cells() {
  return {shared("deterministic", .5, 1, .25), shared("deterministic", .8, 4, 1), shared("exponential", .5, 1, .25)};
}

class SharedDevice : public testing::TestWithParam<Cell> {};
TEST_P(SharedDevice, takes_the_time_of_processor_sharing) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, SharedDevice, testing::ValuesIn(quick(cells())), CellName());

TEST(SharedDevice, of_exponent_0_holds_nobody_up) {
  const Ran ran = run_scenario("theory/shared_device.json",
                               {"/catalog/hardware/0/sharing_exponent=0", "/workload/0/params/rate_qps=5", "/measure/duration_s=2000"});
  EXPECT_EQ(failed_checks(ran.audit), "");
  EXPECT_NEAR(ran.summary.total.latency_mean_s, 1, 1e-8);
  EXPECT_NEAR(ran.summary.total.latency_max_s, 1, 1e-8);
}

TEST(SharedDevice, is_charged_to_its_batches_once) {
  const Ran ran = run_scenario("theory/shared_device.json", {"/measure/duration_s=20000"});
  const Metrics& m = ran.summary.total;
  EXPECT_NEAR(m.cost_attributed_usd, m.utilization * m.cost_usd, 0.001 * m.cost_usd) << "but for batches at the borders of the window";
}

TEST(SharedDeviceTable, full) { check_full_table(cells()); }

}  // namespace
}  // namespace tideline::test
