#include "src/catalog_draft.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/catalog_json.h"
#include "src/csv_table.h"
#include "src/errors.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tideline {
namespace {

constexpr double assumed_artefact = 100e6, assumed_load_s = 1;
constexpr std::int64_t assumed_runtime = std::int64_t{256} << 20;

double whole_ns(double s) { return std::round(s * 1e9) / 1e9; }

/// A table of times that does not fall, with whole nanoseconds. `raised`: gets the batches whose times are those of smaller ones.
Json table_json(const std::map<std::uint32_t, double>& latency_s, std::set<std::uint32_t>& raised, DraftReport& report) {
  Json out = Json::object();
  double before = 0;
  for (const auto& [items, s] : latency_s) {
    if (s < before) {
      ++report.raised;
      raised.insert(items);
    }
    before = std::max(before, s);
    out[std::to_string(items)] = whole_ns(before);
  }
  return out;
}

std::string name_of(const MeasuredVariant& v) {
  std::string out = v.model;
  if (v.resolution > 0) out += "_" + std::to_string(v.resolution);
  if (!v.precision.empty()) out += "-" + v.precision;
  return out + "@" + v.hardware + v.suffix;
}

std::string list(std::string_view name, const std::vector<Json>& elements) {
  std::string out = ",\n \"" + std::string(name) + "\": [";
  for (const auto& element : elements) out += (&element == &elements.front() ? "\n  " : ",\n  ") + element.dump();
  return out + "\n ]";
}

/// "a, b, c and 5 more", or nothing.
std::string first_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 4;
  std::string out;
  for (std::size_t k = 0; k < std::min(most, names.size()); ++k) out += (k == 0 ? "" : ", ") + names[k];
  return names.size() <= most ? out : out + " and " + std::to_string(names.size() - most) + " more";
}

/// Tells of hardware whose times no network takes, or hardly any: the table may have another unit than its format says.
void suspect_units(const std::vector<MeasuredVariant>& variants, DraftReport& report) {
  constexpr double shortest_batch = 50e-6, longest_item = 5;
  struct Times {
    std::vector<double> batches, items;
  };
  std::map<std::string, Times> by_hardware;
  const auto add = [](Times& to, const std::map<std::uint32_t, double>& latency_s) {
    if (latency_s.empty()) return;
    const auto& [items, s] = *latency_s.begin();
    to.batches.push_back(s);
    to.items.push_back(s / items);
  };
  for (const MeasuredVariant& v : variants) {
    add(by_hardware[v.hardware], v.latency_s);
    for (const auto& [cores, table] : v.by_cores) add(by_hardware[v.hardware], table);
  }
  const auto median = [](std::vector<double>& x) {
    const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
    std::nth_element(x.begin(), middle, x.end());
    return *middle;
  };
  for (auto& [name, times] : by_hardware) {
    if (times.batches.empty()) continue;
    const double batch = median(times.batches), item = median(times.items);
    if (batch >= shortest_batch && item <= longest_item) continue;
    report.notes.push_back("suspicious: on " + in_quotes(name) + " the median " +
                           (batch < shortest_batch
                                ? "of the smallest batches is " + to_text(batch * 1e3) + " ms, less than any network takes"
                                : "of an item is " + to_text(item) + " s") +
                           ": are they in the unit of the format?");
  }
}

}  // namespace

AccuracyTable::AccuracyTable(std::istream& in, const std::string& name) {
  const CsvTable table(in, name);
  const std::size_t model = table.find_column("model").value_or(table.find_column("model_name").value_or(0));
  if (!table.find_column("model_name")) (void)table.column("model");
  const auto top1 = table.find_column("top1"), precision = table.find_column("precision"), size = table.find_column("img_size");
  const std::size_t value = top1 ? *top1 : table.column("accuracy");
  for (std::size_t row = 0; row < table.size(); ++row) {
    const auto given = table.number(row, value);
    if (!given) continue;
    const double accuracy = top1 ? *given / 100 : *given;
    if (!(accuracy >= 0 && accuracy <= 1))
      table.fail(row, value, top1 ? "is no percentage" : "is not between 0 and 1: percentages go into a column \"top1\"");
    if (top1 && *given <= 1) table.fail(row, value, "is at most 1 percent, and looks like a share: those go into a column \"accuracy\"");
    const auto resolution = size ? table.number(row, *size).value_or(0) : 0;
    const std::string& in_precision = precision ? table.cell(row, *precision) : std::string();
    const std::string& full = table.cell(row, model);
    Row entry{accuracy, static_cast<std::uint32_t>(std::clamp(resolution, 0.0, 65536.0)), true};
    std::vector<Row>& of_model = rows_[{full, in_precision}];
    for (const Row& other : of_model)
      if (other.is_whole_name && other.resolution == entry.resolution && other.accuracy != accuracy)
        table.fail(row, value,
                   "of " + in_quotes(full) + ": a row before says " + to_text(top1 ? other.accuracy * 100 : other.accuracy) +
                       " of the same model: leave one of them");
    of_model.push_back(entry);
    entry.is_whole_name = false;
    if (const auto point = full.find('.'); point != std::string::npos) rows_[{full.substr(0, point), in_precision}].push_back(entry);
  }
}

std::optional<double> AccuracyTable::of(const std::string& model, const std::string& precision, std::uint32_t resolution) const {
  for (const std::string& of : {precision, std::string()}) {
    if (of.empty() && is_quantised(precision)) break;
    const auto found = rows_.find({model, of});
    if (found == rows_.end()) continue;
    for (const Row& row : found->second)
      if (resolution == 0 || row.resolution == 0 || row.resolution == resolution) return row.accuracy;
  }
  return {};
}

bool is_quantised(const std::string& precision) {
  return precision.find("int") != std::string::npos || precision.starts_with("w8") || precision.starts_with("w4") ||
         precision.find("INT") != std::string::npos;
}

HardwareTable::HardwareTable(const Json& file, const std::string& name) {
  const auto list = file.find("hardware");
  if (!file.is_object() || list == file.end() || !list->is_array())
    throw InputError(name + ": expected {\"hardware\": [...]}, a list of hardware types");
  for (const Json& h : *list) {
    if (!h.is_object() || !h.contains("name") || !h["name"].is_string()) throw InputError(name + ": a hardware type has no name");
    if (!entries_.emplace(h["name"].get<std::string>(), h).second)
      throw InputError(name + ": two hardware types are named " + in_quotes(h["name"].get<std::string>()));
  }
}

std::vector<std::string_view> HardwareTable::names() const {
  std::vector<std::string_view> out;
  for (const auto& [name, entry] : entries_) out.push_back(name);
  return out;
}

Json HardwareTable::of(const std::string& name, const std::string& kind) const {
  if (const auto found = entries_.find(name); found != entries_.end()) return found->second;
  Json out{{"name", name},
           {"kind", kind},
           {"memory_bytes", "8GiB"},
           {"unified_memory", true},
           {"store_bytes_per_s", "100Mb/s"},
           {"disk_bytes_per_s", "500MB/s"},
           {"price_per_hour_usd", 0.05},
           {"idle_watts", 2},
           {"busy_watts", 10},
           {"boot_s", 30},
           {"source", "all figures: assumed"}};
  if (kind == "cpu") {
    out["sharing"] = "partitioned";
    out["cores"] = 8;
  }
  return out;
}

std::string write_draft(const std::string& name, const std::string& about, const std::string& source, const std::vector<DraftTask>& tasks,
                        const std::vector<MeasuredVariant>& variants, const HardwareTable& hardware, const std::string& kind,
                        DraftReport& report) {
  suspect_units(variants, report);
  std::vector<Json> out, tasks_json, hardware_json;
  std::set<std::string> names, used_hardware, used_tasks, known_missing;
  std::vector<std::string> not_measured;  // variants, with their batches whose times were raised
  std::vector<std::string> missing;       // models without an accuracy, by the names that a table of accuracies has to have
  for (const MeasuredVariant& v : variants) {
    const auto drop = [&](const std::string& reason) { ++report.dropped[reason]; };
    if (!v.accuracy) {
      std::string of = v.model;
      if (!v.precision.empty())
        of += v.resolution > 0 ? " (" + v.precision + ", " + std::to_string(v.resolution) + " px)" : " (" + v.precision + ")";
      if (known_missing.insert(of).second) missing.push_back(of);
      drop(is_quantised(v.precision) ? "no accuracy in " + v.precision + ", and that of another precision is not its own" : "no accuracy");
      continue;
    }
    if (v.latency_s.empty() && v.by_cores.empty()) {
      drop("no latency");
      continue;
    }
    const std::string full = name_of(v);
    if (!names.insert(full).second) {
      drop("a variant of that name before it");
      continue;
    }
    const Json h = hardware.of(v.hardware, kind);
    if (used_hardware.insert(v.hardware).second) {
      hardware_json.push_back(h);
      if (!hardware.has(v.hardware))
        report.notes.push_back("hardware " + in_quotes(v.hardware) + " is not known: all of its figures are assumed" +
                               suggestion(v.hardware, hardware.names()));
    }
    used_tasks.insert(v.task);
    Json j{{"name", full},
           {"task", v.task},
           {"hardware", v.hardware},
           {"base_model", v.base_model.empty() ? v.model : v.base_model},
           {"model", v.model}};
    if (!v.framework.empty()) j["framework"] = v.framework;
    if (!v.precision.empty()) j["precision"] = v.precision;
    if (is_quantised(v.precision)) j["transformation"] = "quantised";
    if (v.resolution > 0) j["resolution"] = v.resolution;
    j["accuracy"] = *v.accuracy;
    const double artefact = v.artefact_bytes.value_or(assumed_artefact);
    j["artefact_bytes"] = static_cast<std::int64_t>(artefact);
    j["memory_bytes"] = static_cast<std::int64_t>(v.memory_bytes.value_or(artefact + static_cast<double>(assumed_runtime)));
    std::size_t sizes = 0;
    std::set<std::uint32_t> raised;
    if (!v.by_cores.empty()) {
      Json cores = Json::object();
      for (const auto& [n, table] : v.by_cores) {
        cores[std::to_string(n)] = table_json(table, raised, report);
        sizes = std::max(sizes, table.size());
      }
      j["profile"] = {{"cores", cores}};
    } else {
      sizes = v.latency_s.size();
      if (v.only_these_batches || v.latency_s.begin()->first != 1) {
        Json fixed = Json::array();
        for (const auto& [items, s] : v.latency_s) fixed.push_back(items);
        j["batch_sizes"] = fixed;
      }
      j["profile"] = {{"latency_s", table_json(v.latency_s, raised, report)}};
      // Those who measured a CPU are taken to have used all of it.
      if (h.value("sharing", "") == "partitioned") j["instance_cores"] = h.value("cores", 1);
    }
    if (sizes > 1) ++report.batched;
    j["load"] = {{"first_run_s", v.load_s.value_or(assumed_load_s)}};
    j["origin"] = {{"latency", v.derived_latency ? "derived" : "measured"},
                   {"accuracy", "measured"},
                   {"artefact", !v.artefact_bytes     ? "assumed"
                                : v.computed_artefact ? "computed"
                                                      : "measured"},
                   {"load", v.load_s ? "measured" : "assumed"},
                   {"memory", v.memory_bytes ? "measured" : "assumed"}};
    if (!raised.empty()) {
      std::string of;
      for (const std::uint32_t items : raised) of += (of.empty() ? "" : ", ") + std::to_string(items);
      not_measured.push_back(full + " (" + of + ")");
    }
    if (!raised.empty() && !v.derived_latency) {
      std::set<std::uint32_t> measured;
      for (const auto& [items, s] : v.latency_s) measured.insert(items);
      for (const auto& [n, table] : v.by_cores)
        for (const auto& [items, s] : table) measured.insert(items);
      for (const std::uint32_t items : raised) measured.erase(items);
      j["origin"]["latency"] = "derived";
      j["origin"]["measured_batches"] = measured;
    }
    out.push_back(std::move(j));
  }
  report.variants = out.size();
  if (!not_measured.empty())
    report.notes.push_back("a latency below that of a smaller batch is raised to it, and counts as derived: batches of " +
                           first_of(not_measured));
  const std::string wanted = first_of(missing);
  if (!wanted.empty()) report.notes.push_back("no accuracy of " + wanted);
  if (out.empty()) {
    std::string reasons;
    for (const auto& [reason, n] : report.dropped) reasons += "; " + std::to_string(n) + " left out: " + reason;
    if (!wanted.empty()) reasons += "; an accuracy is missing of " + wanted;
    throw InputError("no variant could be made" + reasons);
  }
  for (const DraftTask& t : tasks)
    if (used_tasks.contains(t.name))
      tasks_json.push_back({{"name", t.name}, {"metric", t.metric}, {"kind", t.hit_rate ? "hit_rate" : "score"}});
  const Json head{{"name", name},
                  {"about", about + " Source: " + source + ". Load times, and memory where it was not measured, are assumed."}};
  std::string text = head.dump(1);
  text.resize(text.rfind('\n'));  // the closing brace comes last
  text += list("tasks", tasks_json) + list("hardware", hardware_json) + list("variants", out) + "\n}\n";
  // What a table says may be what no catalog can: cores of a device that instances do not share, a batch without a smaller one.
  Problems problems;
  const JsonDocument document = parse_json(text, "the catalog of this table", problems);
  (void)read_catalog(document.root, "", problems);
  if (!problems.empty()) throw InputError(render(problems, document));
  return text;
}

std::string to_text(const DraftReport& report) {
  const auto line = [](std::size_t n, const std::string& what) { return std::to_string(n) + " " + what + "\n"; };
  std::string out = line(report.rows, "rows") +
                    line(report.variants, "variants written, " + std::to_string(report.batched) + " of them with batches") +
                    line(report.raised, "latencies raised to that of the batch before");
  std::size_t dropped = 0;
  for (const auto& [reason, count] : report.dropped) dropped += count;
  out += line(dropped, "rows or variants left out");
  for (const auto& [reason, count] : report.dropped) out += "  " + line(count, reason);
  for (const auto& note : report.notes) out += "note: " + note + "\n";
  return out;
}

}  // namespace tideline
