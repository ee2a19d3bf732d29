#include "policies/builtin.h"
#include "policies/components/latency.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// Admits a query only if some candidate of its class, at some site, is predicted to answer it by its deadline; one without SLO always.
/// Source: admission of what can still meet its deadline, as in Clockwork (Gujarati et al., OSDI 2020), without its controller.
///
/// The prediction is that of selection: network, what is left of loads and of the work ahead by profile, and the query's batch; where
/// nothing is loaded, a first load. It knows neither what is held for a load nor which variant selection will take, and so rejects only
/// what the fastest choice would answer late. Whether a rejected query would have been in time after all is not known in the same run:
/// compare with `accept_all`. Where nothing is loaded and a load takes longer than the SLO it rejects all, and so nothing is ever loaded: it
/// wants instances from elsewhere, such as `initial` or an autoscaler that holds some.
class DeadlineFeasible final : public AdmissionPolicy {
 public:
  using Params = NoParams;
  DeadlineFeasible(const Params&, const Setup&) {}

  Needs needs() const override { return {.indexes = {.by_free = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Admission admit(const QueryView& query, ClusterView view) override {
    if (!query.attributes().has_slo()) return {true, no_slo};
    const Duration left = query.deadline() - view.now();
    const auto candidates = view.candidates(query.class_id(), CandidateOrder::by_latency);
    for (const VariantId v : candidates)
      for (const GroupId g : view.groups_of(v, query.origin()))
        if (predict(view, query, g) <= left) return {true, in_time};
    return {false, candidates.empty() ? no_candidate : too_late};
  }

 private:
  enum : Reason { in_time, no_slo, too_late, no_candidate };
  static constexpr std::array<std::string_view, 4> names{"in_time", "no_slo", "too_late", "no_candidate"};
};

}  // namespace

PolicyDefinition deadline_feasible() {
  return define<DeadlineFeasible>(
      "deadline_feasible", "Admits a query if some variant is predicted to answer it in time; needs something loaded to begin with.",
      {Provenance::our_reading,
       R"(Gujarati et al., "Serving DNNs like Clockwork: performance predictability from the bottom up", OSDI 2020, arXiv:2006.02464)"});
}

}  // namespace tideline
