#include "policies/builtin.h"
#include "policies/components/variant_lists.h"
#include "sim/core/nearest.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

/// An operator chose the type of hardware, and with it a default variant for who names none (policy S2): how SageMaker and other managed
/// services serve models on a type of instance that was chosen when they were deployed (as described by Romero et al., "INFaaS: automated
/// model-less inference serving", USENIX ATC 2021, section 2). Neither SLO nor floor is looked at, and nothing is substituted.
///
/// Our reading. A query that is pinned to a base model or a model gets it on that hardware, the default where the pin allows that, else
/// the first of the catalog; one that is pinned to a variant gets that variant, on the hardware or not. Of a task, the first type of the
/// list that has one of its variants and is in the cluster counts.
class StaticHardware final : public SelectionPolicy {
 public:
  struct Params {
    std::vector<std::string> hardware;
    std::vector<std::string> defaults;
    static constexpr auto declare() {
      return param::fields(
          param::field(
              "hardware", &Params::hardware,
              "Names of hardware types; of a task the first that has a variant of it counts. Empty: those of the pools, in order."),
          param::field("defaults", &Params::defaults,
                       "Names of variants for queries that name no model, one per task at most; else the first of the catalog."));
    }
  };

  StaticHardware(const Params& params, const Setup& setup) {
    const World& world = *setup.world;
    const auto runs = [&](VariantId v) {
      return std::any_of(world.groups().begin(), world.groups().end(), [&](const Group& g) { return g.variant == v; });
    };
    std::vector<HardwareId> types;
    for (const std::string& name : params.hardware) types.push_back(hardware_named(world, name));
    if (types.empty())
      for (const Pool& p : world.topology().pools) types.push_back(p.hardware);
    const auto defaults = variants_by_task(world, params.defaults);
    std::vector<HardwareId> of_task(world.catalog().tasks.size());
    for (std::size_t t = 0; t < of_task.size(); ++t) {
      const Task& task = world.catalog().tasks[t];
      const auto has = [&](HardwareId h) {
        return std::any_of(task.variants.begin(), task.variants.end(), [&](VariantId v) { return world[v].hardware == h && runs(v); });
      };
      if (const auto at = std::find_if(types.begin(), types.end(), has); at != types.end()) of_task[t] = *at;
      if (defaults[t].size() > 1)
        throw std::invalid_argument("\"defaults\" names " + std::to_string(defaults[t].size()) + " variants of task \"" + task.name +
                                    "\"; one per task is enough");
      if (defaults[t].size() == 1 && world[defaults[t][0]].hardware != of_task[t])
        throw std::invalid_argument("default \"" + world[defaults[t][0]].name + "\" is for " +
                                    quoted(world, world[defaults[t][0]].hardware) + ", but task \"" + task.name + "\" runs on " +
                                    (of_task[t] ? quoted(world, of_task[t]) : "none of \"hardware\""));
    }
    for (const QueryClass& c : world.classes()) {
      const std::size_t t = c.task.index();
      const Task& task = world.catalog()[c.task];
      const auto will_do = [&](VariantId v) {
        return pinned_to(c, world[v]) && (world[v].hardware == of_task[t] || c.pin_level == PinLevel::variant) && runs(v);
      };
      VariantId& chosen = of_class_.emplace_back();
      if (!defaults[t].empty() && will_do(defaults[t][0])) chosen = defaults[t][0];
      if (const auto at = std::find_if(task.variants.begin(), task.variants.end(), will_do); !chosen && at != task.variants.end())
        chosen = *at;
    }
  }

  std::span<const std::string_view> reasons() const override { return names; }

  Selection select(const QueryView& query, ClusterView view) override {
    const VariantId v = of_class_[query.class_id().index()];
    if (!v) return Selection::reject(not_deployed);
    if (view.groups_of(v, query.origin()).empty()) return Selection::reject(unreachable);
    if (query.items() > view.world()[v].profile.max_items()) return Selection::reject(too_large);
    return Selection::one(v);
  }

 private:
  enum : Reason { as_deployed, not_deployed, unreachable, too_large };
  static constexpr std::array<std::string_view, 4> names{"as_deployed", "not_deployed", "unreachable", "too_large"};

  static std::string quoted(const World& world, HardwareId h) { return "\"" + world.catalog()[h].name + "\""; }

  static HardwareId hardware_named(const World& world, const std::string& name) {
    std::vector<std::string_view> all;
    for (const Hardware& h : world.catalog().hardware) all.push_back(h.name);
    const auto at = std::find(all.begin(), all.end(), name);
    if (at == all.end()) throw std::invalid_argument("there is no hardware type \"" + name + "\"" + suggestion(name, all));
    const HardwareId h{static_cast<std::size_t>(at - all.begin())};
    const auto& pools = world.topology().pools;
    if (std::none_of(pools.begin(), pools.end(), [&](const Pool& p) { return p.hardware == h; }))
      throw std::invalid_argument("no pool has hardware \"" + name + "\"");
    return h;
  }

  std::vector<VariantId> of_class_;
};

}  // namespace

PolicyDefinition static_hardware() {
  return define<StaticHardware>(
      "static_hardware", "The hardware chosen for the task, with a default variant for who names no model.",
      {Provenance::our_reading, R"(Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021)"});
}

}  // namespace tideline
