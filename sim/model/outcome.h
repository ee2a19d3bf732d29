// What an answer is worth: the one-factor model of correctness, scores and confidence.
//
// Each query has a difficulty D, each variant's answer to it a latent x = sqrt(rho) D + sqrt(1-rho) e, both standard normal.
// Where the metric is a hit rate the answer is right iff x <= quantile(A), so every variant keeps exactly its accuracy A and
// rho is the latent correlation between variants. Where it is a score the answer's score is A, or Beta with mean A through
// the same latent. Confidence sees s = kappa x + sqrt(1-kappa^2) noise and is P(right | s): calibrated for every kappa.
#pragma once

#include "sim/model/catalog.h"

#include <cstdint>
#include <span>

namespace tideline {

/// What a vote weighs: the same for all, or the log-odds of the profiled accuracy.
enum class Votes : std::uint8_t { equal, log_odds };

/// Draws keyed by (seed, query serial, variant): the same whatever any policy did.
class OutcomeModel {
 public:
  OutcomeModel(const Catalog& catalog, std::uint64_t seed) : catalog_(&catalog), seed_(seed) {}

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

 private:
  /// s: what the confidence in an answer knows of it.
  double signal(std::uint64_t serial, VariantId v) const;

  const Catalog* catalog_;
  std::uint64_t seed_;
};

}  // namespace tideline
