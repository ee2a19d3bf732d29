#include "src/table.h"

#include "src/figures.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

using namespace figure;

constexpr std::size_t label_width = 31, column_width = 22;

/// A line of the table: which metric, and how it is written.
struct TableLine {
  std::string_view label, metric;
  std::string (*text)(double);
};
constexpr TableLine lines[] = {
    {"Queries arrived", "queries_arrived", count},
    {"  served", "queries_served", count},
    {"  late", "queries_late", count},
    {"  dropped", "queries_dropped", count},
    {"  rejected", "queries_rejected", count},
    {"  lost or unfinished", "queries_lost", count},
    {"SLO attainment", "slo_attainment", percent},
    {"  worst hour", "slo_attainment_worst_hour", percent},
    {"  weighted by accuracy", "accuracy_weighted_attainment", percent},
    {"Goodput", "goodput_qps", rate},
    {"Effective accuracy", "effective_accuracy", accuracy},
    {"  at or above the floor", "accuracy_floor_attainment", percent},
    {"  largest drop", "accuracy_drop_max", accuracy},
    {"Latency p50", "latency_p50_s", time},
    {"  p99", "latency_p99_s", time},
    {"  mean", "latency_mean_s", time},
    {"Misses", "queries_missed", count},
    {"  by load", "misses_load", count},
    {"  by queue", "misses_queue", count},
    {"  by network", "misses_network", count},
    {"  by service", "misses_service", count},
    {"  dropped", "misses_dropped", count},
    {"  rejected", "misses_rejected", count},
    {"  no feasible variant", "misses_no_feasible_variant", count},
    {"  lost", "misses_lost", count},
    {"  unfinished", "misses_unfinished", count},
    {"Cost", "cost_usd", dollars},
    {"  idle", "cost_idle_usd", dollars},
    {"Energy", "energy_j", energy},
    {"Utilization", "utilization", percent},
    {"Items per batch", "batch_mean", plain},
    {"Cold starts", "cold_starts", count},
    {"  queries delayed by a load", "queries_delayed_by_load", count},
    {"Loads", "loads", count},
    {"Evictions", "evictions", count},
};

double value_of(const Summary& s, std::string_view name) {
  for (const Metric& m : metrics())
    if (m.name == name) return std::visit([](auto x) { return static_cast<double>(x); }, m.value(s.total));
  return no_value;
}

std::string cell(std::string_view text, std::size_t width) {
  std::string out(text.size() > width - 2 ? text.substr(0, width - 2) : text);
  return std::string(width - out.size(), ' ') + out;
}

std::string label(std::string_view text) { return std::string(text) + std::string(label_width - std::min(label_width, text.size()), ' '); }

}  // namespace

std::string comparison_table(std::span<const TableRun> runs) {
  std::string out = label("");
  for (const TableRun& r : runs) out += cell(r.name, column_width);
  out += "\n";
  for (const TableLine& line : lines) {
    const bool misses = line.metric.starts_with("misses_");
    // Accuracies of several tasks are made comparable: each over the best of its task.
    const bool relative = line.metric == "effective_accuracy" &&
                          std::any_of(runs.begin(), runs.end(), [](const TableRun& r) { return r.summary->tasks.size() > 1; });
    std::string row = label(relative ? "Effective accuracy (of best)" : line.label);
    bool shown = !misses;  // a cause that no run knows needs no line
    for (const TableRun& r : runs) {
      double x = value_of(*r.summary, line.metric);
      if (line.metric == "queries_lost") x += static_cast<double>(r.summary->total.queries_unfinished);
      shown = shown || x > 0;
      row += cell(std::isnan(x) ? "-" : line.text(x), column_width);
    }
    if (shown) out += row + "\n";
  }
  for (const TableRun& r : runs) {
    out += "audit: ";
    if (r.audit == nullptr) {
      out += "not made";
    } else if (r.audit->passed) {
      out += "passed";
    } else {
      out += "FAILED";
      for (const Check& c : r.audit->checks)
        if (!c.passed) out += "; " + c.name + ": " + c.detail;
    }
    if (runs.size() > 1) out += " (" + r.name + ")";
    out += "\n";
  }
  return out;
}

}  // namespace tideline
