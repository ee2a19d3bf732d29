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
#include "src/run_once.h"
#include "src/scenario.h"
#include "src/scenario_files.h"
#include "src/text_table.h"
#include "src/trace_files.h"
#include "src/trace_report.h"
#include "src/trace_watch.h"
#include "traces/modulated.h"
#include "traces/rescale.h"
#include "traces/shape.h"
#include "traces/task_table.h"
#include "traces/text.h"
#include "traces/trace_fit.h"
#include "traces/trace_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tideline {

namespace {

constexpr std::array<std::string_view, 5> actions{"stats", "convert", "fit", "workload", "formats"};
constexpr std::size_t tasks_shown = 40;

std::string formats_text() {
  std::vector<std::vector<std::string>> lines;
  for (const TraceFormatDefinition* f : trace_formats()) lines.push_back({std::string(f->name), std::string(f->help)});
  return in_columns(lines);
}

/// Of parameters that shape arrivals, where only the rows of a trace are looked at.
void refuse_shaping(const Json& given, const std::string& action) {
  const param::Value of_reader = param::effective(ReadParams{}), of_source = param::effective(TraceParams{});
  const auto has = [](const param::Value& all, const std::string& name) {
    const auto& members = std::get<param::Object>(all.data);
    return std::any_of(members.begin(), members.end(), [&](const auto& member) { return member.first == name; });
  };
  for (const auto& [name, value] : given.items())
    if (has(of_source, name) && !has(of_reader, name))
      throw InputError("--param " + name + ": " + action + " looks at the trace as it is; convert and runs of source trace take " + name);
}

/// Parameters by their names, as words NAME=VALUE give them.
template <class Params>
Params params_of(const cxxopts::ParseResult& o, const std::string& action) {
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
  if constexpr (!std::is_same_v<Params, TraceParams>) refuse_shaping(given, action);
  Problems problems;
  const auto params = param::bind<Params>(to_value(given), "", problems);
  if (problems.empty()) return params;
  std::string text;
  for (const Problem& p : problems.list())
    (text += text.empty() ? "" : "\n") += "--param " + p.pointer.substr(p.pointer.empty() ? 0 : 1) + ": " + p.message;
  throw InputError(text);
}

/// The seed of what is drawn, which is that of scenarios too.
std::uint64_t seed_of(const cxxopts::ParseResult& o) {
  if (o.count("seed") == 0) return 1;
  const std::string word = o["seed"].as<std::vector<std::string>>().back();
  std::uint64_t seed = 0;
  if (parse_whole(word, ~std::uint64_t{0}, seed) != NumberFault::none) throw InputError("--seed " + word + ": expected a whole number");
  return seed;
}

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
  ArrivalCsv(const std::filesystem::path& path, const TraceSource& source, bool has_work, bool has_bytes)
      : source_(source), has_work_(has_work), has_bytes_(has_bytes), file_(path) {}
  void add(const Arrival& a, const TraceRow& row) override {
    if (line_.empty()) {
      has_task_ = a.task != Arrival::unknown;
      has_slo_ = !std::isnan(row.slo_s);
      has_accuracy_ = !std::isnan(row.accuracy);
      file_.out() << "timestamp" << (has_task_ ? ",task" : "") << ",tenant" << (has_bytes_ ? ",bytes" : "") << (has_work_ ? ",work" : "")
                  << (has_slo_ ? ",slo" : "") << (has_accuracy_ ? ",accuracy" : "") << '\n';
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
    if (has_bytes_) line_ += ',' + (a.payload_bytes == Arrival::unknown ? std::string() : std::to_string(a.payload_bytes));
    if (has_work_) line_ += ',' + to_text(static_cast<double>(a.work));
    if (has_slo_) line_ += ',' + (std::isnan(row.slo_s) ? std::string() : to_text(static_cast<double>(row.slo_s)));
    if (has_accuracy_) line_ += ',' + (std::isnan(row.accuracy) ? std::string() : to_text(static_cast<double>(row.accuracy)));
    line_ += '\n';
    file_.out() << line_;
  }
  void finish(std::span<const std::string>) override { file_.publish(); }

 private:
  /// Readers take no quotes inside a cell.
  static std::string field(std::string name) {
    std::replace(name.begin(), name.end(), '"', '\'');
    return name.find_first_of(", \t") == std::string::npos ? name : '"' + name + '"';
  }

  const TraceSource& source_;
  bool has_work_, has_bytes_, has_task_ = false, has_slo_ = false, has_accuracy_ = false;
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
                {"bytes", ColumnType::uint32, "B", "Payload of the query; 4294967295: not known."},
                {"work", ColumnType::float32, "1", "Factor on service time."},
                {"slo", ColumnType::float32, "s", "Latency that the query asks for; NaN: none."},
                {"accuracy", ColumnType::float32, "1", "Accuracy that the query asks for; NaN: none."}}),
        at_(group_.column<std::int64_t>("at")),
        task_(group_.column<std::int32_t>("task")),
        tenant_(group_.column<std::uint32_t>("tenant")),
        bytes_(group_.column<std::uint32_t>("bytes")),
        work_(group_.column<float>("work")),
        slo_(group_.column<float>("slo")),
        accuracy_(group_.column<float>("accuracy")) {}
  void add(const Arrival& a, const TraceRow& row) override {
    at_.push(a.at.time_since_epoch().count());
    task_.push(a.task == Arrival::unknown ? -1 : static_cast<std::int32_t>(a.task));
    tenant_.push(a.tenant);
    bytes_.push(a.payload_bytes);
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
  Column<std::uint32_t>&tenant_, &bytes_;
  Column<float>&work_, &slo_, &accuracy_;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) out.push_back(word);
  return out;
}

/// A conversion was interrupted.
struct Interrupted {};

/// Stops where the program is interrupted: a trace may be read several times before the first query is written.
class Interruptible final : public TraceReader {
 public:
  explicit Interruptible(std::unique_ptr<TraceReader> reader) : reader_(std::move(reader)) {}
  bool next(TraceRow& out) override {
    if (interrupted) throw Interrupted{};
    return reader_->next(out);
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }
  std::uint64_t row() const override { return reader_->row(); }

 private:
  std::unique_ptr<TraceReader> reader_;
};

/// What a file of arrivals cannot hold of the trace: that nobody knows what arrived in some of it.
std::string note_on_holes(const TraceFigures& read) {
  if (read.missing_stretches == 0) return {};
  const bool one = read.missing_stretches == 1;
  return "note: " + std::to_string(read.missing_stretches) + (one ? " hole" : " holes") + " of the trace, " + figure::time(read.missing_s) +
         " in all, " + (one ? "was" : "were") + " not recorded; what is written has no queries there and cannot hold that they are " +
         "missing: who reads it takes them for silence\n";
}

int convert(const std::string& name, const std::vector<std::filesystem::path>& paths, const cxxopts::ParseResult& o) {
  if (o.count("out") == 0) throw InputError("convert needs --out FILE.csv or FILE.h5 (see tideline trace --help)");
  auto params = params_of<TraceParams>(o, "convert");
  if (o.count("tasks") > 0) params.tasks = split(o["tasks"].as<std::string>());
  const std::filesystem::path out = o["out"].as<std::string>();
  const bool hdf5 = out.extension() == ".h5";
  if (!hdf5 && out.extension() != ".csv") throw InputError("--out " + out.string() + ": expected a name that ends in .csv or .h5");
  const std::filesystem::path written = output_file(out, paths);
  catch_interrupts();  // before anything is made that an interrupt would leave behind
  TraceWatch watch;
  const auto report_of = [](const TraceSource& source) { return notes_of(source.reader().report()); };
  try {
    // It may be opened several times; the last reading is the one that is shaped.
    const OpenTrace open = [&] { return watched(std::make_unique<Interruptible>(open_trace_files(name, paths, params)), params, watch); };
    const auto source = shaped(open, params, Stream(seed_of(o), "arrivals", 0));
    TaskTable by_task;
    bool has_tasks = false;
    Time last{};
    std::uint64_t written_queries = 0;
    std::unique_ptr<ArrivalFile> file;
    if (hdf5)
      file = std::make_unique<ArrivalHdf5>(written);
    else
      file =
          std::make_unique<ArrivalCsv>(written, *source, params.work_mean > 0 || !params.work_column.empty(), !params.bytes_column.empty());
    ArrivalStatistics after(params.time_scale, watch);
    for (Arrival a; source->next(a);) {
      if (interrupted) throw Interrupted{};
      file->add(a, source->row());
      if (a.task != Arrival::unknown) {
        has_tasks = true;
        by_task.add(a.task, a.at);
      }
      last = a.at;
      after.add(a);
      ++written_queries;
    }
    refuse_empty(name, source->reader().report());
    if (written_queries == 0) {
      const TraceReport& r = source->reader().report();
      throw InputError(name + (r.dropped_rows() == r.rows
                                   ? ": all " + std::to_string(r.rows) + " rows are dropped, the first for " + r.dropped.front().reason
                                   : std::string(": no query is left of it: are from_s, to_s and rate_scale right?")));
    }
    const std::span<const std::string> tasks = source->task_names();
    file->finish(tasks);
    const TraceFigures read = watch.before.figures({});
    std::cout << report_of(*source) << note_on_holes(read) << '\n' << comparison(read, after.figures(read), "written");
    if (has_tasks) std::cout << '\n' << text_of(by_task.figures(last), tasks, tasks_shown) << '\n';
    std::cout << "written: " << written.string() << '\n';
    return 0;
  } catch (const Interrupted&) {
    std::cerr << "tideline: interrupted: nothing was written\n";
    return 130;
  } catch (const SourceError& e) {
    throw InputError(name + ": " + e.what());
  } catch (const std::invalid_argument& e) {
    throw InputError(std::string(e.what()));
  }
}

/// Queries per whole bin from the first row on; null where part of a bin was not recorded. A last bin that the trace does not fill is left
/// out: its count is of less time.
class BinCounts {
 public:
  explicit BinCounts(double bin_s) : bin_s_(bin_s), bin_ns_(from_seconds(bin_s).count()) {}
  void add(const TraceRow& row) {
    if (!started_) first_ns_ = row.start_ns;
    started_ = true;
    const std::int64_t from = row.start_ns - first_ns_, end = from + row.length_ns;
    end_ns_ = std::max(end_ns_, end);
    for (std::int64_t k = from / bin_ns_; k == from / bin_ns_ || k * bin_ns_ < end; ++k) {
      if (k >= most_bins) throw InputError("--bins: makes more than " + std::to_string(most_bins) + " bins: longer ones are needed");
      if (static_cast<std::size_t>(k) >= counts_.size()) counts_.resize(static_cast<std::size_t>(k) + 1);
      const std::int64_t inside = std::min(end, (k + 1) * bin_ns_) - std::max(from, k * bin_ns_);
      double& count = counts_[static_cast<std::size_t>(k)];
      if (row.missing)
        count = TraceRow::unknown;
      else
        count += row.length_ns == 0 ? row.queries : row.queries * static_cast<double>(inside) / static_cast<double>(row.length_ns);
    }
  }
  Json json() const {
    Json list = Json::array();
    const auto whole = static_cast<std::size_t>(end_ns_ / bin_ns_);
    for (std::size_t k = 0; k < std::min(whole, counts_.size()); ++k) list.push_back(std::isnan(counts_[k]) ? Json() : Json(counts_[k]));
    return {{"bin_s", bin_s_}, {"first_s", static_cast<double>(first_ns_) * 1e-9}, {"queries", list}};
  }

 private:
  static constexpr std::int64_t most_bins = 1'000'000;
  double bin_s_;
  std::int64_t bin_ns_, first_ns_ = 0, end_ns_ = 0;
  bool started_ = false;
  std::vector<double> counts_;
};

void stats(const std::string& name, const std::vector<std::filesystem::path>& paths, const cxxopts::ParseResult& o) {
  const auto reader = open_trace_files(name, paths, params_of<ReadParams>(o, "stats"));
  TraceStatistics statistics;
  std::optional<BinCounts> bins;
  if (o.count("bins") > 0) {
    const double bin_s = o["bins"].as<double>();
    if (!(bin_s >= 1e-3 && bin_s <= 3e7)) throw InputError("--bins " + to_text(bin_s) + ": expected 0.001 .. 3e7 seconds");
    if (o.count("json") == 0) throw InputError("--bins adds to what --json prints: give that too");
    bins.emplace(bin_s);
  }
  for (TraceRow row; reader->next(row);) {
    statistics.add(row);
    if (bins) bins->add(row);
  }
  refuse_empty(name, reader->report());
  const TraceFigures figures = statistics.figures(reader->keys());
  if (o.count("json") > 0) {
    Json out = json_of(figures, reader->report());
    if (bins) out["bins"] = bins->json();
    std::cout << out.dump(2) << '\n';
  } else {
    std::cout << text_of(figures, reader->report());
  }
}

/// Queries that are drawn of a fitted source.
constexpr double most_drawn = 2e7;

/// Shares and gaps of the largest tenants, as fitted to the trace and as drawn.
std::string tenants_compared(const ModulatedParams& fitted, const std::vector<double>& drawn, const TraceFit& gaps) {
  constexpr std::size_t most_shown = 12;
  if (drawn.empty()) return {};
  const double all = std::accumulate(drawn.begin(), drawn.end(), 0.0);
  std::vector<std::vector<std::string>> table{{"tenant", "share", "of the fitted source", "CV of gaps", "of the fitted source"}};
  for (std::size_t k = 0; k < std::min(drawn.size(), most_shown); ++k)
    table.push_back({fitted.tenants[k].empty() ? "(without a name)" : fitted.tenants[k], figure::percent(fitted.tenant_shares[k]),
                     figure::percent(drawn[k] / all), figure::plain(fitted.tenant_cvs[k]),
                     drawn[k] > 0 ? figure::plain(gaps.gap_cv(static_cast<std::uint32_t>(k))) : std::string("-")});
  const std::string more =
      drawn.size() > most_shown ? "and " + std::to_string(drawn.size() - most_shown) + " smaller tenants\n" : std::string();
  return '\n' + in_columns(table, {}, true) + more + '\n';
}

void fit(const std::string& name, const std::vector<std::filesystem::path>& paths, const cxxopts::ParseResult& o) {
  if (o.count("out") == 0) throw InputError("fit needs --out FILE.json (see tideline trace --help)");
  const auto params = params_of<ReadParams>(o, "fit");
  const std::filesystem::path out = output_file(o["out"].as<std::string>(), paths);
  try {
    const auto reader = open_trace_files(name, paths, params);
    TraceStatistics statistics;
    TraceFit fit;
    for (TraceRow row; reader->next(row);) {
      statistics.add(row);
      fit.add(row);
    }
    refuse_empty(name, reader->report());
    const TraceFigures before = statistics.figures(reader->keys());
    const FittedSource fitted = fit.fit(before, reader->keys());
    // More than can be drawn in some seconds is drawn at a lower rate: what the rate does stays, and what gaps do.
    ModulatedParams slower = fitted.params;
    slower.rate_scale = std::min(1.0, most_drawn / (fitted.params.mean_qps * before.span_s));
    const auto source = make_modulated(slower, Stream(seed_of(o), "arrivals", 0));
    TraceStatistics drawn;
    TraceFit again;
    std::vector<double> by_tenant(fitted.params.tenants.size());
    TraceRow row;
    row.queries = 0;
    drawn.add(row);
    row.queries = 1;
    const Time end = Time{} + from_seconds(before.span_s);
    for (Arrival a; source->next(a) && a.at < end;) {
      row.start_ns = a.at.time_since_epoch().count();
      drawn.add(row);
      if (by_tenant.empty()) continue;
      ++by_tenant[a.tenant];
      row.key = a.tenant;
      again.add(row);
      row.key = TraceRow::no_key;
    }
    row.start_ns = 0;
    row.length_ns = (end - Time{}).count();
    row.queries = 0;
    drawn.add(row);
    const std::string entry = o["entry"].as<std::string>();
    Json params_json = to_json(param::effective(fitted.params));
    const param::Value defaults = param::effective(ModulatedParams{});
    for (const auto& [key, value] : std::get<param::Object>(defaults.data))
      if (params_json.contains(key) && params_json[key] == to_json(value)) params_json.erase(key);
    const Json layer{{"workload", Json::array({Json{{"name", entry}, {"source", "modulated"}, {"params", params_json}}})}};
    write_whole(out, layer.dump(2) + '\n');
    std::cout << notes_of(reader->report());
    for (const auto& note : fitted.notes) std::cout << "note: " << note << '\n';
    TraceFigures after = drawn.figures({});
    if (slower.rate_scale < 1) {
      std::cout << "note: the source was drawn at " << figure::percent(slower.rate_scale) << " of its rate; what follows is scaled back\n";
      after.queries /= slower.rate_scale;
      after.rate_qps /= slower.rate_scale;
      for (BinFigures* bins : {&after.second, &after.minute})
        if (!std::isnan(bins->dispersion))
          bins->dispersion = fitted.gap_dispersion + (bins->dispersion - fitted.gap_dispersion) / slower.rate_scale;
    }
    // What the trace does not tell was not fitted.
    if (std::isnan(before.second.dispersion)) after.second = {};
    if (std::isnan(before.minute.dispersion)) after.minute = {};
    std::cout << '\n'
              << comparison(before, after, "fitted source") << tenants_compared(fitted.params, by_tenant, again)
              << "written: " << out.string() << " (tideline run SCENARIO --with " << out.string() << ", for its entry " << in_quotes(entry)
              << " of the workload)\n";
  } catch (const SourceError& e) {
    throw InputError(name + ": " + e.what());
  } catch (const std::invalid_argument& e) {
    throw InputError(name + ": " + e.what());
  }
}

/// Refuses options that another action takes, which would do nothing.
void refuse_unused(const cxxopts::ParseResult& o, const std::string& action) {
  struct Use {
    const char* option;
    std::vector<std::string_view> by;
  };
  static const std::vector<Use> uses{{"format", {"stats", "convert", "fit"}},
                                     {"unit", {"stats", "convert", "fit"}},
                                     {"param", {"stats", "convert", "fit"}},
                                     {"json", {"stats", "workload"}},
                                     {"bins", {"stats"}},
                                     {"out", {"convert", "fit"}},
                                     {"entry", {"fit"}},
                                     {"tasks", {"convert"}}};
  for (const Use& use : uses) {
    if (o.count(use.option) == 0 || std::find(use.by.begin(), use.by.end(), action) != use.by.end()) continue;
    std::string by;
    for (std::size_t k = 0; k < use.by.size(); ++k) by += (k == 0 ? "" : k + 1 == use.by.size() ? " and " : ", ") + std::string(use.by[k]);
    throw InputError(std::string("--") + use.option + ": " + action + " does not take it; " + by + (use.by.size() == 1 ? " does" : " do") +
                     " (see tideline trace --help)");
  }
}

/// What a scenario's workload is by task, over its warm-up and window.
void workload(const std::string& path, const cxxopts::ParseResult& o, const PolicyRegistry& registry) {
  Scenario scenario = read_scenario(path, layers_of(o), registry);
  for (EntrySpec& e : scenario.entries) e.tells_scaling = true;
  const Time end = Time{} + scenario.options.warmup + scenario.options.duration;
  std::vector<std::string> tasks;
  for (const Task& t : scenario.catalog.tasks) tasks.push_back(t.name);
  Json all = Json::array();
  for (std::size_t k = 0; k < scenario.entries.size(); ++k) {
    const EntrySpec& e = scenario.entries[k];
    const auto source = open_source(e, scenario.options.seed, k);
    TaskTable table;
    const auto task_of = [&](const Arrival& a) {
      const std::size_t t = a.task == Arrival::unknown ? 0 : a.task;
      return static_cast<std::uint32_t>(scenario.classes[e.classes[t][0].cls.index()].task.index());
    };
    for (Arrival a; source->next(a) && a.at < end;) table.add(task_of(a), a.at);
    const TaskTableFigures figures = table.figures(end);
    if (o.count("json") > 0) {
      all.push_back({{"entry", e.name}, {"workload", json_of(figures, tasks)}});
      continue;
    }
    std::cout << (k > 0 ? "\n" : "") << e.name << ": " << text_of(figures, tasks, tasks_shown);
    if (const std::string remark = source->remark(); !remark.empty()) std::cout << "note: " << remark << '\n';
  }
  if (o.count("json") > 0) std::cout << all.dump(2) << '\n';
}

}  // namespace

int command_trace(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline trace",
                           "Say what a trace is like, or write its arrivals.\n"
                           "  stats FILE...    rate, burstiness, daily pattern and shares; several files, or a folder, are one trace\n"
                           "  convert FILE...  write the arrivals that the parameters make of it, and say what they did to the statistics\n"
                           "  fit FILE...      write a source that is like it, and say how like\n"
                           "  workload FILE    say what the workload of a scenario asks by task: rates, popularity, burstiness\n"
                           "  formats          list the formats that can be read\n");
  options.add_options()("action", "What to do: stats, convert, fit, workload, formats", cxxopts::value<std::string>(), "ACTION")(
      "files", "Files of one trace, also packed with gzip, or a folder of them", cxxopts::value<std::vector<std::string>>(), "FILE...")(
      "format", "Format of the files; told by their first rows where it is not given", cxxopts::value<std::string>(), "NAME")(
      "unit", "Unit of times that are numbers: s, ms, us, ns", cxxopts::value<std::string>(), "UNIT")(
      "param", "A parameter of source trace (traces/README.md has all), such as gaps=missing or time_column=when",
      cxxopts::value<std::vector<std::string>>(), "NAME=VALUE")("json", "Print the statistics as JSON")(
      "bins", "With --json: counts in bins of so many seconds too", cxxopts::value<double>(), "SECONDS")(
      "out", "What convert writes, FILE.csv or FILE.h5, or fit, a layer for scenarios", cxxopts::value<std::string>(), "FILE")(
      "entry", "Entry of a workload whose source fit writes", cxxopts::value<std::string>()->default_value("fitted"), "NAME")(
      "tasks", "Tasks that convert maps keys to, with commas between them", cxxopts::value<std::string>(), "LIST");
  add_layer_options(options);
  options.parse_positional({"action", "files"});
  options.positional_help("stats|convert|fit|workload FILE...");
  const auto parsed = parse_options(
      options, arguments,
      "  tideline trace stats traces/samples/per_second.csv\n"
      "  tideline trace stats twitter.txt.gz --param gaps=missing --json\n"
      "  tideline trace stats requests.jsonl --unit ms --param work_column=output_length\n"
      "  tideline trace convert servegen/m-small --tasks detect-voc --param placement=law --param rate_scale=0.001 --out day.csv\n"
      "  tideline trace fit servegen/m-small --entry detect --out source.json\n"
      "  tideline trace workload quickstart --trace cameras=day.csv\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("action") == 0) throw InputError("needs an action: stats, convert, fit, workload or formats (see tideline trace --help)");
  const auto action = o["action"].as<std::string>();
  if (std::find(actions.begin(), actions.end(), action) == actions.end())
    throw InputError("unknown action '" + action + "'" + suggestion(action, actions) + " (see tideline trace --help)");
  refuse_unused(o, action);
  if (action == "formats") {
    std::cout << formats_text();
    return 0;
  }
  if (o.count("files") == 0) throw InputError("no trace given (see tideline trace --help)");
  const auto words = o["files"].as<std::vector<std::string>>();
  const std::string name = words.size() == 1 ? words.front() : words.front() + " and " + std::to_string(words.size() - 1) + " more";
  const auto layers = layers_of(o);
  if (action != "workload" && std::any_of(layers.begin(), layers.end(), [](const Layer& l) { return l.kind != LayerKind::seed; }))
    throw InputError("only workload takes options that change scenarios (see tideline trace --help)");
  if (action == "workload" && words.size() != 1) throw InputError("workload takes one scenario, not " + std::to_string(words.size()));
  if (action == "convert") return convert(name, {words.begin(), words.end()}, o);
  if (action == "fit")
    fit(name, {words.begin(), words.end()}, o);
  else if (action == "workload")
    workload(find_scenario(words.front()), o, registry);
  else
    stats(name, {words.begin(), words.end()}, o);
  return 0;
}

}  // namespace tideline
