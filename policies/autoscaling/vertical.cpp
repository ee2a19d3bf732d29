#include "policies/builtin.h"
#include "policies/components/decaying_histogram.h"
#include "policies/components/over_another.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

/// Gives each instance the cores that it uses and some more: a percentile of the cores in use, over a histogram that forgets, times a
/// margin. How many instances there are is another autoscaler's to say.
/// Source: the recommender of the Kubernetes vertical pod autoscaler, and Rzadca et al., Autopilot, EuroSys 2020,
/// doi:10.1145/3342195.3387524; our short form, without confidence factors, lower and upper bounds, and rules of memory.
///
/// A sample is, of one round's length, the core-seconds of the batches that ended at the group's instances, per second and warm instance.
/// Of the core options of the variant's profile the least that is not below the recommendation is taken, or the largest; nothing
/// changes while the recommendation is within the band about the present cores. Only hardware whose instances hold cores
/// (partitioned), and variants profiled with several numbers of them.
class Vertical final : public OverAnother {
 public:
  struct Params {
    std::string autoscaler = "fixed";
    param::Value params;
    Duration interval = 60s, half_life = 24h;
    double percentile = 0.9, margin = 1.15, band = 0.1;
    Plan::Resize resize = Plan::Resize::in_place;
    static constexpr auto declare() {
      return param::fields(
          param::field("autoscaler", &Params::autoscaler, "The autoscaler that ships and says how many instances there are."),
          param::field("params", &Params::params, "Its parameters."),
          param::field("interval_s", &Params::interval, "Time between two rounds, where the other has none.", {0.001, 86400}),
          param::field("half_life_s", &Params::half_life, "Age at which a sample weighs half.", {0.001, 31536000}),
          param::field("percentile", &Params::percentile, "Of the cores in use.", {0.01, 1}),
          param::field("margin", &Params::margin, "Factor on it.", {0.1, 10}),
          param::field("band", &Params::band, "Share of the present cores within which a recommendation changes nothing.", {0, 10}),
          param::choice("resize", &Params::resize, "What becomes of the instances that are there.",
                        {{"none", Plan::Resize::none}, {"in_place", Plan::Resize::in_place}, {"restart", Plan::Resize::restart}}));
    }
  };

  /// Throws std::invalid_argument where the other autoscaler is wrong.
  Vertical(const Params& params, const Setup& setup)
      : OverAnother(params.autoscaler, params.params, params.interval, own_reasons, setup), params_(params) {
    const World& world = *setup.world;
    use_of_.assign(world.groups().size(), none);
    for (std::size_t k = 0; k < world.groups().size(); ++k) {
      const Variant& variant = world[world[GroupId{k}].variant];
      if (world.catalog()[variant.hardware].sharing != Sharing::partitioned || variant.profile.cores().size() < 2) continue;
      use_of_[k] = uses_.size();
      // From a hundredth of a core on, as its source.
      uses_.push_back({GroupId{k}, 0, DecayingHistogram(0.01, 0.05, 1000, params.half_life)});
    }
  }

  Needs needs() const override {
    Needs needs = OverAnother::needs();
    needs.writes.cores = true;
    return needs;
  }
  Facts facts() const override {
    Facts facts = OverAnother::facts();
    facts.batches = true;
    return facts;
  }
  void batch_done(InstanceId i, std::uint32_t visits, Duration took, ClusterView view) override {
    const InstanceRow& row = view.instance(i);
    if (const std::size_t k = use_of_[row.group.index()]; k != none) uses_[k].core_seconds += to_seconds(took) * row.cores;
    OverAnother::batch_done(i, visits, took, view);
  }

  void plan(ClusterView view, Plan& plan) override {
    plan_of_other(view, plan);
    const double since = to_seconds(view.now() - last_);
    last_ = view.now();
    for (Use& use : uses_) {
      const GroupRow& group = view.group(use.group);
      const std::vector<std::uint32_t>& cores = view.world()[view.world()[use.group].variant].profile.cores();
      // What a batch longer than a round used before it is counted in its last.
      if (since > 0 && group.warm() > 0)
        use.cores.add(std::min(use.core_seconds / since / group.warm(), static_cast<double>(cores.back())), view.now());
      use.core_seconds = 0;
      if (use.cores.empty()) continue;
      const double wanted = use.cores.percentile(params_.percentile) * params_.margin, now = cores[group.option];
      if (std::abs(wanted - now) <= params_.band * now) continue;
      const auto least = std::find_if(cores.begin(), cores.end(), [&](std::uint32_t c) { return c >= wanted; });
      const auto option = static_cast<std::uint8_t>(std::min<std::ptrdiff_t>(least - cores.begin(), std::ssize(cores) - 1));
      if (option != group.option) plan.cores.push_back({use.group, option, params_.resize, own_reason(option > group.option ? 0 : 1)});
    }
  }

 private:
  struct Use {
    GroupId group;
    double core_seconds = 0;  // since the last round
    DecayingHistogram cores;
  };
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr std::array<std::string_view, 2> own_reasons{"uses_more", "uses_less"};

  Params params_;
  std::vector<std::size_t> use_of_;  // by group: index into uses_
  std::vector<Use> uses_;
  Time last_{};
};

}  // namespace

PolicyDefinition vertical() {
  return define<Vertical>("vertical", "Cores of instances by a percentile of their use, over another autoscaler.",
                          {Provenance::our_reading,
                           R"(Rzadca et al., "Autopilot: workload autoscaling at Google", EuroSys 2020, doi:10.1145/3342195.3387524)"});
}

}  // namespace tideline
