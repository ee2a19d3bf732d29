#include "policies/builtin.h"
#include "policies/components/peak_rates.h"
#include "policies/components/residents.h"
#include "policies/components/warm.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace tideline {

namespace {

/// The warm instances of the variant within reach in turn, each as often as it is fast, and spread out: of speeds 5, 1 and 1 the order is
/// a a b a c a a. Holds where there is none.
/// Source: weighted round robin, Katevenis, Sidiropoulos and Courcoubetis, IEEE JSAC 9(8), 1991, doi:10.1109/49.105173; in the smooth
/// form of nginx (2012).
///
/// Speeds are most items per second by profile. Those of a variant differ where their cores do; where they do not, this is round robin.
/// Looks at all warm instances of the variant for each visit: that is the order of the smooth form.
class WeightedRoundRobin final : public DispatchPolicy, public Observer {
 public:
  using Params = NoParams;
  WeightedRoundRobin(const Params&, const Setup& setup) : rates_(*setup.world), credits_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = false, .instances = true}; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    if (warm_count(groups, view) == 0) return Dispatch::hold(nothing_warm);
    InstanceId best;
    std::int64_t total = 0;
    for (const GroupId g : groups)
      for (const InstanceId i : view.group(g).members) {
        if (view.instance(i).phase != Phase::warm) continue;
        const std::int64_t w = weight(view, i);
        total += w;
        credits_[i] += w;
        if (!best || credits_[i] > credits_[best] || (credits_[i] == credits_[best] && i < best)) best = i;
      }
    credits_[best] -= total;
    return Dispatch::to(best, in_turn);
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView) override {
    if (phase == Phase::starting) credits_[i] = 0;
  }

 private:
  enum : Reason { in_turn, nothing_warm };
  static constexpr std::array<std::string_view, 2> names{"in_turn", "nothing_warm"};

  /// In whole numbers, so that equals stay equal: thousandths of an item per second, 1 at least.
  std::int64_t weight(ClusterView view, InstanceId i) const { return std::llround(std::max(1.0, 1000 * rates_(view, i))); }

  PeakRates rates_;
  InstanceTable<std::int64_t> credits_;
};

}  // namespace

PolicyDefinition weighted_round_robin() {
  return define<WeightedRoundRobin>(
      "weighted_round_robin", "The warm instances of the variant in turn, each as often as it is fast.",
      {Provenance::textbook,
       R"(Katevenis, Sidiropoulos and Courcoubetis, "Weighted round-robin cell multiplexing in a general-purpose ATM switch chip", IEEE Journal on Selected Areas in Communications 9(8), 1991, doi:10.1109/49.105173)"});
}

}  // namespace tideline
