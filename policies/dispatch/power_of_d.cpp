#include "policies/builtin.h"
#include "policies/components/warm.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace tideline {

namespace {

/// The least loaded of d different warm instances drawn at random from all within reach, ties at random; holds where nothing
/// is warm. By `work` the load is the time by profile until what is there is done, for instances of different speed.
/// Source: Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 2001.
class PowerOfD final : public DispatchPolicy {
 public:
  static constexpr std::uint32_t most = 64;
  enum class Length : std::uint8_t { visits, work };
  struct Params {
    std::uint32_t d = 2;
    Length length = Length::visits;
    static constexpr auto declare() {
      return param::fields(param::field("d", &Params::d, "Instances to draw and compare; all where there are fewer.", {1, most}),
                           param::choice("length", &Params::length, "What to compare: visits, or time by profile until they are done.",
                                         {{"visits", Length::visits}, {"work", Length::work}}));
    }
  };
  PowerOfD(const Params& params, const Setup& setup) : d_(params.d), by_work_(params.length == Length::work), stream_(setup.stream) {}

  Needs needs() const override { return {.indexes = {.by_load = true, .by_free = by_work_}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    if (by_work_) [[unlikely]]
      return least_of_drawn(query, variant, view, [&](InstanceId i) { return view.free_at(i).time_since_epoch().count(); });
    return least_of_drawn(query, variant, view, [&](InstanceId i) { return view.instance(i).load; });
  }

 private:
  enum : Reason { least_loaded, tie, nothing_warm };
  static constexpr std::array<std::string_view, 3> names{"least_loaded", "tie", "nothing_warm"};

  template <class Measure>
  [[gnu::always_inline]] Dispatch least_of_drawn(const QueryView& query, VariantId variant, ClusterView view, Measure length) {
    using Number = decltype(length(InstanceId{}));
    const auto groups = view.groups_of(variant, query.origin());
    const std::uint32_t n = warm_count(groups, view), d = std::min(d_, n);
    if (n == 0) return Dispatch::hold(nothing_warm);
    // Floyd's method: d different numbers below n, each set as likely as the other, in d draws.
    std::array<std::uint32_t, most> drawn;
    InstanceId best, second;
    Number best_load = std::numeric_limits<Number>::max(), second_load = best_load;
    std::uint32_t ties = 0;
    for (std::uint32_t k = 0; k < d; ++k) {
      const std::uint32_t top = n - d + k;
      const std::uint32_t x = top == 0 ? 0 : below(stream_, top + 1);
      const auto end = drawn.begin() + k;
      drawn[k] = std::find(drawn.begin(), end, x) == end ? x : top;
      const InstanceId i = warm_at(groups, drawn[k], view);
      const Number load = length(i);
      ties = load < best_load ? 1 : load == best_load ? ties + 1 : ties;
      const bool better = load < best_load || (load == best_load && below(stream_, ties) == 0);
      if (better) {
        second = best;
        second_load = best_load;
        best = i;
        best_load = load;
      } else if (load < second_load) {
        second = i;
        second_load = load;
      }
    }
    return Dispatch::to(best, ties > 1 ? tie : least_loaded, second);
  }

  std::uint32_t d_;
  bool by_work_;
  Stream stream_;
};

}  // namespace

PolicyDefinition power_of_d() {
  return define<PowerOfD>(
      "power_of_d", "The least loaded of d warm instances drawn at random.",
      {Provenance::as_published,
       R"(Mitzenmacher, "The power of two choices in randomized load balancing", IEEE Transactions on Parallel and Distributed Systems 12(10), 2001, doi:10.1109/71.963420)"});
}

}  // namespace tideline
