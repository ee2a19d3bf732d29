#include "policies/builtin.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// The instance with the fewest uses; ties: least recently used, then lowest id.
/// Source: least frequently used, in-cache and perfect, as told apart by Breslau et al., "Web caching and Zipf-like distributions",
/// INFOCOM 1999; with dynamic ageing: Arlitt et al., "Evaluating content management techniques for Web proxy caches", HP Labs report
/// HPL-98-173, 1998.
///
/// A start counts as the first use, each later batch at the warm instance as one more. Counted `in_cache`, an instance takes its uses
/// with it when it goes. Counted `perfect`, those of all instances of the variant at the site are never forgotten. With
/// `dynamic_ageing` in-cache counts start from the key of the last victim on the device, so that what was popular once can go.
class Lfu final : public EvictionPolicy, public Observer {
 public:
  enum class Counts : std::uint8_t { in_cache, perfect, dynamic_ageing };
  struct Params {
    Counts counts = Counts::in_cache;
    static constexpr auto declare() {
      return param::fields(param::choice(
          "counts", &Params::counts, "Uses of the instance; of its variant at the site, for ever; or of the instance, ageing.",
          {{"in_cache", Counts::in_cache}, {"perfect", Counts::perfect}, {"dynamic_ageing", Counts::dynamic_ageing}}));
    }
  };
  Lfu(const Params& params, const Setup& setup)
      : params_(params), entries_(*setup.world), groups_(setup.world->groups().size()), last_(setup.world->topology().devices.size()) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batch_starts = true, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    return {least_of(idle, view, [&](InstanceId i) { return key(i, view); }), least_used};
  }

  void evicted(InstanceId i, ClusterView view) override { last_[view.instance(i).device.index()] = key(i, view); }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    if (phase != Phase::starting) return;
    entries_[i] = {1, last_[view.instance(i).device.index()], true};
    ++groups_[view.instance(i).group.index()];
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView view) override {
    Entry& e = entries_[i];
    e.age = last_[view.instance(i).device.index()];
    if (!e.unused) {
      ++e.count;
      ++groups_[view.instance(i).group.index()];
    }
    e.unused = false;
  }

 private:
  enum : Reason { least_used };
  static constexpr std::array<std::string_view, 1> names{"least_used"};

  struct Entry {
    std::uint64_t count = 0;
    std::uint64_t age = 0;  // L of its device at its last use
    bool unused = true;     // its start is counted, its first batch not yet seen
  };

  std::uint64_t key(InstanceId i, ClusterView view) {
    const Entry& e = entries_[i];
    switch (params_.counts) {
      case Counts::perfect:
        return groups_[view.instance(i).group.index()];
      case Counts::dynamic_ageing:
        return e.age + e.count;
      case Counts::in_cache:
        break;
    }
    return e.count;
  }

  Params params_;
  InstanceTable<Entry> entries_;
  std::vector<std::uint64_t> groups_;  // uses for ever
  std::vector<std::uint64_t> last_;    // key of the last victim, by device
};

}  // namespace

PolicyDefinition lfu() {
  return define<Lfu>(
      "lfu", "The instance with the fewest uses.",
      {Provenance::textbook,
       R"(Breslau et al., "Web caching and Zipf-like distributions: evidence and implications", INFOCOM 1999, doi:10.1109/INFCOM.1999.749260)"});
}

}  // namespace tideline
