// Section "workload" of a scenario: entries, their sources and what they are shaped by.
#include "src/scenario_reader.h"

#include "sim/core/text.h"
#include "src/catalog_json.h"
#include "src/trace_files.h"

#include <algorithm>

namespace tideline {

using namespace scenario_format;

void ScenarioReader::workload() {
  const Json* entries = list(root(), "", "workload", true);
  if (entries == nullptr) return;
  const auto task_names = names_of(out_.catalog.tasks, [](const Task& t) { return std::string_view(t.name); });
  const auto site_names = names_of(out_.topology.sites, [](const std::string& s) { return std::string_view(s); });
  if (entries->size() > 65535) problems_.add("/workload", "at most 65535 entries");
  for (std::size_t k = 0; k < entries->size(); ++k) {
    const std::string at = element("/workload", k);
    const Json& value = (*entries)[k];
    const auto w = param::bind<WorkloadSection>(to_value(value), at, problems_);
    EntrySpec e;
    e.name = !w.name.empty() ? w.name : w.task.value_or("entry" + std::to_string(k));
    for (const EntrySpec& other : out_.entries)
      if (other.name == e.name)
        problems_.add(w.name.empty() ? at : child(at, "name"), "two entries of the workload are named " + in_quotes(e.name));
    e.source = w.source;
    e.payload_bytes = w.payload_bytes;
    e.answer_bytes = w.answer_bytes;
    e.items = static_cast<std::uint16_t>(w.items);
    e.tenant = static_cast<std::uint16_t>(w.tenant);
    if (w.origin)
      if (const auto s = find("site", *w.origin, site_names, child(at, "origin"))) e.origin = SiteId{*s};
    std::vector<TaskId> tasks;
    if (w.task) {
      if (const auto t = find("task", *w.task, task_names, child(at, "task"))) tasks.emplace_back(*t);
    } else if (!w.popularity.is_null()) {
      tasks = read_popularity(*member(value, "popularity"), child(at, "popularity"), task_names, e);
    } else if (names_tasks(w.source)) {
      for (std::size_t t = 0; t < task_names.size(); ++t) tasks.emplace_back(t);
    } else if (task_names.size() == 1) {
      tasks.emplace_back(std::size_t{0});
    } else {
      problems_.add(at, "missing \"task\": the catalog has several");
    }
    if (w.task && !w.popularity.is_null())
      problems_.add(child(at, "popularity"), "is of several tasks, but the entry has one \"task\": give one or the other");
    if (w.task || !w.popularity.is_null() || !names_tasks(w.source))
      for (const TaskId t : tasks)
        if (!cluster_runs(t))
          problems_.add(child(at, "task"),
                        "no variant of task " + in_quotes(out_.catalog[t].name) + " runs on the hardware of this cluster");
    if (const Json* law = member(value, "payload_law")) {
      const auto p = param::bind<LawParams>(to_value(*law), child(at, "payload_law"), problems_);
      e.payload_law = read_law(p, child(at, "payload_law"), problems_);
      if (w.payload_bytes == 0) problems_.add(child(at, "payload_law"), "is of payload_bytes: give those too");
    }
    read_source(value, at, w.task.has_value(), task_names, e);
    read_classes(value, at, tasks, e);
    if (const auto* p = std::get_if<TraceParams>(&e.params); p != nullptr && p->asks_by_row) read_asks(at, tasks, e);
    out_.entries.push_back(std::move(e));
  }
}

std::vector<TaskId> ScenarioReader::read_popularity(const Json& value, const std::string& at,
                                                    const std::vector<std::string_view>& task_names, EntrySpec& e) {
  const std::size_t before = problems_.list().size();
  e.popularity = param::bind<PopularityParams>(to_value(value), at, problems_);
  std::vector<TaskId> out;
  if (problems_.list().size() != before) return out;
  for (const std::string& name : e.popularity->tasks) {
    const auto t = find("task", name, task_names, child(at, "tasks"));
    if (!t) continue;
    if (std::find(out.begin(), out.end(), TaskId{*t}) != out.end())
      problems_.add(child(at, "tasks"), "task " + in_quotes(name) + " comes twice");
    out.emplace_back(*t);
  }
  if (e.popularity->tasks.empty())
    for (std::size_t t = 0; t < task_names.size(); ++t) out.emplace_back(t);
  const auto& weights = e.popularity->weights;
  if (!weights.empty() && weights.size() != out.size())
    problems_.add(child(at, "weights"), "expected one for each task, " + std::to_string(out.size()));
  if (!weights.empty() && std::none_of(weights.begin(), weights.end(), [](double w) { return w > 0; }))
    problems_.add(child(at, "weights"), "at least one must be above 0");
  return out;
}

void ScenarioReader::read_asks(const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e) {
  auto& params = std::get<TraceParams>(e.params);
  const std::string where = child(child(at, "params"), "asks");
  if (e.file.empty() || e.classes.empty()) return;
  if (e.classes.front().size() != 1)
    return problems_.add(where, "rows say what queries ask for: the entry may have one class, for what rows leave open");
  constexpr std::size_t most_classes = 16384;
  try {
    const std::string path = e.file.string();
    params.asks = asks_in([&] { return open_trace_files(path, {e.file}, params); }, params.ask_step_s, most_classes / tasks.size());
  } catch (const std::exception& error) {
    return problems_.add(where, error.what());
  }
  if (params.asks.empty()) return problems_.add(where, "no row of the trace asks for a latency or an accuracy");
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    auto& asked = e.asked.emplace_back();
    for (const Ask& ask : params.asks) {
      QueryClass q = out_.classes[e.classes[t][0].cls.index()];
      if (ask.slo_ns > 0) q.slo = Duration{ask.slo_ns};
      if (ask.accuracy >= 0) {
        q.has_floor = true;
        q.floor = ask.accuracy;
      }
      q.name += "/";
      if (ask.slo_ns > 0) q.name += to_text(to_seconds(q.slo)) + "s";
      if (ask.accuracy >= 0) q.name += "@" + to_text(q.floor);
      asked.emplace_back(out_.classes.size());
      out_.classes.push_back(std::move(q));
    }
  }
}

void ScenarioReader::read_source(const Json& value, const std::string& at, bool one_task, const std::vector<std::string_view>& task_names,
                                 EntrySpec& e) {
  const auto kind = find("source", e.source, names_of(sources, [](const SourceDefinition& d) { return d.name; }), child(at, "source"));
  if (!kind) return;
  const Json* params = member(value, "params");
  const std::string where = child(at, "params");
  const param::Value v = params != nullptr ? to_value(*params) : param::Value{};
  const auto has = [&](const char* key) { return params != nullptr && member(*params, key) != nullptr; };
  switch (*kind) {
    case source_poisson: {
      auto p = param::bind<PoissonParams>(v, where, problems_);
      p.rate_scale = load_;
      e.params = p;
      break;
    }
    case source_diurnal: {
      auto p = param::bind<DiurnalParams>(v, where, problems_);
      if (!p.hourly.empty() && p.hourly.size() != 24) problems_.add(child(where, "hourly"), "expected 24 rates, one per hour");
      if (!p.hourly.empty() && std::all_of(p.hourly.begin(), p.hourly.end(), [](double rate) { return rate == 0; }))
        problems_.add(child(where, "hourly"), "at least one rate must be above 0");
      if (!p.hourly.empty() && (has("peak_hour") || has("peak_to_trough")))
        problems_.add(child(where, "hourly"), "replaces peak_to_trough and peak_hour: give one or the other");
      p.rate_scale = load_;
      e.params = p;
      daily_ = true;
      break;
    }
    case source_csv: {
      auto p = param::bind<Replay<CsvParams>>(v, where, problems_);
      p.scale *= load_;
      // Where the entry names a task, a row that names another is refused.
      if (one_task)
        p.tasks = {value.at("task").get<std::string>()};
      else
        p.tasks.assign(task_names.begin(), task_names.end());
      e.params = static_cast<const CsvParams&>(p);
      e.skip = p.skip;
      trace(p.file, child(where, "file"), e);
      break;
    }
    case source_trace: {
      auto p = param::bind<TraceSection>(v, where, problems_);
      p.rate_scale *= load_;
      if (one_task)
        p.tasks = {value.at("task").get<std::string>()};
      else
        p.tasks.assign(task_names.begin(), task_names.end());
      if (e.popularity) {
        p.tasks.clear();
        p.map = TaskMap::one;
      }
      if (p.to_s != 0 && p.to_s <= p.from_s) problems_.add(child(where, "to_s"), "must be after from_s");
      compressed(p, where);
      e.params = static_cast<const TraceParams&>(p);
      trace(p.file, child(where, "file"), e);
      break;
    }
    case source_gamma:
      return generator<GammaParams>(v, where, e);
    case source_weibull:
      return generator<WeibullParams>(v, where, e);
    case source_mmpp:
      return generator<MmppParams>(v, where, e);
    case source_ramp:
      return generator<RampParams>(v, where, e);
    case source_spike:
      return generator<SpikeParams>(v, where, e);
    case source_flash_crowd:
      return generator<FlashCrowdParams>(v, where, e);
    case source_modulated:
      return generator<ModulatedParams>(v, where, e);
    default: {
      auto p = param::bind<Replay<CountsParams>>(v, where, problems_);
      p.scale *= load_;
      e.params = static_cast<const CountsParams&>(p);
      e.skip = p.skip;
      trace(p.file, child(where, "file"), e);
    }
  }
}

void ScenarioReader::trace(const std::string& path, const std::string& at, EntrySpec& e) {
  const bool any_format = std::holds_alternative<TraceParams>(e.params);
  if (load_ > 1 && !any_format) problems_.add("/load", "a replayed trace cannot be scaled up by \"load\"; at most 1");
  if (has_problem(at)) return;
  if (const auto file = input_file(path, at, "trace " + e.name, any_format)) e.file = *file;
}

}  // namespace tideline
