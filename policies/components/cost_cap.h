// What a query would cost by the batches that a variant ran of late, and whether that is within its cost cap (policy N1).
#pragma once

#include "policies/components/latency.h"
#include "sim/policy/view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace tideline {

/// Predicted cost: price per second of the device x l(b)/b with the mean b of the variant's last ten batches, and transfer. Batches are
/// heard of as visits; each of them counts as large as the query that is asked about. A variant that ran none yet: the query alone.
class CostCap {
 public:
  explicit CostCap(const World& world) : last_(world.catalog().variants.size()) {}

  /// A batch of so many visits began at an instance of the variant.
  void batch_began(VariantId v, std::uint32_t visits) {
    Batches& b = last_[v.index()];
    std::uint32_t& oldest = b.visits[b.next++ % most];
    b.sum += visits;
    b.sum -= oldest;
    oldest = visits;
  }
  /// Mean visits of the variant's last batches; 1 where it ran none.
  double mean(VariantId v) const {
    const Batches& b = last_[v.index()];
    return b.next == 0 ? 1 : static_cast<double>(b.sum) / static_cast<double>(std::min<std::uint64_t>(b.next, most));
  }
  /// In US dollars; infinite where the query is too large.
  double price_usd(ClusterView view, const QueryView& query, GroupId g) const {
    const VariantId v = view.world()[g].variant;
    const std::uint32_t largest = view.world()[v].profile.max_items();
    if (query.items() > largest) return std::numeric_limits<double>::infinity();
    const std::uint32_t most_items = std::clamp(view.group(g).batch_cap, 1U, largest);
    const auto items = static_cast<std::uint32_t>(std::lround(mean(v) * query.items()));
    return query_price_usd(view, query, g, std::max(query.items(), std::min(items, most_items)));
  }
  bool allows(ClusterView view, const QueryView& query, GroupId g) const {
    const double cap = query.attributes().cost_cap_usd;
    return cap == std::numeric_limits<double>::infinity() || price_usd(view, query, g) <= cap;
  }
  /// Whether some group of the variant that the query can reach is within its cap.
  bool allows(ClusterView view, const QueryView& query, VariantId v) const {
    if (query.attributes().cost_cap_usd == std::numeric_limits<double>::infinity()) return true;
    const auto groups = view.groups_of(v, query.origin());
    return std::any_of(groups.begin(), groups.end(), [&](GroupId g) { return allows(view, query, g); });
  }

 private:
  static constexpr std::uint64_t most = 10;
  struct Batches {
    std::array<std::uint32_t, most> visits{};
    std::uint64_t sum = 0, next = 0;
  };
  std::vector<Batches> last_;  // by variant
};

}  // namespace tideline
