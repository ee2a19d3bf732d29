#include "policies/builtin.h"
#include "policies/components/expected_latency.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// The instance at which the query's answer is expected first: way there and back, what is left of the work ahead by profile
/// when the query gets there, and the batch it will be in.
/// Source: expected completion as in Clockwork (OSDI 2020) and INFaaS (ATC 2021), without their batching.
///
/// Holds while nothing is warm, even where an instance is starting: asked again when it is warm, the query can still go where it is
/// answered first.
class LeastExpectedLatency final : public DispatchPolicy {
 public:
  using Params = NoParams;
  LeastExpectedLatency(const Params&, const Setup& setup) : least_(*setup.world) {}

  Needs needs() const override { return {.indexes = {.by_free = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    if (groups.size() == 1) {  // no other site to compare with
      const InstanceId i = view.earliest_free(groups.front());
      return i ? Dispatch::to(i, free_first) : Dispatch::hold(nothing_warm);
    }
    const auto found = least_.search(query, variant, view, [](SiteId, const Route&) { return Duration{}; });
    if (!found.best) return Dispatch::hold(nothing_warm);
    return Dispatch::to(found.best, found.best == found.nearest ? nearest : farther, found.second);
  }

 private:
  enum : Reason { free_first, nearest, farther, nothing_warm };
  static constexpr std::array<std::string_view, 4> names{"free_first", "nearest", "farther", "nothing_warm"};

  LeastScore least_;
};

}  // namespace

PolicyDefinition least_expected_latency() {
  return define<LeastExpectedLatency>(
      "least_expected_latency", "The instance that is expected to answer first, network included.",
      {Provenance::textbook,
       R"(Gujarati et al., "Serving DNNs like Clockwork: performance predictability from the bottom up", OSDI 2020, arXiv:2006.02464)"},
      DefaultPolicy::yes);
}

}  // namespace tideline
