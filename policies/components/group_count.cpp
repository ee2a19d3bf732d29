#include "policies/components/group_count.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

std::invalid_argument wrong_entry(std::string_view parameter, std::string_view text, const std::string& why) {
  return std::invalid_argument(std::string(parameter) + ": " + in_quotes(std::string(text)) + ": " + why);
}

/// The group that the text names, and `number` as what follows the "=".
template <class Number>
GroupId read_entry(std::string_view text, const World& world, std::string_view parameter, const char* shape, const char* kind,
                   Number& number) {
  const auto wrong = [&](const std::string& why) { return wrong_entry(parameter, text, why); };
  const std::size_t equals = text.rfind('='), at = equals == std::string_view::npos ? equals : text.rfind('@', equals);
  if (at == std::string_view::npos || at == 0) throw wrong(std::string("expected \"variant@site=") + shape + "\"");
  const char *first = text.data() + equals + 1, *last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc{} || end != last) throw wrong(std::string("expected ") + kind + " after \"=\"");

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
  return g;
}

}  // namespace

GroupCount group_count(std::string_view text, const World& world, std::string_view parameter) {
  GroupCount out;
  out.group = read_entry(text, world, parameter, "N", "a whole number", out.instances);
  return out;
}

GroupShare group_share(std::string_view text, const World& world, std::string_view parameter) {
  GroupShare out;
  out.group = read_entry(text, world, parameter, "SHARE", "a number", out.share);
  if (!(out.share >= 0) || !std::isfinite(out.share)) throw wrong_entry(parameter, text, "a share is 0 or more");
  return out;
}

}  // namespace tideline
