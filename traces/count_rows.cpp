// Format `counts`: how many queries arrived in each second, minute or other bin, in the spellings that papers use.
//
//  - whole numbers separated by blanks, on one line or several: the Twitter, NASA and WorldCup files of IPA and barazmoon. One a second
//    unless bin_s says otherwise.
//  - a list of Python or JSON, "[0, 3, 5]".
//  - a CSV whose header names one of second, minute, hour, day, index, time, timestamp, window_start_s and one of count, value, tweets,
//    requests, invocations, or a rate per second in rate_rps. Times may be dates (NAB: timestamp,value in bins of 5 or 30 minutes; MArk:
//    "%m-%d-%H-%M"). The length of a bin is bin_s, or that of the column's name, or the time between the first two rows. A column of numbers
//    that go up by one counts bins, whatever it is called: the k-th begins at k bin_s (the daily shape of Azure Functions that Loki and
//    DiffServe replay calls 249 s an hour). Where counts are per another time than a bin, count_s says which.
//
// Holes in a recording are written as zeros or left out; `gaps` says what they mean. The Twitter file of August 2021 has one of 29 minutes
// at the end of every day. Bins of a CSV may be in any order, but not twice. Counts may have a fraction.
#include "sim/core/time.h"
#include "sim/model/arrival.h"
#include "traces/bin_reader.h"
#include "traces/format_list.h"
#include "traces/gaps.h"
#include "traces/gzip.h"
#include "traces/named_rows.h"
#include "traces/nanoseconds.h"
#include "traces/reorder.h"
#include "traces/text.h"
#include "traces/timestamp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <stdexcept>

namespace tideline {
namespace {

constexpr double most_queries = 1e9;

struct TimeName {
  std::string_view name;
  std::int64_t bin_s;  // 0: not told by the name
};
constexpr std::array<TimeName, 8> usual_times{
    {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {"index", 0}, {"time", 0}, {"timestamp", 0}, {"window_start_s", 0}}};
constexpr std::array<std::string_view, 6> usual_counts{"count", "value", "tweets", "requests", "invocations", "rate_rps"};

const TimeName* time_of(const TraceHead& head) {
  const auto at = std::find_if(usual_times.begin(), usual_times.end(), [&](const TimeName& t) { return head.has(t.name); });
  return at != usual_times.end() ? &*at : nullptr;
}
std::string count_of(const TraceHead& head) {
  const auto at = std::find_if(usual_counts.begin(), usual_counts.end(), [&](std::string_view name) { return head.has(name); });
  return at != usual_counts.end() ? std::string(*at) : "";
}

bool is_number_like(std::string_view word) { return !word.empty() && word.find_first_not_of("0123456789.+-eE") == std::string_view::npos; }

/// Bins without names.
class PlainBins final : public TraceReader {
 public:
  PlainBins(const TraceFile& file, const ReadParams& params)
      : bin_ns_(params.bin_s > 0 ? from_seconds(params.bin_s).count() : second_ns),
        in_(unpacked(file.open())),
        bins_(read_bins(*in_, bin_ns_, {})) {
    report_.format = "counts";
    if (params.unit != TraceUnit::automatic && params.unit != TraceUnit::s)
      throw std::invalid_argument("unit: counts without a column of times have none: bin_s says how long a bin is, in seconds");
    if (!params.time_column.empty()) throw std::invalid_argument("time_column: counts without a header have no columns");
    if (!params.count_column.empty()) throw std::invalid_argument("count_column: counts without a header have no columns");
    if (params.count_s > 0) factor_ = static_cast<double>(bin_ns_) * 1e-9 / params.count_s;
    if (params.bin_s == 0) report_.note("a count is of a second, as bin_s does not say otherwise");
  }
  bool next(TraceRow& out) override {
    Bin bin;
    if (!bins_->next(bin)) return false;
    ++report_.rows;
    out = TraceRow{};
    out.start_ns = bin.start_ns;
    out.length_ns = bin_ns_;
    out.queries = static_cast<double>(bin.count) * factor_;
    return true;
  }
  const TraceReport& report() const override { return report_; }

 private:
  std::int64_t bin_ns_;
  double factor_ = 1;
  std::unique_ptr<std::istream> in_;
  std::unique_ptr<BinSource> bins_;
  TraceReport report_;
};

/// Bins by the names of columns. The first row waits for the second where only that says how long a bin is.
class NamedBins final : public TraceReader {
 public:
  NamedBins(const TraceFile& file, const TraceHead& head, const ReadParams& params)
      : bin_ns_(from_seconds(params.bin_s).count()), in_(unpacked(file.open())), time_(TraceUnit::s) {
    const TimeName* const usual = time_of(head);
    const std::string time = !params.time_column.empty() ? params.time_column : usual != nullptr ? std::string(usual->name) : "";
    const std::string count = !params.count_column.empty() ? params.count_column : count_of(head);
    if (time.empty()) throw SourceError("no column has a usual name of times, such as second or timestamp: declare time_column");
    if (count.empty()) throw SourceError("no column has a usual name of counts, such as count or value: declare count_column");
    if (params.time_column.empty() && usual != nullptr) {
      unit_ns_ = usual->bin_s * second_ns;
      asks_what_counts_ = unit_ns_ > 0 && bin_ns_ > 0 && bin_ns_ != unit_ns_;
      if (bin_ns_ == 0) bin_ns_ = unit_ns_;
      is_index_ = usual->name == "index";
      if (is_index_ && bin_ns_ == 0) bin_ns_ = second_ns;
      if (is_index_) unit_ns_ = bin_ns_;
    }
    if (unit_ns_ > 0 && params.unit != TraceUnit::automatic && params.unit != TraceUnit::s)
      throw std::invalid_argument("unit: column " + quoted(time) + " says itself what its numbers count");
    assumes_seconds_ = unit_ns_ == 0 && params.unit == TraceUnit::automatic && time != "window_start_s";
    // Numbers in a column of times are seconds unless they are declared otherwise: that is how every file of counts has them.
    if (unit_ns_ == 0) time_ = TimeColumn(params.unit == TraceUnit::automatic ? TraceUnit::s : params.unit);
    per_s_ = count == "rate_rps" ? 1 : params.count_s;
    if (count == "rate_rps" && params.count_s > 0)
      throw std::invalid_argument("count_s: column rate_rps says itself that it is per second");
    name_ = time;
    count_name_ = count;
    const std::array<std::string, 2> wanted{time, count};
    rows_ = std::make_unique<TableRows>(*in_, wanted, wanted.size(), TableRows::Header::required);
    report_.format = "counts";
    std::string names;
    for (const std::string& name : rows_->ignored()) (names += names.empty() ? "" : ", ") += quoted(name);
    if (!names.empty()) report_.note("ignored columns: " + names);
  }

  bool next(TraceRow& out) override {
    if (waiting_) {
      waiting_ = false;
      out = second_;
      return true;
    }
    if (!read(out)) return false;
    if (asks_what_counts_) {
      asks_what_counts_ = false;
      waiting_ = read(second_);
      if (waiting_) decide_what_counts(out);
    } else if (bin_ns_ == 0) {
      waiting_ = read(second_);
      if (!waiting_) throw SourceError("its only row does not say how long a bin is: declare bin_s");
      bin_ns_ = std::abs(second_.start_ns - out.start_ns);
      if (bin_ns_ == 0) throw SourceError("its first two rows are of the same time: declare bin_s");
      report_.note("a bin is " + seconds_text(bin_ns_) + ", the time between the first two rows");
      finish(second_);
    }
    finish(out);
    return true;
  }
  const TraceReport& report() const override {
    told_ = report_;
    if (assumes_seconds_ && time_.has_numbers()) told_.note("times are taken as seconds, as unit does not say otherwise");
    if (std::string remark = time_.remark(); !remark.empty()) told_.note(std::move(remark));
    return told_;
  }
  std::uint64_t row() const override { return rows_->row(); }

 private:
  /// Whether the numbers in the column of times are in its unit, or count bins of another length.
  void decide_what_counts(TraceRow& first) {
    const std::int64_t apart = std::abs(second_.start_ns - first.start_ns);
    if (apart == unit_ns_) {
      for (TraceRow* row : {&first, &second_}) row->start_ns = row->start_ns / unit_ns_ * bin_ns_;
      unit_ns_ = bin_ns_;
      report_.note("column " + quoted(name_) + " counts bins of " + seconds_text(bin_ns_) + ", as its first two rows are one apart");
    }
    finish(second_);
  }
  bool read(TraceRow& out) {
    std::array<std::string_view, 2> cells;
    if (!rows_->next(cells)) return false;
    ++report_.rows;
    out = TraceRow{};
    out.row = static_cast<std::uint32_t>(rows_->row());
    if (unit_ns_ > 0) {
      std::uint64_t number = 0;
      const std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 4 / unit_ns_);
      const NumberFault fault = parse_whole(cells[0], most, number);
      if (fault != NumberFault::none) refuse(name_, cells[0], fault == NumberFault::too_large ? "is beyond 50 years" : describe(fault));
      out.start_ns = static_cast<std::int64_t>(number) * unit_ns_;
    } else {
      const auto at = time_.parse(cells[0]);
      if (!at) refuse(name_, cells[0], time_.fault());
      out.start_ns = *at;
    }
    constexpr std::int64_t longest_ns = 50 * 31'557'600'000'000'000;
    if (out.start_ns > longest_ns || out.start_ns < -longest_ns)
      refuse(name_, cells[0], "is more than 50 years from the start: is the unit right?");
    const char* const end = cells[1].data() + cells[1].size();
    const auto [after, error] = std::from_chars(cells[1].data(), end, out.queries);
    if (cells[1].empty()) refuse(count_name_, cells[1], "is empty");
    if (after != end || error != std::errc{} || !std::isfinite(out.queries)) refuse(count_name_, cells[1], "is not a finite number");
    if (out.queries < 0) refuse(count_name_, cells[1], "is negative");
    if (out.queries > most_queries) refuse(count_name_, cells[1], "is above 1e9");
    return true;
  }
  void finish(TraceRow& row) const {
    row.length_ns = bin_ns_;
    if (per_s_ > 0) row.queries *= static_cast<double>(bin_ns_) * 1e-9 / per_s_;
  }
  [[noreturn]] void refuse(const std::string& column, std::string_view cell, std::string_view what) const {
    throw SourceError("row " + std::to_string(rows_->row()) + ", column " + quoted(column) + ": " + quoted(cell) + " " + std::string(what));
  }

  std::int64_t bin_ns_;
  std::int64_t unit_ns_ = 0;  // of the numbers in the column of times; 0: it has times
  double per_s_ = 0;          // counts are per so many seconds; 0: per bin
  bool is_index_ = false, asks_what_counts_ = false, waiting_ = false;
  std::string name_, count_name_;  // of the columns of times and of counts
  std::unique_ptr<std::istream> in_;
  std::unique_ptr<NamedRows> rows_;
  TimeColumn time_;
  TraceRow second_;
  bool assumes_seconds_ = false;
  TraceReport report_;
  mutable TraceReport told_;
};

}  // namespace

bool has_counts(const TraceHead& head) { return !count_of(head).empty(); }

bool is_plain_counts(const TraceHead& head) {
  if (head.json) return false;
  const std::string_view first = head.first;
  if (first.starts_with('[')) return true;
  if (head.cells.size() != 1 || first.find_first_of(",:") != std::string_view::npos) return false;
  if (first.find_first_not_of("0123456789 \t\r") == std::string_view::npos) return true;
  if (first.find(' ') == std::string_view::npos) return false;
  std::size_t words = 0, numbers = 0;
  constexpr std::size_t looked_at = 16;
  for (std::size_t at = 0; at < first.size() && words < looked_at; ++words) {
    const std::size_t end = std::min(first.find_first_of(" \t", at), first.size());
    numbers += is_number_like(first.substr(at, end - at)) ? 1 : 0;
    at = std::min(first.find_first_not_of(" \t", end), first.size());
  }
  return 2 * numbers > words;
}

const TraceFormatDefinition counts_format{
    "counts",
    "counts of queries per second, minute or bin: numbers, a list, or a CSV with columns such as second,count",
    true,
    [](const TraceHead& head) {
      if (head.json) return false;
      return is_plain_counts(head) || (head.has_header && time_of(head) != nullptr && !count_of(head).empty());
    },
    [](TraceFiles files, const ReadParams& params) -> std::unique_ptr<TraceReader> {
      if (files.size() != 1) throw SourceError("a trace of counts is one file");
      refuse_columns(params, "counts", {"time_column", "count_column"});
      const TraceHead head = head_of(files);
      std::unique_ptr<TraceReader> reader;
      if (is_plain_counts(head))
        reader = std::make_unique<PlainBins>(files.front(), params);
      else
        reader = apart(sorted(std::make_unique<NamedBins>(files.front(), head, params), params.sort_rows), "bin");
      return with_gaps(std::move(reader), params);
    },
    true};

}  // namespace tideline
