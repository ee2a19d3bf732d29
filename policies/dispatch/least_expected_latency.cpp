#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// The instance at which the query's answer is expected first: way there and back, what is left of the work ahead by profile
/// when the query gets there, and the batch it will be in.
/// Source: expected completion as in Clockwork (OSDI 2020) and INFaaS (ATC 2021), without their batching.
///
/// Each group offers its warm instance that is free first, so a decision costs a look per site. Instances of a group have the
/// same hardware; where their cores differ, this may pass over one that is free later but faster. Ties: nearest site, then
/// lowest id. Holds while nothing is warm, even where an instance is starting: asked again when it is warm, the query can
/// still go where it is answered first.
class LeastExpectedLatency final : public DispatchPolicy {
 public:
  using Params = NoParams;
  LeastExpectedLatency(const Params&, const Setup& setup) {
    for (const Variant& v : setup.world->catalog().variants) {
      Duration least = forever;
      for (std::uint32_t o = 0; o < v.profile.cores().size(); ++o)
        for (std::uint32_t b = 1; b <= v.profile.max_items(); ++b) least = std::min(least, v.profile.latency(b, o));
      least_.push_back(least);
    }
  }

  Needs needs() const override { return {.indexes = {.by_free = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const SiteId origin = query.origin();
    const auto groups = view.groups_of(variant, origin);
    if (groups.size() == 1) {  // no other site to compare with
      const InstanceId i = view.earliest_free(groups.front());
      return i ? Dispatch::to(i, free_first) : Dispatch::hold(nothing_warm);
    }
    InstanceId best, second;
    Duration best_latency = forever, second_latency = forever;
    Reason reason = nearest;
    for (const GroupId g : groups) {
      const Route& route = view.route(origin, view.world()[g].site);
      // Nearest first: a site this far away, even with nothing to do, cannot answer earlier than the best so far.
      if (best && best_latency <= 2 * route.delay + least_[variant.index()]) break;
      const InstanceId i = view.earliest_free(g);
      if (!i) continue;
      const Duration latency = expected(query, variant, g, i, route, view);
      if (latency < best_latency) {
        if (best) reason = farther;
        second = best;
        second_latency = best_latency;
        best = i;
        best_latency = latency;
      } else if (latency < second_latency) {
        second = i;
        second_latency = latency;
      }
    }
    return best ? Dispatch::to(best, reason, second) : Dispatch::hold(nothing_warm);
  }

 private:
  enum : Reason { free_first, nearest, farther, nothing_warm };
  static constexpr std::array<std::string_view, 4> names{"free_first", "nearest", "farther", "nothing_warm"};

  static Duration expected(const QueryView& query, VariantId variant, GroupId g, InstanceId i, const Route& route, ClusterView view) {
    const Profile& profile = view.world()[variant].profile;
    const InstanceRow& row = view.instance(i);
    const std::uint32_t cap = view.group(g).batch_cap;
    Time free = view.free_at(i);
    std::uint32_t batch = query.items();
    if (cap > 1) {
      // What waits fills whole batches and a last one; the query joins that one if it has room.
      const std::uint32_t last = (row.load - row.in_service) % cap;
      if (last > 0 && last + batch <= cap) {
        free -= profile.latency(last, row.option);
        batch += last;
      }
    }
    const Duration there = route.time(query.payload_bytes());
    const Duration wait = std::max(Duration{}, free - (view.now() + there));
    return there + wait + profile.latency(std::min(batch, profile.max_items()), row.option) + route.delay;
  }

  std::vector<Duration> least_;  // shortest time of any batch, by variant
};

}  // namespace

PolicyDefinition least_expected_latency() {
  return define<LeastExpectedLatency>("least_expected_latency", "The instance that is expected to answer first, network included.",
                                      DefaultPolicy::yes);
}

}  // namespace tideline
