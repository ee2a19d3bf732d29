#include "sim/model/outcome.h"

#include "sim/core/normal.h"
#include "sim/core/random.h"

#include <bit>
#include <boost/math/special_functions/beta.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cmath>

namespace tideline {

namespace {

double standard_normal(KeyedDraw draw) { return boost::random::normal_distribution<double>{}(draw); }

/// The member whose vote decides a tie: the most accurate, then the lowest id.
std::size_t tie_breaker(const Catalog& catalog, std::span<const VariantId> variants) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < variants.size(); ++k) {
    const double a = catalog[variants[k]].accuracy, b = catalog[variants[best]].accuracy;
    if (a > b || (a == b && variants[k] < variants[best])) best = k;
  }
  return best;
}

bool majority(std::uint32_t right, std::size_t members, std::size_t tie) {
  const std::size_t n = static_cast<std::size_t>(std::popcount(right));
  return 2 * n == members ? ((right >> tie) & 1) != 0 : 2 * n > members;
}

}  // namespace

double OutcomeModel::difficulty(std::uint64_t serial) const { return standard_normal(KeyedDraw(seed_, Purpose::difficulty, serial)); }

double OutcomeModel::latent(std::uint64_t serial, VariantId v) const {
  const double rho = (*catalog_)[(*catalog_)[v].task].correlation;
  return std::sqrt(rho) * difficulty(serial) + std::sqrt(1 - rho) * standard_normal(KeyedDraw(seed_, Purpose::answer, serial, v.index()));
}

double OutcomeModel::realised(std::uint64_t serial, VariantId v) const {
  const Variant& variant = (*catalog_)[v];
  const Task& task = (*catalog_)[variant.task];
  if (task.hit_rate) return latent(serial, v) <= variant.accuracy_quantile ? 1 : 0;
  if (task.concentration <= 0 || variant.accuracy <= 0 || variant.accuracy >= 1) return variant.accuracy;
  // A low latent is an easy query: the score is the Beta quantile at P(X >= x).
  const double u = normal_cdf(-latent(serial, v));
  using Doubles = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return boost::math::ibeta_inv(variant.accuracy * task.concentration, (1 - variant.accuracy) * task.concentration, u, Doubles{});
}

double OutcomeModel::confidence(std::uint64_t serial, VariantId v) const {
  const Variant& variant = (*catalog_)[v];
  const double kappa = (*catalog_)[variant.task].information, rest = std::sqrt(1 - kappa * kappa);
  const double s = kappa * latent(serial, v) + rest * standard_normal(KeyedDraw(seed_, Purpose::confidence, serial, v.index()));
  return normal_cdf((variant.accuracy_quantile - kappa * s) / rest);
}

double OutcomeModel::expected_given_difficulty(std::uint64_t serial, VariantId v) const {
  const Variant& variant = (*catalog_)[v];
  const Task& task = (*catalog_)[variant.task];
  if (!task.hit_rate) return variant.accuracy;
  const double rho = task.correlation, d = std::sqrt(rho) * difficulty(serial);
  if (rho >= 1) return d <= variant.accuracy_quantile ? 1 : 0;
  return normal_cdf((variant.accuracy_quantile - d) / std::sqrt(1 - rho));
}

bool OutcomeModel::majority_right(std::uint64_t serial, std::span<const VariantId> variants) const {
  std::uint32_t right = 0;
  for (std::size_t k = 0; k < variants.size(); ++k)
    if (realised(serial, variants[k]) > 0.5) right |= std::uint32_t{1} << k;
  return majority(right, variants.size(), tie_breaker(*catalog_, variants));
}

double OutcomeModel::majority_expected(std::uint64_t serial, std::span<const VariantId> variants) const {
  double p[16];
  for (std::size_t k = 0; k < variants.size(); ++k) p[k] = expected_given_difficulty(serial, variants[k]);
  const std::size_t tie = tie_breaker(*catalog_, variants);
  double sum = 0;
  for (std::uint32_t right = 0; right < (std::uint32_t{1} << variants.size()); ++right) {
    if (!majority(right, variants.size(), tie)) continue;
    double q = 1;
    for (std::size_t k = 0; k < variants.size(); ++k) q *= ((right >> k) & 1) != 0 ? p[k] : 1 - p[k];
    sum += q;
  }
  return sum;
}

}  // namespace tideline
