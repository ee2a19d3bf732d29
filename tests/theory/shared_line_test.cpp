// M/M/1, M/M/c (Erlang C), Erlang's loss system (Erlang B) for two laws of service.
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

std::string number(double x) {
  std::string text = std::to_string(static_cast<int>(std::lround(x * 100)));
  return text.size() == 1 ? "0" + text : text;
}

Cell mm1(double rho, double millions, double quick_millions, double quick_factor) {
  const double w = 1 / (1 - rho), tail = rho <= .8 ? .02 : .05;
  const auto quantile = [&](double q) { return w * std::log(1 / (1 - q)); };
  return {"mm1_rho" + number(rho),
          "mm1.json",
          {},
          rho,
          warmup(rho),
          millions,
          {{"mean latency", measure::latency, w},
           {"mean wait", measure::wait, w - 1},
           {"median", measure::p50, quantile(.5), tail},
           {"p95", measure::p95, quantile(.95), tail},
           {"p99", measure::p99, quantile(.99), tail},
           {"utilization", measure::utilization, rho}},
          quick_millions,
          quick_factor};
}

std::vector<Cell> mm1_cells() { return {mm1(.5, 1.5, 1.5, 1), mm1(.7, 4, 4, 1), mm1(.8, 10, 10, 1), mm1(.9, 40, 10, 2)}; }

Cell mmc(int c, double rho, double millions, double quick_millions, double quick_factor, bool tail = false) {
  Cell cell{"c" + std::to_string(c) + "_rho" + number(rho),
            "mmc.json",
            {set("/cluster/pools/0/count", c)},
            c * rho,
            warmup(rho),
            millions,
            {{"mean wait", measure::wait, mmc_wait(c, rho)},
             {"share that waits", measure::share_waiting, erlang_c(c, c * rho)},
             {"mean latency", measure::latency, 1 + mmc_wait(c, rho)}},
            quick_millions,
            quick_factor};
  if (tail) cell.expected.push_back({"p99 of the wait", measure::wait_p99, mmc_wait_quantile(c, rho, .99), rho <= .8 ? .02 : .05});
  return cell;
}

std::vector<Cell> mmc_cells() {
  return {mmc(2, .5, 3, 3, 1),   mmc(2, .7, 5, 0, 1),   mmc(2, .8, 10, 10, 1, true),  mmc(2, .9, 40, 0, 1),
          mmc(4, .5, 8, 0, 1),   mmc(4, .7, 6, 6, 1),   mmc(4, .8, 14, 8, 1.5, true), mmc(4, .9, 45, 0, 1),
          mmc(8, .5, 20, 5, 2),  mmc(8, .8, 20, 4, 2),  mmc(8, .9, 50, 0, 1, true),   mmc(16, .8, 24, 5, 2),
          mmc(16, .9, 60, 0, 1), mmc(64, .9, 180, 0, 1)};
}

Cell erlang_delay(int c, double a, double millions, double quick_millions) {
  return {"c" + std::to_string(c) + "_load" + number(a),
          "mmc.json",
          {set("/cluster/pools/0/count", c)},
          a,
          warmup(a / c),
          millions,
          {{"share that waits", measure::share_waiting, erlang_c(c, a)}},
          quick_millions,
          2};
}

std::vector<Cell> delay_cells() {
  return {erlang_delay(5, 3, 4, 1), erlang_delay(10, 8, 12, 3), erlang_delay(10, 5, 14, 4), erlang_delay(20, 15, 10, 3)};
}

/// No line: as many are let in as there are servers.
Cell erlang_loss(int c, double a, const std::string& law, double millions, double quick_millions) {
  return {law + "_c" + std::to_string(c) + "_load" + number(a),
          "mm1k.json",
          {set("/cluster/pools/0/count", c), set("/policies/admission/params/limit", c), set("/catalog/variants/0/service/law", law)},
          a,
          100,
          millions,
          {{"share refused", measure::share_rejected, erlang_b(c, a)},
           {"latency of those let in", measure::latency, 1},
           {"throughput", measure::throughput, a * (1 - erlang_b(c, a))}},
          quick_millions,
          1};
}

std::vector<Cell> loss_cells() {
  std::vector<Cell> out;
  for (const std::string law : {"exponential", "deterministic"}) {
    out.push_back(erlang_loss(5, 3, law, 1.5, 1.5));
    out.push_back(erlang_loss(10, 8, law, 2, 2));
    out.push_back(erlang_loss(10, 5, law, 9, 0));
    out.push_back(erlang_loss(20, 15, law, 5, law == "deterministic" ? 5 : 0));
  }
  return out;
}

class Mm1 : public testing::TestWithParam<Cell> {};
TEST_P(Mm1, has_exponential_latency) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, Mm1, testing::ValuesIn(quick(mm1_cells())), CellName());
TEST(Mm1Table, full) { check_full_table(mm1_cells()); }

class Mmc : public testing::TestWithParam<Cell> {};
TEST_P(Mmc, waits_as_erlang_c_says) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, Mmc, testing::ValuesIn(quick(mmc_cells())), CellName());
INSTANTIATE_TEST_SUITE_P(Loads, Mmc, testing::ValuesIn(quick(delay_cells())), CellName());
TEST(MmcTable, full) { check_full_table(mmc_cells()); }
TEST(MmcTable, full_loads) { check_full_table(delay_cells()); }

class ErlangB : public testing::TestWithParam<Cell> {};
TEST_P(ErlangB, loses_whatever_the_law) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, ErlangB, testing::ValuesIn(quick(loss_cells())), CellName());
TEST(ErlangBTable, full) { check_full_table(loss_cells()); }

}  // namespace
}  // namespace tideline::test
