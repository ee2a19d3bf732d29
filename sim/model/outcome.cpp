#include "sim/model/outcome.h"

#include "sim/core/normal.h"
#include "sim/core/random.h"

#include <algorithm>
#include <array>
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

/// What the votes of some members weigh against those of the others.
class Ballot {
 public:
  Ballot(const Catalog& catalog, std::span<const VariantId> variants, std::span<const double> weights)
      : weights_(weights.first(variants.size())), tie_(tie_breaker(catalog, variants)) {
    for (const double w : weights_) all_ += std::abs(w);
  }
  /// Whether the answer is right where the members with a bit in `right` are.
  bool is_right(std::uint32_t right) const {
    double lead = 0;
    for (std::size_t k = 0; k < weights_.size(); ++k) lead += ((right >> k) & 1) != 0 ? weights_[k] : -weights_[k];
    // Equal weights that are no whole numbers may cancel but for their rounding.
    if (std::abs(lead) <= 1e-12 * all_) return ((right >> tie_) & 1) != 0;
    return lead > 0;
  }

 private:
  std::span<const double> weights_;
  std::size_t tie_;
  double all_ = 0;
};

}  // namespace

void OutcomeModel::set_accuracy(VariantId v, double accuracy) {
  if (drifted_.empty())
    for (const Variant& k : catalog_->variants) drifted_.emplace_back(k.accuracy, k.accuracy_quantile);
  drifted_[v.index()] = {accuracy, normal_quantile(accuracy)};
}

double OutcomeModel::accuracy(VariantId v) const { return drifted_.empty() ? (*catalog_)[v].accuracy : drifted_[v.index()].first; }
double OutcomeModel::quantile(VariantId v) const {
  return drifted_.empty() ? (*catalog_)[v].accuracy_quantile : drifted_[v.index()].second;
}

double OutcomeModel::difficulty(std::uint64_t serial) const { return standard_normal(KeyedDraw(seed_, Purpose::difficulty, serial)); }

double OutcomeModel::latent(std::uint64_t serial, VariantId v) const {
  const double rho = (*catalog_)[(*catalog_)[v].task].correlation;
  return std::sqrt(rho) * difficulty(serial) + std::sqrt(1 - rho) * standard_normal(KeyedDraw(seed_, Purpose::answer, serial, v.index()));
}

std::size_t OutcomeModel::cell(std::uint64_t serial, VariantId v) const {
  KeyedDraw draw(seed_, Purpose::row, serial);
  const std::size_t columns = table_->realised.size() / table_->samples;
  return below(draw, table_->samples) * columns + table_->column[v.index()];
}

double OutcomeModel::realised(std::uint64_t serial, VariantId v) const {
  if (is_measured(v)) return static_cast<double>(table_->realised[cell(serial, v)]);
  const Variant& variant = (*catalog_)[v];
  const Task& task = (*catalog_)[variant.task];
  if (task.hit_rate) return latent(serial, v) <= quantile(v) ? 1 : 0;
  const double a = accuracy(v);
  if (task.concentration <= 0 || a <= 0 || a >= 1) return a;
  // A low latent is an easy query: the score is the Beta quantile at P(X >= x).
  const double u = normal_cdf(-latent(serial, v));
  using Doubles = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return boost::math::ibeta_inv(a * task.concentration, (1 - a) * task.concentration, u, Doubles{});
}

double OutcomeModel::confidence(std::uint64_t serial, VariantId v) const {
  const Variant& variant = (*catalog_)[v];
  if (is_measured(v)) return table_->confidence.empty() ? variant.accuracy : static_cast<double>(table_->confidence[cell(serial, v)]);
  const double kappa = (*catalog_)[variant.task].information, rest = std::sqrt(1 - kappa * kappa);
  return normal_cdf((variant.accuracy_quantile - kappa * signal(serial, v)) / rest);
}

double OutcomeModel::signal(std::uint64_t serial, VariantId v) const {
  const double kappa = (*catalog_)[(*catalog_)[v].task].information;
  return kappa * latent(serial, v) +
         std::sqrt(1 - kappa * kappa) * standard_normal(KeyedDraw(seed_, Purpose::confidence, serial, v.index()));
}

double OutcomeModel::expected_given_difficulty(std::uint64_t serial, VariantId v) const {
  if (is_measured(v)) return realised(serial, v);
  const Variant& variant = (*catalog_)[v];
  const Task& task = (*catalog_)[variant.task];
  if (!task.hit_rate) return accuracy(v);
  const double rho = task.correlation, d = std::sqrt(rho) * difficulty(serial);
  if (rho >= 1) return d <= quantile(v) ? 1 : 0;
  return normal_cdf((quantile(v) - d) / std::sqrt(1 - rho));
}

double OutcomeModel::expected_given_confidence(std::uint64_t serial, VariantId v) const {
  if (is_measured(v)) return realised(serial, v);
  const Variant& variant = (*catalog_)[v];
  const Task& task = (*catalog_)[variant.task];
  if (!task.hit_rate) return realised(serial, v);
  // x given D and s = kappa x + noise is normal.
  const double kappa = task.information, noise = 1 - kappa * kappa, spread = 1 - task.correlation;
  const double d = std::sqrt(task.correlation) * difficulty(serial);
  if (spread <= 0) return d <= quantile(v) ? 1 : 0;
  const double both = noise + kappa * kappa * spread;
  const double mean = (d * noise + kappa * spread * signal(serial, v)) / both;
  return normal_cdf((quantile(v) - mean) / std::sqrt(spread * noise / both));
}

std::array<double, 16> OutcomeModel::weights_of(std::span<const VariantId> variants, Votes votes) const {
  std::array<double, 16> weights;
  weights.fill(1);
  if (votes == Votes::log_odds)
    for (std::size_t k = 0; k < variants.size(); ++k) {
      const double a = std::clamp((*catalog_)[variants[k]].accuracy, 1e-6, 1 - 1e-6);
      weights[k] = std::log(a / (1 - a));
    }
  return weights;
}

bool OutcomeModel::majority_right(std::uint64_t serial, std::span<const VariantId> variants, Votes votes) const {
  return majority_right(serial, variants, weights_of(variants, votes));
}

double OutcomeModel::majority_expected(std::uint64_t serial, std::span<const VariantId> variants, Votes votes) const {
  return majority_expected(serial, variants, weights_of(variants, votes));
}

bool OutcomeModel::majority_right(std::uint64_t serial, std::span<const VariantId> variants, std::span<const double> weights) const {
  std::uint32_t right = 0;
  for (std::size_t k = 0; k < variants.size(); ++k)
    if (realised(serial, variants[k]) > 0.5) right |= std::uint32_t{1} << k;
  return Ballot(*catalog_, variants, weights).is_right(right);
}

double OutcomeModel::majority_expected(std::uint64_t serial, std::span<const VariantId> variants, std::span<const double> weights) const {
  double p[16];
  for (std::size_t k = 0; k < variants.size(); ++k) p[k] = expected_given_difficulty(serial, variants[k]);
  const Ballot ballot(*catalog_, variants, weights);
  double sum = 0;
  for (std::uint32_t right = 0; right < (std::uint32_t{1} << variants.size()); ++right) {
    if (!ballot.is_right(right)) continue;
    double q = 1;
    for (std::size_t k = 0; k < variants.size(); ++k) q *= ((right >> k) & 1) != 0 ? p[k] : 1 - p[k];
    sum += q;
  }
  return sum;
}

}  // namespace tideline
