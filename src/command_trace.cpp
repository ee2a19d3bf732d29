// tideline trace: what a trace is like.
#include "sim/core/nearest.h"
#include "src/errors.h"
#include "src/figures.h"
#include "src/json_document.h"
#include "src/options.h"
#include "src/text_table.h"
#include "src/trace_files.h"
#include "traces/trace_statistics.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

constexpr std::array<std::string_view, 2> actions{"stats", "formats"};
constexpr std::size_t keys_shown = 10;

std::string formats_text() {
  std::vector<std::vector<std::string>> lines;
  for (const TraceFormatDefinition* f : trace_formats()) lines.push_back({std::string(f->name), std::string(f->help)});
  return in_columns(lines);
}

/// Parameters by their names, as words NAME=VALUE give them.
template <class Params>
Params params_of(const cxxopts::ParseResult& o) {
  Json given = Json::object();
  const auto put = [&](const std::string& name, const std::string& text) {
    if (given.contains(name)) throw InputError("--param " + name + " comes twice");
    Json value = Json::parse(text, nullptr, false);
    given[name] = value.is_discarded() ? Json(text) : std::move(value);
  };
  if (o.count("param") > 0)
    for (const auto& word : o["param"].as<std::vector<std::string>>()) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) throw InputError("--param " + word + ": expected NAME=VALUE");
      put(word.substr(0, equals), word.substr(equals + 1));
    }
  for (const char* name : {"format", "unit"})
    if (o.count(name) > 0) put(name, o[name].as<std::string>());
  Problems problems;
  const auto params = param::bind<Params>(to_value(given), "", problems);
  if (problems.empty()) return params;
  std::string text;
  for (const Problem& p : problems.list())
    (text += text.empty() ? "" : "\n") += "--param " + p.pointer.substr(p.pointer.empty() ? 0 : 1) + ": " + p.message;
  throw InputError(text);
}

std::string number(double x) { return std::isnan(x) ? "-" : figure::plain(x); }
Json json_number(double x) { return std::isnan(x) ? Json() : Json(x); }

std::string text_of(const TraceFigures& f, const TraceReport& r) {
  std::string out = "format: " + r.format + ", " + std::to_string(r.rows) + " rows";
  if (r.dropped_rows() > 0) out += ", " + std::to_string(r.dropped_rows()) + " dropped";
  if (r.unsorted > 0)
    out += ", " + std::to_string(r.unsorted) + " out of order by up to " + figure::time(static_cast<double>(r.furthest_ns) * 1e-9);
  out += '\n';
  for (const auto& d : r.dropped)
    out += "dropped: " + std::to_string(d.rows) + " for " + d.reason + ", first in row " + std::to_string(d.first_row) + '\n';
  for (const auto& note : r.notes) out += "note: " + note + '\n';
  out += '\n';
  out += in_columns({{"queries", figure::plain(f.queries)},
                     {"span", figure::time(f.span_s)},
                     {"missing", figure::time(f.missing_s) + (f.missing_stretches > 0 ? " in " + std::to_string(f.missing_stretches) : "")},
                     {"rate", std::isnan(f.rate_qps) ? "-" : figure::rate(f.rate_qps)},
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
    lines.push_back({name.empty()       ? "(none)"
                     : name.size() > 40 ? name.substr(0, 37) + "..."
                                        : name,
                     figure::plain(f.keys[k].queries), figure::percent(f.keys[k].share), ""});
  }
  out += in_columns(lines, "", true);
  if (f.keys.size() > keys_shown) out += "... and " + std::to_string(f.keys.size() - keys_shown) + " more (--json has all)\n";
  return out;
}

Json json_of(const BinFigures& b) {
  return {{"bin_s", b.bin_s},
          {"bins", b.bins},
          {"peak_to_mean", json_number(b.peak_to_mean)},
          {"dispersion", json_number(b.dispersion)},
          {"lag1_autocorrelation", json_number(b.lag1_autocorrelation)}};
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
          {"second", json_of(f.second)},
          {"minute", json_of(f.minute)},
          {"hour", json_of(f.hour)},
          {"gap_cv", json_number(f.gap_cv)},
          {"series", json_of(f.series)},
          {"autocorrelation_1h", json_number(f.autocorrelation_1h)},
          {"autocorrelation_24h", json_number(f.autocorrelation_24h)},
          {"longest_silence_s", f.longest_silence_s},
          {"work_mean", json_number(f.work_mean)},
          {"work_cv", json_number(f.work_cv)},
          {"slo_mean_s", json_number(f.slo_mean_s)},
          {"accuracy_mean", json_number(f.accuracy_mean)},
          {"zipf_exponent", json_number(f.zipf_exponent)},
          {"keys", keys}};
}

void stats(const std::string& name, const std::vector<std::filesystem::path>& paths, const cxxopts::ParseResult& o) {
  const auto reader = open_trace_files(name, paths, params_of<ReadParams>(o));
  TraceStatistics statistics;
  for (TraceRow row; reader->next(row);) statistics.add(row);
  const TraceFigures figures = statistics.figures(reader->keys());
  if (o.count("json") > 0)
    std::cout << json_of(figures, reader->report()).dump(2) << '\n';
  else
    std::cout << text_of(figures, reader->report());
}

}  // namespace

int command_trace(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline trace",
                           "Say what a trace is like.\n"
                           "  stats FILE...  rate, burstiness, daily pattern and shares; several files, or a folder, are one trace\n"
                           "  formats        list the formats that can be read\n");
  options.add_options()("action", "What to do: stats, formats", cxxopts::value<std::string>(), "ACTION")(
      "files", "Files of one trace, also packed with gzip, or a folder of them", cxxopts::value<std::vector<std::string>>(), "FILE...")(
      "format", "Format of the files; told by their first rows where it is not given", cxxopts::value<std::string>(), "NAME")(
      "unit", "Unit of times that are numbers: s, ms, us, ns", cxxopts::value<std::string>(), "UNIT")(
      "param", "A parameter of source trace, such as gaps=missing or time_column=when", cxxopts::value<std::vector<std::string>>(),
      "NAME=VALUE")("json", "Print JSON");
  options.parse_positional({"action", "files"});
  options.positional_help("stats FILE...");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline trace stats traces/samples/per_second.csv\n"
                                    "  tideline trace stats twitter.txt.gz --param gaps=missing --json\n"
                                    "  tideline trace stats requests.jsonl --unit ms --param work_column=output_length\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("action") == 0) throw InputError("needs an action: stats or formats (see tideline trace --help)");
  const auto action = o["action"].as<std::string>();
  if (action == "formats") {
    std::cout << formats_text();
    return 0;
  }
  if (action != "stats") throw InputError("unknown action '" + action + "'" + suggestion(action, actions) + " (see tideline trace --help)");
  if (o.count("files") == 0) throw InputError("no trace given (see tideline trace --help)");
  const auto words = o["files"].as<std::vector<std::string>>();
  stats(words.size() == 1 ? words.front() : words.front() + " and " + std::to_string(words.size() - 1) + " more",
        {words.begin(), words.end()}, o);
  return 0;
}

}  // namespace tideline
