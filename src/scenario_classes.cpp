// Classes of queries: what is relative to the catalog, and SLOs that are a law, as numbers.
#include "src/scenario_reader.h"

#include "sim/core/normal.h"
#include "sim/core/text.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace tideline {

using namespace scenario_format;

bool ScenarioReader::cluster_runs(TaskId task) const {
  for (const VariantId v : out_.catalog[task].variants)
    for (const Pool& p : out_.topology.pools)
      if (p.hardware == out_.catalog[v].hardware) return true;
  return false;
}

Json ScenarioReader::relative_slo(const Json& value, const std::string& at, TaskId task) {
  const std::size_t before = problems_.list().size();
  const auto relative = param::bind<RelativeSloSection>(to_value(value), at, problems_);
  std::optional<std::size_t> hardware;
  if (relative.hardware) {
    const auto names = names_of(out_.catalog.hardware, [](const Hardware& h) { return std::string_view(h.name); });
    hardware = find("hardware", *relative.hardware, names, child(at, "hardware"));
  }
  if (problems_.list().size() != before) return nullptr;
  Duration fastest = forever;
  for (const VariantId v : out_.catalog[task].variants) {
    const Variant& variant = out_.catalog[v];
    if (hardware && variant.hardware.index() != *hardware) continue;
    for (std::uint32_t option = 0; option < variant.profile.cores().size(); ++option)
      fastest = std::min(fastest, variant.profile.latency(1, option) + variant.pre_at_origin);
  }
  if (fastest == forever) {
    problems_.add(child(at, "hardware"),
                  "no variant of task " + in_quotes(out_.catalog[task].name) + " is made for " + in_quotes(*relative.hardware));
    return nullptr;
  }
  return std::round(relative.times_fastest * static_cast<double>(fastest.count())) / 1e9;
}

Json ScenarioReader::relative_floor(const Json& value, const std::string& at, TaskId task) {
  const std::size_t before = problems_.list().size();
  const auto relative = param::bind<RelativeFloorSection>(to_value(value), at, problems_);
  if (problems_.list().size() != before) return nullptr;
  return relative.of_best * out_.catalog[task].best_accuracy;
}

Json ScenarioReader::in_numbers(Json value, const std::string& at, TaskId task, bool is_only) {
  for (const char* key : {"latency_slo_s", "accuracy_floor"}) {
    const Json* relative = member(value, key);
    if (relative == nullptr || !relative->is_object()) continue;
    const std::string where = child(at, key);
    const bool slo = key == std::string_view("latency_slo_s");
    value[key] = has_problem_in(where) ? Json() : slo ? relative_slo(*relative, where, task) : relative_floor(*relative, where, task);
    if (is_only) resolved_.emplace_back(where, value[key]);
  }
  return value;
}

QueryClass ScenarioReader::read_class(const Json& value, const std::string& at, TaskId task, double& share) {
  const auto c = param::bind<ClassSection>(to_value(value), at, problems_);
  QueryClass q;
  q.task = task;
  q.name = c.name;
  q.slo = c.slo.value_or(forever);
  q.has_floor = c.floor.has_value();
  q.floor = c.floor.value_or(0);
  if (c.cost_cap) q.cost_cap_usd = *c.cost_cap;
  q.priority = c.priority;
  share = c.share;
  if (const Json* pin = member(value, "pin")) read_pin(*pin, child(at, "pin"), q);
  return q;
}

void ScenarioReader::read_pin(const Json& value, const std::string& at, QueryClass& q) {
  const auto p = param::bind<PinSection>(to_value(value), at, problems_);
  const int given = p.base_model.has_value() + p.model.has_value() + p.variant.has_value();
  if (given != 1) return problems_.add(at, "a pin names one of base_model, model, variant");
  const auto level = p.base_model ? PinLevel::base_model : p.model ? PinLevel::model : PinLevel::variant;
  q.pin_level = level;
  q.pin = p.base_model ? *p.base_model : p.model ? *p.model : *p.variant;
  std::vector<std::string_view> known;
  for (const VariantId v : out_.catalog[q.task].variants) {
    const Variant& variant = out_.catalog[v];
    known.push_back(level == PinLevel::base_model ? variant.base_model : level == PinLevel::model ? variant.model : variant.name);
  }
  const std::string key = p.base_model ? "base_model" : p.model ? "model" : "variant";
  find(key, q.pin, known, child(at, key));
}

void ScenarioReader::declare(const Json& value, std::size_t index, const std::string& at, std::vector<Declared>& out) {
  const Json* slo = value.is_object() ? member(value, "latency_slo_s") : nullptr;
  if (slo == nullptr || !slo->is_object() || member(*slo, "law") == nullptr) return out.push_back({value, index, {}});
  const std::string where = child(at, "latency_slo_s");
  const std::size_t before = problems_.list().size();
  const auto s = param::bind<SloLawSection>(to_value(*slo), where, problems_);
  if (s.law == SloLaw::uniform && s.cv > 0.577)
    problems_.add(child(where, "cv"), "of uniform is at most 0.577: latencies would be below 0");
  Json part = value;
  part.erase("latency_slo_s");
  if (problems_.list().size() != before) return out.push_back({part, index, {}});
  part["share"] = (member(value, "share") != nullptr && value["share"].is_number() ? value["share"].get<double>() : 1.0) / s.classes;
  const double sigma = std::sqrt(std::log1p(s.cv * s.cv));
  for (std::uint32_t k = 0; k < s.classes; ++k) {
    const double u = (k + 0.5) / s.classes;
    double slo_s = s.mean;
    if (s.law == SloLaw::lognormal) slo_s *= std::exp(sigma * (normal_quantile(u) - 0.5 * sigma));
    if (s.law == SloLaw::uniform) slo_s *= 1 + s.cv * std::sqrt(3.0) * (2 * u - 1);
    if (s.law == SloLaw::exponential) slo_s *= -std::log1p(-u);
    part["latency_slo_s"] = std::max(1.0, std::round(slo_s * 1e9)) / 1e9;
    out.push_back({part, index, "q" + std::to_string(k + 1)});
  }
}

void ScenarioReader::read_classes(const Json& value, const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e) {
  static const Json one = Json::array({Json::object()});
  const Json* classes = member(value, "classes");
  if (classes != nullptr && (!classes->is_array() || classes->empty()))
    return problems_.add(child(at, "classes"), "expected a list of at least one class");
  if (classes == nullptr) classes = &one;
  std::vector<Declared> declared;
  for (std::size_t c = 0; c < classes->size(); ++c) declare((*classes)[c], c, element(child(at, "classes"), c), declared);
  for (const TaskId t : tasks) {
    auto& choices = e.classes.emplace_back();
    for (const auto& [value_of_class, c, part] : declared) {
      double share = 1;
      const std::string where = element(child(at, "classes"), c);
      const Json given = in_numbers(value_of_class, where, t, tasks.size() == 1);
      // The problems of a class are the same for each task of a trace: they are reported for the first.
      Problems again;
      if (t != tasks.front()) std::swap(again, problems_);
      QueryClass q = read_class(given, where, t, share);
      if (t != tasks.front()) std::swap(again, problems_);
      if (t == tasks.front() && !q.name.empty() && (part.empty() || part == "q1"))
        for (std::size_t other = 0; other < c; ++other)
          if (member((*classes)[other], "name") != nullptr && (*classes)[other]["name"] == q.name)
            problems_.add(child(element(child(at, "classes"), c), "name"), "two classes of this entry are named " + in_quotes(q.name));
      if (q.name.empty()) q.name = e.name + (classes->size() > 1 ? "/" + std::to_string(c) : "");
      if (!part.empty()) q.name += "/" + part;
      if (tasks.size() > 1) q.name = out_.catalog[t].name + "/" + q.name;
      choices.push_back({ClassId{out_.classes.size()}, share});
      out_.classes.push_back(std::move(q));
    }
  }
}

}  // namespace tideline
