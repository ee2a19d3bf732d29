// How long planners take, and how far from their bounds they end: on random problems of three types of devices and five variants a task.
#include "policies/components/accuracy_plan.h"
#include "sim/core/random.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace {

using namespace tideline;

/// Each variant of a task slower and more accurate than the one before; demand at `load` of what the fastest variants could serve.
AccuracyProblem random_problem(Stream& draw, std::uint32_t devices, std::uint32_t tasks, double load) {
  constexpr std::uint32_t types = 3, variants = 5;
  AccuracyProblem p;
  for (std::uint32_t t = 0; t < types; ++t) p.devices.push_back(devices / types + (t < devices % types ? 1 : 0));
  for (std::uint32_t q = 0; q < tasks; ++q) {
    double fastest = 0;
    for (std::uint32_t t = 0; t < types; ++t)
      for (std::uint32_t v = 0; v < variants; ++v) {
        const double rate = (20 + 30 * v + 10 * uniform01(draw)) * (1 + t);
        fastest += v + 1 == variants ? rate * p.devices[t] : 0;
        p.ways.push_back({q, static_cast<std::uint32_t>(p.options.size()), 1 - 0.06 * v - 0.02 * uniform01(draw)});
        p.options.push_back({t, q, rate});
      }
    p.demands.push_back({q, load * fastest / tasks * (0.5 + uniform01(draw))});
  }
  return p;
}

struct Timed {
  AccuracyPlan plan;
  double seconds = 0;
};

template <class Solve>
Timed timed(Solve solve) {
  const auto began = std::chrono::steady_clock::now();
  Timed out;
  out.plan = solve();
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return out;
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  std::printf("%7s %5s | %9s %9s %9s %9s %8s | %9s %9s %s\n", "devices", "tasks", "exact ms", "most ms", "gap", "most gap", "optimal",
              "greedy ms", "of bound", "short of");
  for (const std::uint32_t tasks : {5U, 17U})
    for (const std::uint32_t devices : {10U, 40U, 160U}) {
      Stream draw(devices + tasks);
      std::vector<double> exact_ms, gaps, greedy_ms, shares;
      int optimal = 0, short_of = 0;
      constexpr int problems = 10;
      for (int k = 0; k < problems; ++k) {
        const AccuracyProblem p = random_problem(draw, devices, tasks, 0.5);
        const Timed exact = timed([&] { return plan_exactly(p, {}, {.nodes = 2000, .gap = 1e-3}); });
        const Timed greedy = timed([&] { return plan_greedily(p, {}); });
        exact_ms.push_back(1e3 * exact.seconds);
        greedy_ms.push_back(1e3 * greedy.seconds);
        gaps.push_back(exact.plan.gap());
        if (greedy.plan.target == exact.plan.target) shares.push_back(greedy.plan.objective / exact.plan.bound);
        optimal += exact.plan.status == AccuracyPlan::Status::optimal ? 1 : 0;
        short_of += exact.plan.status == AccuracyPlan::Status::short_of ? 1 : 0;
      }
      std::printf("%7u %5u | %9.1f %9.1f %8.3f%% %8.3f%% %5d/%d | %9.2f %8.2f%% %d/%d\n", devices, tasks, middle(exact_ms),
                  *std::max_element(exact_ms.begin(), exact_ms.end()), 100 * middle(gaps),
                  100 * *std::max_element(gaps.begin(), gaps.end()), optimal, problems, middle(greedy_ms),
                  shares.empty() ? 0 : 100 * middle(shares), short_of, problems);
    }
}
