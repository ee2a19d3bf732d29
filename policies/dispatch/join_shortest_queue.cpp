#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>

namespace tideline {

namespace {

/// The warm instance within reach with the fewest visits travelling to, waiting or in service; ties at random, drawn afresh
/// for each query (a fixed tie-break would herd on an old view); holds where nothing is warm.
/// Source: Winston, "Optimality of the shortest line discipline", J. Appl. Prob. 1977.
class JoinShortestQueue final : public DispatchPolicy {
 public:
  using Params = NoParams;
  JoinShortestQueue(const Params&, const Setup& setup) : stream_(setup.stream) {}

  Needs needs() const override { return {.indexes = {.by_load = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    std::uint32_t least = ~std::uint32_t{0};
    std::size_t ties = 0;
    for (const GroupId g : groups) {
      const LevelIndex& index = view.group(g).by_load;
      if (index.empty() || index.least_load() > least) continue;
      ties = (index.least_load() < least ? 0 : ties) + index.least().size();
      least = index.least_load();
    }
    if (ties == 0) return Dispatch::hold(nothing_warm);
    if (ties == 1) return Dispatch::to(pick(groups, least, 0, view), shortest);
    const std::uint32_t k = below(stream_, static_cast<std::uint32_t>(ties));
    return Dispatch::to(pick(groups, least, k, view), tie, pick(groups, least, k == 0 ? 1 : 0, view));
  }

 private:
  enum : Reason { shortest, tie, nothing_warm };
  static constexpr std::array<std::string_view, 3> names{"shortest", "tie", "nothing_warm"};

  /// The k-th of all instances with load `least`.
  static InstanceId pick(std::span<const GroupId> groups, std::uint32_t least, std::size_t k, ClusterView view) {
    for (const GroupId g : groups) {
      const LevelIndex& index = view.group(g).by_load;
      if (index.empty() || index.least_load() != least) continue;
      const InstanceSpan here = view.least_loaded(g);
      if (k < here.size()) return here[k];
      k -= here.size();
    }
    return {};
  }

  Stream stream_;
};

}  // namespace

PolicyDefinition join_shortest_queue() {
  return define<JoinShortestQueue>(
      "join_shortest_queue", "The warm instance with the fewest visits; ties at random.",
      {Provenance::textbook, R"(Winston, "Optimality of the shortest line discipline", Journal of Applied Probability 14(1), 1977)"});
}

}  // namespace tideline
