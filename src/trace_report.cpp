#include "src/trace_report.h"

#include "src/figures.h"
#include "src/text_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace tideline {
namespace {

constexpr std::size_t keys_shown = 10;

std::string number(double x) { return std::isnan(x) ? "-" : figure::plain(x); }
/// Of what is rare with as many digits as of what is not.
std::string rate(double per_s) {
  if (std::isnan(per_s)) return "-";
  if (!(per_s > 0) || per_s >= 1) return figure::rate(per_s);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%#.3g /s", per_s);
  return text.data();
}
/// Names that begin alike, and those that end alike, stay apart.
std::string shortened(const std::string& name) {
  constexpr std::size_t most = 40, tail = 18;
  return name.size() <= most ? name : name.substr(0, most - tail - 3) + "..." + name.substr(name.size() - tail);
}
Json json_number(double x) { return std::isnan(x) ? Json() : Json(x); }

std::string name_of(std::uint32_t task, std::span<const std::string> tasks) {
  return task < tasks.size() ? tasks[task] : std::to_string(task);
}

Json bins_json(const BinFigures& b) {
  return {{"bin_s", b.bin_s},
          {"bins", b.bins},
          {"peak_to_mean", json_number(b.peak_to_mean)},
          {"dispersion", json_number(b.dispersion)},
          {"lag1_autocorrelation", json_number(b.lag1_autocorrelation)}};
}

}  // namespace

std::string notes_of(const TraceReport& r) {
  std::string out = "format: " + r.format + ", " + std::to_string(r.rows) + " rows";
  if (r.dropped_rows() > 0) out += ", " + std::to_string(r.dropped_rows()) + " dropped";
  if (r.unsorted > 0)
    out += ", " + std::to_string(r.unsorted) + " out of order by up to " + figure::time(static_cast<double>(r.furthest_ns) * 1e-9);
  out += '\n';
  for (const auto& d : r.dropped)
    out += "dropped: " + std::to_string(d.rows) + " for " + d.reason + ", first in row " + std::to_string(d.first_row) + '\n';
  for (const auto& note : r.notes) out += "note: " + note + '\n';
  return out;
}

std::string text_of(const TraceFigures& f, const TraceReport& r) {
  std::string out = notes_of(r) + '\n';
  out += in_columns({{"queries", figure::plain(f.queries)},
                     {"span", figure::time(f.span_s)},
                     {"missing", figure::time(f.missing_s) + (f.missing_stretches > 0 ? " in " + std::to_string(f.missing_stretches) : "")},
                     {"rate", rate(f.rate_qps)},
                     {"CV of times between queries", number(f.gap_cv)},
                     {"autocorrelation at 1 h", number(f.autocorrelation_1h)},
                     {"autocorrelation at 24 h", number(f.autocorrelation_24h)},
                     {"longest silence", figure::time(f.longest_silence_s)}});
  std::vector<std::vector<std::string>> lines{{"bin", "bins", "peak/mean", "dispersion", "autocorrelation at 1 bin", ""}};
  for (const BinFigures* bins : {&f.second, &f.minute, &f.series, &f.hour})
    if (bins->bins > 0)
      lines.push_back({figure::plain(bins->bin_s) + " s", std::to_string(bins->bins), number(bins->peak_to_mean), number(bins->dispersion),
                       number(bins->lag1_autocorrelation), ""});
  out += '\n' + in_columns(lines, "", true);
  if (!std::isnan(f.window_cv_median))
    out += "\nCV of gaps in windows: median " + number(f.window_cv_median) + ", 90 % below " + number(f.window_cv_p90) + '\n';
  if (!std::isnan(f.work_mean)) out += "\nwork: mean " + number(f.work_mean) + ", CV " + number(f.work_cv) + '\n';
  if (!std::isnan(f.slo_mean_s)) out += "\nlatency asked for: mean " + figure::time(f.slo_mean_s) + '\n';
  if (!std::isnan(f.accuracy_mean)) out += "\naccuracy asked for: mean " + figure::accuracy(f.accuracy_mean) + '\n';
  if (f.keys.empty()) return out;
  out += '\n' + std::to_string(f.keys.size()) + (f.keys.size() == 1 ? " key" : " keys");
  if (!std::isnan(f.zipf_exponent))
    out += ", Zipf exponent " + number(f.zipf_exponent) + " over the first " + std::to_string(std::min<std::size_t>(f.keys.size(), 30));
  out += '\n';
  lines = {{"key", "queries", "share", ""}};
  for (std::size_t k = 0; k < std::min(f.keys.size(), keys_shown); ++k) {
    const std::string& name = f.keys[k].name;
    lines.push_back({name.empty() ? "(none)" : shortened(name), figure::plain(f.keys[k].queries), figure::percent(f.keys[k].share), ""});
  }
  out += in_columns(lines, "", true);
  if (f.keys.size() > keys_shown) out += "... and " + std::to_string(f.keys.size() - keys_shown) + " more (--json has all)\n";
  return out;
}

Json json_of(const TraceFigures& f, const TraceReport& r) {
  Json dropped = Json::array(), keys = Json::array();
  for (const auto& d : r.dropped) dropped.push_back({{"reason", d.reason}, {"rows", d.rows}, {"first_row", d.first_row}});
  for (const auto& k : f.keys) keys.push_back({{"name", k.name}, {"queries", k.queries}, {"share", k.share}});
  return {{"format", r.format},
          {"rows", r.rows},
          {"dropped", dropped},
          {"unsorted", r.unsorted},
          {"furthest_out_of_order_s", static_cast<double>(r.furthest_ns) * 1e-9},
          {"notes", r.notes},
          {"queries", f.queries},
          {"span_s", f.span_s},
          {"missing_s", f.missing_s},
          {"missing_stretches", f.missing_stretches},
          {"rate_qps", json_number(f.rate_qps)},
          {"second", bins_json(f.second)},
          {"minute", bins_json(f.minute)},
          {"hour", bins_json(f.hour)},
          {"gap_cv", json_number(f.gap_cv)},
          {"series", bins_json(f.series)},
          {"autocorrelation_1h", json_number(f.autocorrelation_1h)},
          {"autocorrelation_24h", json_number(f.autocorrelation_24h)},
          {"longest_silence_s", f.longest_silence_s},
          {"window_cv_median", json_number(f.window_cv_median)},
          {"window_cv_p90", json_number(f.window_cv_p90)},
          {"work_mean", json_number(f.work_mean)},
          {"work_cv", json_number(f.work_cv)},
          {"slo_mean_s", json_number(f.slo_mean_s)},
          {"accuracy_mean", json_number(f.accuracy_mean)},
          {"zipf_exponent", json_number(f.zipf_exponent)},
          {"keys", keys}};
}

std::string comparison(const TraceFigures& before, const TraceFigures& after, const std::string& second) {
  std::vector<std::vector<std::string>> lines{{"", "trace", second, ""}};
  const auto add = [&](const char* name, const std::string& a, const std::string& b) { lines.push_back({name, a, b, ""}); };
  add("queries", figure::plain(before.queries), figure::plain(after.queries));
  add("span", figure::time(before.span_s), figure::time(after.span_s));
  add("rate", rate(before.rate_qps), rate(after.rate_qps));
  add("peak/mean per minute", number(before.minute.peak_to_mean), number(after.minute.peak_to_mean));
  add("peak/mean per hour", number(before.hour.peak_to_mean), number(after.hour.peak_to_mean));
  add("dispersion at 1 s", number(before.second.dispersion), number(after.second.dispersion));
  add("dispersion at 60 s", number(before.minute.dispersion), number(after.minute.dispersion));
  add("autocorrelation at 1 h of the trace", number(before.autocorrelation_1h), number(after.autocorrelation_1h));
  add("autocorrelation at 24 h of the trace", number(before.autocorrelation_24h), number(after.autocorrelation_24h));
  return in_columns(lines, "", true);
}

std::string text_of(const TaskTableFigures& f, std::span<const std::string> tasks, std::size_t rows) {
  std::string out = std::to_string(f.tasks.size()) + (f.tasks.size() == 1 ? " task" : " tasks");
  if (!std::isnan(f.zipf_exponent)) out += ", Zipf exponent " + number(f.zipf_exponent);
  out += '\n';
  std::vector<std::vector<std::string>> lines{
      {"task", "queries", "rate", "share", "CV of gaps", "peak/mean per " + figure::time(f.bin_s), ""}};
  for (std::size_t k = 0; k < std::min(rows, f.tasks.size()); ++k) {
    const TaskFigures& t = f.tasks[k];
    lines.push_back({name_of(t.task, tasks), std::to_string(t.queries), rate(t.rate_qps), figure::percent(t.share), number(t.gap_cv),
                     number(t.peak_to_mean), ""});
  }
  out += in_columns(lines, "", true);
  if (f.tasks.size() > rows) out += "... and " + std::to_string(f.tasks.size() - rows) + " more\n";
  return out;
}

Json json_of(const TaskTableFigures& f, std::span<const std::string> tasks) {
  Json list = Json::array();
  for (const TaskFigures& t : f.tasks)
    list.push_back({{"task", name_of(t.task, tasks)},
                    {"queries", t.queries},
                    {"rate_qps", t.rate_qps},
                    {"share", t.share},
                    {"gap_cv", json_number(t.gap_cv)},
                    {"peak_to_mean", json_number(t.peak_to_mean)}});
  return {{"span_s", f.span_s}, {"bin_s", f.bin_s}, {"zipf_exponent", json_number(f.zipf_exponent)}, {"tasks", list}};
}

}  // namespace tideline
