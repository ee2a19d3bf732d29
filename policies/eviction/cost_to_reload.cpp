#include "policies/builtin.h"
#include "policies/components/latency.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// The instance of least rate x load time / memory: whose absence is expected to cost the least loading per byte that it frees; ties:
/// least recently used, then lowest id.
/// Source: ours; the value of an object by its estimated rate of references, cost and size is that of LNC-R, Scheuermann, Shim and
/// Vingralek, "A case for delay-conscious caching of Web documents", Computer Networks 29(8-13), 1997.
///
/// Load time is that of loading it again, by profile. The rate is that of the visits served by the variant at the site, each of which
/// weighs half as much after `half_life_s`: it outlasts the instances. Several instances of a variant share one rate.
class CostToReload final : public EvictionPolicy, public Observer {
 public:
  struct Params {
    Duration half_life = 600s;
    static constexpr auto declare() {
      return param::fields(
          param::field("half_life_s", &Params::half_life, "Time after which a visit weighs half as much in the rate.", {0.001, 31536000}));
    }
  };
  CostToReload(const Params& params, const Setup& setup)
      : half_life_s_(to_seconds(params.half_life)), rates_(setup.world->groups().size()), value_(*setup.world) {
    for (std::size_t v = 0; v < setup.world->catalog().variants.size(); ++v) reload_s_.push_back(reload_time_s(*setup.world, VariantId{v}));
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batch_starts = true, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    const auto cost = [&](InstanceId i) { return weight(view.instance(i).group, view.now()) * value_[i]; };
    return {least_of(idle, view, cost), least_cost};
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    if (phase != Phase::starting) return;
    const GroupId g = view.instance(i).group;
    const double cost = reload_s_[view.world()[g].variant.index()], size = static_cast<double>(memory_of_new(view, g));
    value_[i] = size > 0 ? cost / size : cost;
  }

  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override {
    const GroupId g = view.instance(i).group;
    rates_[g.index()] = {weight(g, view.now()) + visits, view.now()};
  }

 private:
  enum : Reason { least_cost };
  static constexpr std::array<std::string_view, 1> names{"least_cost"};

  struct Rate {
    double weight = 0;  // of its visits, as of `at`; over half life / ln 2 it is a rate
    Time at{};
  };

  double weight(GroupId g, Time now) const {
    const Rate& r = rates_[g.index()];
    return r.weight * std::exp2(-to_seconds(now - r.at) / half_life_s_);
  }

  double half_life_s_;
  std::vector<Rate> rates_;       // by group
  InstanceTable<double> value_;   // load time / memory
  std::vector<double> reload_s_;  // by variant
};

}  // namespace

PolicyDefinition cost_to_reload() {
  return define<CostToReload>(
      "cost_to_reload", "The instance of least rate x load time / memory.",
      {Provenance::ours,
       R"(Scheuermann, Shim and Vingralek, "A case for delay-conscious caching of Web documents", Computer Networks 29(8-13), 1997)"});
}

}  // namespace tideline
