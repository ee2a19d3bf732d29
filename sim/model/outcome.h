// What an answer is worth: the one-factor model of correctness, scores and confidence.
//
// Each query has a difficulty D, each variant's answer to it a latent x = sqrt(rho) D + sqrt(1-rho) e, both standard normal.
// Where the metric is a hit rate the answer is right iff x <= quantile(A), so every variant keeps exactly its accuracy A and
// rho is the latent correlation between variants. Where it is a score the answer's score is A, or Beta with mean A through
// the same latent. Confidence sees s = kappa x + sqrt(1-kappa^2) noise and is P(right | s): calibrated for every kappa.
#pragma once

#include "sim/model/catalog.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tideline {

/// What a vote weighs: the same for all, or the log-odds of the profiled accuracy.
enum class Votes : std::uint8_t { equal, log_odds };

/// Outcomes that were measured: of every sample what each of some variants made of it.
struct OutcomeTable {
  std::uint32_t samples = 0;
  std::vector<std::uint32_t> column;  ///< by variant; `none` where it was not measured
  std::vector<float> realised;        ///< samples x columns: right (1) or wrong (0), or the score
  std::vector<float> confidence;      ///< likewise; empty: that of every answer is the profiled accuracy
  static constexpr std::uint32_t none = ~std::uint32_t{0};
};

/// Draws keyed by (seed, query serial, variant): the same whatever any policy did. Of variants with measured outcomes nothing is modelled:
/// the query takes a row, drawn by its serial, and all of them answer as they did then.
class OutcomeModel {
 public:
  OutcomeModel(const Catalog& catalog, std::uint64_t seed) : catalog_(&catalog), seed_(seed) {}

  /// Measured outcomes, which must outlive the model.
  void use(const OutcomeTable& table) { table_ = &table; }
  /// From now on the variant's answers are as good as this, 0 .. 1, whatever its profile says; confidence stays that of the profile.
  void set_accuracy(VariantId v, double accuracy);
  /// Whether any variant's ever was set.
  bool drifts() const { return !drifted_.empty(); }

  /// D of a query.
  double difficulty(std::uint64_t serial) const;
  /// x of a variant's answer to a query.
  double latent(std::uint64_t serial, VariantId v) const;
  /// 1 or 0 for a hit-rate task, the score in [0, 1] otherwise.
  double realised(std::uint64_t serial, VariantId v) const;
  /// Confidence in (0, 1) of a variant's answer to a query.
  double confidence(std::uint64_t serial, VariantId v) const;
  /// Probability that an answer is right given D: what an ensemble's expectation is made of. For a score: A.
  double expected_given_difficulty(std::uint64_t serial, VariantId v) const;
  /// The same given also what the confidence in the answer was made of: what it is expected to be worth after the confidence had a say
  /// in whether it stands. For a score: the score that was drawn.
  double expected_given_confidence(std::uint64_t serial, VariantId v) const;
  /// Whether the majority of the answers is right; all wrong answers agree; a tie goes to the most accurate variant, then
  /// the lowest id. Hit-rate tasks only.
  bool majority_right(std::uint64_t serial, std::span<const VariantId> variants, Votes votes = Votes::equal) const;
  /// Probability of that given D. At most 16 variants.
  double majority_expected(std::uint64_t serial, std::span<const VariantId> variants, Votes votes = Votes::equal) const;
  /// The same with a weight for each vote; their ratios count.
  bool majority_right(std::uint64_t serial, std::span<const VariantId> variants, std::span<const double> weights) const;
  double majority_expected(std::uint64_t serial, std::span<const VariantId> variants, std::span<const double> weights) const;

 private:
  /// What the votes weigh.
  std::array<double, 16> weights_of(std::span<const VariantId> variants, Votes votes) const;
  /// s: what the confidence in an answer knows of it.
  double signal(std::uint64_t serial, VariantId v) const;

  double accuracy(VariantId v) const;
  bool is_measured(VariantId v) const { return table_ != nullptr && table_->column[v.index()] != OutcomeTable::none; }
  std::size_t cell(std::uint64_t serial, VariantId v) const;
  double quantile(VariantId v) const;

  const Catalog* catalog_;
  const OutcomeTable* table_ = nullptr;
  std::vector<std::pair<double, double>> drifted_;  // accuracy and its normal quantile, by variant; empty: as profiled
  std::uint64_t seed_;
};

}  // namespace tideline
