#include "policies/builtin.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// A hand moves over a device's instances, from the one started first to the one started last and round again: it passes those used
/// since it came by, takes their mark away, and stops at the first without.
/// Source: SIEVE, Zhang et al., "SIEVE is simpler than LRU: an efficient turn-key eviction algorithm for Web caches", NSDI 2024.
///
/// A start is not a use, and the first batch belongs to it. Instances that may not go, because they have work or are pinned, are
/// passed and keep their mark.
class Sieve final : public EvictionPolicy, public Observer {
 public:
  using Params = NoParams;
  Sieve(const Params&, const Setup& setup) : marks_(*setup.world), queues_(setup.world->topology().devices.size()) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batch_starts = true, .instances = true}; }

  Victim choose(DeviceId device, std::span<const InstanceId> idle, std::int64_t, ClusterView) override {
    Queue& q = queues_[device.index()];
    // The second time round no mark is left.
    for (std::size_t steps = 2 * q.oldest_first.size(); steps > 0; --steps) {
      const InstanceId i = q.oldest_first[q.hand];
      // Past the newest it starts again at once: what is started next is not what it has come to.
      q.hand = q.hand + 1 == q.oldest_first.size() ? 0 : q.hand + 1;
      if (!std::binary_search(idle.begin(), idle.end(), i)) continue;
      Marks& m = marks_[i];
      if (!m.visited) return {i, not_visited};
      m.visited = false;
    }
    return {};
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    Queue& q = queues_[view.instance(i).device.index()];
    if (phase == Phase::starting) {
      marks_[i] = {};
      q.oldest_first.push_back(i);
    } else if (phase == Phase::gone) {
      const auto at = std::find(q.oldest_first.begin(), q.oldest_first.end(), i);
      if (at == q.oldest_first.end()) return;
      // The hand stays at the same instance, or at the next newer one if that goes.
      if (static_cast<std::size_t>(at - q.oldest_first.begin()) < q.hand) --q.hand;
      q.oldest_first.erase(at);
      if (q.hand == q.oldest_first.size()) q.hand = 0;
    }
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView) override {
    Marks& m = marks_[i];
    m.visited = m.used;
    m.used = true;
  }

 private:
  enum : Reason { not_visited };
  static constexpr std::array<std::string_view, 1> names{"not_visited"};

  struct Marks {
    bool visited = false;
    bool used = false;  // its first batch began
  };
  struct Queue {
    std::vector<InstanceId> oldest_first;
    std::size_t hand = 0;  // index of the one to look at next
  };

  InstanceTable<Marks> marks_;
  std::vector<Queue> queues_;  // by device: each device's memory is a cache of its own
};

}  // namespace

PolicyDefinition sieve() {
  return define<Sieve>(
      "sieve", "The first instance, oldest on, not used since the hand last passed it.",
      {Provenance::as_published,
       R"(Zhang et al., "SIEVE is simpler than LRU: an efficient turn-key eviction algorithm for Web caches", NSDI 2024)"});
}

}  // namespace tideline
