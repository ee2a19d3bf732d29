#include "policies/builtin.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace tideline {

namespace {

/// By memory: the largest instance, so that few must go; or the least recently used of those that are large enough alone.
/// Source: SIZE, Williams et al., "Removal policies in network caches for World-Wide Web documents", SIGCOMM 1996;
/// LRU-MIN, Abrams et al., "Caching proxies: limitations and potentials", WWW 1995.
///
/// LRU-MIN halves what is large enough until an instance is. Ties: least recently used, then lowest id. Where only cores are short,
/// the size of an instance is its cores; how many are short is not said, and any is large enough.
class SizeAware final : public EvictionPolicy, public Observer {
 public:
  enum class Rule : std::uint8_t { largest, lru_min };
  struct Params {
    Rule rule = Rule::largest;
    static constexpr auto declare() {
      return param::fields(param::choice("rule", &Params::rule,
                                         "The largest goes, or the least recently used of those that free enough alone.",
                                         {{"largest", Rule::largest}, {"lru_min", Rule::lru_min}}));
    }
  };
  SizeAware(const Params& params, const Setup& setup) : params_(params), memory_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = false, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t bytes_short, ClusterView view) override {
    const auto size = [&](InstanceId i) { return bytes_short > 0 ? memory_[i] : std::int64_t{view.instance(i).cores}; };
    if (params_.rule == Rule::largest) return {least_of(idle, view, [&](InstanceId i) { return -size(i); }), largest};
    std::int64_t most = 0;
    for (const InstanceId i : idle) most = std::max(most, size(i));
    std::int64_t enough = bytes_short;
    while (enough > most) enough /= 2;
    const InstanceId victim = least_of(idle, view, [&](InstanceId i) { return std::pair(size(i) < enough, view.instance(i).idle_since); });
    return {victim, enough == bytes_short ? enough_alone : halved};
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    if (phase == Phase::starting) memory_[i] = memory_of_new(view, view.instance(i).group);
  }

 private:
  enum : Reason { largest, enough_alone, halved };
  static constexpr std::array<std::string_view, 3> names{"largest", "enough_alone", "halved"};

  Params params_;
  InstanceTable<std::int64_t> memory_;  // bytes that it holds
};

}  // namespace

PolicyDefinition size_aware() {
  return define<SizeAware>(
      "size_aware", "The largest instance, or the least recently used of those large enough.",
      {Provenance::as_published,
       R"(Williams et al., "Removal policies in network caches for World-Wide Web documents", SIGCOMM 1996; Abrams et al., "Caching proxies: limitations and potentials", WWW 1995)"});
}

}  // namespace tideline
