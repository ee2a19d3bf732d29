// S7 as an optimisation: the worked example, small problems by exhaustive search, and large ones against their bounds.
#include "policies/components/accuracy_plan.h"
#include "sim/core/random.h"
#include "tests/support/sanitized.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

namespace tideline::test {
namespace {

using Status = AccuracyPlan::Status;

/// Devices F and S; hi (accuracy 1; 100 and 40 items per second), lo (0.9; 300 and 120).
AccuracyProblem worked_example(double rate) {
  AccuracyProblem p;
  p.devices = {1, 1};
  p.options = {{0, 0, 100}, {0, 0, 300}, {1, 0, 40}, {1, 0, 120}};
  p.demands = {{0, rate}};
  p.ways = {{0, 0, 1}, {0, 1, 0.9}, {0, 2, 1}, {0, 3, 0.9}};
  return p;
}

double mean_accuracy(const AccuracyProblem& p, const AccuracyPlan& plan) {
  double served = 0, worth = 0;
  for (std::size_t k = 0; k < plan.flow.size(); ++k) served += plan.flow[k], worth += plan.flow[k] * p.ways[k].accuracy;
  return worth / served;
}

struct Case {
  double rate, first, target, accuracy;
  std::vector<std::uint32_t> devices;  // F hi, F lo, S hi, S lo
};

class WorkedExample : public ::testing::TestWithParam<bool> {};

// Placements, accuracies and targets of the example, by the search and by the greedy plan alike.
TEST_P(WorkedExample, is_met) {
  for (const Case& c : {Case{200, 1, 1, 0.95, {1, 0, 0, 1}}, Case{250, 1, 1, 0.916, {0, 1, 1, 0}}, Case{430, 1, 0.95, 0.9, {0, 1, 0, 1}},
                        Case{200, 1.05, 1.05, 0.947619, {1, 0, 0, 1}}, Case{250, 1.05, 1.05, 0.915238, {0, 1, 1, 0}}}) {
    SCOPED_TRACE(c.rate);
    const AccuracyProblem p = worked_example(c.rate);
    const AccuracyTargets targets{.first = c.first};
    const AccuracyPlan plan = GetParam() ? plan_exactly(p, targets, {}) : plan_greedily(p, targets);
    EXPECT_EQ(plan.status, GetParam() ? Status::optimal : Status::feasible);
    EXPECT_NEAR(plan.target, c.target, 1e-12);
    EXPECT_EQ(plan.devices, c.devices);
    EXPECT_NEAR(mean_accuracy(p, plan), c.accuracy, 5e-7);
    EXPECT_NEAR(plan.objective, c.accuracy * c.rate * c.target, 2e-4);
  }
  const AccuracyProblem light = worked_example(30);
  EXPECT_NEAR(mean_accuracy(light, GetParam() ? plan_exactly(light, {}, {}) : plan_greedily(light, {})), 1, 1e-12);
}
INSTANTIATE_TEST_SUITE_P(Plans, WorkedExample, ::testing::Bool(), [](const auto& i) { return i.param ? "exact" : "greedy"; });

TEST(AccuracyPlan, is_short_where_there_are_fewer_devices_than_tasks) {
  AccuracyProblem p;
  p.devices = {1};
  p.options = {{0, 0, 10}, {0, 1, 10}};
  p.demands = {{0, 5}, {1, 8}};
  p.ways = {{0, 0, 1}, {1, 1, 0.5}};
  for (const AccuracyPlan& plan : {plan_exactly(p, {}, {}), plan_greedily(p, {})}) {
    EXPECT_EQ(plan.status, Status::short_of);
    EXPECT_EQ(plan.devices, (std::vector<std::uint32_t>{1, 0}));  // 5 x 1 is worth more than 8 x 0.5
    EXPECT_NEAR(plan.objective, 5, 1e-9);
  }
}

TEST(AccuracyPlan, spare_devices_go_where_load_is_densest) {
  AccuracyProblem p;
  p.devices = {5};
  p.options = {{0, 0, 100}, {0, 1, 100}};
  p.demands = {{0, 90}, {1, 20}};
  p.ways = {{0, 0, 1}, {1, 1, 1}};
  AccuracyPlan plan = plan_exactly(p, {}, {});
  use_spare_devices(p, plan);
  EXPECT_EQ(plan.devices, (std::vector<std::uint32_t>{4, 1}));  // 0.9, 0.45, 0.3, then 0.225 is still above 0.2
}

/// Tasks of some variants on some types of devices, each variant slower and more accurate than the one before.
AccuracyProblem random_problem(Stream& draw, std::uint32_t types, std::uint32_t devices, std::uint32_t tasks, std::uint32_t variants,
                               double load) {
  AccuracyProblem p;
  for (std::uint32_t t = 0; t < types; ++t) p.devices.push_back(devices / types + (t < devices % types ? 1 : 0));
  for (std::uint32_t q = 0; q < tasks; ++q) {
    p.demands.push_back({q, 0});
    double fastest = 0;
    for (std::uint32_t t = 0; t < types; ++t)
      for (std::uint32_t v = 0; v < variants; ++v) {
        const double rate = (20 + 30 * v + 10 * uniform01(draw)) * (1 + t);
        fastest = std::max(fastest, rate);
        p.ways.push_back({q, static_cast<std::uint32_t>(p.options.size()), 1 - 0.06 * v - 0.02 * uniform01(draw)});
        p.options.push_back({t, q, rate});
      }
    p.demands.back().rate = load * fastest * devices / tasks * (0.5 + uniform01(draw));
  }
  return p;
}

/// The best of all ways to fill the devices. Demands of a task are single: filling the most accurate first is then optimal.
double by_exhaustion(const AccuracyProblem& p) {
  std::vector<std::uint32_t> devices(p.options.size());
  std::vector<std::uint32_t> left = p.devices;
  double best = -1;
  const std::function<void(std::size_t)> fill = [&](std::size_t k) {
    if (k == devices.size()) {
      const AccuracyPlan plan = flows_of(p, devices, 1);
      if (plan.status == Status::feasible) best = std::max(best, plan.objective);
      return;
    }
    std::uint32_t& there = left[p.options[k].type];
    const std::uint32_t most = there;
    for (devices[k] = 0; devices[k] <= most; ++devices[k]) {
      there = most - devices[k];
      fill(k + 1);
    }
    devices[k] = 0;
    there = most;
  };
  fill(0);
  return best;
}

TEST(AccuracyPlan, small_problems_are_solved_as_by_exhaustive_search) {
  Stream draw(3);
  int feasible = 0, infeasible = 0, found = 0;
  double worst = 1, sum = 0;
  for (int k = 0; k < 60; ++k) {
    const AccuracyProblem p = random_problem(draw, 2, 5, 2, 2, 0.25 + 0.35 * uniform01(draw));
    const double best = by_exhaustion(p);
    const AccuracyPlan exact = plan_exactly(p, {.first = 1, .step = 1, .least = 1}, {.nodes = 100'000, .gap = 0});
    const AccuracyPlan greedy = plan_greedily(p, {.first = 1, .step = 1, .least = 1});
    if (best < 0) {
      ++infeasible;
      EXPECT_EQ(exact.status, Status::short_of);
      EXPECT_EQ(greedy.status, Status::short_of);
      continue;
    }
    ++feasible;
    ASSERT_EQ(exact.status, Status::optimal);
    EXPECT_NEAR(exact.objective, best, 1e-6 * best);
    EXPECT_EQ(flows_of(p, exact.devices, 1).status, Status::feasible);
    if (greedy.status != Status::feasible) continue;
    ++found;
    const double share = greedy.objective / best;
    EXPECT_LE(share, 1 + 1e-9);
    worst = std::min(worst, share);
    sum += share;
  }
  EXPECT_GT(feasible, 20);
  EXPECT_GE(infeasible, 4);
  // Of changes one device at a time: where several would have to change at once, it may miss the optimum, or any plan at all.
  EXPECT_GE(found, 0.85 * feasible);
  EXPECT_GT(sum / found, 0.98) << "the greedy plan's worst share of the optimum was " << worst;
}

TEST(AccuracyPlan, accuracy_falls_with_load_and_lies_between_the_greedy_plan_and_the_relaxation) {
  Stream draw(5);
  for (int k = 0; k < (is_sanitized ? 1 : 5); ++k) {
    AccuracyProblem p = random_problem(draw, 3, 12, 3, 4, 0.2);
    double before = 2;
    for (int step = 0; step < 8; ++step) {
      const AccuracyPlan exact = plan_exactly(p, {}, {.nodes = 20'000, .gap = 1e-7}), greedy = plan_greedily(p, {});
      if (exact.status == Status::short_of || exact.target < 1) break;
      const double accuracy = mean_accuracy(p, exact);
      EXPECT_LE(accuracy, before + 1e-6);
      before = accuracy;
      if (greedy.target == exact.target) {
        EXPECT_GE(exact.objective, greedy.objective - 1e-9);
      }
      EXPECT_LE(exact.objective, exact.bound + 1e-9);
      for (auto& d : p.demands) d.rate *= 1.15;
    }
    EXPECT_LT(before, 2);
  }
}

// Property X4.
TEST(AccuracyPlan, another_device_never_lowers_the_optimum) {
  Stream draw(9);
  int gained = 0;
  for (int k = 0; k < 12; ++k) {
    AccuracyProblem p = random_problem(draw, 2, 4, 2, 3, 0.3 + 0.3 * uniform01(draw));
    double target = 0, objective = 0;
    for (int step = 0; step < 4; ++step) {
      const AccuracyPlan plan = plan_exactly(p, {}, {.nodes = 50'000, .gap = 0});
      ASSERT_NE(plan.status, Status::feasible) << "the search met its limit";
      EXPECT_GE(plan.target, target - 1e-12);
      if (plan.target == target) {
        EXPECT_GE(plan.objective, objective * (1 - 1e-9));
      }
      gained += plan.target > target || plan.objective > objective * (1 + 1e-6) ? 1 : 0;
      target = plan.target;
      objective = plan.objective;
      ++p.devices[static_cast<std::size_t>(step) % p.devices.size()];
    }
  }
  EXPECT_GT(gained, 12);
}

TEST(AccuracyPlan, a_class_with_a_floor_keeps_its_accurate_devices) {
  // Two demands of a task: one may use the accurate option alone.
  AccuracyProblem p;
  p.devices = {3};
  p.options = {{0, 0, 10}, {0, 0, 40}};
  p.demands = {{0, 10}, {0, 70}};
  p.ways = {{0, 0, 1}, {1, 0, 1}, {1, 1, 0.5}};
  for (const AccuracyPlan& plan : {plan_exactly(p, {}, {}), plan_greedily(p, {})}) {
    EXPECT_EQ(plan.devices, (std::vector<std::uint32_t>{1, 2}));
    EXPECT_DOUBLE_EQ(plan.objective, 10 + 35);
    EXPECT_EQ(plan.flow, (std::vector<double>{10, 0, 70}));
  }
}

TEST(LinearProgram, says_what_it_found) {
  LinearProgram p;
  const auto x = p.add_variable(3, 10, true), y = p.add_variable(2);
  const auto row = p.add_row(-LinearProgram::infinity, 7.5);
  p.set(row, x, 2);
  p.set(row, y, 1);
  const auto best = p.solve();  // 2 x + y <= 7.5: y = 7.5
  EXPECT_EQ(best.status, LinearProgram::Status::optimal);
  EXPECT_NEAR(best.objective, 15, 1e-9);
  EXPECT_NEAR(best.x[y], 7.5, 1e-9);
  EXPECT_EQ(best.gap(), 0);

  LinearProgram none;
  const auto z = none.add_variable(1, 3, true);
  none.set(none.add_row(1.2, 1.8), z, 1);
  EXPECT_EQ(none.solve().status, LinearProgram::Status::infeasible);
  EXPECT_TRUE(none.relaxation().found());

  LinearProgram far;
  far.add_variable(1);
  far.add_row(-LinearProgram::infinity, 1);
  EXPECT_EQ(far.solve().status, LinearProgram::Status::unsolved);
}

TEST(LinearProgram, begins_with_what_it_is_given_and_keeps_it_where_it_may_not_search) {
  // A knapsack whose optimum takes some search; with one node the start stands unless something better was found.
  LinearProgram p;
  Stream draw(9);
  const auto row = p.add_row(-LinearProgram::infinity, 500.5);
  std::vector<double> start;
  double weight = 0, worth = 0;
  for (int k = 0; k < 40; ++k) {
    const double w = 20 + 60 * uniform01(draw), v = w * (1 + 0.1 * uniform01(draw));
    p.set(row, p.add_variable(v, 1, true), w);
    start.push_back(weight + w <= 500.5 ? 1 : 0);
    if (start.back() > 0) weight += w, worth += v;
  }
  const auto limited = p.solve({.nodes = 1, .gap = 0}, start);
  EXPECT_TRUE(limited.found());
  EXPECT_GE(limited.objective, worth - 1e-9);
  const auto again = p.solve({.nodes = 1, .gap = 0}, start);
  EXPECT_EQ(limited.x, again.x);
  const auto full = p.solve({.nodes = 100'000, .gap = 0});
  EXPECT_EQ(full.status, LinearProgram::Status::optimal);
  EXPECT_GE(full.objective, limited.objective - 1e-9);
  EXPECT_LE(full.objective, limited.bound + 1e-6);
}

}  // namespace
}  // namespace tideline::test
