#include "tests/theory/judge.h"

#include <boost/math/distributions/students_t.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>

namespace tideline::test {

namespace {

double quantile(std::size_t runs, double p) { return boost::math::quantile(boost::math::students_t(static_cast<double>(runs - 1)), p); }

void replicate_into(const Cell& cell, double millions, int runs, const std::function<void(const Observed&)>& each) {
  auto settings = cell.settings;
  const double duration = millions * 1e6 / runs / cell.rate;
  settings.push_back(set("/workload/0/params/rate_qps", cell.rate));
  settings.push_back(set("/measure/warmup_s", cell.warmup_s));
  settings.push_back(set("/measure/duration_s", duration));
  settings.push_back(set("/measure/sample_s", duration));
  for (int seed = 1; seed <= runs; ++seed) {
    auto of_run = settings;
    of_run.push_back("/seed=" + std::to_string(seed));
    WaitRecorder waits;
    IdleRecorder idle;
    const Ran ran = run_scenario("theory/" + cell.file, of_run, {&waits, &idle});
    EXPECT_TRUE(ran.audit.passed) << cell.name << ", seed " << seed << ":\n" << failed_checks(ran.audit);
    EXPECT_EQ(ran.summary.total.queries_unfinished, 0u) << cell.name << ", seed " << seed;
    each(Observed{ran.summary, waits, idle});
  }
}

}  // namespace

bool long_run() {
  const char* wish = std::getenv("TIDELINE_LONG");
  return wish != nullptr && std::string(wish) == "1";
}

std::vector<Cell> quick(const std::vector<Cell>& cells) {
  std::vector<Cell> out;
  for (const Cell& c : cells)
    if (c.quick_millions > 0) out.push_back(c);
  return out;
}

void judge(const std::string& what, const std::vector<double>& replicated, double reference, double tolerance, double half_width) {
  const auto n = static_cast<double>(replicated.size());
  double mean = 0, squares = 0;
  for (const double x : replicated) mean += x / n;
  for (const double x : replicated) squares += (x - mean) * (x - mean);
  const double error = std::sqrt(squares / (n - 1) / n), half = quantile(replicated.size(), .975) * error;
  const double off = std::abs(mean - reference), given = half_width + 1e-9 + 1e-9 * std::abs(reference);
  std::printf("  %-44s %.6g  +- %.2f %%  (theory %.6g, %+.2f %%, %+.1f standard errors)\n", what.c_str(), mean, 100 * half / reference,
              reference, 100 * (mean - reference) / reference, error > 0 ? (mean - reference) / error : 0);
  std::fflush(stdout);
  EXPECT_LE(half, tolerance * reference) << what << ": inconclusive, the run is too short for " << 100 * tolerance << " %";
  EXPECT_LE(off, quantile(replicated.size(), .9995) * error + given) << what << ": " << mean << ", not " << reference;
  EXPECT_LE(off, 2 * tolerance * reference) << what << ": " << mean << ", not " << reference;
}

std::vector<double> replicate(const Cell& cell, double millions, double (*measured)(const Observed&), int runs) {
  std::vector<double> out;
  replicate_into(cell, millions, runs, [&](const Observed& o) { out.push_back(measured(o)); });
  return out;
}

void check(const Cell& cell, bool full) {
#ifndef NDEBUG
  replicate_into(cell, .02, 2, [](const Observed&) {});
  GTEST_SKIP() << "too slow for statistics in this build: only audited";
#endif
  std::vector<std::vector<double>> values(cell.expected.size());
  replicate_into(cell, full ? cell.millions : cell.quick_millions, replications, [&](const Observed& o) {
    for (std::size_t k = 0; k < values.size(); ++k) values[k].push_back(cell.expected[k].measured(o));
  });
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Expected& e = cell.expected[k];
    judge(cell.name + ": " + e.what, values[k], e.reference, e.tolerance * (full ? 1 : cell.quick_factor), e.half_width);
  }
}

void check_full_table(const std::vector<Cell>& cells) {
  if (!long_run()) GTEST_SKIP() << "takes minutes: runs with TIDELINE_LONG=1";
  for (const Cell& c : cells) check(c, true);
}

}  // namespace tideline::test
