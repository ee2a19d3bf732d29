#include "policies/builtin.h"
#include "policies/components/warm.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// The warm instances of the variant within reach in turn, in order of ids; holds where there is none.
/// Source: folklore; the n queues of a variant are E_n/M/1 under Poisson arrivals and exponential service.
class RoundRobin final : public DispatchPolicy {
 public:
  using Params = NoParams;
  RoundRobin(const Params&, const Setup& setup) : last_(setup.world->catalog().variants.size(), none) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    if (warm_count(groups, view) == 0) return Dispatch::hold(nothing_warm);
    std::int64_t& last = last_[variant.index()];
    InstanceId next = probe(query.origin(), variant, last, view);
    if (!next) next = scan(groups, last, view);
    last = next.index();
    return Dispatch::to(next, in_turn);
  }

 private:
  enum : Reason { in_turn, nothing_warm };
  static constexpr std::array<std::string_view, 2> names{"in_turn", "nothing_warm"};
  static constexpr std::int64_t none = -1;

  /// The next larger id is often close by: looks at a few slots of the same site. None: not found there.
  static InstanceId probe(SiteId origin, VariantId variant, std::int64_t last, ClusterView view) {
    constexpr std::int64_t slots_to_try = 16;
    if (last == none) return {};
    const auto id = static_cast<std::uint32_t>(last);
    const SiteId site = view.site_of(InstanceId{id});
    const GroupId g = view.world().group(variant, site);
    if (!g || !view.route(origin, site).reachable) return {};
    const auto& rows = view.board(site).instances;
    const unsigned bits = view.world().instance_slot_bits();
    const std::size_t slot = id & ((std::uint32_t{1} << bits) - 1);
    for (std::size_t k = slot + 1; k < rows.size() && k <= slot + slots_to_try; ++k)
      if (rows[k].phase == Phase::warm && rows[k].group == g) return InstanceId{(std::size_t{site.index()} << bits) | k};
    return {};
  }

  /// The least id above `last`, else the least id. There is a warm instance.
  static InstanceId scan(std::span<const GroupId> groups, std::int64_t last, ClusterView view) {
    InstanceId above, least;
    for (const GroupId g : groups)
      for (const InstanceId i : view.group(g).members) {
        if (view.instance(i).phase != Phase::warm) continue;
        if (i.index() > last && i < above) above = i;  // none is the largest id
        if (i < least) least = i;
      }
    return above ? above : least;
  }

  std::vector<std::int64_t> last_;  // id used last, by variant: stays right when instances come and go
};

}  // namespace

PolicyDefinition round_robin() { return define<RoundRobin>("round_robin", "The warm instances of the variant in turn, in order of ids."); }

}  // namespace tideline
