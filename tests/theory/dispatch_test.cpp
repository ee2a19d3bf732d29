// Dispatch over separate lines: exact cells, the order of policies, what is the same under two policies.
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

#include <boost/math/distributions/students_t.hpp>

#include <map>

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

/// The limit of ever more lines.
double power_of_d_limit(int d, double rho) {
  double sum = 0;
  for (int i = 1; i < 60; ++i) sum += std::pow(rho, (std::pow(d, i) - d) / (d - 1));
  return sum;
}

/// 100 lines: simulated elsewhere, with its half width; and near the limit, by `off` at most, which says nothing of significance.
Cell many(int d, double rho, double latency, double half_width, double off, double millions, double quick_millions) {
  Cell cell = lines(power_of(d), 100, rho, latency, millions, quick_millions);
  const double limit = power_of_d_limit(d, rho);
  cell.expected = {{"mean latency", measure::latency, latency, .01, half_width},
                   {"limit of many lines", measure::latency, limit, off / 2, off * limit}};
  return cell;
}

std::vector<Cell> many_cells() {
  std::vector<Cell> out{many(2, .5, 1.2677, .0004, .01, 4, 2), many(2, .8, 1.9593, .0008, .01, 6, 4), many(3, .8, 1.5936, .0006, .01, 6, 0),
                        many(2, .9, 2.6457, .0021, .02, 10, 0)};
  out.push_back(lines(shortest, 100, .8, 1.00556, 4, 2));
  out.back().expected[0].half_width = .0001;
  out.push_back(lines(shortest, 100, .9, 1.0667, 10, 0));
  out.back().expected[0].half_width = .0006;
  out.push_back(lines(power_of(2), 1000, .9, 2.619, 20, 0));
  out.back().expected[0].half_width = .004;
  return out;
}

class SeparateLines : public testing::TestWithParam<Cell> {};
TEST_P(SeparateLines, take_as_long_as_the_chain_says) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, SeparateLines, testing::ValuesIn(quick(exact_cells())), CellName());
INSTANTIATE_TEST_SUITE_P(Many, SeparateLines, testing::ValuesIn(quick(many_cells())), CellName());
TEST(SeparateLinesTable, full) { check_full_table(exact_cells()); }
TEST(SeparateLinesTable, full_many) { check_full_table(many_cells()); }

// --- one policy against another ---

class Order : public testing::TestWithParam<double> {
 protected:
  /// Paired: replications have the same arrivals and services under both policies.
  void expect_faster(const Policy& fast, const Policy& slow) {
    const std::vector<double>&a = latencies(fast), &b = latencies(slow);
    double mean = 0, squares = 0;
    const auto n = static_cast<double>(a.size());
    for (std::size_t k = 0; k < a.size(); ++k) mean += (b[k] - a[k]) / n;
    for (std::size_t k = 0; k < a.size(); ++k) squares += (b[k] - a[k] - mean) * (b[k] - a[k] - mean);
    const double error = std::sqrt(squares / (n - 1) / n);
    EXPECT_GT(mean, boost::math::quantile(boost::math::students_t(n - 1), .9995) * error) << fast.name << " and " << slow.name;
  }

 private:
  const std::vector<double>& latencies(const Policy& policy) {
    auto& known = known_[policy.name];
    if (known.empty()) known = replicate(lines(policy, 10, GetParam(), 1, 0, 0), 2, measure::latency);
    return known;
  }
  std::map<std::string, std::vector<double>> known_;
};
TEST_P(Order, of_dispatch_policies_is_that_of_what_they_know) {
#ifndef NDEBUG
  GTEST_SKIP() << "too slow for statistics in this build";
#endif
  expect_faster(shared, shortest);
  expect_faster(shortest, power_of(3));
  expect_faster(power_of(3), power_of(2));
  expect_faster(power_of(2), random_one);
  expect_faster(shortest, in_turn);
  expect_faster(in_turn, random_one);
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
