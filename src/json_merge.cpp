#include "src/json_merge.h"

#include "sim/core/pointer.h"
#include "sim/core/text.h"

#include <algorithm>

namespace tideline {

namespace {

class Merge {
 public:
  Merge(JsonDocument& below, const JsonDocument& layer, const MergeRules& rules, Problems& problems)
      : below_(below), layer_(layer), rules_(rules), problems_(problems) {}

  void values(Json& low, const Json& high, const std::string& at, const std::string& from) {
    if (low.is_object() && high.is_object()) return objects(low, high, at, from);
    if (are_named(low) && are_named(high)) return lists(low, high, at, from);
    low = without_nulls(high, at);
    below_.take_places(layer_, from, at);
  }

 private:
  static bool are_named(const Json& list) {
    return list.is_array() && !list.empty() && std::none_of(list.begin(), list.end(), [](const Json& x) { return name_of(x).empty(); });
  }

  bool deletes(const Json& value, const std::string& at) const { return value.is_null() && !rules_.null_values.contains(at); }

  /// What is new has nothing below it that its nulls could delete.
  Json without_nulls(const Json& value, const std::string& at) const {
    if (value.is_array()) {
      Json out = Json::array();
      for (std::size_t i = 0; i < value.size(); ++i) out.push_back(without_nulls(value[i], child(at, i)));
      return out;
    }
    if (!value.is_object()) return value;
    Json out = Json::object();
    auto& members = out.get_ref<Json::object_t&>();
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      const std::string to = child(at, key);
      if (!deletes(member, to)) members.emplace_back(key, without_nulls(member, to));
    }
    return out;
  }

  void objects(Json& low, const Json& high, const std::string& at, const std::string& from) {
    for (const std::string& key : rules_.discards ? rules_.discards(at, low, high) : std::vector<std::string>{}) {
      low.erase(key);
      below_.forget_places(child(at, key));
      below_.take_place(layer_, from, child(at, key));
    }
    for (const auto& [key, member] : high.get_ref<const Json::object_t&>()) {
      const std::string to = child(at, key), of = child(from, key);
      if (deletes(member, to)) {
        low.erase(key);
        below_.take_places(layer_, of, to);
      } else if (const auto known = low.find(key); known != low.end()) {
        values(*known, member, to, of);
      } else {
        low[key] = without_nulls(member, to);
        below_.take_places(layer_, of, to);
      }
    }
  }

  void lists(Json& low, const Json& high, const std::string& at, const std::string& from) {
    const std::size_t before = low.size();
    for (std::size_t k = 0; k < high.size(); ++k) {
      const std::string_view name = name_of(high[k]);
      const std::string of = child(from, k);
      const auto is_it = [&](const Json& x) { return name_of(x) == name; };
      const auto end = low.begin() + static_cast<std::ptrdiff_t>(before);
      const auto found = std::find_if(low.begin(), end, is_it);
      if (std::any_of(high.begin(), high.begin() + static_cast<std::ptrdiff_t>(k), is_it)) {
        problems_.add(of, "two elements of this list have the name " + in_quotes(name) + ", by which they merge with those below");
      } else if (found == end) {
        const std::string to = child(at, low.size());
        low.push_back(without_nulls(high[k], to));
        below_.take_places(layer_, of, to);
      } else if (std::any_of(found + 1, end, is_it)) {
        problems_.add(of, "two elements of the list below have the name " + in_quotes(name) + ": it is not clear which is meant");
      } else {
        const auto index = static_cast<std::size_t>(found - low.begin());
        values(low[index], high[k], child(at, index), of);
      }
    }
  }

  JsonDocument& below_;
  const JsonDocument& layer_;
  const MergeRules& rules_;
  Problems& problems_;
};

}  // namespace

void merge(JsonDocument& below, const std::string& at, const JsonDocument& layer, const std::string& from, const MergeRules& rules,
           Problems& problems) {
  Json& low = below.root[Json::json_pointer(at)];
  Merge(below, layer, rules, problems).values(low, layer.root.at(Json::json_pointer(from)), at, from);
}

}  // namespace tideline
