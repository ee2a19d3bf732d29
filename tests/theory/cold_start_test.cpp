// Keep-alive: how often a query finds nothing warm and what staying warm costs; a single server with set-up and delayed shutdown.
#include "tests/support/trace_file.h"
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

const std::string variant = "/catalog/variants/0/";
const std::string keep = "/policies/coldstart/params/keep_alive_s";

/// Service and load take no time to speak of. A minute of the table is a second here; idle time in the same unit.
Cell kept(double per_hour, double minutes, double millions, double quick_millions, double unit = 1) {
  const double rate = per_hour / 60 / unit, tau = minutes * unit, cold = std::exp(-rate * tau);
  Cell cell{"rate" + std::to_string(static_cast<int>(per_hour)) + "_keep" + std::to_string(static_cast<int>(minutes)) +
                (unit == 1 ? "" : "_real"),
            "keep_alive.json",
            {set(keep, tau), set(variant + "profile/latency_s/1", 1e-7), set(variant + "service/law", "deterministic"),
             set(variant + "load/first_run_s", 1e-7), set(variant + "load/law", "deterministic")},
            rate,
            0,
            millions,
            {{"share cold", measure::share_cold, cold}, {"idle time of a query", measure::idle_per_query, (1 - cold) / rate}},
            quick_millions};
  return cell;
}

std::vector<Cell> kept_cells() {
  return {kept(1, 5, .1, .1),   kept(1, 10, .1, .1), kept(1, 20, .1, .1), kept(1, 60, .3, .3),    kept(1, 120, .6, .6),
          kept(3, 5, .1, .1),   kept(3, 10, .1, .1), kept(3, 20, .2, .2), kept(3, 60, 1.8, 0),    kept(3, 120, 30, 0),
          kept(6, 5, .1, .1),   kept(6, 10, .2, .2), kept(6, 20, .6, .6), kept(6, 60, 30, 0),     kept(12, 5, .2, .2),
          kept(12, 10, .6, .6), kept(12, 20, 5, 0),  kept(60, 5, 12, 0),  kept(6, 10, .2, .2, 60)};
}

class KeepAlive : public testing::TestWithParam<Cell> {};
TEST_P(KeepAlive, is_cold_as_often_as_a_gap_is_longer) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, KeepAlive, testing::ValuesIn(quick(kept_cells())), CellName());
TEST(KeepAliveTable, full) { check_full_table(kept_cells()); }

enum class Draw { exponential, deterministic };

Cell shut_down(double rate, double after, Draw set_up_law, double set_up, Draw service_law, double millions, double quick_millions,
               double quick_factor = 1) {
  const auto name = [](Draw d) { return std::string(d == Draw::exponential ? "exponential" : "deterministic"); };
  const DelayedShutdown theory{rate, after, set_up, (set_up_law == Draw::exponential ? 2 : 1) * set_up * set_up,
                               service_law == Draw::exponential ? 1.0 : 0.0};
  return {"rate" + std::to_string(static_cast<int>(std::lround(rate * 100))) + "_keep" + std::to_string(static_cast<int>(after)) + "_" +
              name(set_up_law) + std::to_string(static_cast<int>(set_up)),
          "keep_alive.json",
          {set(keep, after), set(variant + "load/first_run_s", set_up), set(variant + "load/law", name(set_up_law)),
           set(variant + "service/law", name(service_law))},
          rate,
          10000,
          millions,
          {{"mean latency", measure::latency, theory.latency()},
           {"share that triggers a load", measure::share_cold, theory.share_cold()},
           {"share delayed by a load", measure::share_delayed, theory.share_delayed()}},
          quick_millions,
          quick_factor};
}

std::vector<Cell> shut_down_cells() {
  constexpr auto exponential = Draw::exponential, deterministic = Draw::deterministic;
  return {shut_down(.5, 0, exponential, 10, exponential, 8, 3),       shut_down(.5, 0, deterministic, 10, exponential, 4, 1.5),
          shut_down(.1, 5, deterministic, 20, deterministic, 4, 1.5), shut_down(.1, 10, deterministic, 20, deterministic, 4, 1.5),
          shut_down(.3, 3, exponential, 5, exponential, 6, 2),        shut_down(.05, 20, deterministic, 40, deterministic, 4, 1.5)};
}

class SetUp : public testing::TestWithParam<Cell> {};
TEST_P(SetUp, delays_as_the_delayed_shutdown_queue_says) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, SetUp, testing::ValuesIn(quick(shut_down_cells())), CellName());

TEST(SetUpTable, full) { check_full_table(shut_down_cells()); }

/// With arrivals every 10 s, service of 1 s and a load of 2 s, what counts is the time from the end of the last execution: 7 s after a
/// cold start, 9 s after a warm one.
std::vector<bool> cold_of_periodic(double keep_s) {
  std::vector<std::int64_t> arrivals;
  for (std::int64_t k = 0; k < 200; ++k) arrivals.push_back(k * 10'000'000'000);
  const TraceFile trace(arrivals);
  auto settings = trace.settings();
  for (const auto& s : {set(keep, keep_s), set(variant + "service/law", "deterministic"), set(variant + "load/first_run_s", 2),
                        set(variant + "load/law", "deterministic"), set("/measure/warmup_s", 0), set("/measure/duration_s", 2000)})
    settings.push_back(s);
  QueryLog log;
  const Ran ran = run_scenario("theory/keep_alive.json", settings, {&log});
  EXPECT_TRUE(ran.audit.passed) << failed_checks(ran.audit);
  std::vector<bool> cold;
  std::uint64_t loads = 0;
  for (const auto& q : log.records()) {
    cold.push_back(q.load > Duration{});
    loads += q.load > Duration{};
    EXPECT_EQ(q.finish - q.arrival, q.load > Duration{} ? 3s : 1s);
  }
  EXPECT_EQ(cold.size(), 200u);
  EXPECT_EQ(ran.summary.total.cold_starts, loads);
  return cold;
}

TEST(PeriodicArrivals, are_all_cold_below_the_gap_after_a_load) {
  for (const bool cold : cold_of_periodic(6.93)) EXPECT_TRUE(cold);
}
TEST(PeriodicArrivals, alternate_between_the_gaps) {
  for (const double keep_s : {7.07, 8.0, 8.91}) {
    const auto cold = cold_of_periodic(keep_s);
    for (std::size_t k = 0; k < cold.size(); ++k) EXPECT_EQ(cold[k], k % 2 == 0) << "query " << k << ", kept for " << keep_s << " s";
  }
}
TEST(PeriodicArrivals, are_warm_after_the_first_above_the_gap) {
  const auto cold = cold_of_periodic(9.09);
  for (std::size_t k = 0; k < cold.size(); ++k) EXPECT_EQ(cold[k], k == 0) << "query " << k;
}

}  // namespace
}  // namespace tideline::test
