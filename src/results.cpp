#include "src/results.h"

#include <cmath>
#include <functional>
#include <span>

namespace tideline {

namespace {

/// A column of the rows of variants: its declaration for every output.
struct VariantColumn {
  std::string_view name, unit, help;
  std::variant<std::uint64_t, double> (*value)(const VariantRow&);
};
template <auto Member>
std::variant<std::uint64_t, double> read(const VariantRow& r) {
  return r.*Member;
}
constexpr VariantColumn variant_columns[] = {
    {"queries_served", "1", "Queries that it answered.", read<&VariantRow::queries_served>},
    {"queries_late", "1", "Those answered after their SLO.", read<&VariantRow::queries_late>},
    {"share", "1", "Of all queries served.", read<&VariantRow::share>},
    {"latency_mean_s", "s", "Mean latency.", read<&VariantRow::latency_mean_s>},
    {"latency_max_s", "s", "Largest latency.", read<&VariantRow::latency_max_s>},
    {"effective_accuracy", "1", "Mean profiled accuracy of its answers.", read<&VariantRow::effective_accuracy>},
    {"realised_accuracy", "1", "Mean of what was drawn for its answers.", read<&VariantRow::realised_accuracy>},
    {"batches", "1", "Batches that ended in the window.", read<&VariantRow::batches>},
    {"batch_mean", "1", "Items per batch.", read<&VariantRow::batch_mean>},
    {"loads", "1", "Instances started.", read<&VariantRow::loads>},
    {"cost_attributed_usd", "USD", "Price x share x busy time.", read<&VariantRow::cost_attributed_usd>},
};

/// A table: one dataset per column, all counts or all doubles.
template <class Row>
void write_column(ResultsFile& file, const std::string& path, std::string_view unit, std::string_view help, const std::vector<Row>& rows,
                  const std::function<std::variant<std::uint64_t, double>(const Row&)>& value) {
  std::vector<std::uint64_t> counts;
  std::vector<double> doubles;
  for (const Row& r : rows) {
    const auto x = value(r);
    if (const auto* n = std::get_if<std::uint64_t>(&x))
      counts.push_back(*n);
    else
      doubles.push_back(std::get<double>(x));
  }
  if (!counts.empty())
    file.dataset(path, std::span<const std::uint64_t>(counts), unit, help);
  else
    file.dataset(path, std::span<const double>(doubles), unit, help);
}

template <class Row, class Text>
void write_names(ResultsFile& file, const std::string& path, std::string_view help, const std::vector<Row>& rows, Text text) {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const Row& r : rows) names.emplace_back(text(r));
  file.dataset(path, std::span<const std::string>(names), "", help);
}

void write_rows(ResultsFile& file, const std::string& path, const std::vector<SummaryRow>& rows, MetricScope least) {
  file.group(path);
  if (rows.empty()) return;
  write_names(file, path + "/name", "Name of the row.", rows, [](const SummaryRow& r) { return r.name; });
  if (least == MetricScope::all) write_names(file, path + "/task", "Task of the class.", rows, [](const SummaryRow& r) { return r.task; });
  for (const Metric& m : metrics())
    if (m.scope <= least)
      write_column<SummaryRow>(file, path + "/" + std::string(m.name), m.unit, m.help, rows,
                               [&](const SummaryRow& r) { return m.value(r.metrics); });
}

Json json_of(const std::variant<std::uint64_t, double>& x) {
  if (const auto* n = std::get_if<std::uint64_t>(&x)) return *n;
  const double value = std::get<double>(x);
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

void add_metrics(Json& object, const Metrics& m, MetricScope least) {
  for (const Metric& k : metrics()) {
    if (k.scope > least) continue;
    Json& target = k.object.empty() ? object : object[std::string(k.object)];
    target[std::string(k.member())] = json_of(k.value(m));
  }
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& l : lines) all += l + "\n";
  return all;
}

}  // namespace

std::string compiler_name() {
#if defined(__clang__)
  return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." + std::to_string(__clang_patchlevel__);
#else
  return "gcc " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." + std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

// --- HDF5 ---

void write_run(ResultsFile& file, const RunFacts& facts) {
  file.group("/run");
  file.attribute("/run", "schema_version", results_schema_version);
  file.attribute("/run", "scenario", facts.scenario);
  file.attribute("/run", "program_version", facts.program_version);
  file.attribute("/run", "compiler", facts.compiler);
  file.attribute("/run", "seed", facts.seed);
  file.attribute("/run", "interrupted", facts.interrupted);
  file.attribute("/run", "mode", std::string(facts.is_real ? "real" : "simulated"));
  file.text("/run/configuration", facts.configuration_json, "Effective configuration, as JSON.");
  file.text("/run/overrides", joined(facts.overrides), "Settings of the command line, one a line.");
  file.text("/run/warnings", joined(facts.warnings), "Warnings, one a line.");
  std::string hashes;
  for (const auto& [name, hash] : facts.hashes) hashes += hash + "  " + name + "\n";
  file.text("/run/hashes", hashes, "Hashes of the files that were read, one a line: hash, two blanks, file.");
  if (facts.paths.empty()) return;
  std::string paths;
  for (const auto& [pointer, path] : facts.paths) paths += pointer + "  " + path + "\n";
  file.text("/run/paths", paths, "Where the files lay that the configuration names, one a line: pointer, two blanks, absolute path.");
}

void write_summary(ResultsFile& file, const Summary& summary) {
  file.group("/summary");
  file.attribute("/summary", "window_begin_ns", summary.window_begin.time_since_epoch().count());
  file.attribute("/summary", "window_end_ns", summary.window_end.time_since_epoch().count());
  file.attribute("/summary", "billing", to_string(summary.billing));
  const std::vector<SummaryRow> total{{"total", {}, summary.total}};
  file.group("/summary/total");
  for (const Metric& m : metrics())
    write_column<SummaryRow>(file, "/summary/total/" + std::string(m.name), m.unit, m.help, total,
                             [&](const SummaryRow& r) { return m.value(r.metrics); });
  write_rows(file, "/summary/classes", summary.classes, MetricScope::all);
  write_rows(file, "/summary/tasks", summary.tasks, MetricScope::task);
  const std::string path = "/summary/variants";
  file.group(path);
  if (summary.variants.empty()) return;
  write_names(file, path + "/name", "Name of the variant.", summary.variants, [](const VariantRow& r) { return r.name; });
  write_names(file, path + "/task", "Its task.", summary.variants, [](const VariantRow& r) { return r.task; });
  for (const VariantColumn& c : variant_columns)
    write_column<VariantRow>(file, path + "/" + std::string(c.name), c.unit, c.help, summary.variants, c.value);
  write_names(file, path + "/origin_latency", "Where its latencies come from.", summary.variants,
              [](const VariantRow& r) { return to_string(r.origin_latency); });
  write_names(file, path + "/origin_accuracy", "Where its accuracy comes from.", summary.variants,
              [](const VariantRow& r) { return to_string(r.origin_accuracy); });
}

void write_audit(ResultsFile& file, const AuditResult& audit) {
  file.group("/audit");
  file.attribute("/audit", "passed", audit.passed);
  if (audit.checks.empty()) return;
  std::vector<std::uint8_t> passed;
  for (const Check& c : audit.checks) passed.push_back(c.passed ? 1 : 0);
  write_names(file, "/audit/name", "Name of the check.", audit.checks, [](const Check& c) { return c.name; });
  file.dataset("/audit/passed", std::span<const std::uint8_t>(passed), "1", "Whether it holds.");
  write_names(file, "/audit/detail", "What was compared, or the first fault.", audit.checks, [](const Check& c) { return c.detail; });
}

namespace {

/// A dataset per column in the group.
template <class Column, class Row>
void write_table(ResultsFile& file, const std::string& group, std::span<const Column> columns, const std::vector<Row>& rows) {
  file.group(group);
  for (const Column& c : columns) {
    const std::string path = group + "/" + std::string(c.name);
    const auto write = [&]<class T>(std::vector<T> values) {
      for (const Row& r : rows) values.push_back(std::get<T>(c.value(r)));
      file.dataset(path, std::span<const T>(values), c.unit, c.help);
    };
    switch (c.value(Row{}).index()) {
      case 0:
        write(std::vector<std::int64_t>{});
        break;
      case 1:
        write(std::vector<std::uint64_t>{});
        break;
      default:
        write(std::vector<double>{});
        break;
    }
  }
}

}  // namespace

void write_series(ResultsFile& file, const std::vector<SeriesRow>& rows) { write_table(file, "/series", series_columns(), rows); }

void write_searches(ResultsFile& file, const std::vector<SearchRow>& rows) {
  if (rows.empty()) return;
  write_table(file, "/planner", search_columns(), rows);
  write_names(file, "/planner/status", "How the search ended.", rows, [](const SearchRow& r) { return to_string(r.solution.status); });
}

// --- JSON ---

void write_real(ResultsFile& file, const Json& report) {
  file.group("/real");
  file.text("/real/report", report.dump(2), "What the run saw of itself on this machine, as JSON.");
}

Json summary_json(const Summary& summary, const AuditResult& audit, const Json& real) {
  Json out = Json::object();
  if (!real.is_null()) out["mode"] = "real";
  out["window"] = {{"begin_s", to_seconds(summary.window_begin)}, {"end_s", to_seconds(summary.window_end)}};
  out["billing"] = to_string(summary.billing);
  out["total"] = Json::object();
  add_metrics(out["total"], summary.total, MetricScope::total);
  const auto rows = [&](const std::vector<SummaryRow>& from, MetricScope least) {
    Json list = Json::array();
    for (const SummaryRow& r : from) {
      Json row = {{"name", r.name}};
      if (least == MetricScope::all) row["task"] = r.task;
      add_metrics(row, r.metrics, least);
      list.push_back(std::move(row));
    }
    return list;
  };
  out["classes"] = rows(summary.classes, MetricScope::all);
  out["tasks"] = rows(summary.tasks, MetricScope::task);
  out["variants"] = Json::array();
  for (const VariantRow& r : summary.variants) {
    Json row = {{"name", r.name}, {"task", r.task}};
    for (const VariantColumn& c : variant_columns) row[std::string(c.name)] = json_of(c.value(r));
    row["origin_latency"] = to_string(r.origin_latency);
    row["origin_accuracy"] = to_string(r.origin_accuracy);
    out["variants"].push_back(std::move(row));
  }
  if (const SearchTotals& s = summary.searches; s.searches > 0) {
    out["planner"] = {{"searches", s.searches},
                      {"optimal", s.optimal},
                      {"feasible", s.feasible},
                      {"short_of_demand", s.short_of_demand},
                      {"kept", s.kept}};
    out["planner"]["gap_mean"] = json_of(s.with_gap > 0 ? s.gap_sum / static_cast<double>(s.with_gap) : no_value);
    out["planner"]["gap_max"] = json_of(s.with_gap > 0 ? s.gap_max : no_value);
  }
  Json checks = Json::array();
  for (const Check& c : audit.checks) checks.push_back({{"name", c.name}, {"passed", c.passed}, {"detail", c.detail}});
  out["audit"] = {{"passed", audit.passed}, {"checks", std::move(checks)}};
  if (!real.is_null()) out["real"] = real;
  return out;
}

}  // namespace tideline
