#include "policies/builtin.h"
#include "policies/components/instance_counts.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>

namespace tideline {

namespace {

/// The device on which the instance leaves least memory free, then least cores; ties: lowest id. Where it fits nowhere, the
/// device with most memory free, so that least must be evicted.
/// Source: best fit on memory as in INFaaS (ATC 2021, section 4).
///
/// A second instance of a variant on an exclusive device adds no throughput, since they take turns: with `spread`, devices that
/// have fewer of them are preferred.
class BestFit final : public PlacementPolicy {
 public:
  enum class Prefer : std::uint8_t { least_memory };
  struct Params {
    Prefer prefer = Prefer::least_memory;
    bool spread = true;
    static constexpr auto declare() {
      return param::fields(
          param::choice("prefer", &Params::prefer, "What to leave least of.", {{"least_memory", Prefer::least_memory}}),
          param::field("spread", &Params::spread, "Prefer exclusive devices with fewer instances of the same variant, before memory."));
    }
  };
  BestFit(const Params& params, const Setup& setup) : params_(params), there_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Placement choose(VariantId variant, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) override {
    const bool exclusive = view.world().catalog()[view.world()[variant].hardware].sharing == Sharing::exclusive;
    there_.clear();
    if (params_.spread && exclusive) there_.add_variant(view, variant);
    DeviceId best;
    const bool evicting = fits.empty();
    for (const DeviceId d : evicting ? after_eviction : fits)
      if (!best || better(d, best, evicting, view)) best = d;
    return {best, evicting ? least_to_evict : tightest};
  }

 private:
  enum : Reason { tightest, least_to_evict };
  static constexpr std::array<std::string_view, 2> names{"tightest", "least_to_evict"};

  bool better(DeviceId a, DeviceId b, bool evicting, ClusterView view) const {
    if (there_[a] != there_[b]) return there_[a] < there_[b];
    const DeviceRow &x = view.device(a), &y = view.device(b);
    if (x.memory_free != y.memory_free) return (x.memory_free < y.memory_free) != evicting;
    return x.cores_free != y.cores_free && (x.cores_free < y.cores_free) != evicting;
  }

  Params params_;
  InstanceCounts there_;  // of the variant
};

}  // namespace

PolicyDefinition best_fit() {
  return define<BestFit>("best_fit", "The device on which least memory is left free.",
                         {Provenance::textbook, R"(Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021)"},
                         DefaultPolicy::yes);
}

}  // namespace tideline
