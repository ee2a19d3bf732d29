// Dispatch over separate lines: exact cells, the order of policies, what is the same under two policies.
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

#include <boost/math/distributions/students_t.hpp>

namespace tideline::test {
namespace {

const std::string dispatch = "/policies/dispatch/";

struct Policy {
  std::string name;
  std::vector<std::string> settings;
};
const Policy random_one{"random", {set(dispatch + "name", "random")}};
const Policy in_turn{"round_robin", {set(dispatch + "name", "round_robin")}};
const Policy shortest{"shortest", {set(dispatch + "name", "join_shortest_queue")}};
const Policy shared{"shared", {set(dispatch + "name", "shared_line")}};
Policy power_of(int d) { return {"power_of_" + std::to_string(d), {set(dispatch + "name", "power_of_d"), set(dispatch + "params/d", d)}}; }

Cell lines(const Policy& policy, int n, double rho, double latency, double millions, double quick_millions, double quick_factor = 1,
           double tolerance = .01) {
  Cell cell{policy.name + "_n" + std::to_string(n) + "_rho" + std::to_string(static_cast<int>(std::lround(rho * 100))),
            "separate_queues.json",
            policy.settings,
            n * rho,
            warmup(rho),
            millions,
            {{"mean latency", measure::latency, latency, tolerance}},
            quick_millions,
            quick_factor};
  cell.settings.push_back(set("/cluster/pools/0/count", n));
  return cell;
}
Cell by_turn(int n, double rho, double millions, double quick_millions, double quick_factor = 1) {
  return lines(in_turn, n, rho, round_robin_latency(n, rho), millions, quick_millions, quick_factor);
}

std::vector<Cell> exact_cells() {
  return {lines(random_one, 2, .5, 2, 1.5, 0),
          lines(random_one, 10, .5, 2, 1.5, 1.5),
          lines(random_one, 2, .8, 5, 8, 0),
          lines(random_one, 10, .8, 5, 8, 8),
          lines(power_of(1), 10, .8, 5, 8, 8),
          by_turn(2, .5, 1.5, 0),
          by_turn(2, .8, 8, 8),
          by_turn(2, .9, 40, 0),
          by_turn(4, .8, 8, 0),
          by_turn(10, .5, 1.5, 1.5),
          by_turn(10, .8, 6, 6),
          by_turn(10, .9, 30, 8, 2),
          by_turn(100, .8, 6, 0),
          lines(power_of(2), 10, .5, 1.28579, 2, 2),
          lines(power_of(2), 10, .8, 2.0745, 4, 4),
          lines(power_of(2), 10, .9, 2.9826, 15, 6, 1.5),
          lines(power_of(3), 10, .5, 1.15060, 2, 0),
          lines(power_of(3), 10, .8, 1.7309, 4, 4),
          lines(power_of(3), 10, .9, 2.4534, 15, 0),
          lines(shortest, 2, .5, 1.42632, 1.5, 1.5),
          lines(shortest, 2, .8, 2.95574, 8, 8),
          lines(shortest, 2, .9, 5.47470, 40, 10, 2),
          lines(power_of(2), 2, .8, 2.95574, 8, 8),
          lines(shortest, 10, .5, 1.02417, 2, 2),
          lines(shortest, 10, .8, 1.3558, 4, 4),
          lines(shortest, 10, .9, 1.9131, 20, 8, 1.5)};
}

/// Large systems: limits of ever more lines, within 1 % at rho .8.
std::vector<Cell> limit_cells() {
  return {lines(power_of(2), 100, .5, 1.2657, 2, 2), lines(power_of(2), 100, .8, 1.9474, 4, 4), lines(power_of(3), 100, .8, 1.5809, 4, 0),
          lines(power_of(2), 100, .9, 2.6141, 10, 0, 1, .02)};
}

class SeparateLines : public testing::TestWithParam<Cell> {};
TEST_P(SeparateLines, take_as_long_as_the_chain_says) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, SeparateLines, testing::ValuesIn(quick(exact_cells())), CellName());
TEST(SeparateLinesTable, full) { check_full_table(exact_cells()); }

/// The difference to the limit is there, below 1.5 % for 100 lines: judged by the size of the difference alone.
void check_limit(const Cell& cell, double millions) {
  const auto x = replicate(cell, millions, measure::latency);
  double mean = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  EXPECT_NEAR(mean, cell.expected[0].reference, 2 * cell.expected[0].tolerance * cell.expected[0].reference);
  EXPECT_GT(mean, cell.expected[0].reference) << "fewer lines wait longer";
}
class ManyLines : public testing::TestWithParam<Cell> {};
TEST_P(ManyLines, are_near_the_limit) {
#ifndef NDEBUG
  GTEST_SKIP() << "too slow for statistics in this build";
#endif
  check_limit(GetParam(), GetParam().quick_millions);
}
INSTANTIATE_TEST_SUITE_P(Cells, ManyLines, testing::ValuesIn(quick(limit_cells())), CellName());
TEST(ManyLinesTable, full) {
  if (!long_run()) GTEST_SKIP() << "takes minutes: runs with TIDELINE_LONG=1";
  for (const Cell& c : limit_cells()) check_limit(c, c.millions);
}

// --- one policy against another ---

/// Paired: replications have the same arrivals and services under both policies.
void expect_faster(const Policy& fast, const Policy& slow, double rho) {
  const double millions = 2;
  const auto a = replicate(lines(fast, 10, rho, 1, 0, 0), millions, measure::latency);
  const auto b = replicate(lines(slow, 10, rho, 1, 0, 0), millions, measure::latency);
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) mean += (b[k] - a[k]) / n;
  for (std::size_t k = 0; k < a.size(); ++k) squares += (b[k] - a[k] - mean) * (b[k] - a[k] - mean);
  const double error = std::sqrt(squares / (n - 1) / n);
  EXPECT_GT(mean, boost::math::quantile(boost::math::students_t(n - 1), .9995) * error) << fast.name << " and " << slow.name << " at " << rho;
}

class Order : public testing::TestWithParam<double> {};
TEST_P(Order, of_dispatch_policies_is_that_of_what_they_know) {
#ifndef NDEBUG
  GTEST_SKIP() << "too slow for statistics in this build";
#endif
  const double rho = GetParam();
  expect_faster(shared, shortest, rho);
  expect_faster(shortest, power_of(3), rho);
  expect_faster(power_of(3), power_of(2), rho);
  expect_faster(power_of(2), random_one, rho);
  expect_faster(shortest, in_turn, rho);
  expect_faster(in_turn, random_one, rho);
}
INSTANTIATE_TEST_SUITE_P(Loads, Order, testing::Values(.5, .8));

TEST(Choices, of_all_lines_are_the_shortest_queue) {
#ifndef NDEBUG
  GTEST_SKIP() << "too slow for statistics in this build";
#endif
  const auto all = replicate(lines(power_of(10), 10, .9, 1, 0, 0), 6, measure::latency);
  const auto known = replicate(lines(shortest, 10, .9, 1, 0, 0), 6, measure::latency);
  std::vector<double> difference;
  for (std::size_t k = 0; k < all.size(); ++k) difference.push_back(1 + (all[k] - known[k]) / 1.9131);
  judge("d = n relative to the shortest queue", difference, 1, .02);
}

std::vector<QueryRecord> log_of(const std::vector<std::string>& settings) {
  auto all = settings;
  all.push_back("/measure/warmup_s=0");
  all.push_back("/measure/duration_s=2000");
  QueryLog log;
  const Ran ran = run_scenario("theory/separate_queues.json", all, {&log});
  EXPECT_TRUE(ran.audit.passed) << failed_checks(ran.audit);
  return log.records();
}

TEST(Pairing, gives_each_query_the_same_fate_under_two_policies) {
  const auto a = log_of(random_one.settings), b = log_of(shortest.settings), c = log_of(shared.settings);
  ASSERT_GT(a.size(), 15000u);
  ASSERT_EQ(a.size(), b.size());
  ASSERT_EQ(a.size(), c.size());
  std::size_t elsewhere = 0, waited_otherwise = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    for (const auto* other : {&b[k], &c[k]}) {
      ASSERT_EQ(a[k].serial, other->serial);
      ASSERT_EQ(a[k].arrival, other->arrival) << "query " << k;
      ASSERT_EQ(a[k].cls, other->cls) << "query " << k;
      ASSERT_EQ(a[k].service, other->service) << "query " << k;
      elsewhere += a[k].instance != other->instance;
      waited_otherwise += a[k].queue != other->queue;
    }
  EXPECT_GT(elsewhere, a.size()) << "the policies decided alike: nothing was compared";
  EXPECT_GT(waited_otherwise, a.size() / 2);
}

TEST(Pairing, needs_the_same_seed) {
  const auto a = log_of(shortest.settings);
  auto settings = shortest.settings;
  settings.push_back("/seed=2");
  const auto b = log_of(settings);
  std::size_t equal = 0;
  for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k) equal += a[k].arrival == b[k].arrival || a[k].service == b[k].service;
  EXPECT_EQ(equal, 0u);
}

TEST(Pairing, repeats_a_run_exactly) {
  const auto a = log_of(power_of(2).settings), b = log_of(power_of(2).settings);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].finish, b[k].finish) << "query " << k;
    ASSERT_EQ(a[k].instance, b[k].instance) << "query " << k;
  }
}

}  // namespace
}  // namespace tideline::test
