// tideline policies: lists what can be named in a scenario, with parameters; for people and as JSON.
#include "sim/core/nearest.h"
#include "src/errors.h"
#include "src/json_document.h"
#include "src/options.h"

#include <iostream>

namespace tideline {

namespace {

std::string kinds_text(const PolicyDefinition& d) {
  std::string text;
  for (const PolicyKind k : d.kinds) text += (text.empty() ? "" : ", ") + std::string(to_string(k));
  return text;
}

/// Bounds of a number, without those that its type alone has.
struct Bounds {
  explicit Bounds(const param::FieldInfo& f) {
    const bool integer = f.type.ends_with("integer");
    if (!integer && f.type != "duration" && !f.type.ends_with("number")) return;
    low = f.range.low > -1e300 && !(integer && f.range.low <= -2147483648.0);
    high = f.range.high < 1e300 && !(integer && f.range.high >= 2147483647.0);
  }
  bool low = false, high = false;
};

std::string number(double x) { return param::to_text(param::Value(x)); }

std::string range_text(const param::FieldInfo& f) {
  const Bounds b(f);
  if (b.low && b.high) return ", " + number(f.range.low) + " .. " + number(f.range.high);
  if (b.low) return ", " + number(f.range.low) + " or more";
  if (b.high) return ", " + number(f.range.high) + " or less";
  return {};
}

Json describe(const PolicyDefinition& d) {
  Json kinds = Json::array(), parameters = Json::array();
  for (const PolicyKind k : d.kinds) kinds.push_back(std::string(to_string(k)));
  for (const auto& f : d.parameters()) {
    Json p{{"name", f.name}, {"type", f.type}, {"help", f.help}};
    if (!f.unit.empty()) p["unit"] = f.unit;
    if (f.required)
      p["required"] = true;
    else
      p["default"] = to_json(f.default_value);
    if (!f.choices.empty()) p["choices"] = f.choices;
    const Bounds b(f);
    if (b.low) p["minimum"] = f.range.low;
    if (b.high) p["maximum"] = f.range.high;
    parameters.push_back(std::move(p));
  }
  return Json{{"name", d.name},
              {"kinds", kinds},
              {"default", d.is_default},
              {"help", d.help},
              {"provenance", std::string(to_string(d.source.provenance))},
              {"citation", d.source.citation},
              {"parameters", parameters}};
}

void print(const PolicyDefinition& d) {
  std::cout << d.name << " (" << kinds_text(d) << (d.is_default ? ", default" : "") << ")\n  " << d.help << '\n';
  if (!d.source.citation.empty()) std::cout << "  Source (" << to_string(d.source.provenance) << "): " << d.source.citation << '\n';
  const auto parameters = d.parameters();
  if (parameters.empty()) std::cout << "  It has no parameters.\n";
  for (const auto& f : parameters) {
    std::cout << "  " << f.name << "  [" << f.type << (f.unit.empty() ? "" : ", " + f.unit) << range_text(f) << "]  "
              << (f.required ? "required" : "default " + f.default_text) << "\n      " << f.help;
    if (!f.choices.empty()) {
      std::cout << " One of:";
      for (const auto& c : f.choices) std::cout << ' ' << c;
    }
    std::cout << '\n';
  }
}

}  // namespace

int command_policies(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline policies", "List the policies, or show one with its parameters.\n");
  options.add_options()("name", "A policy", cxxopts::value<std::string>(), "NAME")("json", "Print JSON");
  options.parse_positional("name");
  options.positional_help("[NAME]");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline policies\n"
                                    "  tideline policies infaas\n"
                                    "  tideline policies --json\n");
  if (!parsed) return 0;
  const bool json = parsed->count("json") > 0;
  if (parsed->count("name") > 0) {
    const auto name = (*parsed)["name"].as<std::string>();
    const PolicyDefinition* d = registry.find(name);
    if (d == nullptr) {
      std::vector<std::string_view> names;
      std::string kinds;
      for (const auto& p : registry.list()) names.push_back(p.name);
      for (std::size_t k = 0; k < policy_kinds; ++k) {
        const auto kind = static_cast<PolicyKind>(k);
        kinds += (k == 0 ? "" : ", ") + std::string(to_string(kind));
        if (name != to_string(kind)) continue;
        std::string message = "'" + name + "' is a kind of policy; its policies:";
        for (const auto of_kind : registry.names(kind)) message += " " + std::string(of_kind);
        throw InputError(message);
      }
      if (name == "joint") {
        std::string message = "'joint' names a policy that decides about several kinds:";
        for (const auto& p : registry.list())
          if (p.kinds.size() > 1) message += " " + p.name;
        throw InputError(message);
      }
      const std::string near = suggestion(name, names);
      throw InputError("unknown policy '" + name + "'" + (near.empty() ? "; there are policies of the kinds " + kinds : near) +
                       " (tideline policies lists them)");
    }
    if (json)
      std::cout << describe(*d).dump(2) << '\n';
    else
      print(*d);
    return 0;
  }
  if (json) {
    Json all = Json::array();
    for (const auto& d : registry.list()) all.push_back(describe(d));
    std::cout << all.dump(2) << '\n';
    return 0;
  }
  const auto line = [](const PolicyDefinition& d, const std::string& more) {
    std::cout << "  " << d.name << std::string(d.name.size() < 30 ? 30 - d.name.size() : 1, ' ') << d.help << more << '\n';
  };
  for (std::size_t k = 0; k < policy_kinds; ++k) {
    const auto kind = static_cast<PolicyKind>(k);
    std::cout << to_string(kind) << '\n';
    for (const auto name : registry.names(kind)) {
      const PolicyDefinition& d = *registry.find(name);
      line(d, d.is_default ? " (default)" : "");
    }
  }
  std::cout << "joint: of several kinds together\n";
  for (const auto& d : registry.list())
    if (d.kinds.size() > 1) line(d, " (" + kinds_text(d) + ")");
  return 0;
}

}  // namespace tideline
