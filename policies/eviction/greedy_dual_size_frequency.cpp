#include "policies/builtin.h"
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
/// together, until the last of them is gone; each keeps its own L.
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
      : params_(params),
        slot_mask_((std::uint32_t{1} << setup.world->instance_slot_bits()) - 1),
        last_(setup.world->topology().devices.size()),
        groups_(setup.world->groups().size()),
        entries_(setup.world->site_count()) {
    for (const Variant& v : setup.world->catalog().variants) reload_s_.push_back(reload_time(v, setup.world->catalog()[v.hardware]));
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = true, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    InstanceId victim;
    double least = 0;
    for (const InstanceId i : idle) {
      const double h = priority(i, view);
      if (!victim || h < least || (h == least && view.instance(i).idle_since < view.instance(victim).idle_since)) {
        victim = i;
        least = h;
      }
    }
    return {victim, least_priority};
  }

  void evicted(InstanceId i, ClusterView view) override { last_[view.instance(i).device.index()] = priority(i, view); }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    Uses& uses = groups_[view.instance(i).group.index()];
    if (phase == Phase::starting) {
      const GroupId g = view.instance(i).group;
      const Variant& v = view.world()[view.world()[g].variant];
      const double size = static_cast<double>(v.memory_for(view.group(g).batch_cap));
      const double cost = reload_s_[view.world()[g].variant.index()];
      entry(i) = {last_[view.instance(i).device.index()], size > 0 ? cost / size : cost, 1, true};
      ++uses.count;
      ++uses.instances;
    } else if (phase == Phase::gone) {
      if (--uses.instances == 0) uses.count = 0;
    }
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView view) override {
    Entry& e = entry(i);
    e.clock = last_[view.instance(i).device.index()];
    if (!e.unused) {
      ++e.count;
      ++groups_[view.instance(i).group.index()].count;
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
  };
  struct Uses {
    std::uint64_t count = 0;
    std::uint32_t instances = 0;
  };

  static double reload_time(const Variant& v, const Hardware& h) {
    // The artefact is on the node's disk and the engine built by then.
    const auto over = [&](double bytes_per_s) { return bytes_per_s > 0 ? static_cast<double>(v.artefact_bytes) / bytes_per_s : 0; };
    return over(h.disk_bytes_per_s) + (h.unified_memory ? 0 : over(h.copy_bytes_per_s)) +
           to_seconds(v.load.runtime_init + v.load.first_run);
  }

  Entry& entry(InstanceId i) {
    auto& site = entries_[i.index() / (slot_mask_ + 1)];
    const std::size_t slot = i.index() & slot_mask_;
    if (slot >= site.size()) site.resize(slot + 1);
    return site[slot];
  }

  double priority(InstanceId i, ClusterView view) {
    const Entry& e = entry(i);
    const std::uint64_t count = params_.frequency == Frequency::own ? e.count : groups_[view.instance(i).group.index()].count;
    return e.clock + static_cast<double>(count) * e.value;
  }

  Params params_;
  std::uint32_t slot_mask_;
  std::vector<double> last_;  // L, by device: each device's memory is a cache of its own
  std::vector<Uses> groups_;
  std::vector<std::vector<Entry>> entries_;  // by site and slot
  std::vector<double> reload_s_;             // by variant
};

}  // namespace

PolicyDefinition greedy_dual_size_frequency() {
  return define<GreedyDualSizeFrequency>("greedy_dual_size_frequency", "The instance of least frequency x load time / memory, ageing.",
                                         DefaultPolicy::yes);
}

}  // namespace tideline
