#include "policies/builtin.h"
#include "policies/components/peak_rates.h"
#include "policies/components/warm.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <optional>

namespace tideline {

namespace {

/// Any warm instance of the variant within reach, each as likely as the other; holds where there is none.
/// Source: folklore; with Poisson arrivals and exponential service each instance is an M/M/1 queue.
///
/// By `speed` each is as likely as its share of the most items per second by profile, so all are equally busy. Instances of a variant differ
/// in it where their cores may.
class Random final : public DispatchPolicy {
 public:
  enum class Weights : std::uint8_t { equal, speed };
  struct Params {
    Weights weights = Weights::equal;
    static constexpr auto declare() {
      return param::fields(param::choice("weights", &Params::weights,
                                         "What an instance's chance goes by: nothing, or its speed by profile.",
                                         {{"equal", Weights::equal}, {"speed", Weights::speed}}));
    }
  };
  Random(const Params& params, const Setup& setup) : stream_(setup.stream) {
    if (params.weights == Weights::speed) rates_.emplace(*setup.world);
  }

  Needs needs() const override { return {.indexes = {.by_load = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    if (rates_) [[unlikely]]
      return place_by_speed(query, variant, view);
    const auto groups = view.groups_of(variant, query.origin());
    const std::uint32_t n = warm_count(groups, view);
    if (n == 0) return Dispatch::hold(nothing_warm);
    return Dispatch::to(warm_at(groups, n == 1 ? 0 : below(stream_, n), view), drawn);
  }

 private:
  enum : Reason { drawn, nothing_warm };
  static constexpr std::array<std::string_view, 2> names{"drawn", "nothing_warm"};

  /// Draws any, and takes it as often as it is fast: on average as many draws as the fastest that there may be is faster than the mean.
  [[gnu::noinline]] Dispatch place_by_speed(const QueryView& query, VariantId variant, ClusterView view) {
    const auto groups = view.groups_of(variant, query.origin());
    const std::uint32_t n = warm_count(groups, view);
    if (n == 0) return Dispatch::hold(nothing_warm);
    for (;;) {
      const InstanceId i = warm_at(groups, n == 1 ? 0 : below(stream_, n), view);
      if (n == 1 || !rates_->varies(variant)) return Dispatch::to(i, drawn);
      if (uniform01(stream_) * rates_->most(variant) < (*rates_)(view, i)) return Dispatch::to(i, drawn);
    }
  }

  std::optional<PeakRates> rates_;  // where they weigh
  Stream stream_;
};

}  // namespace

PolicyDefinition random() {
  return define<Random>(
      "random", "Any warm instance of the variant, each as likely as the other.",
      {Provenance::textbook,
       R"(Mitzenmacher, "The power of two choices in randomized load balancing", IEEE Transactions on Parallel and Distributed Systems 12(10), 2001, doi:10.1109/71.963420)"});
}

}  // namespace tideline
