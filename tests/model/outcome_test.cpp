// What answers are worth: exact figures of the one-factor model, and draws that no policy can influence.
#include "sim/model/outcome.h"

#include "sim/core/normal.h"
#include "tests/support/small_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tideline {
namespace {

using namespace test;

struct Voters {
  WorldBuilder b;
  TaskId task;
  std::vector<VariantId> variants;
  Voters(const std::vector<double>& accuracies, double rho, double kappa = 0.8, bool hit_rate = true) {
    b.site("core");
    task = b.task("t", hit_rate);
    b.catalog.tasks[0].correlation = rho;
    b.catalog.tasks[0].information = kappa;
    const HardwareId gpu = b.hardware("gpu");
    for (const double a : accuracies) variants.push_back(b.variant("v" + std::to_string(variants.size()), task, gpu, a, 10ms));
    b.catalog.complete();
  }
  OutcomeModel model(std::uint64_t seed = 1) const { return {b.catalog, seed}; }
};

/// Probability that a majority of n voters at accuracy a is right, by integration over the difficulty (Simpson's rule).
double majority_by_integration(int n, double a, double rho) {
  const int steps = 4000;
  const double from = -9, to = 9, h = (to - from) / steps;
  double sum = 0;
  for (int k = 0; k <= steps; ++k) {
    const double d = from + k * h;
    const double p = normal_cdf((normal_quantile(a) - std::sqrt(rho) * d) / std::sqrt(1 - rho));
    double right = 0, choose = 1;
    for (int r = 0; r <= n; ++r) {
      if (2 * r > n) right += choose * std::pow(p, r) * std::pow(1 - p, n - r);
      choose = choose * (n - r) / (r + 1);
    }
    sum += (k == 0 || k == steps ? 1 : (k % 2 == 1 ? 4 : 2)) * right * std::exp(-d * d / 2) / std::sqrt(2 * 3.14159265358979323846);
  }
  return sum * h / 3;
}

constexpr double rhos[] = {0, 0.25, 0.5, 0.75};

TEST(a_majority, of_three_and_five_voters_is_right_as_often_as_the_model_says) {
  const double three[] = {.78400, .75352, .73118, .71390}, five[] = {.83692, .77919, .74340, .71854};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(majority_by_integration(3, 0.7, rhos[k]), three[k], 6e-6);
    EXPECT_NEAR(majority_by_integration(5, 0.7, rhos[k]), five[k], 6e-6);
    for (const int n : {3, 5}) {
      const Voters v(std::vector<double>(static_cast<std::size_t>(n), 0.7), rhos[k]);
      const OutcomeModel model = v.model(17);
      const int queries = 200000;
      double expected = 0, realised = 0, squares = 0;
      for (std::uint64_t q = 0; q < queries; ++q) {
        const double e = model.majority_expected(q, v.variants);
        expected += e;
        squares += e * e;
        realised += model.majority_right(q, v.variants) ? 1 : 0;
      }
      expected /= queries;
      realised /= queries;
      const double truth = n == 3 ? three[k] : five[k];
      const double error = std::sqrt(truth * (1 - truth) / queries);
      const double error_expected = std::sqrt(std::max(0.0, squares / queries - expected * expected) / queries);
      EXPECT_NEAR(realised, truth, 4 * error) << n << " voters, rho " << rhos[k];
      EXPECT_NEAR(expected, truth, 4 * error_expected + 6e-6) << n << " voters, rho " << rhos[k];
      // Realised scatters about expected by what the difficulty does not fix.
      EXPECT_NEAR(realised, expected, 4 * error);
    }
  }
}

TEST(a_majority, without_correlation_is_expected_exactly) {
  const Voters v({0.7, 0.7, 0.7}, 0);
  for (std::uint64_t q = 0; q < 5; ++q) EXPECT_NEAR(v.model().majority_expected(q, v.variants), 0.784, 1e-12);
}

TEST(a_weighted_vote, is_right_as_often_as_by_enumeration_and_as_it_is_expected) {
  const Voters v({0.9, 0.6, 0.6}, 0), mixed({0.9, 0.8, 0.8, 0.7, 0.7}, 0), even({0.7, 0.7, 0.7, 0.7}, 0.5);
  EXPECT_NEAR(v.model().majority_expected(0, v.variants, Votes::log_odds), 0.9, 1e-12);
  EXPECT_NEAR(v.model().majority_expected(0, v.variants), 0.792, 1e-12);
  EXPECT_NEAR(mixed.model().majority_expected(0, mixed.variants, Votes::log_odds), 0.93988, 1e-12);
  const int queries = 20000;
  double right = 0;
  for (std::uint64_t q = 0; q < queries; ++q) {
    right += mixed.model().majority_right(q, mixed.variants, Votes::log_odds) ? 1 : 0;
    // Equal weights are equal votes, ties included.
    ASSERT_EQ(even.model().majority_right(q, even.variants, Votes::log_odds), even.model().majority_right(q, even.variants));
  }
  EXPECT_NEAR(right / queries, 0.93988, 4 * std::sqrt(0.93988 * 0.06012 / queries));
}

// Of the answers whose confidence lies in a band, and so of any choice by confidence, as many are right as this expects.
TEST(what_is_expected_given_the_confidence, is_met_by_the_answers_that_are_chosen_for_it) {
  for (const double rho : {0.0, 0.5, 1.0}) {
    for (const double kappa : {0.0, 0.5, 0.9}) {
      const Voters v({0.6, 0.8}, rho, kappa);
      const OutcomeModel model = v.model(3);
      double stays = 0, stays_right = 0, stays_expected = 0, on = 0, on_right = 0, on_expected = 0;
      for (std::uint64_t q = 0; q < 40000; ++q) {
        if (model.confidence(q, v.variants[0]) >= 0.6) {
          stays += 1;
          stays_right += model.realised(q, v.variants[0]);
          stays_expected += model.expected_given_confidence(q, v.variants[0]);
        } else {
          on += 1;
          on_right += model.realised(q, v.variants[1]);
          on_expected += model.expected_given_confidence(q, v.variants[1]);
        }
      }
      EXPECT_NEAR(stays_right, stays_expected, 4 * std::sqrt(stays / 4)) << "rho " << rho << ", kappa " << kappa;
      EXPECT_NEAR(on_right, on_expected, 4 * std::sqrt(on / 4)) << "rho " << rho << ", kappa " << kappa;
    }
  }
  const Voters scores({0.6}, 0.5, 0.8, false);
  EXPECT_EQ(scores.model().expected_given_confidence(1, scores.variants[0]), 0.6);
}

TEST(a_tied_majority, goes_to_the_most_accurate_then_to_the_lowest_id) {
  const Voters v({0.6, 0.8}, 0.5);
  const Voters same({0.7, 0.7}, 0.5);
  std::uint32_t ties = 0;
  for (std::uint64_t q = 0; q < 1000; ++q) {
    EXPECT_EQ(v.model().majority_right(q, v.variants),
              v.model().realised(q, v.variants[1]) > 0.5 ||
                  (v.model().realised(q, v.variants[0]) > 0.5 && v.model().realised(q, v.variants[1]) > 0.5));
    const std::vector<VariantId> reversed{same.variants[1], same.variants[0]};
    EXPECT_EQ(same.model().majority_right(q, same.variants), same.model().majority_right(q, reversed));
    EXPECT_EQ(same.model().majority_right(q, reversed), same.model().realised(q, same.variants[0]) > 0.5);
    ties += same.model().realised(q, same.variants[0]) != same.model().realised(q, same.variants[1]) ? 1U : 0U;
  }
  EXPECT_GT(ties, 100U);
}

TEST(every_variant, keeps_its_accuracy_for_every_correlation) {
  for (const double rho : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const Voters v({0.3, 0.6, 0.95}, rho);
    const OutcomeModel model = v.model(5);
    const int queries = 100000;
    for (const VariantId k : v.variants) {
      double right = 0, expected = 0;
      for (std::uint64_t q = 0; q < queries; ++q) {
        right += model.realised(q, k);
        expected += model.expected_given_difficulty(q, k);
      }
      const double a = v.b.catalog[k].accuracy, error = std::sqrt(a * (1 - a) / queries);
      EXPECT_NEAR(right / queries, a, 4 * error) << "rho " << rho;
      EXPECT_NEAR(expected / queries, a, 4 * error) << "rho " << rho;
    }
  }
}

TEST(answers, of_two_variants_have_the_latent_correlation) {
  const Voters v({0.7, 0.7}, 0.5);
  const OutcomeModel model = v.model(9);
  const int queries = 100000;
  double xy = 0, xx = 0, x = 0;
  for (std::uint64_t q = 0; q < queries; ++q) {
    const double a = model.latent(q, v.variants[0]), b = model.latent(q, v.variants[1]);
    xy += a * b;
    xx += a * a;
    x += a;
  }
  EXPECT_NEAR(x / queries, 0, 4 / std::sqrt(queries));
  EXPECT_NEAR(xx / queries, 1, 4 * std::sqrt(2.0 / queries));
  EXPECT_NEAR(xy / queries, 0.5, 4 * std::sqrt(1.25 / queries));
}

TEST(confidence, tells_right_from_wrong_as_well_as_kappa_says) {
  const double kappas[] = {0, 0.5, 0.8, 0.95}, aurocs[] = {.500, .731, .884, .969};
  for (std::size_t k = 0; k < 4; ++k) {
    const Voters v({0.6}, 0.5, kappas[k]);
    const OutcomeModel model = v.model(21);
    const std::size_t queries = 100000;
    std::vector<std::pair<double, bool>> list;
    for (std::uint64_t q = 0; q < queries; ++q)
      list.emplace_back(model.confidence(q, v.variants[0]), model.realised(q, v.variants[0]) > 0.5);
    std::sort(list.begin(), list.end());
    // Mann-Whitney: mean rank of the right answers, ties at their mean rank.
    double ranks = 0, right = 0;
    for (std::size_t i = 0; i < list.size();) {
      std::size_t j = i;
      while (j < list.size() && list[j].first == list[i].first) ++j;
      for (std::size_t n = i; n < j; ++n)
        if (list[n].second) {
          ranks += (static_cast<double>(i + j) + 1) / 2;
          right += 1;
        }
      i = j;
    }
    const double wrong = static_cast<double>(queries) - right;
    const double auroc = (ranks - right * (right + 1) / 2) / (right * wrong);
    // Its standard error is at most sqrt(A (1 - A) / min(right, wrong)) = .0025; the figures are given to .0005.
    EXPECT_NEAR(auroc, aurocs[k], 4 * std::sqrt(aurocs[k] * (1 - aurocs[k]) / std::min(right, wrong)) + 0.0005) << "kappa " << kappas[k];
  }
}

TEST(confidence, is_calibrated_for_every_kappa) {
  for (const double kappa : {0.0, 0.5, 0.8, 0.95}) {
    const Voters v({0.6}, 0.5, kappa);
    const OutcomeModel model = v.model(22);
    std::vector<double> sum(10), right(10), n(10);
    for (std::uint64_t q = 0; q < 100000; ++q) {
      const double c = model.confidence(q, v.variants[0]);
      const auto bin = static_cast<std::size_t>(std::min(9.0, c * 10));
      sum[bin] += c;
      right[bin] += model.realised(q, v.variants[0]);
      n[bin] += 1;
    }
    for (std::size_t k = 0; k < 10; ++k)
      if (n[k] >= 100) {
        const double p = sum[k] / n[k];
        EXPECT_NEAR(right[k] / n[k], p, 4.5 * std::sqrt(p * (1 - p) / n[k]) + 1e-9) << "kappa " << kappa << " bin " << k;
      }
  }
}

TEST(draws, are_the_same_whatever_the_order_of_asking) {
  const Voters v({0.6, 0.7, 0.8}, 0.5);
  const OutcomeModel a = v.model(3), b = v.model(3), other = v.model(4);
  std::vector<double> forward, backward;
  for (std::uint64_t q = 0; q < 100; ++q)
    for (const VariantId k : v.variants) {
      forward.push_back(a.confidence(q, k));
      forward.push_back(a.realised(q, k));
      forward.push_back(a.difficulty(q));
    }
  for (std::uint64_t q = 100; q-- > 0;)
    for (std::size_t n = 3; n-- > 0;) {
      backward.push_back(b.difficulty(q));
      backward.push_back(b.realised(q, v.variants[n]));
      backward.push_back(b.confidence(q, v.variants[n]));
    }
  std::reverse(backward.begin(), backward.end());
  EXPECT_EQ(forward, backward);
  EXPECT_NE(a.difficulty(0), other.difficulty(0));
}

TEST(a_score, is_the_accuracy_or_beta_about_it) {
  Voters v({0.37}, 0.5, 0.8, false);
  EXPECT_DOUBLE_EQ(v.model().realised(0, v.variants[0]), 0.37);
  v.b.catalog.tasks[0].concentration = 10;
  const OutcomeModel model = v.model(8);
  double sum = 0, squares = 0;
  const int queries = 20000;
  for (std::uint64_t q = 0; q < queries; ++q) {
    const double s = model.realised(q, v.variants[0]);
    ASSERT_GE(s, 0);
    ASSERT_LE(s, 1);
    sum += s;
    squares += s * s;
  }
  const double variance = 0.37 * 0.63 / 11, mean = sum / queries;
  EXPECT_NEAR(mean, 0.37, 4 * std::sqrt(variance / queries));
  EXPECT_NEAR(squares / queries - mean * mean, variance, 0.05 * variance);
  EXPECT_DOUBLE_EQ(model.expected_given_difficulty(0, v.variants[0]), 0.37);
}

}  // namespace
}  // namespace tideline
