#include "policies/builtin.h"
#include "policies/components/latency.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// A small variant nearby answers first; where its confidence is below a threshold the query goes on to the next stage, whose answer then
/// counts (policy S13).
/// Source: cascades of classifiers as in FrugalML (Chen, Zaharia and Zou, NeurIPS 2020) and Tabi (Wang et al., EuroSys 2023), between
/// edge and cloud as in DDNN (Teerapittayanon, McDanel and Kung, ICDCS 2017). The thresholds are given, not learnt. Confidence is that
/// of the outcome model, calibrated.
///
/// Stages are named, or found: of each site in order of its delay from the query's the most accurate candidate that it has the hardware
/// for, where that is more accurate than the stage before. Named stages are asked whatever the floor and the SLO say. A stage that the
/// query's site cannot reach, or that takes no query so large, is left out.
class Cascade final : public SelectionPolicy {
 public:
  struct Params {
    std::vector<std::string> stages;
    std::vector<double> thresholds{0.7};
    bool skip_late = true;
    static constexpr auto declare() {
      return param::fields(
          param::field(
              "stages", &Params::stages,
              "Names of the variants to ask, by task in this order; empty: the most accurate candidate of each site, nearest first."),
          param::field("thresholds", &Params::thresholds,
                       "Confidence from which on the answer of a stage stands, by stage, the last for all further ones; above 1: never.",
                       {0, 2}),
          param::field("skip_late", &Params::skip_late,
                       "Let the answer stand where the next stage is predicted to answer too late; one that is not loaded counts with its "
                       "load."));
    }
  };

  Cascade(const Params& params, const Setup& setup)
      : skip_late_(params.skip_late), thresholds_(params.thresholds), stages_(make_stages(params, *setup.world)) {
    if (thresholds_.empty()) throw std::invalid_argument("\"thresholds\" is empty: no stage would know when its answer stands");
    // A named stage keeps its threshold where one before it is out of reach.
    place_.resize(setup.world->catalog().variants.size(), not_named);
    for (const auto& of_task : variants_by_task(*setup.world, params.stages))
      for (std::size_t k = 0; k < of_task.size(); ++k) place_[of_task[k].index()] = k;
  }

  Needs needs() const override { return {.indexes = {.by_free = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Selection select(const QueryView& query, ClusterView view) override {
    const auto stages = stages_.of(query.class_id(), query.origin());
    const std::size_t first = next_stage(stages, 0, query, view);
    if (first == stages.size()) return Selection::reject(stages.empty() ? no_stage : too_large);
    return ask(stages, first, first_stage, query, view);
  }

  Selection escalate(const QueryView& query, const StageResult& result, ClusterView view) override {
    const auto stages = stages_.of(query.class_id(), query.origin());
    const auto at = static_cast<std::size_t>(std::find(stages.begin(), stages.end(), result.variant) - stages.begin());
    const std::size_t place = place_[result.variant.index()] == not_named ? at : place_[result.variant.index()];
    if (result.confidence >= thresholds_[std::min(place, thresholds_.size() - 1)]) return Selection::reject(confident);
    const std::size_t next = at == stages.size() ? at : next_stage(stages, at + 1, query, view);
    if (next == stages.size()) return Selection::reject(last_stage);
    if (skip_late_ && query.attributes().has_slo()) {
      Duration least = forever;
      for (const GroupId g : view.groups_of(stages[next], query.origin())) least = std::min(least, predict(view, query, g));
      if (least == forever || later(view.now(), least) > query.deadline()) {
        Selection stands = Selection::reject(too_late);
        stands.runner_up = stages[next];
        return stands;
      }
    }
    return ask(stages, next, not_confident, query, view);
  }

 private:
  enum : Reason { first_stage, not_confident, confident, too_late, last_stage, no_stage, too_large };
  static constexpr std::array<std::string_view, 7> names{"first_stage", "not_confident", "confident", "too_late",
                                                         "last_stage",  "no_stage",      "too_large"};

  /// The first stage from `k` on that takes a query of this size.
  static std::size_t next_stage(std::span<const VariantId> stages, std::size_t k, const QueryView& query, ClusterView view) {
    while (k < stages.size() && query.items() > view.world()[stages[k]].profile.max_items()) ++k;
    return k;
  }

  static Selection ask(std::span<const VariantId> stages, std::size_t k, Reason reason, const QueryView& query, ClusterView view) {
    Selection s = Selection::one(stages[k], reason);
    s.combine = Combine::last;
    s.may_escalate = next_stage(stages, k + 1, query, view) < stages.size();
    return s;
  }

  static VariantLists make_stages(const Params& params, const World& world) {
    const auto named = variants_by_task(world, params.stages);
    for (std::size_t t = 0; t < named.size(); ++t) {
      if (named[t].size() > Selection::most) {
        throw std::invalid_argument("task \"" + world.catalog().tasks[t].name + "\" has " + std::to_string(named[t].size()) +
                                    " stages; a query may be asked of 16 variants at most");
      }
    }
    return {world, [&](ClassId c, SiteId origin, std::vector<VariantId>& list) {
              if (params.stages.empty()) return find_stages(world, c, origin, list);
              for (const VariantId v : named[world[c].task.index()])
                if (!world.groups_of(v, origin).empty()) list.push_back(v);
            }};
  }

  static void find_stages(const World& world, ClassId c, SiteId origin, std::vector<VariantId>& list) {
    std::vector<SiteId> sites;
    for (std::size_t s = 0; s < world.site_count(); ++s)
      if (world.topology().route(origin, SiteId{s}).reachable) sites.emplace_back(s);
    std::stable_sort(sites.begin(), sites.end(),
                     [&](SiteId a, SiteId b) { return world.topology().route(origin, a).delay < world.topology().route(origin, b).delay; });
    for (const SiteId s : sites) {
      if (list.size() == Selection::most) return;
      const auto candidates = world.candidates(c, CandidateOrder::by_accuracy_descending);
      const auto best = std::find_if(candidates.begin(), candidates.end(), [&](VariantId v) { return world.group(v, s) != GroupId{}; });
      if (best != candidates.end() && (list.empty() || world[*best].accuracy > world[list.back()].accuracy)) list.push_back(*best);
    }
  }

  static constexpr std::size_t not_named = ~std::size_t{0};

  bool skip_late_;
  std::vector<double> thresholds_;
  std::vector<std::size_t> place_;  // in `stages`, by variant
  VariantLists stages_;
};

}  // namespace

PolicyDefinition cascade() {
  return define<Cascade>(
      "cascade", "A small variant nearby answers first; where it is not confident, the query goes on to the next.",
      {Provenance::our_reading,
       R"(Teerapittayanon, McDanel and Kung, "Distributed deep neural networks over the cloud, the edge and end devices", ICDCS 2017, doi:10.1109/ICDCS.2017.226)"});
}

}  // namespace tideline
