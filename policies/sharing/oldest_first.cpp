#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <cstddef>

namespace tideline {

namespace {

/// The instance whose next visit belongs to the query that arrived first; ties: lowest id.
/// Source: first come, first served over the lines of a device.
class OldestFirst final : public SharingPolicy {
 public:
  using Params = NoParams;
  OldestFirst(const Params&, const Setup&) {}

  std::size_t next(DeviceId, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView) override {
    std::size_t best = 0;
    for (std::size_t k = 1; k < ready.size(); ++k) {
      const Time a = heads[k].arrival(), b = heads[best].arrival();
      if (a < b || (a == b && ready[k] < ready[best])) best = k;
    }
    return best;
  }
};

}  // namespace

PolicyDefinition oldest_first() {
  return define<OldestFirst>("oldest_first", "The instance whose next query arrived first.",
                             {Provenance::textbook, R"(Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975)"}, DefaultPolicy::yes);
}

}  // namespace tideline
