#include "policies/builtin.h"
#include "policies/components/turn.h"
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
  RoundRobin(const Params&, const Setup& setup) : last_(setup.world->catalog().variants.size(), no_turn) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    if (warm_count(groups, view) == 0) return Dispatch::hold(nothing_warm);
    std::int64_t& last = last_[variant.index()];
    const InstanceId next = turn_after(last, groups, query.origin(), variant, view);
    last = next.index();
    return Dispatch::to(next, in_turn);
  }

 private:
  enum : Reason { in_turn, nothing_warm };
  static constexpr std::array<std::string_view, 2> names{"in_turn", "nothing_warm"};

  std::vector<std::int64_t> last_;  // id used last, by variant
};

}  // namespace

PolicyDefinition round_robin() {
  return define<RoundRobin>("round_robin", "The warm instances of the variant in turn, in order of ids.",
                            {Provenance::textbook, R"(Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975)"});
}

}  // namespace tideline
