#include "traces/csv.h"

#include "sim/core/nearest.h"
#include "traces/names.h"
#include "traces/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace tideline {
namespace {

/// A factor on service time beyond this is a mistake in units.
constexpr float most_work = 1e6F;

enum Column : int { column_timestamp, column_task, column_bytes, column_items, column_work, column_tenant };
constexpr const auto& column_names = csv_columns;
constexpr std::size_t default_columns = 3;  // a file without a header has at most the first three
constexpr std::size_t most_tasks = 65536;

int decimals_of(TimeUnit unit) { return unit == TimeUnit::s ? 9 : unit == TimeUnit::ms ? 6 : unit == TimeUnit::us ? 3 : 0; }

class CsvSource final : public ArrivalSource {
 public:
  CsvSource(const CsvParams& params, std::istream& in, Stream stream)
      : decimals_(decimals_of(params.unit)),
        start_(params.start),
        scale_(params.scale),
        tasks_are_given_(!params.tasks.empty()),
        stream_(stream),
        reader_(in) {
    for (const std::string& task : params.tasks) {
      if (task.empty()) throw std::invalid_argument("tasks: a name is empty");
      if (tasks_.find(task) != NameTable::none) throw std::invalid_argument("tasks: '" + task + "' comes twice");
      tasks_.add(task);
    }
    if (!reader_.data_line(first_row_)) return;
    if (looks_like_header(first_row_)) {
      columns_ = match_columns(first_row_, reader_.row(), column_names, params.ignore);
      if (std::find(columns_.begin(), columns_.end(), column_timestamp) == columns_.end()) {
        throw SourceError("row " + std::to_string(reader_.row()) + " (header): there is no column 'timestamp'");
      }
    } else {
      assume_default_columns();
      first_row_is_data_ = true;
    }
  }

  bool next(Arrival& out) override {
    std::string_view line;
    do {
      if (first_row_is_data_) {
        line = first_row_;
        first_row_is_data_ = false;
      } else if (!reader_.data_line(line)) {
        return false;
      }
      parse(line, out);
    } while (scale_ < 1 && uniform01(stream_) >= scale_);
    return true;
  }
  std::span<const std::string> task_names() const override { return tasks_.names(); }
  double mean_qps(Time, Time) const override { return 0; }

 private:
  /// A header names a known column, or at least starts with what cannot be meant as a number.
  static bool looks_like_header(std::string_view line) {
    Cells cells(line, 1);
    std::string_view cell, first;
    for (bool is_first = true; cells.next(cell); is_first = false) {
      if (is_first) first = cell;
      if (std::find(column_names.begin(), column_names.end(), cell) != column_names.end()) return true;
    }
    std::int64_t ns;
    const NumberFault fault = parse_ns(first, 0, ns);
    const bool starts_like_number = !first.empty() && std::string_view("0123456789+-.").find(first[0]) != std::string_view::npos;
    return fault == NumberFault::not_a_number && !starts_like_number;
  }

  void assume_default_columns() {
    Cells cells(first_row_, reader_.row());
    std::string_view cell;
    for (int k = 0; cells.next(cell); ++k) {
      if (k == static_cast<int>(default_columns)) {
        throw SourceError(at_row() +
                          ": without a header there are at most the columns timestamp, task, bytes; name the columns in a header");
      }
      std::int64_t ns;
      if (k == column_task && parse_ns(cell, 0, ns) == NumberFault::none) {
        throw SourceError(at_row() + ": without a header the second column is the task, but " + quoted(cell) +
                          " is a number; name the columns in a header such as 'timestamp,bytes'");
      }
      columns_.push_back(k);
    }
  }

  void parse(std::string_view line, Arrival& out) {
    out = Arrival{};
    Cells cells(line, reader_.row());
    std::string_view cell;
    for (const int column : columns_) {
      if (!cells.next(cell)) refuse_width(line);
      if (column == column_timestamp) {
        out.at = time_of(cell);
      } else if (column >= 0 && !cell.empty()) {
        parse_optional(column, cell, out);
      }
    }
    if (cells.next(cell)) refuse_width(line);
  }

  Time time_of(std::string_view cell) {
    std::int64_t ns = 0;
    const NumberFault fault = parse_ns(cell, decimals_, ns);
    if (fault != NumberFault::none) {
      refuse(column_timestamp, cell, fault == NumberFault::too_large ? "is beyond 292 years: is the unit right?" : describe(fault));
    }
    if (!started_) {
      started_ = true;
      origin_ns_ = start_ == TraceStart::first ? ns : 0;
    } else if (ns < last_ns_) {
      throw SourceError(at_row() + ": time " + seconds_text(ns) + " is before " + seconds_text(last_ns_) + " of row " +
                        std::to_string(last_row_) + "; rows must be sorted by time");
    }
    last_ns_ = ns;
    last_row_ = reader_.row();
    return Time{Duration{ns - origin_ns_}};
  }

  void parse_optional(int column, std::string_view cell, Arrival& out) {
    switch (column) {
      case column_task:
        out.task = task_of(cell);
        break;
      case column_bytes:
        out.payload_bytes = static_cast<std::uint32_t>(whole(column, cell, 0, Arrival::unknown - 1));
        break;
      case column_items:
        out.items = static_cast<std::uint16_t>(whole(column, cell, 1, 65535));
        break;
      case column_tenant:
        out.tenant = static_cast<std::uint32_t>(whole(column, cell, 0, ~std::uint32_t{0}));
        break;
      default:
        out.work = work_of(cell);
        break;
    }
  }

  std::uint32_t task_of(std::string_view cell) {
    if (const std::uint32_t known = tasks_.find(cell); known != NameTable::none) return known;
    if (tasks_are_given_) refuse(column_task, cell, none_of_the_tasks(cell));
    if (tasks_.names().size() == most_tasks) refuse(column_task, cell, "is one task more than the 65536 supported: is this column a task?");
    return tasks_.add(cell);
  }

  /// What is wrong with a task where `tasks` says which may occur.
  std::string none_of_the_tasks(std::string_view cell) const {
    constexpr std::size_t most_listed = 20;
    const auto& names = tasks_.names();
    std::string text = "is none of the tasks that may occur: ";
    for (std::size_t k = 0; k < std::min(names.size(), most_listed); ++k) text += (k > 0 ? ", " : "") + quoted(names[k]);
    if (names.size() > most_listed) text += " and " + std::to_string(names.size() - most_listed) + " more";
    const std::string_view near = nearest(cell, names);
    return near.empty() ? text : text + "; did you mean " + quoted(near) + "?";
  }

  std::uint64_t whole(int column, std::string_view cell, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const NumberFault fault = parse_whole(cell, most, value);
    if (fault == NumberFault::too_large) refuse(column, cell, "is above " + std::to_string(most));
    if (fault != NumberFault::none) refuse(column, cell, describe(fault));
    if (value < least) refuse(column, cell, "is below " + std::to_string(least));
    return value;
  }

  float work_of(std::string_view cell) {
    float value = 0;
    const char* const end = cell.data() + cell.size();
    const auto [after, error] = std::from_chars(cell.data(), end, value);
    if (after != end || error == std::errc::invalid_argument) refuse(column_work, cell, describe(NumberFault::not_a_number));
    if (error != std::errc{}) refuse(column_work, cell, "is too large or too small");
    if (!std::isfinite(value)) refuse(column_work, cell, describe(NumberFault::not_finite));
    if (!(value > 0)) refuse(column_work, cell, "is not above 0");
    if (value > most_work) refuse(column_work, cell, "is above 1e6");
    return value;
  }

  std::string at_row() const { return "row " + std::to_string(reader_.row()); }
  [[noreturn]] void refuse(int column, std::string_view cell, std::string_view what) const {
    throw SourceError(at_row() + ", column " + std::string(column_names[static_cast<std::size_t>(column)]) + ": " + quoted(cell) + " " +
                      std::string(what));
  }
  [[noreturn]] void refuse_width(std::string_view line) const {
    Cells cells(line, reader_.row());
    std::string_view cell;
    std::size_t count = 0;
    while (cells.next(cell)) ++count;
    throw SourceError(at_row() + " has " + std::to_string(count) + (count == 1 ? " column" : " columns") + ", expected " +
                      std::to_string(columns_.size()) + ": " + quoted(line));
  }

  int decimals_;
  TraceStart start_;
  double scale_;
  bool tasks_are_given_;
  Stream stream_;
  TextReader reader_;
  NameTable tasks_;
  std::vector<int> columns_;    // what each cell of a row is, -1: ignored
  std::string_view first_row_;  // in the reader's buffer until the next row is read
  bool first_row_is_data_ = false;
  bool started_ = false;
  std::int64_t origin_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::uint64_t last_row_ = 0;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_csv(const CsvParams& params, std::istream& in, Stream stream) {
  if (params.scale > 1) throw std::invalid_argument("scale must be at most 1: a file can be thinned, not yet multiplied");
  if (!(params.scale > 0)) throw std::invalid_argument("scale must be above 0");
  return std::make_unique<CsvSource>(params, in, stream);
}

}  // namespace tideline
