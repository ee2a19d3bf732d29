#include "policies/builtin.h"
#include "policies/components/variant_lists.h"

#include <array>
#include <stdexcept>
#include <string>

namespace tideline {

namespace {

/// One variant per task, named by the operator, whatever accuracy floor and SLO say (policy S1): how TensorFlow Serving and SageMaker
/// serve a model. It is never substituted; where it is not loaded the query waits for it.
class FixedVariant final : public SelectionPolicy {
 public:
  struct Params {
    std::vector<std::string> variants;
    static constexpr auto declare() {
      return param::fields(
          param::field("variants", &Params::variants, "Names of the variants to use, one per task at most.", param::required));
    }
  };

  FixedVariant(const Params& params, const Setup& setup) : of_task_(setup.world->catalog().tasks.size()) {
    const World& world = *setup.world;
    for (const std::string& name : params.variants) {
      const VariantId v = variant_named(world, name);
      VariantId& chosen = of_task_[world[v].task.index()];
      if (chosen) {
        throw std::invalid_argument("\"" + world[chosen].name + "\" and \"" + name + "\" both answer task \"" +
                                    world.catalog()[world[v].task].name + "\"; one per task is enough");
      }
      chosen = v;
    }
  }

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 4> names{"fixed", "task_not_listed", "unreachable", "too_large"};
    return names;
  }

  Selection select(const QueryView& query, ClusterView view) override {
    const VariantId v = of_task_[query.task().index()];
    if (!v) return Selection::reject(1);
    if (view.groups_of(v, query.origin()).empty()) return Selection::reject(2);
    if (query.items() > view.world()[v].profile.max_items()) return Selection::reject(3);
    return Selection::one(v);
  }

 private:
  std::vector<VariantId> of_task_;
};

}  // namespace

PolicyDefinition fixed_variant() {
  return define<FixedVariant>(
      "fixed_variant", "Always the variant that is named for the task, whatever the floor and the SLO.",
      {Provenance::textbook, R"(Olston et al., "TensorFlow-Serving: flexible, high-performance ML serving", 2017, arXiv:1712.06139)"});
}

}  // namespace tideline
