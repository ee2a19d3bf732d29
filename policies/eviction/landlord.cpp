#include "policies/builtin.h"
#include "policies/components/latency.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// Instances have credit that is restored when they are used and pays rent for the memory they hold while somebody wants it; who has none
/// left goes (policy E6). Source: Landlord, Young, "On-line file caching", Algorithmica 33, 2002 (doi:10.1007/s00453-001-0124-5), as
/// published: a use restores the credit to the cost in full; ties: least recently used, then lowest id.
///
/// Credit is what loading it again would take by profile, size the memory it holds. Rent of delta per byte, the least credit / size of those
/// who may go, is taken from all on the device; it is kept as one sum a device, at which credit / size is counted from.
class Landlord final : public EvictionPolicy, public Observer {
 public:
  using Params = NoParams;
  Landlord(const Params&, const Setup& setup) : rent_(setup.world->topology().devices.size()), entries_(*setup.world) {
    for (std::size_t v = 0; v < setup.world->catalog().variants.size(); ++v) reload_s_.push_back(reload_time_s(*setup.world, VariantId{v}));
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.batch_starts = true, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    return {least_of(idle, view, [&](InstanceId i) { return entries_[i].until; }), no_credit};
  }

  void evicted(InstanceId i, ClusterView view) override {
    double& rent = rent_[view.instance(i).device.index()];
    rent = std::max(rent, entries_[i].until);  // of several victims the last pays most
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    if (phase != Phase::starting) return;
    const GroupId g = view.instance(i).group;
    const double size = static_cast<double>(memory_of_new(view, g)), cost = reload_s_[view.world()[g].variant.index()];
    Entry& e = entries_[i];
    e.cost_per_byte = size > 0 ? cost / size : cost;
    e.until = rent_[view.instance(i).device.index()] + e.cost_per_byte;
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView view) override {
    Entry& e = entries_[i];
    e.until = rent_[view.instance(i).device.index()] + e.cost_per_byte;
  }

 private:
  enum : Reason { no_credit };
  static constexpr std::array<std::string_view, 1> names{"no_credit"};

  struct Entry {
    double cost_per_byte = 0;
    double until = 0;  // rent per byte of its device at which its credit is used up
  };
  std::vector<double> rent_;  // per byte, up to now, by device: each device's memory is a cache of its own
  InstanceTable<Entry> entries_;
  std::vector<double> reload_s_;  // by variant
};

}  // namespace

PolicyDefinition landlord() {
  return define<Landlord>(
      "landlord", "The instance whose credit, restored by each use, is used up by rent for its memory.",
      {Provenance::as_published, R"(Young, "On-line file caching", Algorithmica 33, 2002, doi:10.1007/s00453-001-0124-5)"});
}

}  // namespace tideline
