#include "policies/builtin.h"
#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// Loads every variant that may be asked for at time 0, the most accurate first, and never stops one for being idle; what
/// finds no memory is left to be loaded on demand.
/// Source: serving systems that load all their models at start, e.g. Triton's model control mode `none` and TensorFlow Serving.
class PreloadAndPersist final : public ColdstartPolicy {
 public:
  struct Params {
    std::vector<std::string> variants;
    bool per_device = false;
    static constexpr auto declare() {
      return param::fields(
          param::field("variants", &Params::variants, "Names of the variants to load; empty: all that are a candidate of some class."),
          param::field("per_device", &Params::per_device,
                       "As many instances at a site as it has devices of the hardware, instead of one."));
    }
  };

  /// Throws std::invalid_argument where `variants` names what the catalog does not have.
  PreloadAndPersist(const Params& params, const Setup& setup) {
    const World& world = *setup.world;
    const auto& variants = world.catalog().variants;
    std::vector<char> chosen(variants.size());
    if (params.variants.empty()) {
      for (std::size_t c = 0; c < world.classes().size(); ++c)
        for (const VariantId v : world.candidates(ClassId{c}, CandidateOrder::by_accuracy_descending)) chosen[v.index()] = 1;
    }
    for (const std::string& name : params.variants) {
      const auto at = std::find_if(variants.begin(), variants.end(), [&](const Variant& v) { return v.name == name; });
      if (at == variants.end()) {
        std::vector<std::string_view> names_known;
        names_known.reserve(variants.size());
        for (const Variant& v : variants) names_known.emplace_back(v.name);
        throw std::invalid_argument("variants: no variant " + in_quotes(name) + suggestion(name, names_known));
      }
      chosen[static_cast<std::size_t>(at - variants.begin())] = 1;
    }
    std::vector<VariantId> order;
    for (std::size_t v = 0; v < variants.size(); ++v)
      if (chosen[v] != 0) order.emplace_back(v);
    std::stable_sort(order.begin(), order.end(), [&](VariantId a, VariantId b) { return world[a].accuracy > world[b].accuracy; });
    for (const VariantId v : order)
      for (std::size_t s = 0; s < world.site_count(); ++s)
        if (const GroupId g = world.group(v, SiteId{s})) preload_.push_back({g, params.per_device ? devices(world, v, SiteId{s}) : 1});
  }

  std::span<const std::string_view> reasons() const override { return names; }

  KeepAlive became_idle(InstanceId, ClusterView) override { return {forever, forever, persists}; }
  void prewarm(ClusterView, std::vector<Prewarm>& start, std::vector<GroupId>&) override {
    start.insert(start.end(), preload_.begin(), preload_.end());
  }

 private:
  enum : Reason { none, persists };
  static constexpr std::array<std::string_view, 2> names{"none", "persists"};

  static std::uint32_t devices(const World& world, VariantId v, SiteId s) {
    const auto& all = world.topology().devices;
    return static_cast<std::uint32_t>(
        std::count_if(all.begin(), all.end(), [&](const Device& d) { return d.site == s && d.hardware == world[v].hardware; }));
  }

  std::vector<Prewarm> preload_;
};

}  // namespace

PolicyDefinition preload_and_persist() {
  return define<PreloadAndPersist>("preload_and_persist", "Loads all variants at the start, most accurate first, and keeps them.",
                                   {Provenance::textbook, R"(NVIDIA Triton Inference Server documentation, "Model management")"});
}

}  // namespace tideline
