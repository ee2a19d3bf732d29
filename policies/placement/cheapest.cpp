#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// The device with the lowest price per second; ties: least memory left free, then lowest id. Where it fits nowhere: the cheapest all the
/// same, ties: most memory free, so that least must be evicted.
/// Source: ours; cheapest-first expansion, as the `price` expander of the Kubernetes cluster autoscaler.
///
/// The price is that of the device's share of its node. A variant runs on one type of hardware: what differs is where it stands and how
/// it was bought. Whether the node is held anyway makes no difference.
class Cheapest final : public PlacementPolicy {
 public:
  using Params = NoParams;
  Cheapest(const Params&, const Setup&) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Placement choose(VariantId, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) override {
    const bool evicting = fits.empty();
    const auto better = [&](DeviceId a, DeviceId b) {
      const double x = view.world().device_price_per_s(a), y = view.world().device_price_per_s(b);
      if (x != y) return x < y;
      const std::int64_t p = view.device(a).memory_free, q = view.device(b).memory_free;
      return p != q && (p < q) != evicting;
    };
    DeviceId best;
    for (const DeviceId d : evicting ? after_eviction : fits)
      if (!best || better(d, best)) best = d;
    return {best, evicting ? cheapest_to_evict : cheapest_free};
  }

 private:
  enum : Reason { cheapest_free, cheapest_to_evict };
  static constexpr std::array<std::string_view, 2> names{"cheapest_free", "cheapest_to_evict"};
};

}  // namespace

PolicyDefinition cheapest() {
  return define<Cheapest>("cheapest", "The device with the lowest price.",
                          {Provenance::ours, R"(Kubernetes cluster autoscaler documentation, "Expanders")"});
}

}  // namespace tideline
