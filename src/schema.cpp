#include "src/schema.h"

#include "sim/core/unit.h"
#include "src/catalog_json.h"
#include "src/environment_sections.h"
#include "src/scenario_sections.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace tideline {

namespace {

using namespace scenario_format;
using namespace catalog_format;

/// What may stand at one place of a file.
struct Form {
  Json shape = Json::object();  ///< types, ranges, keys; what a layer has to keep to
  Json needs = Json::object();  ///< what has to be there in the end; says nothing of texts and numbers
};
using Forms = std::map<std::string, Form>;

Json number(double x) {
  if (x == std::trunc(x) && std::abs(x) < 1e15) return static_cast<std::int64_t>(x);
  return x;
}

Json one_of(Json a, Json b) {
  Json out;
  out["anyOf"] = Json::array({std::move(a), std::move(b)});
  return out;
}

/// A text such as "100ms".
Json measured_text(const param::Dimension& dimension) {
  std::string pattern = "^-?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)? *";
  char between = '(';
  for (const auto& unit : dimension.units) {
    pattern += std::exchange(between, '|');
    pattern += unit.text;
  }
  return Json{{"type", "string"}, {"pattern", pattern + ")$"}};
}

Json type_of(const param::FieldInfo& f, const std::string& type) {
  if (type.starts_with("list of ")) return Json{{"type", "array"}, {"items", type_of(f, type.substr(8))}};
  if (type == "bool") return Json{{"type", "boolean"}};
  if (type == "string") return Json{{"type", "string"}};
  if (type == "choice") return Json{{"enum", f.choices}};
  if (type == "value") return Json::object();
  Json out{{"type", type == "integer" ? "integer" : "number"}};
  if (std::isfinite(f.range.low)) out["minimum"] = number(f.range.low);
  if (std::isfinite(f.range.high)) out["maximum"] = number(f.range.high);
  const param::Dimension& dimension = param::dimension_of(f.unit);
  return dimension.units.empty() ? out : one_of(std::move(out), measured_text(dimension));
}

Form form_of(const param::FieldInfo& f) { return {type_of(f, f.type)}; }

/// null deletes what a lower layer said.
Json or_null(Json shape) {
  if (shape.empty()) return shape;
  if (shape.contains("anyOf"))
    shape["anyOf"].push_back(Json{{"type", "null"}});
  else if (shape.contains("enum"))
    shape["enum"].push_back(nullptr);
  else if (shape.contains("type") && shape["type"].is_string())
    shape["type"] = Json::array({shape["type"], "null"});
  else
    return one_of(std::move(shape), Json{{"type", "null"}});
  return shape;
}

/// An object of declared fields; `parts`: the forms of those that are sections of their own.
Form section(const std::vector<param::FieldInfo>& fields, const Forms& parts = {}) {
  Form out;
  out.shape = Json{{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  for (const auto& f : fields) {
    const auto part = parts.find(f.name);
    const Form form = part == parts.end() ? form_of(f) : part->second;
    Json property{{"description", f.help}};
    const bool has_default = !f.required && !f.default_value.is_null() && f.default_value != param::Value("");
    if (has_default) property["default"] = to_json(f.default_value);
    property.update(or_null(form.shape));
    out.shape["properties"][f.name] = std::move(property);
    Json needs = form.needs;
    if (f.required) {
      out.needs["required"].push_back(f.name);
      needs["not"] = Json{{"type", "null"}};
    }
    if (!needs.empty()) out.needs["properties"][f.name] = std::move(needs);
  }
  return out;
}

template <class Section>
Form section(const Forms& parts = {}) {
  return section(param::describe<Section>(), parts);
}

Form list_of(const Form& element) {
  Form out{Json{{"type", "array"}, {"items", element.shape}}};
  if (!element.needs.empty()) out.needs["items"] = element.needs;
  return out;
}

/// Either of them; a schema of objects or lists says nothing of the rest, so both may be needed together.
Form either(const Form& a, const Form& b) {
  Form out{one_of(a.shape, b.shape), a.needs};
  out.needs.update(b.needs);
  return out;
}

/// If the member `key` is `value`, the rest keeps to `then`.
Json where(const char* key, std::string_view value, Json then) {
  Json condition{{"properties", Json{{key, Json{{"const", value}}}}}, {"required", Json::array({key})}};
  return Json{{"if", std::move(condition)}, {"then", std::move(then)}};
}

Json named(std::string_view name, std::string_view help) { return Json{{"const", name}, {"description", help}}; }

Json reference(const std::string& name) { return Json{{"$ref", "#/$defs/" + name}}; }

class Schema {
 public:
  explicit Schema(const PolicyRegistry& registry) : registry_(registry) {}

  Json write() {
    const Form catalog = define("catalog", catalog_form());
    definitions_["catalog_file"] = Json{{"allOf", Json::array({catalog.shape, catalog.needs})}};
    const Form initial = define("initial", initial_form());
    const Form kinds = policies_by_kind();
    const Form policies = either(kinds, chosen_system(kinds));
    Form system = section<SystemSection>({{"policies", policies}, {"initial", initial}});
    system.shape["required"] = system.needs["required"];
    define("system", std::move(system));
    const Form scenario = section<TopSection>({{"catalog", either({Json{{"type", "string"}}}, catalog)},
                                               {"cluster", cluster_form()},
                                               {"environment", list_of(change_form())},
                                               {"workload", list_of(workload_form())},
                                               {"policies", policies},
                                               {"initial", initial},
                                               {"control", section<ControlSection>()},
                                               {"feedback", section<FeedbackSection>()},
                                               {"outcomes", section<OutcomesSection>()},
                                               {"on_lost", section<LostSection>()},
                                               {"measure", section<MeasureSection>()}});
    Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
             {"title", "Scenario of Tideline"},
             {"description", "Written by `tideline schema`: change the declarations in the sources, not this file."}};
    out.update(scenario.shape);
    out["if"] = Json{{"not", Json{{"required", Json::array({"extends"})}}}};
    out["then"] = scenario.needs;
    out["$defs"] = std::move(definitions_);
    return out;
  }

 private:
  /// Puts the shape under a name, to be referred to.
  Form define(const std::string& name, Form form) {
    definitions_[name] = std::move(form.shape);
    return {reference(name), std::move(form.needs)};
  }

  // --- policies ---

  Form policies_by_kind() {
    Form out;
    out.shape = Json{{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
    std::vector<const PolicyDefinition*> joint;
    for (const auto& d : registry_.list())
      if (d.kinds.size() > 1) joint.push_back(&d);
    for (std::size_t k = 0; k < policy_kinds; ++k) {
      const auto kind = static_cast<PolicyKind>(k);
      std::vector<const PolicyDefinition*> policies;
      for (const auto name : registry_.names(kind)) policies.push_back(registry_.find(name));
      std::string help = "Policy of kind " + std::string(to_string(kind));
      if (const auto* d = registry_.default_of(kind)) help += "; default: " + d->name;
      add_kind(out, std::string(to_string(kind)), help + ".", policies);
    }
    add_kind(out, "joint", help_of<PoliciesSection>("joint"), joint);
    return {define("policies", {out.shape}).shape, out.needs};
  }

  void add_kind(Form& out, const std::string& kind, const std::string& help, const std::vector<const PolicyDefinition*>& policies) {
    const Form form = define(kind, policy_form(policies));
    Json property{{"description", help}};
    property.update(or_null(form.shape));
    out.shape["properties"][kind] = std::move(property);
    if (!form.needs.empty()) out.needs["properties"][kind] = form.needs;
  }

  /// One of these, by name or with parameters.
  Form policy_form(const std::vector<const PolicyDefinition*>& policies) {
    Json names = Json::array(), params = Json::array(), needed = Json::array(), incomplete = Json::array();
    for (const auto* d : policies) {
      names.push_back(named(d->name, d->help));
      const Form form = define("policy_" + d->name, section(d->parameters()));
      params.push_back(where("name", d->name, Json{{"properties", Json{{"params", form.shape}}}}));
      if (form.needs.empty()) continue;
      incomplete.push_back(d->name);
      needed.push_back(where("name", d->name, Json{{"required", Json::array({"params"})}, {"properties", Json{{"params", form.needs}}}}));
    }
    Form out;
    if (names.empty()) {
      out.shape["not"] = Json::object();
      return out;
    }
    const Json name{{"anyOf", names}};
    Json object = section<PolicySection>({{"name", {name}}, {"params", {Json{{"type", "object"}}}}}).shape;
    object["allOf"] = std::move(params);
    out.shape = one_of(name, std::move(object));
    if (!needed.empty()) out.needs = Json{{"not", Json{{"enum", std::move(incomplete)}}}, {"allOf", std::move(needed)}};
    return out;
  }

  static Form chosen_system(const Form& kinds) {
    Form out = section<PoliciesSection>({{"override", {kinds.shape}}});
    out.shape["properties"].erase("joint");
    out.shape["required"] = Json::array({"system"});
    out.needs = Json::object();  // what is missing in the changes may be in the system
    return out;
  }

  template <class Section>
  static std::string help_of(std::string_view key) {
    for (const auto& f : param::describe<Section>())
      if (f.name == key) return f.help;
    return {};
  }

  // --- the other sections ---

  /// Of the law quantiles.
  static Form points_form() {
    const Json pair{{"type", "array"}, {"items", Json{{"type", "number"}, {"minimum", 0}}}, {"minItems", 2}, {"maxItems", 2}};
    return {Json{{"type", "array"}, {"items", pair}}};
  }

  static Form cluster_form() {
    return section<ClusterSection>(
        {{"sites", list_of(section<SiteSection>())},
         {"links", list_of(section<LinkSection>({{"jitter", section<JitterSection>({{"points", points_form()}})}}))},
         {"pools", list_of(section<PoolSection>())}});
  }

  /// An entry of "environment": the fields of its kind.
  static Form change_form() {
    Json shapes = Json::array();
    const auto add = [&](const char* name, Form form) {
      form.shape["properties"]["change"] = Json{{"const", name}};
      form.shape["required"] = form.needs["required"];
      shapes.push_back(std::move(form.shape));
    };
    add("failure", section<FailureSection>());
    add("failures", section<FailuresSection>());
    add("slowdown", section<SlowdownSection>());
    add("link", section<LinkChangeSection>());
    add("reclaim", section<ReclaimSection>());
    add("reclaims", section<ReclaimsSection>());
    add("capacity", section<CapacitySection>());
    add("taken", section<TakenSection>());
    add("surge", section<SurgeSection>());
    add("price", section<PriceSection>());
    add("carbon", section<CarbonSection>());
    add("accuracy", section<AccuracySection>());
    add("replay", section<ReplaySection>());
    return {Json{{"oneOf", std::move(shapes)}}};
  }

  Form workload_form() {
    Json names = Json::array(), params = Json::array(), needed = Json::array();
    for (const auto& s : sources) {
      names.push_back(Json{{"const", s.name}});
      const Form form = define("source_" + std::string(s.name), section(s.parameters()));
      params.push_back(where("source", s.name, Json{{"properties", Json{{"params", form.shape}}}}));
      if (!form.needs.empty())
        needed.push_back(
            where("source", s.name, Json{{"required", Json::array({"params"})}, {"properties", Json{{"params", form.needs}}}}));
    }
    const auto fields = param::describe<ClassSection>();
    const auto number_or = [&](const char* key, const Form& relative) {
      for (const auto& f : fields)
        if (f.name == key) return either(form_of(f), relative);
      return relative;
    };
    const Form classes =
        section(fields, {{"latency_slo_s", number_or("latency_slo_s", either(section<RelativeSloSection>(), slo_law_form()))},
                         {"accuracy_floor", number_or("accuracy_floor", section<RelativeFloorSection>())},
                         {"pin", section<PinSection>()}});
    Form out = section<WorkloadSection>({{"source", {Json{{"anyOf", names}}}},
                                         {"params", {Json{{"type", "object"}}}},
                                         {"classes", list_of(classes)},
                                         {"popularity", section<PopularityParams>()},
                                         {"payload_law", section<LawParams>({{"points", points_form()}})}});
    out.shape["allOf"] = std::move(params);
    out.needs["allOf"] = std::move(needed);
    return out;
  }

  static Form slo_law_form() {
    Form out = section<SloLawSection>();
    out.shape["required"] = out.needs["required"];
    return {out.shape};
  }

  static Form initial_form() {
    return either({Json{{"enum", Json::array({initial_cold, initial_planned})}}}, list_of(section<InitialSection>()));
  }

  static Form catalog_form() {
    const Form time = form_of(param::describe<BatchTimeParams>().front());
    const Form table{counted(time.shape)};
    const Form tables{counted(table.shape)};
    const Form profile = section<ProfileParams>({{"latency_s", table}, {"cores", tables}, {"affine", section<AffineParams>()}});
    const Form points = points_form();
    const Form variant = section<VariantParams>({{"profile", profile},
                                                 {"service", section<LawParams>({{"points", points}})},
                                                 {"load", section<LoadParams>({{"points", points}})},
                                                 {"origin", section<OriginParams>()},
                                                 {"kernel", section<KernelParams>()}});
    return section<CatalogParams>({{"tasks", list_of(section<TaskParams>())},
                                   {"hardware", list_of(section<HardwareParams>())},
                                   {"variants", list_of(variant)},
                                   {"colocation", list_of(section<ColocationParams>())}});
  }

  /// An object whose keys are whole numbers from 1.
  static Json counted(const Json& value) {
    return Json{{"type", "object"}, {"patternProperties", Json{{"^[1-9][0-9]*$", or_null(value)}}}, {"additionalProperties", false}};
  }

  const PolicyRegistry& registry_;
  Json definitions_ = Json::object();
};

}  // namespace

Json scenario_schema(const PolicyRegistry& registry) { return Schema(registry).write(); }

}  // namespace tideline
