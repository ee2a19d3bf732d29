#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <cstddef>
#include <tuple>

namespace tideline {

namespace {

/// The instance whose next query has to be answered first; a query without an SLO comes after all others. Ties: the query that arrived
/// first, then the lowest id.
/// Source: earliest due date first, which makes the greatest lateness least where jobs cannot be interrupted and all are there (Jackson,
/// Scheduling a production line to minimize maximum tardiness, UCLA 1955); earliest deadline first (Liu and Layland, JACM 20, 1973).
class EarliestDeadline final : public SharingPolicy {
 public:
  using Params = NoParams;
  EarliestDeadline(const Params&, const Setup&) {}

  std::size_t next(DeviceId, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView) override {
    const auto rank = [&](std::size_t k) { return std::tuple(heads[k].deadline(), heads[k].arrival(), ready[k]); };
    std::size_t best = 0;
    for (std::size_t k = 1; k < ready.size(); ++k)
      if (rank(k) < rank(best)) best = k;
    return best;
  }
};

}  // namespace

PolicyDefinition earliest_deadline() {
  return define<EarliestDeadline>(
      "earliest_deadline", "The instance whose next query has the earliest deadline.",
      {Provenance::textbook,
       R"(Liu and Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment", Journal of the ACM 20(1), 1973, doi:10.1145/321738.321743)"});
}

}  // namespace tideline
