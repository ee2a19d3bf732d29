#include "policies/components/variant_lists.h"

#include "sim/core/nearest.h"

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

}  // namespace tideline
