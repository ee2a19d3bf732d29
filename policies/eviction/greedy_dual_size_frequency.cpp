#include "policies/builtin.h"
#include "policies/components/latency.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// The instance of least H = L + frequency x cost / size goes, where L, of its device, is the H of the last victim when the
/// instance was last used; ties: least recently used, then lowest id.
/// Source: Cherkasova, GDSF, HP Labs report 1998; FaasCache (Fuerst and Sharma, ASPLOS 2021, section 4).
///
/// Cost is what loading it again would take by profile, size the memory it holds. A start counts as the first use, each later
/// batch at the warm instance as one more. With `frequency` shared, the instances of a variant at a site count their uses
/// together, until the last of them is gone; each keeps its own L. With a keep-alive without end this is FaasCache: system `faascache`.
class GreedyDualSizeFrequency final : public EvictionPolicy, public Observer {
 public:
  enum class Frequency : std::uint8_t { shared, own };
  struct Params {
    Frequency frequency = Frequency::shared;
    static constexpr auto declare() {
      return param::fields(param::choice("frequency", &Params::frequency,
                                         "Whose uses count: of all instances of the variant at the site, or its own.",
                                         {{"shared", Frequency::shared}, {"own", Frequency::own}}));
    }
  };
  GreedyDualSizeFrequency(const Params& params, const Setup& setup)
      : params_(params), last_(setup.world->topology().devices.size()), groups_(setup.world->groups().size()), entries_(*setup.world) {
    for (std::size_t v = 0; v < setup.world->catalog().variants.size(); ++v) reload_s_.push_back(reload_time_s(*setup.world, VariantId{v}));
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batch_starts = true, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    return {least_of(idle, view, [&](InstanceId i) { return priority(i, view); }), least_priority};
  }

  void evicted(InstanceId i, ClusterView view) override { last_[view.instance(i).device.index()] = priority(i, view); }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    Uses& uses = groups_[view.instance(i).group.index()];
    if (phase == Phase::starting) {
      const GroupId g = view.instance(i).group;
      const double size = static_cast<double>(memory_of_new(view, g));
      const double cost = reload_s_[view.world()[g].variant.index()];
      const std::uint32_t device = view.instance(i).device.index();
      entries_[i] = {last_[device], size > 0 ? cost / size : cost, 1, true, device, g.index()};
      ++uses.count;
      ++uses.instances;
    } else if (phase == Phase::gone) {
      if (--uses.instances == 0) uses.count = 0;
    }
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView) override {
    Entry& e = entries_[i];
    e.clock = last_[e.device];
    if (!e.unused) {
      ++e.count;
      ++groups_[e.group].count;
    }
    e.unused = false;
  }

 private:
  enum : Reason { least_priority };
  static constexpr std::array<std::string_view, 1> names{"least_priority"};

  struct Entry {
    double clock = 0;  // L of its device at its last use
    double value = 0;  // cost / size
    std::uint64_t count = 0;
    bool unused = true;  // its start is counted, its first batch not yet seen
    std::uint32_t device = 0, group = 0;
  };
  struct Uses {
    std::uint64_t count = 0;
    std::uint32_t instances = 0;
  };

  double priority(InstanceId i, ClusterView view) {
    const Entry& e = entries_[i];
    const std::uint64_t count = params_.frequency == Frequency::own ? e.count : groups_[view.instance(i).group.index()].count;
    return e.clock + static_cast<double>(count) * e.value;
  }

  Params params_;
  std::vector<double> last_;  // L, by device: each device's memory is a cache of its own
  std::vector<Uses> groups_;
  InstanceTable<Entry> entries_;
  std::vector<double> reload_s_;  // by variant
};

}  // namespace

PolicyDefinition greedy_dual_size_frequency() {
  return define<GreedyDualSizeFrequency>(
      "greedy_dual_size_frequency", "The instance of least frequency x load time / memory, ageing.",
      {Provenance::as_published,
       R"(Cherkasova, "Improving WWW proxies performance with greedy-dual-size-frequency caching policy", HP Labs report HPL-98-69R1, 1998)"},
      DefaultPolicy::yes);
}

}  // namespace tideline
