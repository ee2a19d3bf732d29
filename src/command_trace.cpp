// tideline trace: what a trace is like.
#include "sim/core/nearest.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/figures.h"
#include "src/hdf5_file.h"
#include "src/json_document.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/text_table.h"
#include "src/trace_files.h"
#include "traces/shape.h"
#include "traces/trace_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

constexpr std::array<std::string_view, 3> actions{"stats", "convert", "formats"};
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

/// Passes rows on and looks at those of the part that is replayed.
class Watched final : public TraceReader {
 public:
  Watched(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceStatistics& statistics)
      : reader_(std::move(reader)),
        from_ns_(from_seconds(params.from_s).count()),
        to_ns_(params.to_s > 0 ? from_seconds(params.to_s).count() : forever.count()),
        from_zero_(params.start == TraceStart::zero),
        statistics_(statistics) {}
  bool next(TraceRow& out) override {
    if (!reader_->next(out)) return false;
    if (!started_) origin_ns_ = from_zero_ ? 0 : out.start_ns;
    started_ = true;
    if (const std::int64_t at = out.start_ns - origin_ns_; at >= from_ns_ && at < to_ns_) statistics_.add(out);
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 private:
  std::unique_ptr<TraceReader> reader_;
  std::int64_t from_ns_, to_ns_, origin_ns_ = 0;
  bool from_zero_, started_ = false;
  TraceStatistics& statistics_;
};

/// Arrivals as a file.
class ArrivalFile {
 public:
  virtual ~ArrivalFile() = default;
  virtual void add(const Arrival& a, const TraceRow& row) = 0;
  /// `tasks`: names of the tasks that arrivals had.
  virtual void finish(std::span<const std::string> tasks) = 0;
};

/// Columns as sources `csv` and `trace` read them.
class ArrivalCsv final : public ArrivalFile {
 public:
  ArrivalCsv(const std::filesystem::path& path, const TraceSource& source, bool has_work)
      : source_(source), has_work_(has_work), file_(path) {}
  void add(const Arrival& a, const TraceRow& row) override {
    if (line_.empty()) {
      has_task_ = a.task != Arrival::unknown;
      has_slo_ = !std::isnan(row.slo_s);
      has_accuracy_ = !std::isnan(row.accuracy);
      file_.out() << "timestamp" << (has_task_ ? ",task" : "") << ",tenant" << (has_work_ ? ",work" : "") << (has_slo_ ? ",slo" : "")
                  << (has_accuracy_ ? ",accuracy" : "") << '\n';
    }
    const std::int64_t ns = a.at.time_since_epoch().count();
    line_ = std::to_string(ns / 1'000'000'000);
    if (const std::int64_t rest = ns % 1'000'000'000; rest != 0) {
      std::string digits = std::to_string(1'000'000'000 + rest);
      digits.erase(digits.find_last_not_of('0') + 1);
      digits[0] = '.';
      line_ += digits;
    }
    if (has_task_) line_ += ',' + (a.task == Arrival::unknown ? std::string() : field(source_.task_names()[a.task]));
    line_ += ',' + std::to_string(a.tenant);
    if (has_work_) line_ += ',' + to_text(static_cast<double>(a.work));
    if (has_slo_) line_ += ',' + (std::isnan(row.slo_s) ? std::string() : to_text(static_cast<double>(row.slo_s)));
    if (has_accuracy_) line_ += ',' + (std::isnan(row.accuracy) ? std::string() : to_text(static_cast<double>(row.accuracy)));
    line_ += '\n';
    file_.out() << line_;
  }
  void finish(std::span<const std::string>) override {
    if (line_.empty()) file_.out() << "timestamp\n";
    file_.publish();
  }

 private:
  /// Readers take no quotes inside a cell.
  static std::string field(std::string name) {
    std::replace(name.begin(), name.end(), '"', '\'');
    return name.find_first_of(", \t") == std::string::npos ? name : '"' + name + '"';
  }

  const TraceSource& source_;
  bool has_work_, has_task_ = false, has_slo_ = false, has_accuracy_ = false;
  PartFile file_;
  std::string line_;
};

class ArrivalHdf5 final : public ArrivalFile {
 public:
  explicit ArrivalHdf5(const std::filesystem::path& path)
      : file_(path),
        group_(file_, "/arrivals",
               {{"at", ColumnType::int64, "ns", "When the query arrives."},
                {"task", ColumnType::int32, "1", "Row of /tasks; -1: none."},
                {"tenant", ColumnType::uint32, "1", "Number of the key of its row in the trace."},
                {"work", ColumnType::float32, "1", "Factor on service time."},
                {"slo", ColumnType::float32, "s", "Latency that the query asks for; NaN: none."},
                {"accuracy", ColumnType::float32, "1", "Accuracy that the query asks for; NaN: none."}}),
        at_(group_.column<std::int64_t>("at")),
        task_(group_.column<std::int32_t>("task")),
        tenant_(group_.column<std::uint32_t>("tenant")),
        work_(group_.column<float>("work")),
        slo_(group_.column<float>("slo")),
        accuracy_(group_.column<float>("accuracy")) {}
  void add(const Arrival& a, const TraceRow& row) override {
    at_.push(a.at.time_since_epoch().count());
    task_.push(a.task == Arrival::unknown ? -1 : static_cast<std::int32_t>(a.task));
    tenant_.push(a.tenant);
    work_.push(a.work);
    slo_.push(row.slo_s);
    accuracy_.push(row.accuracy);
    group_.end_row();
  }
  void finish(std::span<const std::string> tasks) override {
    file_.dataset("/tasks", tasks, "1", "Names of tasks.");
    file_.commit();
  }

 private:
  ResultsFile file_;
  ColumnGroup group_;
  Column<std::int64_t>& at_;
  Column<std::int32_t>& task_;
  Column<std::uint32_t>& tenant_;
  Column<float>&work_, &slo_, &accuracy_;
};

std::string comparison(const TraceFigures& before, const TraceFigures& after) {
  std::vector<std::vector<std::string>> lines{{"", "trace", "written", ""}};
  const auto add = [&](const char* name, const std::string& a, const std::string& b) { lines.push_back({name, a, b, ""}); };
  const auto rate = [](double x) { return std::isnan(x) ? "-" : figure::rate(x); };
  add("queries", figure::plain(before.queries), figure::plain(after.queries));
  add("span", figure::time(before.span_s), figure::time(after.span_s));
  add("rate", rate(before.rate_qps), rate(after.rate_qps));
  add("peak/mean per minute", number(before.minute.peak_to_mean), number(after.minute.peak_to_mean));
  add("peak/mean per hour", number(before.hour.peak_to_mean), number(after.hour.peak_to_mean));
  add("dispersion at 1 s", number(before.second.dispersion), number(after.second.dispersion));
  add("dispersion at 60 s", number(before.minute.dispersion), number(after.minute.dispersion));
  add("autocorrelation at 24 h", number(before.autocorrelation_24h), number(after.autocorrelation_24h));
  return in_columns(lines, "", true);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) out.push_back(word);
  return out;
}

void convert(const std::string& name, const std::vector<std::filesystem::path>& paths, const cxxopts::ParseResult& o) {
  if (o.count("out") == 0) throw InputError("convert needs --out FILE.csv or FILE.h5 (see tideline trace --help)");
  auto params = params_of<TraceParams>(o);
  if (o.count("tasks") > 0) params.tasks = split(o["tasks"].as<std::string>());
  const std::filesystem::path out = o["out"].as<std::string>();
  const bool hdf5 = out.extension() == ".h5";
  if (!hdf5 && out.extension() != ".csv") throw InputError("--out " + out.string() + ": expected a name that ends in .csv or .h5");
  const std::filesystem::path written = output_file(out, paths);
  TraceStatistics before, after;
  const auto report_of = [](const TraceSource& source) { return notes_of(source.reader().report()); };
  try {
    const auto source = shaped(std::make_unique<Watched>(open_trace_files(name, paths, params), params, before), params,
                               Stream(o["seed"].as<std::uint64_t>(), "arrivals", 0));
    std::unique_ptr<ArrivalFile> file;
    if (hdf5)
      file = std::make_unique<ArrivalHdf5>(written);
    else
      file = std::make_unique<ArrivalCsv>(written, *source, params.work_mean > 0);
    TraceRow row;
    row.queries = 0;
    after.add(row);  // counted from 0
    row.queries = 1;
    for (Arrival a; source->next(a);) {
      file->add(a, source->row());
      row.start_ns = a.at.time_since_epoch().count();
      after.add(row);
    }
    const std::span<const std::string> tasks = source->task_names();
    file->finish(tasks);
    const TraceFigures read = before.figures({});
    if (std::isnan(read.gap_cv)) {
      // Bins that are silent at the end make it longer than up to the last query.
      row.start_ns = 0;
      row.length_ns = from_seconds(read.span_s * params.time_scale).count();
      row.queries = 0;
      after.add(row);
    }
    std::cout << report_of(*source) << '\n' << comparison(read, after.figures({})) << "written: " << written.string() << '\n';
  } catch (const SourceError& e) {
    throw InputError(name + ": " + e.what());
  } catch (const std::invalid_argument& e) {
    throw InputError(std::string(e.what()));
  }
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
                           "Say what a trace is like, or write its arrivals.\n"
                           "  stats FILE...    rate, burstiness, daily pattern and shares; several files, or a folder, are one trace\n"
                           "  convert FILE...  write the arrivals that the parameters make of it, and say what they did to the statistics\n"
                           "  formats          list the formats that can be read\n");
  options.add_options()("action", "What to do: stats, convert, formats", cxxopts::value<std::string>(), "ACTION")(
      "files", "Files of one trace, also packed with gzip, or a folder of them", cxxopts::value<std::vector<std::string>>(), "FILE...")(
      "format", "Format of the files; told by their first rows where it is not given", cxxopts::value<std::string>(), "NAME")(
      "unit", "Unit of times that are numbers: s, ms, us, ns", cxxopts::value<std::string>(), "UNIT")(
      "param", "A parameter of source trace, such as gaps=missing or time_column=when", cxxopts::value<std::vector<std::string>>(),
      "NAME=VALUE")("json", "Print the statistics as JSON")("out", "What convert writes, FILE.csv or FILE.h5",
                                                            cxxopts::value<std::string>(), "FILE")(
      "tasks", "Tasks that convert maps keys to, with commas between them", cxxopts::value<std::string>(), "LIST")(
      "seed", "Of what convert draws", cxxopts::value<std::uint64_t>()->default_value("1"), "N");
  options.parse_positional({"action", "files"});
  options.positional_help("stats|convert FILE...");
  const auto parsed =
      parse_options(options, arguments,
                    "  tideline trace stats traces/samples/per_second.csv\n"
                    "  tideline trace stats twitter.txt.gz --param gaps=missing --json\n"
                    "  tideline trace stats requests.jsonl --unit ms --param work_column=output_length\n"
                    "  tideline trace convert servegen/m-small --param rate_scale=0.001 --param to_s=86400 --out day.csv\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("action") == 0) throw InputError("needs an action: stats, convert or formats (see tideline trace --help)");
  const auto action = o["action"].as<std::string>();
  if (action == "formats") {
    std::cout << formats_text();
    return 0;
  }
  if (std::find(actions.begin(), actions.end(), action) == actions.end())
    throw InputError("unknown action '" + action + "'" + suggestion(action, actions) + " (see tideline trace --help)");
  if (o.count("files") == 0) throw InputError("no trace given (see tideline trace --help)");
  const auto words = o["files"].as<std::vector<std::string>>();
  const std::string name = words.size() == 1 ? words.front() : words.front() + " and " + std::to_string(words.size() - 1) + " more";
  if (action == "convert")
    convert(name, {words.begin(), words.end()}, o);
  else
    stats(name, {words.begin(), words.end()}, o);
  return 0;
}

}  // namespace tideline
