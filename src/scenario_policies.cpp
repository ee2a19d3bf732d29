// Section "policies" of a scenario, and control intervals beside a trace whose time is scaled.
#include "src/scenario_reader.h"

#include "policies/components/latency.h"
#include "sim/core/nearest.h"
#include "sim/core/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

namespace tideline {

using namespace scenario_format;

namespace {

/// Whether a parameter of that name is a time that goes by, which a compressed trace does not shorten.
bool is_duration(std::string_view name) {
  static constexpr std::array<std::string_view, 13> endings{"interval_s", "keep_alive_s", "cooldown_s", "window_s", "stabilization_s",
                                                            "delay_s",    "history_s",    "horizon_s",  "period_s", "grace_s",
                                                            "lead_s",     "pause_s",      "ahead_s"};
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

void ScenarioReader::find_control_scale() {
  const Json* entries = member(root(), "workload");
  if (entries == nullptr || !entries->is_array()) return;
  for (const Json& entry : *entries) {
    const Json* params = entry.is_object() ? member(entry, "params") : nullptr;
    const Json* wish = params != nullptr ? member(*params, "scale_control") : nullptr;
    const Json* scale = wish != nullptr && *wish == true ? member(*params, "time_scale") : nullptr;
    if (scale != nullptr && scale->is_number() && scale->get<double>() > 0) control_scale_ = scale->get<double>();
  }
}

void ScenarioReader::compressed(const TraceParams& p, const std::string& where) {
  if (p.time_scale != 1 && std::find(time_scales_.begin(), time_scales_.end(), p.time_scale) == time_scales_.end())
    time_scales_.push_back(p.time_scale);
  if (!p.scale_control) return;
  if (control_scale_ != p.time_scale)
    problems_.add(child(where, "scale_control"), "two traces scale control intervals, by different factors");
  // What is said of the intervals is what they are: read again, it is not scaled again.
  resolved_.emplace_back(child(where, "scale_control"), Json(false));
}

param::Value ScenarioReader::with_scaled_intervals(const PolicyDefinition& d, param::Value value) const {
  if (control_scale_ == 1 || !(value.is_null() || std::holds_alternative<param::Object>(value.data))) return value;
  auto object = value.is_null() ? param::Object{} : std::get<param::Object>(value.data);
  for (const param::FieldInfo& f : d.parameters()) {
    if (f.name != interval_key) continue;
    const param::Value* given = param::find(object, f.name);
    Problems ignored;
    const double interval_s = seconds_of(given != nullptr && !given->is_null() ? *given : f.default_value);
    if (std::isnan(interval_s)) continue;
    std::erase_if(object, [&](const auto& member_of) { return member_of.first == f.name; });
    object.emplace_back(f.name, param::Value(interval_s * control_scale_));
  }
  return object;
}

double ScenarioReader::seconds_of(const param::Value& value) {
  Problems problems;
  const auto d = param::bind<DecisionSection>(param::Object{{"decision_s", value}}, "", problems);
  return problems.empty() ? to_seconds(d.time) : std::numeric_limits<double>::quiet_NaN();
}

void ScenarioReader::say_hours_of_trace() {
  for (const double scale : time_scales_) {
    const auto hours = [&](double s) {
      std::array<char, 64> text{};
      std::snprintf(text.data(), text.size(), "%.6g s = %.3g h", s, s / scale / 3600);
      return std::string(text.data());
    };
    std::string intervals, others;
    const auto add = [&](std::string& list, const std::string& what, double s) {
      list += (list.empty() ? "" : ", ") + what + " " + hours(s);
    };
    const auto of_policy = [&](const std::string& what, const BoundPolicy& p) {
      const auto* object = std::get_if<param::Object>(&p.effective.data);
      if (object == nullptr) return;
      for (const auto& [key, value] : *object) {
        const double s = is_duration(key) ? seconds_of(value) : 0;
        if (!(s > 0)) continue;
        if (key == interval_key)
          add(intervals, what + " " + p.name, s);
        else
          add(others, what + " " + p.name + " " + key, s);
      }
    };
    for (const auto& [kind, p] : out_.policies) of_policy(std::string(to_string(kind)), p);
    for (const auto& [key, p] : out_.joint) of_policy("joint", p);
    if (out_.options.control.snapshot > Duration{}) add(intervals, "snapshots", to_seconds(out_.options.control.snapshot));
    std::string loads, boots;
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (const Variant& v : out_.catalog.variants) {
      const double s = to_seconds(first_load_time(v, out_.catalog[v.hardware]));
      least = std::min(least, s);
      most = std::max(most, s);
    }
    constexpr std::size_t few = 8;
    if (out_.catalog.variants.size() <= few)
      for (const Variant& v : out_.catalog.variants) add(loads, v.name, to_seconds(first_load_time(v, out_.catalog[v.hardware])));
    else
      loads = hours(least) + (most > least ? " to " + hours(most) : "");
    double boot_least = std::numeric_limits<double>::infinity(), boot_most = 0;
    for (const Pool& p : out_.topology.pools) {
      boot_least = std::min(boot_least, to_seconds(p.boot));
      boot_most = std::max(boot_most, to_seconds(p.boot));
    }
    if (!out_.topology.pools.empty()) boots = hours(boot_least) + (boot_most > boot_least ? " to " + hours(boot_most) : "");
    out_.warnings.push_back("a trace is replayed with time_scale " + to_text(scale) + "; in hours of the trace: control intervals " +
                            (intervals.empty() ? "none" : intervals) + (others.empty() ? "" : "; other times of policies " + others) +
                            "; first loads, each alone on its way, " + loads + "; boots " + boots +
                            (control_scale_ == 1 ? " (scale_control scales the intervals too)" : ""));
  }
}

void ScenarioReader::policies() {
  static const Json none = Json::object();
  const Json* section = member(root(), "policies");
  if (section == nullptr) section = &none;
  if (!section->is_object()) return problems_.add("/policies", "expected an object: a policy for each kind");
  std::vector<std::string_view> kinds;
  for (std::size_t k = 0; k < policy_kinds; ++k) kinds.push_back(to_string(static_cast<PolicyKind>(k)));
  for (const auto& [key, value] : section->items())
    if (key != "joint" && std::find(kinds.begin(), kinds.end(), key) == kinds.end())
      problems_.add_key(child("/policies", key), "unknown kind of policy " + in_quotes(key) + suggestion(key, kinds));
  const PolicyDefinition* joint = nullptr;
  if (const Json* j = member(*section, "joint")) {
    std::vector<std::string_view> joint_names;
    for (const auto& d : registry_.list())
      if (d.kinds.size() > 1) joint_names.push_back(d.name);
    if (const auto* d = choose(*j, "/policies/joint", "joint policy", joint_names)) {
      joint = d;
      out_.joint.emplace_back("joint", bind(*d, *j, "/policies/joint"));
    }
  }
  for (std::size_t k = 0; k < policy_kinds; ++k) {
    const auto kind = static_cast<PolicyKind>(k);
    const std::string at = "/policies/" + std::string(kinds[k]);
    const Json* p = member(*section, kinds[k]);
    if (p == nullptr && joint != nullptr && joint->has(kind)) continue;
    if (p == nullptr) {
      const PolicyDefinition* d = registry_.default_of(kind);
      if (d == nullptr) {
        problems_.add("/policies", "no policy of kind " + std::string(kinds[k]) + " is named and there is no default");
        continue;
      }
      out_.policies.emplace_back(kind, bind(*d, none, at));
    } else if (const auto* d = choose(*p, at, std::string(kinds[k]) + " policy", registry_.names(kind),
                                      joint != nullptr && joint->has(kind) ? nullptr : registry_.default_of(kind))) {
      out_.policies.emplace_back(kind, bind(*d, *p, at));
      if (d->kinds.size() > 1)
        out_.warnings.push_back("policy " + in_quotes(d->name) + " decides about several kinds together, but as " + std::string(kinds[k]) +
                                " it is an object of its own: name it once, as \"joint\"");
    }
  }
  if (joint != nullptr) check_joint(*joint, *section);
}

void ScenarioReader::check_joint(const PolicyDefinition& joint, const Json& section) {
  std::string taken;
  std::size_t count = 0;
  for (const PolicyKind kind : joint.kinds)
    if (member(section, to_string(kind)) != nullptr) {
      taken += (count == 0 ? "" : ", ") + std::string(to_string(kind));
      ++count;
    }
  if (count == 0) return;
  if (count == joint.kinds.size())
    return problems_.add("/policies/joint",
                         in_quotes(joint.name) + " would decide about nothing: " + taken + " are each named beside it; set them to null");
  out_.warnings.push_back("joint policy " + in_quotes(joint.name) + " does not decide about " + taken + ", named beside it");
}

const PolicyDefinition* ScenarioReader::choose(const Json& value, const std::string& at, const std::string& what,
                                               const std::vector<std::string_view>& names, const PolicyDefinition* unnamed) {
  if (!value.is_object() || (unnamed == nullptr && !value.contains("name"))) {
    problems_.add(at, "expected the name of a policy, or {\"name\": ..., \"params\": {...}}");
    return nullptr;
  }
  const std::string name = param::bind<PolicySection>(to_value(value), at, problems_).name;
  if (!value.contains("name")) return unnamed;
  const PolicyDefinition* d = registry_.find(name);
  if (d != nullptr && std::find(names.begin(), names.end(), name) == names.end()) {
    problems_.add(child(at, "name"),
                  in_quotes(name) + " is no " + what + " but one of " + std::string(to_string(d->kinds.front())) + suggestion("", names));
    return nullptr;
  }
  return find(what, name, names, child(at, "name")) ? d : nullptr;
}

BoundPolicy ScenarioReader::bind(const PolicyDefinition& d, const Json& value, const std::string& at) {
  const Json* params = member(value, "params");
  return d.bind(with_scaled_intervals(d, params != nullptr ? to_value(*params) : param::Value{}), child(at, "params"), problems_);
}

}  // namespace tideline
