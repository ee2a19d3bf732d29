#include "policies/builtin.h"
#include "policies/components/instance_counts.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>

namespace tideline {

namespace {

/// The device with the fewest instances, so that load and the loss of a node are shared by all; ties: most memory free, then lowest id.
/// Source: the `spread` strategy of Docker Swarm; by memory: worst fit, `LeastAllocated` of the Kubernetes scheduler.
///
/// By `instances` all of a device count; by `variant` only those of the variant that starts. Where it fits nowhere, the device with most
/// memory free, so that least must be evicted.
class Spread final : public PlacementPolicy {
 public:
  enum class By : std::uint8_t { instances, variant, memory };
  struct Params {
    By by = By::instances;
    static constexpr auto declare() {
      return param::fields(param::choice("by", &Params::by,
                                         "Of what a device shall have least: instances, those of the variant, or memory in use.",
                                         {{"instances", By::instances}, {"variant", By::variant}, {"memory", By::memory}}));
    }
  };
  Spread(const Params& params, const Setup& setup) : params_(params), there_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Placement choose(VariantId variant, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) override {
    const bool evicting = fits.empty();
    there_.clear();
    if (!evicting && params_.by == By::variant) there_.add_variant(view, variant);
    if (!evicting && params_.by == By::instances)
      for (std::size_t g = 0; g < view.world().groups().size(); ++g) there_.add(view, GroupId{g});
    DeviceId best;
    for (const DeviceId d : evicting ? after_eviction : fits)
      if (!best || better(d, best, view)) best = d;
    return {best, evicting ? least_to_evict : least_used};
  }

 private:
  enum : Reason { least_used, least_to_evict };
  static constexpr std::array<std::string_view, 2> names{"least_used", "least_to_evict"};

  bool better(DeviceId a, DeviceId b, ClusterView view) const {
    if (there_[a] != there_[b]) return there_[a] < there_[b];
    return view.device(a).memory_free > view.device(b).memory_free;
  }

  Params params_;
  InstanceCounts there_;
};

}  // namespace

PolicyDefinition spread() {
  return define<Spread>("spread", "The device with the fewest instances, or least memory in use.",
                        {Provenance::textbook, R"(Kubernetes documentation, "Scheduler configuration")"});
}

}  // namespace tideline
