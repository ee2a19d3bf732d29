#include "policies/builtin.h"
#include "policies/components/peak_rates.h"
#include "policies/components/residents.h"
#include "policies/components/turn.h"
#include "policies/components/warm.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// A round over the warm instances of the variant within reach, in order of ids: each gains its quantum when its turn comes, and is sent
/// visits while it has one left. Holds where there is none.
/// Source: Shreedhar and Varghese, "Efficient fair queueing using deficit round robin", SIGCOMM 1995, doi:10.1145/217391.217453, for
/// whose turn it is; quanta by throughput as in the frontends of Nexus (Shen et al., SOSP 2019).
///
/// A quantum is the instance's share of the most items per second by profile, times the number of instances: 1 on average, so a round
/// always finds one to send to. Those of a variant differ where their cores may: then each turn looks at all warm instances of the variant.
/// Where they may not, this is round robin. A fast instance gets its visits in a row, where weighted round robin spreads them.
class DeficitRoundRobin final : public DispatchPolicy, public Observer {
 public:
  using Params = NoParams;
  DeficitRoundRobin(const Params&, const Setup& setup)
      : rates_(*setup.world), deficits_(*setup.world), turns_(setup.world->catalog().variants.size(), no_turn) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = false, .instances = true}; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    const std::uint32_t n = warm_count(groups, view);
    if (n == 0) return Dispatch::hold(nothing_warm);
    std::int64_t& turn = turns_[variant.index()];
    // Whose turn it is goes on while it has enough, unless it is gone or out of this query's reach.
    if (turn != no_turn && here(InstanceId{static_cast<std::uint32_t>(turn)}, groups, view)) {
      const InstanceId i{static_cast<std::uint32_t>(turn)};
      if (deficits_[i] >= enough) return send(i);
    }
    if (!rates_.varies(variant)) {
      const InstanceId next = turn_after(turn, groups, query.origin(), variant, view);
      turn = next.index();
      return Dispatch::to(next, in_turn);
    }
    double all = 0;
    for (const GroupId g : groups)
      for (const InstanceId i : view.group(g).members)
        if (view.instance(i).phase == Phase::warm) all += rates_(view, i);
    for (;;) {
      const InstanceId i = turn_after(turn, groups, query.origin(), variant, view);
      turn = i.index();
      deficits_[i] += n * rates_(view, i) / all;
      if (deficits_[i] >= enough) return send(i);
    }
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView) override {
    if (phase == Phase::starting) deficits_[i] = 0;
  }

 private:
  enum : Reason { in_turn, nothing_warm };
  static constexpr std::array<std::string_view, 2> names{"in_turn", "nothing_warm"};
  /// Parts of a visit that were added one by one make a whole one.
  static constexpr double enough = 1 - 1e-9;

  static bool here(InstanceId i, std::span<const GroupId> groups, ClusterView view) {
    const InstanceRow& row = view.instance(i);
    return row.phase == Phase::warm && std::find(groups.begin(), groups.end(), row.group) != groups.end();
  }
  Dispatch send(InstanceId i) {
    deficits_[i] = std::max(0.0, deficits_[i] - 1);
    return Dispatch::to(i, in_turn);
  }

  PeakRates rates_;
  InstanceTable<double> deficits_;   // in visits
  std::vector<std::int64_t> turns_;  // id whose turn it is, by variant
};

}  // namespace

PolicyDefinition deficit_round_robin() {
  return define<DeficitRoundRobin>(
      "deficit_round_robin", "A round in which each warm instance gets visits by its speed, in a row.",
      {Provenance::our_reading,
       R"(Shreedhar and Varghese, "Efficient fair queueing using deficit round robin", SIGCOMM 1995, doi:10.1145/217391.217453)"});
}

}  // namespace tideline
