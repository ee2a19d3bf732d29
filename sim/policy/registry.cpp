#include "sim/policy/registry.h"

#include <algorithm>
#include <stdexcept>

namespace tideline {

std::string_view to_string(Provenance provenance) {
  switch (provenance) {
    case Provenance::unstated:
      break;
    case Provenance::as_published:
      return "as published";
    case Provenance::as_released:
      return "as in the released code";
    case Provenance::our_reading:
      return "our reading";
    case Provenance::textbook:
      return "textbook";
    case Provenance::ours:
      return "ours";
  }
  return "not stated";
}

bool PolicyDefinition::has(PolicyKind kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }

void PolicyRegistry::add(PolicyDefinition definition) {
  if (find(definition.name) != nullptr) throw std::logic_error("two policies are named '" + definition.name + "'");
  if (definition.kinds.empty()) throw std::logic_error("policy '" + definition.name + "' implements no kind of policy");
  list_.push_back(std::move(definition));
}

const PolicyDefinition* PolicyRegistry::find(std::string_view name) const {
  const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& d) { return d.name == name; });
  return at == list_.end() ? nullptr : &*at;
}

const PolicyDefinition* PolicyRegistry::find(PolicyKind kind, std::string_view name) const {
  const PolicyDefinition* d = find(name);
  return d != nullptr && d->has(kind) ? d : nullptr;
}

const PolicyDefinition* PolicyRegistry::default_of(PolicyKind kind) const {
  const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& d) { return d.is_default && d.has(kind); });
  return at == list_.end() ? nullptr : &*at;
}

std::vector<std::string_view> PolicyRegistry::names(PolicyKind kind) const {
  std::vector<std::string_view> out;
  for (const auto& d : list_)
    if (d.has(kind)) out.push_back(d.name);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace tideline
