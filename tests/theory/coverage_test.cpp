// Do the intervals cover what they should, and the tests err as rarely? Over many repetitions of the whole procedure, on processes whose
// expectations are known. Seeds are fixed and never chosen.
//
// Shares of 1,000 repetitions have a standard error of 0.7 points, those of 4,000 of 0.35: a procedure that covers 95 % is in the band of
// 93 to 97 % all but once in 250 times. Errors of the first kind may be at most 5 % and 2.33 standard errors of a share of 5 % more: a
// procedure that errs in 5 % fails once in a hundred times.
#include "sim/core/normal.h"
#include "sim/core/random.h"
#include "sim/statistics/bootstrap.h"
#include "sim/statistics/holm.h"
#include "sim/statistics/paired.h"
#include "sim/statistics/sequential.h"
#include "sim/statistics/stationary.h"
#include "sim/statistics/verdict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tideline::statistics {
namespace {

double exponential(Stream& stream) { return -std::log1p(-uniform01(stream)); }
double normal(Stream& stream) { return normal_quantile(uniform01(stream) + 0x1p-54); }

/// Wait of a customer of a stationary M/M/1 queue with mean service 1, from a uniform number: none with probability 1 - rho, else
/// exponential of mean 1 / (1 - rho).
double stationary_wait(double rho, double u) { return u < 1 - rho ? 0 : std::log(rho / (1 - u)) / (1 - rho); }
double expected_wait(double rho) { return rho / (1 - rho); }

/// Mean wait of the first `customers` of an M/M/1 queue that is stationary from the first: its expectation is `expected_wait`.
/// (Lindley 1952: the next wait is this wait + service - interarrival time, or none.)
double mm1(Stream& stream, double rho, int customers) {
  double w = stationary_wait(rho, uniform01(stream)), sum = 0;
  for (int k = 0; k < customers; ++k) {
    sum += w;
    w = std::max(0.0, w + exponential(stream) - exponential(stream) / rho);
  }
  return sum / customers;
}

/// Two of them with common random numbers: first wait, services and interarrival times from the same draws.
Pair mm1_pair(Stream& stream, double rho_a, double rho_b, int customers) {
  const double u = uniform01(stream);
  double a = stationary_wait(rho_a, u), b = stationary_wait(rho_b, u), sum_a = 0, sum_b = 0;
  for (int k = 0; k < customers; ++k) {
    sum_a += a, sum_b += b;
    const double service = exponential(stream), gap = exponential(stream);
    a = std::max(0.0, a + service - gap / rho_a);
    b = std::max(0.0, b + service - gap / rho_b);
  }
  return {sum_a / customers, sum_b / customers};
}

/// What repetitions of a procedure came to.
struct Tally {
  int repetitions = 0, covered = 0, rejected = 0;
  double replications = 0;
  double coverage() const { return static_cast<double>(covered) / repetitions; }
  double error() const { return static_cast<double>(rejected) / repetitions; }
  void print(const std::string& what) const {
    std::printf("  %-62s coverage %.2f %%, %.1f replications\n", what.c_str(), 100 * coverage(), replications / repetitions);
  }
};

void expect_covers(const Tally& tally, const std::string& what) {
  tally.print(what);
  EXPECT_GE(tally.coverage(), 0.93) << what;
  EXPECT_LE(tally.coverage(), 0.97) << what;
}

/// 5 % and 2.33 standard errors.
double error_limit(int repetitions) { return 0.05 + 2.33 * std::sqrt(0.05 * 0.95 / repetitions); }

/// The whole sequential procedure, `repetitions` times, on pairs that `draw` makes from a stream.
template <class Draw>
Tally run(const std::string& name, int repetitions, const StoppingRule& rule, Precision target, double expected, Draw draw,
          std::optional<Correction> correction = {}) {
  Tally tally;
  for (int r = 0; r < repetitions; ++r) {
    Stream stream(2024, name, static_cast<std::uint64_t>(r));
    PairedSample sample(correction.value_or(rule.correction()));
    const std::array<Watched, 1> watched{{{&sample, target}}};
    std::size_t replications = 0;
    for (Look look = rule.look(0, watched); !look.stop(); look = rule.look(replications, watched))
      for (; replications < look.next; ++replications) {
        const Pair p = draw(stream);
        sample.add(p.a, p.b);
      }
    ++tally.repetitions;
    tally.covered += sample.interval(rule.confidence)->contains(expected) ? 1 : 0;
    tally.rejected += sample.p_value() <= 1 - rule.confidence ? 1 : 0;
    tally.replications += static_cast<double>(replications);
  }
  return tally;
}

/// The half-width that takes about n replications of differences with this standard deviation.
Precision target_for(double n, double sd = 1) { return {Precision::Kind::absolute, 1.96 * sd / std::sqrt(n)}; }

constexpr double rho_a = 0.6, rho_b = 0.5;
const double mm1_difference = expected_wait(rho_a) - expected_wait(rho_b);

TEST(Coverage, of_the_sequential_procedure_on_mm1_pairs) {
  const auto draw = [](Stream& s) { return mm1_pair(s, rho_a, rho_b, 1000); };
  for (const double target : {0.08, 0.06})
    expect_covers(run("mm1 absolute", 1000, {}, {Precision::Kind::absolute, target}, mm1_difference, draw),
                  "M/M/1 .6 against .5, 1000 customers, +-" + std::to_string(target));
  expect_covers(run("mm1 relative", 1000, {}, {Precision::Kind::relative, 0.06}, mm1_difference, draw),
                "M/M/1 .6 against .5, 1000 customers, +-6 % of the baseline");
}

TEST(Coverage, of_the_sequential_procedure_on_normal_differences) {
  for (const double n : {5, 10, 15, 20, 30, 50, 100})
    expect_covers(run("normal", 4000, {}, target_for(n), 0,
                      [](Stream& s) {
                        return Pair{normal(s), 0};
                      }),
                  "normal, about " + std::to_string(static_cast<int>(n)));
}

TEST(Coverage, of_the_sequential_procedure_on_symmetric_differences_with_heavy_tails) {
  const auto draw = [](Stream& s) { return Pair{exponential(s), exponential(s)}; };
  for (const double n : {5, 10, 15, 20, 30, 50, 100})
    expect_covers(run("laplace", 4000, {}, target_for(n, std::sqrt(2.0)), 0, draw),
                  "Laplace (kurtosis 6), about " + std::to_string(static_cast<int>(n)));
}

TEST(Coverage, of_the_sequential_procedure_on_skewed_differences) {
  const auto gamma = [](Stream& s) { return Pair{(exponential(s) + exponential(s) + exponential(s) + exponential(s)) / 2, 2}; };
  for (const double n : {5, 10, 15, 20, 30, 50, 100})
    expect_covers(run("gamma", 4000, {}, target_for(n), 0, gamma), "Erlang 4 (skewness 1), about " + std::to_string(static_cast<int>(n)));
  const auto exp = [](Stream& s) { return Pair{exponential(s), 1}; };
  for (const double n : {10, 20, 30, 50, 100})
    expect_covers(run("exponential", 4000, {.least = 20}, target_for(n), 0, exp),
                  "exponential (skewness 2), least 20, about " + std::to_string(static_cast<int>(n)));
}

TEST(Coverage, of_a_rule_without_corrections_is_too_small) {
  // Why there are corrections: a look after each replication at Student's interval.
  const StoppingRule naive{.growth = 0};
  const auto plain = run(
      "naive exponential", 4000, naive, target_for(50), 0,
      [](Stream& s) {
        return Pair{exponential(s), 1};
      },
      fixed_number);
  plain.print("exponential, Student's interval after each replication");
  EXPECT_LT(plain.coverage(), 0.89);
  const auto pairs = run(
      "naive mm1", 1000, naive, {Precision::Kind::absolute, 0.05}, mm1_difference,
      [](Stream& s) { return mm1_pair(s, rho_a, rho_b, 1000); }, fixed_number);
  pairs.print("M/M/1, Student's interval after each replication");
  EXPECT_LT(pairs.coverage(), 0.93);
}

TEST(Coverage, identical_policies_with_independent_noise_differ_at_most_as_often_as_they_may) {
  constexpr int repetitions = 2000;
  const auto draw = [](Stream& s) {
    const double a = mm1(s, 0.5, 200);
    return Pair{a, mm1(s, 0.5, 200)};
  };
  for (const double target : {0.25, 0.15}) {
    const Tally tally = run("identical", repetitions, {}, {Precision::Kind::absolute, target}, 0, draw);
    std::printf("  identical M/M/1, +-%.2f: %.2f %% of p values at or below 5 %% (limit %.2f %%), %.1f replications\n", target,
                100 * tally.error(), 100 * error_limit(repetitions), tally.replications / repetitions);
    EXPECT_LE(tally.error(), error_limit(repetitions));
  }
}

TEST(Coverage, of_ten_identical_alternatives_none_differs_all_but_as_often_as_it_may) {
  // All against one baseline, in one sequential procedure that goes on until all are precise; verdicts by Holm's p values.
  constexpr int repetitions = 1000, alternatives = 10, customers = 100;
  int any = 0, any_unadjusted = 0;
  double total = 0;
  for (int r = 0; r < repetitions; ++r) {
    Stream stream(2025, "family", static_cast<std::uint64_t>(r));
    const StoppingRule rule;
    std::vector<PairedSample> samples(alternatives, PairedSample(rule.correction()));
    std::vector<Watched> watched;
    for (const PairedSample& s : samples) watched.push_back({&s, {Precision::Kind::absolute, 0.6}});
    std::size_t replications = 0;
    for (Look look = rule.look(0, watched); !look.stop(); look = rule.look(replications, watched))
      for (; replications < look.next; ++replications) {
        const double baseline = mm1(stream, 0.5, customers);
        for (PairedSample& s : samples) s.add(mm1(stream, 0.5, customers), baseline);
      }
    total += static_cast<double>(replications);
    std::vector<double> p;
    for (const PairedSample& s : samples) p.push_back(s.p_value());
    const std::vector<double> adjusted = holm(p);
    bool found = false;
    for (std::size_t k = 0; k < samples.size(); ++k) found |= judge(samples[k], {}, {.p = adjusted[k]}).verdict == Verdict::different;
    any += found ? 1 : 0;
    any_unadjusted += *std::min_element(p.begin(), p.end()) <= 0.05 ? 1 : 0;
  }
  std::printf("  ten identical alternatives: one differs in %.2f %% (limit %.2f %%), without Holm in %.2f %%; %.1f replications\n",
              100.0 * any / repetitions, 100 * error_limit(repetitions), 100.0 * any_unadjusted / repetitions, total / repetitions);
  EXPECT_LE(static_cast<double>(any) / repetitions, error_limit(repetitions));
  EXPECT_GT(static_cast<double>(any_unadjusted) / repetitions, 0.10);
}

TEST(Coverage, common_random_numbers_reduce_the_variance_of_the_difference) {
  PairedSample common, independent;
  Stream stream(2026, "common", 0), other(2026, "independent", 0);
  for (int r = 0; r < 2000; ++r) {
    const Pair p = mm1_pair(stream, rho_a, rho_b, 1000);
    common.add(p.a, p.b);
    const double a = mm1(other, rho_a, 1000);
    independent.add(a, mm1(other, rho_b, 1000));
  }
  const double ratio = common.variance() / independent.variance();
  std::printf("  variance with common random numbers over that with independent ones: %.3f; variance_ratio() %.3f and %.3f\n", ratio,
              common.variance_ratio(), independent.variance_ratio());
  EXPECT_LT(ratio, 0.5);
  EXPECT_NEAR(common.variance_ratio(), ratio, 0.1 * ratio);
  EXPECT_NEAR(independent.variance_ratio(), 1, 0.1);
}

TEST(Coverage, of_bootstrap_intervals_of_skewed_differences) {
  // Lognormal differences (skewness 6.2): their mean, and their median, for which Student's t has no interval.
  constexpr int repetitions = 1000;
  for (const int n : {20, 40}) {
    Tally mean, median, student;
    for (int r = 0; r < repetitions; ++r) {
      Stream stream(2027, "bootstrap", static_cast<std::uint64_t>(r));
      std::vector<Pair> pairs;
      PairedSample sample;
      for (int k = 0; k < n; ++k) {
        pairs.push_back({std::exp(normal(stream)), 0});
        sample.add(pairs.back().a, 0);
      }
      const double expected = std::exp(0.5);
      mean.covered += bootstrap(pairs, mean_difference, stream, {0.95, 999})->interval.contains(expected) ? 1 : 0;
      median.covered += bootstrap(pairs, median_difference, stream, {0.95, 999})->interval.contains(1) ? 1 : 0;
      student.covered += sample.interval(0.95)->contains(expected) ? 1 : 0;
      for (Tally* t : {&mean, &median, &student}) ++t->repetitions, t->replications += n;
    }
    mean.print("lognormal (skewness 6), BCa of the mean");
    student.print("the same, Student's");
    EXPECT_GT(mean.coverage(), student.coverage() + 0.02);
    expect_covers(median, "lognormal, BCa of the median");
  }
}

TEST(Coverage, of_batch_means_of_an_autoregressive_process) {
  // x' = 10 + phi (x - 10) + e with standard normal e: mean 10, asymptotic variance 1 / (1 - phi)^2.
  constexpr double phi = 0.9, mean = 10;
  constexpr int series = 1000, length = 10000;
  Tally tally;
  double variance = 0;
  int trusted = 0;
  std::vector<double> x(length);
  for (int r = 0; r < series; ++r) {
    Stream stream(2028, "ar1", static_cast<std::uint64_t>(r));
    double deviation = normal(stream) / std::sqrt(1 - phi * phi);
    for (double& value : x) {
      value = mean + deviation;
      deviation = phi * deviation + normal(stream);
    }
    const auto result = batch_means(x);
    ++tally.repetitions, tally.replications += length;
    tally.covered += result->interval.contains(mean) ? 1 : 0;
    trusted += result->trusted() ? 1 : 0;
    variance += result->asymptotic_variance / series;
  }
  std::printf("  asymptotic variance %.2f, in theory 100; trusted in %d of %d\n", variance, trusted, series);
  expect_covers(tally, "AR(1) .9, 20 batches of 500");
  EXPECT_NEAR(variance, 100, 5);
  EXPECT_GT(trusted, 980);
}

TEST(Coverage, of_batch_means_of_mm1_waits_after_mser5) {
  // Waits of rho = 0.5 from a line of 60: it takes 60 / (1/rho - 1) = 60 customers to drain. Asymptotic variance of the mean wait: rho (2
  // + 5 rho - 4 rho^2 + rho^3) / (1 - rho)^4 (Blomqvist 1967).
  constexpr double rho = 0.5;
  constexpr int series = 600, length = 40000;
  const double theory = rho * (2 + 5 * rho - 4 * rho * rho + rho * rho * rho) / std::pow(1 - rho, 4);
  Tally tally;
  double variance = 0, discarded = 0, whole = 0, cut_mean = 0;
  int drained = 0, settled = 0;
  std::vector<double> x(length);
  for (int r = 0; r < series; ++r) {
    Stream stream(2029, "waits", static_cast<std::uint64_t>(r));
    double w = 60;
    for (double& value : x) {
      value = w;
      w = std::max(0.0, w + exponential(stream) - exponential(stream) / rho);
    }
    const Truncation cut = mser5(x);
    settled += cut.settled ? 1 : 0;
    const auto rest = std::span<const double>(x).subspan(cut.discard);
    const auto result = batch_means(rest);
    ++tally.repetitions, tally.replications += length;
    tally.covered += result->interval.contains(expected_wait(rho)) ? 1 : 0;
    variance += result->asymptotic_variance / series;
    discarded += static_cast<double>(cut.discard) / series;
    drained += x[cut.discard] <= 8 ? 1 : 0;
    cut_mean += result->mean / series;
    whole += batch_means(x)->mean / series;
  }
  std::printf(
      "  mean %.4f, uncut %.4f, in theory %.4f; cut %.0f on average; settled %d, drained %d of %d; asymptotic variance %.1f, in theory "
      "%.1f\n",
      cut_mean, whole, expected_wait(rho), discarded, settled, drained, series, variance, theory);
  expect_covers(tally, "M/M/1 .5 waits from a line of 60, 20 batches of about 2000");
  EXPECT_NEAR(variance, theory, 0.08 * theory);
  EXPECT_GT(drained, series * 95 / 100);  // a stationary wait is above 8 in 0.9 %
  EXPECT_GT(settled, series * 98 / 100);
  EXPECT_LT(std::abs(cut_mean - expected_wait(rho)), std::abs(whole - expected_wait(rho)) / 2);
}

}  // namespace
}  // namespace tideline::statistics
