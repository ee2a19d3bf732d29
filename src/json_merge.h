// Puts one JSON document on top of another: objects merge key by key, lists whose elements all have a name merge by name, everything
// else is replaced, and null deletes. Each value keeps the place where it was written.
#pragma once

#include "src/json_document.h"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// What merging has to know of the documents.
struct MergeRules {
  /// The members of the object `below` at pointer `at` that go before `layer` is put on it: naming a thing replaces it whole.
  std::function<std::vector<std::string>(std::string_view at, const Json& below, const Json& layer)> discards;
  /// Pointers of members for which null is a value and does not delete.
  std::set<std::string> null_values;
};

/// Puts what stands at `from` of `layer` on what stands at `at` of `below`; both exist. A member that was deleted keeps the place of
/// the null, so that what is then missing is reported there. Adds to `problems`, with pointers of `layer`, where an element cannot be
/// found by its name because two have it.
void merge(JsonDocument& below, const std::string& at, const JsonDocument& layer, const std::string& from, const MergeRules& rules,
           Problems& problems);

}  // namespace tideline
