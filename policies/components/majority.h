// Votes of independent voters who are right or wrong, and who made a difference.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tideline {

/// What is expected of a majority vote: that it is right, and how many voters are on its side.
struct ExpectedVote {
  double right = 0;
  double strength = 0;
};

/// Of at most 16 independent voters, right with these probabilities; all wrong answers agree. A tie goes as the first voter says.
inline ExpectedVote expected_vote(std::span<const double> right) {
  if (right.empty()) return {};
  const std::size_t n = right.size();
  std::array<double, 17> others{};  // probability that k of all but the first are right
  others[0] = 1;
  for (std::size_t v = 1; v < n; ++v)
    for (std::size_t k = v + 1; k-- > 0;) others[k] = others[k] * (1 - right[v]) + (k > 0 ? others[k - 1] * right[v] : 0);
  ExpectedVote out;
  for (std::size_t k = 0; k < n; ++k)
    for (const bool first : {false, true}) {
      const double p = others[k] * (first ? right[0] : 1 - right[0]);
      const std::size_t votes = k + (first ? 1 : 0);
      if (2 * votes > n || (2 * votes == n && first)) out.right += p;
      out.strength += p * static_cast<double>(std::max(votes, n - votes));
    }
  return out;
}

/// Whether the vote would have come to something else without voter `k`. Bit v of `agreed`: voter v is on the side that won. A tie goes as
/// the most trusted of the voters says. One voter alone makes the difference.
inline bool is_pivotal(std::size_t k, std::uint32_t agreed, std::span<const double> weights, std::span<const double> trust) {
  if (weights.size() == 1) return true;
  const auto won = [&](std::size_t v) { return (agreed >> v & 1U) != 0; };
  if (!won(k)) return false;
  double with = 0, against = 0;
  std::size_t best = weights.size();
  for (std::size_t v = 0; v < weights.size(); ++v) {
    if (v == k) continue;
    (won(v) ? with : against) += weights[v];
    if (best == weights.size() || trust[v] > trust[best]) best = v;
  }
  return with < against || (with == against && !won(best));
}

}  // namespace tideline
