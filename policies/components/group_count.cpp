#include "policies/components/group_count.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

GroupCount group_count(std::string_view text, const World& world, std::string_view parameter) {
  const auto wrong = [&](const std::string& why) {
    return std::invalid_argument(std::string(parameter) + ": " + in_quotes(std::string(text)) + ": " + why);
  };
  const std::size_t equals = text.rfind('='), at = equals == std::string_view::npos ? equals : text.rfind('@', equals);
  if (at == std::string_view::npos || at == 0) throw wrong("expected \"variant@site=N\"");
  std::uint32_t n = 0;
  const char *first = text.data() + equals + 1, *last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, n);
  if (error != std::errc{} || end != last) throw wrong("expected a whole number after \"=\"");

  std::vector<std::string_view> variants;
  for (const Variant& v : world.catalog().variants) variants.emplace_back(v.name);
  const auto find = [&](std::string_view what, std::string_view name, const std::vector<std::string_view>& known) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) throw wrong("no " + std::string(what) + " " + in_quotes(name) + suggestion(name, known));
    return static_cast<std::size_t>(found - known.begin());
  };
  const std::vector<std::string_view> sites(world.topology().sites.begin(), world.topology().sites.end());
  const VariantId v{find("variant", text.substr(0, at), variants)};
  const SiteId s{find("site", text.substr(at + 1, equals - at - 1), sites)};
  const GroupId g = world.group(v, s);
  if (!g) throw wrong("the site has no " + in_quotes(world.catalog()[world[v].hardware].name));
  return {g, n};
}

}  // namespace tideline
