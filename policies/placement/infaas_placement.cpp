#include "policies/builtin.h"
#include "policies/components/instance_counts.h"
#include "policies/components/instance_states.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tideline {

namespace {

/// INFaaS's choice of a worker: best fit on memory among the devices that keep some to spare and are not busy; for more of a variant that
/// suffers from its neighbours, the least used device (policy D9).
/// Source: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021, section 4. Our reading.
///
/// A worker is a device here. A second instance of a variant on an exclusive device adds no throughput, since they take turns: with
/// `spread` only the exclusive devices with fewest of them are looked at. Of those on which the instance fits with `slack_bytes` left and
/// whose batches took less than `most_utilisation` of the last window, the one that least memory is free on; ties: lowest id. Where there is
/// none of these, the one of least utilisation that it fits on, then with most memory free; with `otherwise` `nowhere` none, and the start
/// waits for room, such as that of a machine that `infaas_scaling` orders. Where it fits only after evictions, `least_used` takes that of
/// least utilisation too, then with most memory free, so that least must be evicted.
///
/// Of the migration of interfered variants to the least loaded worker a placement can do one part: where some instance of the variant was
/// judged interfered in the last window, a new one goes to the device of least utilisation among those with slack. When one starts and
/// which one goes is for the autoscaler to say: `infaas_scaling` adds and removes instances by load alone, and looks at interference
/// for machines only, so nothing is started because of it, and what is removed later need not be the interfered instance. Instances are
/// judged as by `infaas`.
class InfaasPlacement final : public PlacementPolicy {
 public:
  enum class Otherwise : std::uint8_t { least_used, nowhere };
  struct Params {
    std::int64_t slack = std::int64_t{1} << 30;
    double most_utilisation = 0.8;
    Otherwise otherwise = Otherwise::least_used;
    bool spread = true;
    Duration window = 2s;
    std::uint32_t reference_batch = 32;
    static constexpr auto declare() {
      return param::fields(param::field("slack_bytes", &Params::slack, "Memory that must stay free on a device.", {0, 1e15}),
                           param::field("most_utilisation", &Params::most_utilisation,
                                        "Share of the window below which a device must have been busy.", {0, 1}),
                           param::choice("otherwise", &Params::otherwise, "Where no device is like that: the least used one, or none.",
                                         {{"least_used", Otherwise::least_used}, {"nowhere", Otherwise::nowhere}}),
                           param::field("spread", &Params::spread, "Prefer exclusive devices with fewer instances of the same variant."),
                           param::field("window_s", &Params::window, "Time between two judgements.", {0.001, 86400}),
                           param::field("reference_batch", &Params::reference_batch, "Batch at which accelerators are judged.", {1, 1e6}));
    }
  };
  InfaasPlacement(const Params& params, const Setup& setup) : params_(params), states_(*setup.world, rules(params)), there_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Time round(ClusterView view) override {
    states_.observe(view);
    return view.now() + params_.window;
  }

  Placement choose(VariantId variant, std::int64_t bytes, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) override {
    const bool exclusive = view.world().catalog()[view.world()[variant].hardware].sharing == Sharing::exclusive;
    there_.clear();
    if (params_.spread && exclusive) there_.add_variant(view, variant);
    const std::span<const DeviceId> devices = fits.empty() ? after_eviction : fits;
    std::uint32_t fewest = ~std::uint32_t{0};
    for (const DeviceId d : devices) fewest = std::min(fewest, there_[d]);
    const bool moves = is_interfered(variant, view);
    DeviceId best;
    for (const DeviceId d : fits)
      if (there_[d] == fewest && has_slack(d, bytes, view) && (!best || (moves ? less_used(d, best, view) : tighter(d, best, view))))
        best = d;
    if (best) return {best, moves ? away_from_neighbours : tightest};
    if (params_.otherwise == Otherwise::nowhere) return {{}, no_slack};
    for (const DeviceId d : devices)
      if (there_[d] == fewest && (!best || less_used(d, best, view))) best = d;
    return {best, fits.empty() ? least_used_to_evict : least_used};
  }

 private:
  enum : Reason { tightest, away_from_neighbours, least_used, least_used_to_evict, no_slack };
  static constexpr std::array<std::string_view, 5> names{"tightest", "away_from_neighbours", "least_used", "least_used_to_evict",
                                                         "no_slack"};

  static InstanceStateRules rules(const Params& params) {
    InstanceStateRules r;
    r.reference_batch = params.reference_batch;
    return r;
  }

  bool has_slack(DeviceId d, std::int64_t bytes, ClusterView view) const {
    return view.device(d).memory_free - params_.slack >= bytes && states_.utilisation(d) < params_.most_utilisation;
  }
  static bool tighter(DeviceId a, DeviceId b, ClusterView view) { return view.device(a).memory_free < view.device(b).memory_free; }
  bool less_used(DeviceId a, DeviceId b, ClusterView view) const {
    const double x = states_.utilisation(a), y = states_.utilisation(b);
    return x != y ? x < y : view.device(a).memory_free > view.device(b).memory_free;
  }
  bool is_interfered(VariantId variant, ClusterView view) const {
    for (std::size_t s = 0; s < view.world().site_count(); ++s) {
      const GroupId g = view.world().group(variant, SiteId{s});
      if (!g) continue;
      for (const InstanceId i : view.group(g).members)
        if (view.instance(i).phase == Phase::warm && states_.state(i) == InstanceState::interfered) return true;
    }
    return false;
  }

  Params params_;
  InstanceStates states_;
  InstanceCounts there_;  // of the variant
};

}  // namespace

PolicyDefinition infaas_placement() {
  return define<InfaasPlacement>(
      "infaas_placement", "INFaaS's choice: the fullest device with memory to spare that is not busy, else the least used.",
      {Provenance::our_reading, R"(Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021)"});
}

}  // namespace tideline
