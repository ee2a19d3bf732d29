// A selection policy: what sim/policy/policy.h asks of one, and the parameters that a scenario may set.
#include "policies/components/latency.h"
#include "sim/policy/registry.h"

using namespace tideline;

namespace {

/// The variant that adds the least energy among those predicted to be in time; where none is, the one predicted to be first.
class LeastEnergy final : public SelectionPolicy {
 public:
  struct Params {
    double margin = 0.1;
    static constexpr auto declare() {
      return param::fields(param::field("margin", &Params::margin, "Share of the SLO that the prediction must leave.", {0, 1}));
    }
  };
  LeastEnergy(const Params& params, const Setup&) : params_(params) {}
  Needs needs() const override { return {.indexes = {.by_free = true}, .writes = {}, .reads = {}}; }  // predict() looks there

  Selection select(const QueryView& query, ClusterView view) override {
    const double slo_s = to_seconds(query.attributes().slo) * (1 - params_.margin);
    VariantId frugal, fastest;
    double least_j = 0;
    Duration least = forever;
    // Candidates meet the accuracy floor and, alone on an idle device, the SLO.
    for (const VariantId v : view.candidates(query.class_id(), CandidateOrder::by_latency)) {
      const double added_j = energy_j(view, v);
      for (const GroupId g : view.groups_of(v, query.origin())) {
        const Duration latency = predict(view, query, g);  // `forever`: it cannot be served there
        if (latency < least) {
          fastest = v;
          least = latency;
        }
        if (latency != forever && to_seconds(latency) <= slo_s && (!frugal || added_j < least_j)) {
          frugal = v;
          least_j = added_j;
        }
      }
    }
    if (frugal) return Selection::one(frugal);
    return fastest ? Selection::one(fastest) : Selection::reject();
  }

 private:
  /// Above that of the idle device, of a query alone in its batch.
  static double energy_j(ClusterView view, VariantId v) {
    const Variant& variant = view.world()[v];
    if (variant.energy_per_item_j >= 0) return variant.energy_per_item_j;
    const Hardware& hardware = view.world().catalog()[variant.hardware];
    return (hardware.busy_watts - hardware.idle_watts) * to_seconds(variant.profile.latency(1));
  }

  Params params_;
};

}  // namespace

PolicyDefinition least_energy() {
  return define<LeastEnergy>("least_energy", "Variant that adds the least energy among those predicted to be in time.");
}
