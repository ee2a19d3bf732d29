#include "traces/events.h"

#include "sim/model/arrival.h"
#include "traces/format_list.h"
#include "traces/gzip.h"
#include "traces/named_rows.h"
#include "traces/names.h"
#include "traces/reorder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <stdexcept>

namespace tideline {
namespace {

constexpr std::size_t most_keys = std::size_t{1} << 20;
constexpr float greatest_work = 1e12F;  // that of the parameter work_mean
constexpr float greatest_bytes = 4e9F;  // those of an arrival are 32 bits

class EventReader final : public TraceReader {
 public:
  /// `time`: whose zero other readers share. `one_of_many`: errors begin with the name of the file.
  EventReader(TraceFiles files, EventColumns columns, const ReadParams& params, std::shared_ptr<TimeColumn> time, bool one_of_many)
      : files_(std::move(files)),
        columns_(std::move(columns)),
        keep_failed_(params.keep_failed),
        one_of_many_(one_of_many),
        time_(std::move(time)),
        duration_(unit_of(columns_, params)),
        slo_(unit_of(columns_, params)) {
    const auto declared = [](std::string& mine, const std::string& users) {
      if (!users.empty()) mine = users;
    };
    declared(columns_.time, params.time_column);
    declared(columns_.work, params.work_column);
    declared(columns_.slo, params.slo_column);
    declared(columns_.accuracy, params.accuracy_column);
    declared(columns_.bytes, params.bytes_column);
    if (!params.key_column.empty()) columns_.key = {params.key_column};
    refuse_bins(params, columns_.format);
    refuse_columns(params, columns_.format, {"time_column", "key_column", "work_column", "slo_column", "accuracy_column", "bytes_column"});
    time_at_ = want(columns_.time);
    for (const std::string& name : columns_.needed) want(name);
    // What the user names has to be there; what the format names may be missing.
    for (const std::string* name :
         {&params.key_column, &params.work_column, &params.slo_column, &params.accuracy_column, &params.bytes_column})
      if (!name->empty()) want(*name);
    required_ = wanted_.size();
    for (const std::string& name : columns_.key) key_at_.push_back(want(name));
    if (!columns_.duration.empty()) duration_at_ = want(columns_.duration);
    if (!columns_.status.empty()) status_at_ = want(columns_.status);
    if (!columns_.work.empty()) work_at_ = want(columns_.work);
    if (!columns_.slo.empty()) slo_at_ = want(columns_.slo);
    if (!columns_.accuracy.empty()) accuracy_at_ = want(columns_.accuracy);
    if (!columns_.bytes.empty()) bytes_at_ = want(columns_.bytes);
    cells_.resize(wanted_.size());
    report_.format = columns_.format;
    if (!columns_.note.empty()) report_.note(columns_.note);
    if (!columns_.file_key.empty()) keys_.add(columns_.file_key);
    open_next();
  }

  bool next(TraceRow& out) override {
    try {
      for (;;) {
        if (!rows_->next(cells_)) {
          if (!open_next()) return false;
          continue;
        }
        ++report_.rows;
        if (read(out)) return true;
      }
    } catch (const SourceError& e) {
      throw with_name(e);
    }
  }
  std::span<const std::string> keys() const override { return keys_.names(); }
  const TraceReport& report() const override {
    told_ = report_;
    if (std::string remark = time_->remark(); !remark.empty()) told_.note(std::move(remark));
    return told_;
  }
  std::uint64_t row() const override { return rows_->row(); }

  static TraceUnit unit_of(const EventColumns& columns, const ReadParams& params) {
    return params.unit != TraceUnit::automatic ? params.unit : columns.unit;
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  std::size_t want(const std::string& name) {
    for (std::size_t k = 0; k < wanted_.size(); ++k)
      if (wanted_[k] == name) return k;
    wanted_.push_back(name);
    return wanted_.size() - 1;
  }

  SourceError with_name(const SourceError& e) const { return one_of_many_ ? SourceError(files_[file_ - 1].name + ": " + e.what()) : e; }

  bool open_next() {
    if (file_ == files_.size()) return false;
    rows_.reset();
    const TraceFile& file = files_[file_++];
    stream_ = unpacked(file.open());
    try {
      using Rows = EventColumns::Rows;
      if (columns_.rows == Rows::json)
        rows_ = std::make_unique<JsonRows>(*stream_, wanted_);
      else
        rows_ = std::make_unique<TableRows>(*stream_, wanted_, required_,
                                            columns_.rows == Rows::table ? TableRows::Header::required : TableRows::Header::none,
                                            columns_.buffer);
    } catch (const SourceError& e) {
      throw with_name(e);
    }
    std::string names;
    for (const std::string& name : columns_.needed)
      if (!is_used(name)) (names += names.empty() ? "" : ", ") += quoted(name);
    for (const std::string& name : rows_->ignored()) (names += names.empty() ? "" : ", ") += quoted(name);
    if (!names.empty()) report_.note("ignored columns: " + names);
    return true;
  }

  bool is_used(const std::string& name) const {
    for (const std::string* used :
         {&columns_.duration, &columns_.status, &columns_.work, &columns_.slo, &columns_.accuracy, &columns_.bytes})
      if (*used == name) return true;
    return std::find(columns_.key.begin(), columns_.key.end(), name) != columns_.key.end();
  }

  bool read(TraceRow& out) {
    out = TraceRow{};
    const std::string_view time = cells_[time_at_];
    const auto at = time_->parse(time);
    if (!at) refuse(time_at_, time_->fault());
    if (!started_) {
      started_ = true;
      if (!time_->assumption().empty()) report_.note(time_->assumption());
    }
    out.start_ns = *at;
    if (duration_at_ != none) {
      const auto length = duration_.parse_length(cells_[duration_at_]);
      if (!length) refuse(duration_at_, duration_.fault());
      // Rounding of the published numbers leaves some a little before the start of the trace.
      out.start_ns -= *length;
    }
    if (status_at_ != none && !keep_failed_ && columns_.failed(cells_[status_at_])) {
      reason_.assign(columns_.status).append(" ").append(cells_[status_at_].empty() ? "is empty" : cells_[status_at_]);
      report_.drop(reason_, rows_->row());
      return false;
    }
    if (!columns_.file_key.empty())
      out.key = 0;
    else if (key_at_.size() == 1)
      out.key = key_of(cells_[key_at_[0]]);
    else if (!key_at_.empty())
      out.key = joined_key();
    if (work_at_ != none) {
      out.work = number(work_at_);
      // Queries that failed have no work where their results are counted.
      if (out.work == 0 && !keep_failed_)
        refuse(work_at_, "is not above 0; keep_failed=true takes such rows, with the least work there is");
      if (out.work > greatest_work) refuse(work_at_, "is above 1e12");
    }
    if (slo_at_ != none) out.slo_s = slo();
    if (accuracy_at_ != none) {
      out.accuracy = number(accuracy_at_);
      if (out.accuracy > 1) refuse(accuracy_at_, "is above 1: an accuracy is a share, 0 .. 1, and not percent");
    }
    if (bytes_at_ != none) {
      out.bytes = number(bytes_at_);
      if (out.bytes > greatest_bytes) refuse(bytes_at_, "is above 4e9 bytes");
    }
    return true;
  }

  std::uint32_t key_of(std::string_view name) {
    if (name.empty()) return TraceRow::no_key;
    const std::uint32_t known = keys_.find(name);
    if (known != NameTable::none) return known;
    if (keys_.names().size() == most_keys) refuse(key_at_[0], "is one name more than the 1048576 supported: is this the column of keys?");
    return keys_.add(name);
  }
  std::uint32_t joined_key() {
    key_.clear();
    for (const std::size_t k : key_at_) (key_ += key_.empty() ? "" : "/") += cells_[k];
    return key_of(key_);
  }

  float number(std::size_t at) const {
    const std::string_view cell = cells_[at];
    if (cell.empty()) return TraceRow::unknown;
    float value = 0;
    const char* const end = cell.data() + cell.size();
    const auto [after, error] = std::from_chars(cell.data(), end, value);
    if (after != end || error != std::errc{} || !std::isfinite(value)) refuse(at, "is not a finite number");
    if (value < 0) refuse(at, "is negative");
    return value;
  }
  float slo() {
    if (cells_[slo_at_].empty()) return TraceRow::unknown;
    const auto length = slo_.parse_length(cells_[slo_at_]);
    if (!length) refuse(slo_at_, slo_.fault());
    return static_cast<float>(static_cast<double>(*length) * 1e-9);
  }

  [[noreturn]] void refuse(std::size_t at, std::string_view what) const {
    throw SourceError("row " + std::to_string(rows_->row()) + ", column " + quoted(wanted_[at]) + ": " + quoted(cells_[at]) + " " +
                      std::string(what));
  }

  TraceFiles files_;
  EventColumns columns_;
  bool keep_failed_, one_of_many_;
  std::shared_ptr<TimeColumn> time_;
  TimeColumn duration_, slo_;
  std::vector<std::string> wanted_;
  std::size_t required_ = 0;
  std::size_t time_at_ = 0, duration_at_ = none, status_at_ = none, work_at_ = none, slo_at_ = none, accuracy_at_ = none, bytes_at_ = none;
  std::vector<std::size_t> key_at_;
  std::vector<std::string_view> cells_;
  std::size_t file_ = 0;  // those opened so far
  std::unique_ptr<std::istream> stream_;
  std::unique_ptr<NamedRows> rows_;
  NameTable keys_;
  TraceReport report_;
  mutable TraceReport told_;
  bool started_ = false;
  std::string key_, reason_;  // kept for their memory
};

}  // namespace

std::unique_ptr<TraceReader> read_events(TraceFiles files, EventColumns columns, const ReadParams& params) {
  const auto time = std::make_shared<TimeColumn>(EventReader::unit_of(columns, params));
  // As many as may be open at once.
  constexpr std::size_t most_merged = 128, small_buffer = std::size_t{1} << 16, wide = 8;
  constexpr std::uint32_t least_window = 1024;
  const std::size_t count = files.size();
  if (count == 1 || count > most_merged) {
    const bool one_of_many = columns.one_of_many || count > 1;
    return std::make_unique<EventReader>(std::move(files), std::move(columns), params, time, one_of_many);
  }
  columns.buffer = std::min(columns.buffer, small_buffer);
  const std::string format = columns.format;
  const auto shared = static_cast<std::uint32_t>(std::uint64_t{params.sort_rows} * wide / std::max(count, wide));
  const std::uint32_t window = std::min(params.sort_rows, std::max(shared, least_window));
  std::vector<std::unique_ptr<TraceReader>> readers;
  for (TraceFile& file : files) {
    TraceFiles one;
    one.push_back(std::move(file));
    readers.push_back(sorted(std::make_unique<EventReader>(std::move(one), columns, params, time, true), window));
  }
  return merged(std::move(readers), format);
}

}  // namespace tideline
