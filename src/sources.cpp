// Opens arrival sources: gives readers their file and puts its name into what they report.
#include "src/blocks.h"
#include "src/errors.h"
#include "src/scenario.h"
#include "src/trace_files.h"
#include "src/trace_report.h"
#include "src/trace_watch.h"
#include "traces/task_table.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace tideline {

namespace {

/// A source that goes by faster.
class Faster final : public ArrivalSource {
 public:
  Faster(std::unique_ptr<ArrivalSource> source, double speedup) : source_(std::move(source)), speedup_(speedup) {}
  bool next(Arrival& out) override {
    if (!source_->next(out)) return false;
    out.at = Time{} + sooner(out.at - Time{});
    return true;
  }
  bool next_expected(Expected& out) override {
    if (!source_->next_expected(out)) return false;
    out.like.at = Time{} + sooner(out.like.at - Time{});
    out.length = sooner(out.length);
    return true;
  }
  std::span<const std::string> task_names() const override { return source_->task_names(); }
  double mean_qps(Time from, Time to) const override {
    return speedup_ * source_->mean_qps(from == never ? never : Time{} + later_by(from), to == never ? never : Time{} + later_by(to));
  }
  std::string remark() const override { return source_->remark(); }

 private:
  Duration sooner(Duration d) const { return from_seconds(to_seconds(d) / speedup_); }
  Duration later_by(Time t) const { return from_seconds(to_seconds(t - Time{}) * speedup_); }

  std::unique_ptr<ArrivalSource> source_;
  double speedup_;
};

/// A trace of any format, whose errors name its file.
class AnyTrace final : public ArrivalSource {
 public:
  /// `tells_scaling`: `remark` says what scaling did to the statistics.
  AnyTrace(const EntrySpec& entry, const TraceParams& params, Stream stream, bool needs_task, bool tells_scaling)
      : path_(entry.file.string()),
        params_(params),
        needs_task_(needs_task),
        tells_scaling_(tells_scaling),
        after_(params.time_scale, watch_) {
    const OpenTrace open = [this, file = entry.file] {
      auto reader = open_trace_files(path_, {file}, params_);
      return tells_scaling_ ? watched(std::move(reader), params_, watch_) : std::move(reader);
    };
    try {
      source_ = shaped(open, params_, stream);
    } catch (const SourceError& e) {
      throw InputError(path_ + ": " + e.what());
    }
  }
  AnyTrace(const AnyTrace&) = delete;
  AnyTrace& operator=(const AnyTrace&) = delete;
  bool next(Arrival& out) override {
    if (!checked([&] { return source_->next(out); }, out)) return false;
    if (tells_scaling_) after_.add(out);
    return true;
  }
  bool next_expected(Expected& out) override {
    return checked([&] { return source_->next_expected(out); }, out.like);
  }
  std::span<const std::string> task_names() const override { return source_->task_names(); }
  double mean_qps(Time, Time) const override { return 0; }
  std::string remark() const override {
    const TraceReport& r = source_->reader().report();
    std::string out = path_ + " was read as " + r.format;
    for (const auto& d : r.dropped) out += "; " + std::to_string(d.rows) + " rows dropped for " + d.reason;
    if (r.unsorted > 0) out += "; " + std::to_string(r.unsorted) + " rows put in order";
    for (const auto& note : r.notes) out += "; " + note;
    if (!tells_scaling_) return out;
    TraceStatistics all = watch_.before;
    const TraceFigures before = all.figures({});
    out += "\nwhat scaling did to its statistics, as far as it was read:\n" + comparison(before, after_.figures(before), "scaled");
    out.pop_back();
    return out;
  }

 private:
  template <class Read>
  bool checked(Read read, const Arrival& out) const {
    try {
      if (!read()) {
        refuse_empty(path_, source_->reader().report());
        return false;
      }
    } catch (const SourceError& e) {
      throw InputError(path_ + ": " + e.what());
    }
    if (needs_task_ && out.task == Arrival::unknown)
      throw InputError(path_ + ": a row says no task: give the entry of the workload a \"task\", or params a \"map\"");
    return true;
  }

  std::string path_;
  TraceParams params_;
  bool needs_task_, tells_scaling_;
  TraceWatch watch_;
  ArrivalStatistics after_;
  std::unique_ptr<TraceSource> source_;
};

/// Says at the end how queries were spread over tasks.
class ByTask final : public ArrivalSource {
 public:
  ByTask(std::unique_ptr<ArrivalSource> source, std::vector<std::string> tasks) : source_(std::move(source)), tasks_(std::move(tasks)) {}
  bool next(Arrival& out) override {
    if (!source_->next(out)) return false;
    if (out.task != Arrival::unknown) table_.add(out.task, out.at);
    last_ = out.at;
    return true;
  }
  bool next_expected(Expected& out) override { return source_->next_expected(out); }
  std::span<const std::string> task_names() const override { return source_->task_names(); }
  double mean_qps(Time from, Time to) const override { return source_->mean_qps(from, to); }
  std::string remark() const override {
    constexpr std::size_t shown = 10;
    std::string out = source_->remark();
    const TaskTableFigures figures = table_.figures(last_);
    if (figures.tasks.empty()) return out;
    out += (out.empty() ? "queries by task, as far as they were read: " : "\nqueries by task, as far as they were read: ") +
           text_of(figures, tasks_, shown);
    out.pop_back();
    return out;
  }

 private:
  std::unique_ptr<ArrivalSource> source_;
  std::vector<std::string> tasks_;
  TaskTable table_;
  Time last_{};
};

/// Gives queries that say nothing of their size one that is drawn.
class Payloads final : public ArrivalSource {
 public:
  Payloads(std::unique_ptr<ArrivalSource> source, double mean_bytes, const Law& law, std::uint64_t seed, std::size_t index)
      : source_(std::move(source)), mean_bytes_(mean_bytes), law_(law), draws_(seed, "payload", index) {}
  bool next(Arrival& out) override {
    if (!source_->next(out)) return false;
    if (out.payload_bytes == Arrival::unknown) {
      KeyedDraw draw(draws_(), Purpose::row, 0);
      out.payload_bytes = static_cast<std::uint32_t>(std::min(std::round(mean_bytes_ * law_.sample(draw)), 4e9));
    }
    return true;
  }
  bool next_expected(Expected& out) override { return source_->next_expected(out); }
  std::span<const std::string> task_names() const override { return source_->task_names(); }
  double mean_qps(Time from, Time to) const override { return source_->mean_qps(from, to); }
  std::string remark() const override { return source_->remark(); }

 private:
  std::unique_ptr<ArrivalSource> source_;
  double mean_bytes_;
  Law law_;
  Stream draws_;
};

/// A source that owns the file it reads.
class FileSource final : public ArrivalSource {
 public:
  /// `needs_task`: every row has to name one.
  /// `skip`: what comes before is left out, what comes then is time 0.
  FileSource(std::string path, std::unique_ptr<std::ifstream> file, std::unique_ptr<ArrivalSource> reader, bool needs_task, Duration skip)
      : path_(std::move(path)), file_(std::move(file)), reader_(std::move(reader)), needs_task_(needs_task), skip_(skip) {}
  bool next(Arrival& out) override {
    do {
      if (!checked([&] { return reader_->next(out); }, out)) return false;
      out.at -= skip_;
    } while (out.at < Time{});
    return true;
  }
  bool next_expected(Expected& out) override {
    for (;;) {
      if (!checked([&] { return reader_->next_expected(out); }, out.like)) return false;
      out.like.at -= skip_;
      if (out.like.at >= Time{}) return true;
      const Duration left = out.like.at + out.length - Time{};
      if (left <= Duration{}) continue;
      out.queries *= to_seconds(left) / to_seconds(out.length);
      out.length = left;
      out.like.at = Time{};
      return true;
    }
  }
  std::span<const std::string> task_names() const override { return reader_->task_names(); }
  double mean_qps(Time from, Time to) const override { return reader_->mean_qps(from + skip_, to + skip_); }

 private:
  template <class Read>
  bool checked(Read read, const Arrival& out) const {
    try {
      if (!read()) return false;
      if (needs_task_ && out.task == Arrival::unknown)
        throw InputError(path_ + ": has no column of tasks: give the entry of the workload a \"task\"");
      return true;
    } catch (const SourceError& e) {
      throw InputError(path_ + ": " + e.what());
    }
  }

  std::string path_;
  std::unique_ptr<std::ifstream> file_;
  std::unique_ptr<ArrivalSource> reader_;
  bool needs_task_;
  Duration skip_;
};

template <class Params, class Make>
std::unique_ptr<ArrivalSource> open_file(const EntrySpec& entry, const Params& params, Stream stream, Make make) {
  const std::string path = entry.file.string();
  std::error_code ignored;
  if (std::filesystem::is_directory(entry.file, ignored)) throw WorldError("cannot read trace " + path + ": it is a folder");
  auto file = std::make_unique<std::ifstream>(entry.file, std::ios::binary);
  if (!*file) throw WorldError("cannot read trace " + path + ": " + std::strerror(errno));
  try {
    auto reader = make(params, *file, stream);
    return std::make_unique<FileSource>(path, std::move(file), std::move(reader), entry.classes.size() > 1 && !entry.popularity,
                                        entry.skip);
  } catch (const SourceError& e) {
    throw InputError(path + ": " + e.what());
  }
}

std::unique_ptr<ArrivalSource> open_plain(const EntrySpec& entry, std::uint64_t seed, std::size_t index) {
  const Stream stream(seed, "arrivals", index);
  if (const auto* p = std::get_if<PoissonParams>(&entry.params)) return make_poisson(*p, stream);
  if (const auto* p = std::get_if<DiurnalParams>(&entry.params)) return make_diurnal(*p, stream);
  if (const auto* p = std::get_if<GammaParams>(&entry.params)) return make_gamma(*p, stream);
  if (const auto* p = std::get_if<WeibullParams>(&entry.params)) return make_weibull(*p, stream);
  if (const auto* p = std::get_if<MmppParams>(&entry.params)) return make_mmpp(*p, stream);
  if (const auto* p = std::get_if<RampParams>(&entry.params)) return make_ramp(*p, stream);
  if (const auto* p = std::get_if<SpikeParams>(&entry.params)) return make_spike(*p, stream);
  if (const auto* p = std::get_if<FlashCrowdParams>(&entry.params)) return make_flash_crowd(*p, stream);
  if (const auto* p = std::get_if<ModulatedParams>(&entry.params)) return make_modulated(*p, stream);
  const bool needs_task = entry.classes.size() > 1 && !entry.popularity;
  if (const auto* p = std::get_if<TraceParams>(&entry.params)) {
    std::unique_ptr<ArrivalSource> source = std::make_unique<AnyTrace>(entry, *p, stream, needs_task, entry.tells_scaling && is_scaled(*p));
    if (entry.block == Duration{}) return source;
    return in_blocks(std::move(source), entry.block, entry.block_of, entry.block_draw);
  }
  const auto* csv = std::get_if<CsvParams>(&entry.params);
  auto file = csv != nullptr ? open_file(entry, *csv, stream, make_csv)
                             : open_file(entry, std::get<CountsParams>(entry.params), stream, make_counts);
  if (entry.block == Duration{}) return file;
  return in_blocks(std::move(file), entry.block, entry.block_of, entry.block_draw);
}

}  // namespace

std::unique_ptr<ArrivalSource> open_source(const EntrySpec& entry, std::uint64_t seed, std::size_t index) {
  try {
    auto source = open_plain(entry, seed, index);
    if (entry.popularity)
      source = with_popularity(std::move(source), *entry.popularity, entry.classes.size(), Stream(seed, "tasks", index),
                               Stream(seed, "ranks", index));
    if (entry.payload_law) source = std::make_unique<Payloads>(std::move(source), entry.payload_bytes, *entry.payload_law, seed, index);
    if (!entry.surges.empty()) source = with_surges(std::move(source), entry.surges, Stream(seed, "surges", index));
    if (!entry.told_tasks.empty()) source = std::make_unique<ByTask>(std::move(source), entry.told_tasks);
    if (entry.speedup != 1) source = std::make_unique<Faster>(std::move(source), entry.speedup);
    return source;
  } catch (const std::invalid_argument& e) {
    throw InputError("workload '" + entry.name + "': " + e.what());
  }
}

}  // namespace tideline
