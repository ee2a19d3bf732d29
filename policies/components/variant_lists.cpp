#include "policies/components/variant_lists.h"

#include "sim/core/nearest.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace tideline {

VariantId variant_named(const World& world, const std::string& name) {
  std::vector<std::string_view> names;
  for (const Variant& v : world.catalog().variants) names.push_back(v.name);
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) throw std::invalid_argument("there is no variant \"" + name + "\"" + suggestion(name, names));
  const VariantId v{static_cast<std::size_t>(at - names.begin())};
  const auto runs = [&](const Group& g) { return g.variant == v; };
  if (std::none_of(world.groups().begin(), world.groups().end(), runs)) {
    throw std::invalid_argument("no pool has the hardware of variant \"" + name + "\", \"" + world.catalog()[world[v].hardware].name +
                                "\"");
  }
  return v;
}

std::vector<std::vector<VariantId>> variants_by_task(const World& world, const std::vector<std::string>& names) {
  std::vector<std::vector<VariantId>> by_task(world.catalog().tasks.size());
  for (const std::string& name : names) {
    const VariantId v = variant_named(world, name);
    auto& list = by_task[world[v].task.index()];
    if (std::find(list.begin(), list.end(), v) != list.end())
      throw std::invalid_argument("variant \"" + name + "\" is listed twice: it would give the same answer again");
    list.push_back(v);
  }
  return by_task;
}

VariantLists ensemble_members(const World& world, const std::vector<std::string>& names, bool vote, const std::string& instead) {
  const auto named = variants_by_task(world, names);
  for (std::size_t t = 0; t < named.size(); ++t) {
    const std::string& task = world.catalog().tasks[t].name;
    if (named[t].size() > Selection::most)
      throw std::invalid_argument("task \"" + task + "\" has " + std::to_string(named[t].size()) + " members; at most 16 may answer");
  }
  for (const QueryClass& c : world.classes()) {
    const Task& task = world.catalog()[c.task];
    const bool asked = names.empty() || !named[c.task.index()].empty();
    if (asked && vote && !task.hit_rate) {
      throw std::invalid_argument("task \"" + task.name + "\" is measured by a score, \"" + task.metric +
                                  "\": its answers are not right or wrong, and cannot vote; " + instead);
    }
  }
  return {world, [&](ClassId c, SiteId origin, std::vector<VariantId>& list) {
            const std::span<const VariantId> all =
                names.empty() ? world.candidates(c, CandidateOrder::by_accuracy_descending) : named[world[c].task.index()];
            for (const VariantId v : all)
              if (list.size() < Selection::most && !world.groups_of(v, origin).empty()) list.push_back(v);
          }};
}

}  // namespace tideline
