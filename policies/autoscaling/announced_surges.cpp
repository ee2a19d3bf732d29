#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "policies/components/latency.h"
#include "policies/components/over_another.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

/// Loads ahead of a surge of demand that is announced: from then on, factor x what another autoscaler plans for the task (policy N3).
/// Source: ours.
///
/// The base of a group is what the other plans `lead_s` before the surge, or when it is announced if that is later; from then until the
/// end of the surge the group has at least factor x its base. Rounds are those of the other autoscaler, so a lead is better a round and a
/// load at least. A group without instances has no base.
class AnnouncedSurges final : public OverAnother {
 public:
  struct Params {
    std::string autoscaler = "predictive";
    param::Value params;
    std::optional<Duration> lead;
    Duration interval = 60s;
    static constexpr auto declare() {
      return param::fields(
          param::field("autoscaler", &Params::autoscaler, "The autoscaler that ships whose plan this one is over."),
          param::field("params", &Params::params, "Its parameters."),
          param::field("lead_s", &Params::lead, "Time before a surge from which it is planned for; none: two rounds and the first load.",
                       {0, 86400}),
          param::field("interval_s", &Params::interval, "Time between two rounds, where the other has none.", {0.001, 86400}));
    }
  };

  /// Throws std::invalid_argument where the other autoscaler is wrong.
  AnnouncedSurges(const Params& params, const Setup& setup)
      : OverAnother(params.autoscaler, params.params, params.interval, own_reasons, setup),
        params_(params),
        surges_(setup.surges.begin(), setup.surges.end()),
        bases_(surges_.size() * setup.world->groups().size()) {
    params_.interval = interval();
  }

  Needs needs() const override {
    Needs needs = OverAnother::needs();
    needs.writes.wish = true;
    return needs;
  }

  void plan(ClusterView view, Plan& plan) override {
    plan_of_other(view, plan);
    for (std::size_t k = 0; k < surges_.size(); ++k) add_surge(k, view, plan);
  }

 private:
  static constexpr std::array<std::string_view, 1> own_reasons{"surge"};

  struct Base {
    std::uint32_t instances = 0;  ///< without the surge
    bool holds = false;           ///< the surge is planned for
  };

  void add_surge(std::size_t k, ClusterView view, Plan& plan) {
    const AnnouncedSurge& surge = surges_[k];
    if (view.now() < surge.announced || surge.factor <= 1) return;
    for (const VariantId v : view.world().catalog()[surge.task].variants) {
      const Duration lead = params_.lead.value_or(2 * params_.interval + first_load_time(view.world(), v));
      for (std::size_t s = 0; s < view.world().site_count(); ++s) {
        const GroupId g = view.world().group(v, SiteId{s});
        if (!g) continue;
        const auto planned = std::find_if(plan.wishes.begin(), plan.wishes.end(), [&](const Plan::Wish& w) { return w.group == g; });
        const std::uint32_t without = planned != plan.wishes.end() ? planned->instances : instances_in_use(view.group(g));
        Base& base = bases_[k * view.world().groups().size() + g.index()];
        if (view.now() >= surge.to) {
          // What the other leaves alone would keep what was added.
          if (base.holds && planned == plan.wishes.end()) plan.wishes.push_back({g, base.instances, own_reason(0)});
          base.holds = false;
          continue;
        }
        if (!base.holds) base.instances = without;
        if (view.now() + lead < surge.from || base.instances == 0) continue;
        base.holds = true;
        const auto wanted = static_cast<std::uint32_t>(std::min(std::ceil(surge.factor * base.instances - 1e-9), 1e6));
        if (planned == plan.wishes.end())
          plan.wishes.push_back({g, wanted, own_reason(0)});
        else if (planned->instances < wanted)
          *planned = {g, wanted, own_reason(0)};
      }
    }
  }

  Params params_;
  std::vector<AnnouncedSurge> surges_;
  std::vector<Base> bases_;  // by surge and group
};

}  // namespace

PolicyDefinition announced_surges() {
  return define<AnnouncedSurges>(
      "announced_surges", "Loads ahead of surges of demand that are announced, over another autoscaler.",
      {Provenance::ours,
       R"(Zhang et al., "MArk: exploiting cloud services for cost-effective, SLO-aware machine learning inference serving", USENIX ATC 2019)"});
}

}  // namespace tideline
