#include "policies/builtin.h"
#include "policies/components/group_count.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
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
    for (const std::string& text : params.instances) {
      const GroupCount k = group_count(text, *setup.world, "instances");
      wishes_.push_back({k.group, k.instances, held});
    }
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

  std::vector<Plan::Wish> wishes_;
  Duration interval_;
  bool first_ = true;
};

}  // namespace

PolicyDefinition fixed() {
  return define<Fixed>("fixed", "As many instances as the scenario starts with, or lists.",
                       {Provenance::textbook, R"(Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021)"},
                       DefaultPolicy::yes);
}

}  // namespace tideline
