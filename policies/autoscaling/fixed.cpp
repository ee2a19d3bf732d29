#include "policies/builtin.h"
#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// Holds as many instances as `initial` lists, or as `instances` says; what else is loaded on demand is left alone.
/// Source: static provisioning, the baseline of INFaaS (ATC 2021) and most autoscalers. Where `initial` is cold and `instances`
/// empty, it wishes for nothing: instances are started for held queries only.
class Fixed final : public AutoscalingPolicy {
 public:
  struct Params {
    std::vector<std::string> instances;
    Duration interval = 10s;
    static constexpr auto declare() {
      return param::fields(
          param::field("instances", &Params::instances, "Instances to hold, each text \"variant@site=N\"; empty: what `initial` lists."),
          param::field("interval_s", &Params::interval, "Time between two checks that none of them was lost, e.g. with its node.",
                       {0.001, 86400 * 365}));
    }
  };

  /// Throws std::invalid_argument where `instances` names what this cluster does not have.
  Fixed(const Params& params, const Setup& setup) : interval_(forever) {
    const std::size_t groups = setup.world->groups().size();
    for (std::size_t g = 0; g < groups && g < setup.initial.size(); ++g)
      if (params.instances.empty() && setup.initial[g] > 0) wishes_.push_back({GroupId{g}, setup.initial[g], held});
    for (const std::string& text : params.instances) wishes_.push_back(wish_of(text, *setup.world));
    if (std::any_of(wishes_.begin(), wishes_.end(), [](const Plan::Wish& w) { return w.instances > 0; })) interval_ = params.interval;
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Duration interval() const override { return interval_; }

  void plan(ClusterView view, Plan& plan) override {
    for (const Plan::Wish& w : wishes_) {
      // After the first round only what is short: instances started beyond the wish are not this policy's to stop.
      if (!first_ && view.warm(w.group) + view.starting(w.group) >= w.instances) continue;
      plan.wishes.push_back(w);
      if (!first_) plan.wishes.back().reason = replaced;
    }
    first_ = false;
  }

 private:
  enum : Reason { held, replaced };
  static constexpr std::array<std::string_view, 2> names{"held", "replaced"};

  static Plan::Wish wish_of(const std::string& text, const World& world) {
    const auto wrong = [&](const std::string& why) { return std::invalid_argument("instances: " + in_quotes(text) + ": " + why); };
    const std::size_t equals = text.rfind('='), at = equals == std::string::npos ? equals : text.rfind('@', equals);
    if (at == std::string::npos || at == 0) throw wrong("expected \"variant@site=N\"");
    std::uint32_t n = 0;
    const char *first = text.data() + equals + 1, *last = text.data() + text.size();
    const auto [end, error] = std::from_chars(first, last, n);
    if (error != std::errc{} || end != last) throw wrong("expected a whole number after \"=\"");

    std::vector<std::string_view> variants;
    for (const Variant& v : world.catalog().variants) variants.emplace_back(v.name);
    const auto find = [&](std::string_view what, std::string_view name, const std::vector<std::string_view>& known) {
      const auto found = std::find(known.begin(), known.end(), name);
      if (found == known.end()) throw wrong("no " + std::string(what) + " " + in_quotes(name) + suggestion(name, known));
      return static_cast<std::size_t>(found - known.begin());
    };
    const std::vector<std::string_view> sites(world.topology().sites.begin(), world.topology().sites.end());
    const VariantId v{find("variant", std::string_view(text).substr(0, at), variants)};
    const SiteId s{find("site", std::string_view(text).substr(at + 1, equals - at - 1), sites)};
    const GroupId g = world.group(v, s);
    if (!g) throw wrong("the site has no " + in_quotes(world.catalog()[world[v].hardware].name));
    return {g, n, held};
  }

  std::vector<Plan::Wish> wishes_;
  Duration interval_;
  bool first_ = true;
};

}  // namespace

PolicyDefinition fixed() { return define<Fixed>("fixed", "As many instances as the scenario starts with, or lists.", DefaultPolicy::yes); }

}  // namespace tideline
