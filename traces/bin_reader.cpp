#include "traces/bin_reader.h"

#include "sim/model/arrival.h"
#include "traces/counts.h"
#include "traces/nanoseconds.h"
#include "traces/text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace tideline {
namespace {

constexpr std::uint64_t most_count = 1'000'000'000;  // its square fits in 63 bits

/// Reads bins from a text of any of the three formats.
class BinReader final : public BinSource {
 public:
  BinReader(std::istream& in, std::int64_t bin_ns, const std::vector<std::string>& ignore) : reader_(in), bin_ns_(bin_ns) {
    skip_space();
    const int c = reader_.peek();
    if (c == '[') {
      format_ = Format::list;
      reader_.skip();
      skip_space();
      if (reader_.peek() == ']') close_list();
    } else if (c >= 0 && std::string_view("0123456789+-.").find(static_cast<char>(c)) == std::string_view::npos) {
      format_ = Format::rows;
      read_header(ignore);
    }
  }

  bool next(Bin& bin) override {
    if (ended_) return false;
    switch (format_) {
      case Format::rows:
        return next_row(bin);
      case Format::list:
        return next_of_list(bin);
      case Format::numbers:
        break;
    }
    skip_space();
    if (reader_.peek() < 0) return false;
    next_value(bin);
    return true;
  }

 private:
  enum class Format : std::uint8_t { rows, numbers, list };
  enum Column : int { column_second, column_minute, column_time, column_window_start_s, column_index, column_count, column_value };
  static constexpr auto column_names = [] {
    std::array<std::string_view, bin_columns.size() + count_columns.size()> out;
    std::copy(count_columns.begin(), count_columns.end(), std::copy(bin_columns.begin(), bin_columns.end(), out.begin()));
    return out;
  }();
  static constexpr int steady_rows = 8;  // so many equal gaps in a row are no accident

  static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  /// Past white space and comments.
  void skip_space() {
    for (int c = reader_.peek(); is_space(c) || c == '#'; c = reader_.peek()) {
      if (c == '#') {
        while (reader_.peek() >= 0 && reader_.peek() != '\n') reader_.skip();
      } else {
        reader_.skip();
      }
    }
  }

  void read_header(const std::vector<std::string>& ignore) {
    std::string_view header;
    if (!reader_.data_line(header)) return;
    columns_ = match_columns(header, reader_.row(), column_names, ignore);
    const std::string where = "row " + std::to_string(reader_.row()) + " (header): ";
    for (const int column : columns_) {
      if (column < 0) continue;
      int& role = column >= column_count ? count_column_ : bin_column_;
      if (role >= 0) {
        throw SourceError(where + "columns '" + std::string(name(role)) + "' and '" + std::string(name(column)) +
                          "' mean the same; list one of them in 'ignore'");
      }
      role = column;
    }
    if (bin_column_ < 0) {
      throw SourceError(where + "no column says which bin a row is: one of second, minute, time, window_start_s, index");
    }
    if (count_column_ < 0) throw SourceError(where + "there is no column 'count' or 'value'");
    if (bin_column_ == column_minute && bin_ns_ % minute_ns != 0) {
      throw SourceError(where + "column 'minute' needs a bin_s that is a multiple of 60, not " + seconds_text(bin_ns_));
    }
  }

  bool next_row(Bin& bin) {
    std::string_view line, cell;
    if (!reader_.data_line(line)) return false;
    Cells cells(line, reader_.row());
    for (const int column : columns_) {
      if (!cells.next(cell)) refuse_width(line);
      if (column == bin_column_) {
        bin.start_ns = start_of(cell);
      } else if (column == count_column_) {
        const NumberFault fault = parse_whole(cell, most_count, bin.count);
        if (fault != NumberFault::none) refuse_cell(column, cell, fault == NumberFault::too_large ? "is above 1e9" : describe(fault));
      }
    }
    if (cells.next(cell)) refuse_width(line);
    check_order(bin.start_ns);
    return true;
  }

  std::int64_t start_of(std::string_view cell) {
    std::int64_t ns = 0;
    NumberFault fault;
    if (bin_column_ == column_minute || bin_column_ == column_index) {
      const std::int64_t unit = bin_column_ == column_minute ? minute_ns : bin_ns_;
      std::uint64_t number = 0;
      fault = parse_whole(cell, static_cast<std::uint64_t>(last_start_ns_limit() / unit), number);
      if (fault == NumberFault::none) ns = static_cast<std::int64_t>(number) * unit;
    } else {
      fault = parse_ns(cell, 9, ns);
      if (fault == NumberFault::none && ns > last_start_ns_limit()) fault = NumberFault::too_large;
    }
    if (fault != NumberFault::none) {
      refuse_cell(bin_column_, cell, fault == NumberFault::too_large ? "is beyond 292 years: is the unit right?" : describe(fault));
    }
    return ns;
  }

  /// Latest start for which the bin's end still is a time.
  std::int64_t last_start_ns_limit() const { return std::numeric_limits<std::int64_t>::max() - 1 - bin_ns_; }

  void check_order(std::int64_t start_ns) {
    if (rows_ > 0) {
      const std::int64_t gap = start_ns - last_start_ns_;
      if (gap < bin_ns_) {
        throw SourceError("row " + std::to_string(reader_.row()) + ": bin start " + seconds_text(start_ns) +
                          (gap <= 0 ? " is not after " : " is less than bin_s (" + seconds_text(bin_ns_) + ") after ") +
                          seconds_text(last_start_ns_) + " of row " + std::to_string(last_row_) +
                          (gap <= 0 ? "; rows must be sorted by time" : ""));
      }
      if (rows_ == 1) steady_gap_ns_ = gap;
      if (gap != steady_gap_ns_) steady_gap_ns_ = 0;
      if (rows_ == steady_rows && steady_gap_ns_ > bin_ns_ && bin_column_ != column_index) {
        throw SourceError("row " + std::to_string(reader_.row()) + ": all rows so far are " + seconds_text(steady_gap_ns_) +
                          " apart, but bin_s is " + seconds_text(bin_ns_) + " (if bins are empty, give their rows with count 0)");
      }
    }
    ++rows_;
    last_start_ns_ = start_ns;
    last_row_ = reader_.row();
  }

  bool next_of_list(Bin& bin) {
    skip_space();
    next_value(bin);
    skip_space();
    const int c = reader_.peek();
    if (c == ',') {
      reader_.skip();
    } else if (c == ']') {
      close_list();
    } else {
      refuse_here(c < 0 ? "the list ends without ']'" : "expected ',' or ']', not " + shown(c));
    }
    return true;
  }

  void close_list() {
    ended_ = true;
    reader_.skip();
    skip_space();
    if (const int c = reader_.peek(); c >= 0) refuse_here("text after the list: " + shown(c));
  }

  /// One whole number where the reader is.
  void next_value(Bin& bin) {
    char text[64];
    std::size_t length = 0;
    int c = reader_.peek();
    if (c == '{') refuse_here("a list of objects of JSON: one object a line is expected");
    while (c >= 0 && !is_space(c) && c != ',' && c != ']') {
      if (length < sizeof text) text[length++] = static_cast<char>(c);
      reader_.skip();
      c = reader_.peek();
    }
    if (c == ',' && format_ == Format::numbers) refuse_here("',' found; a file with columns needs a header such as 'second,count'");
    if (length == 0) refuse_here(c < 0 ? "the list ends without ']'" : "expected a count, not " + shown(c));
    if (c == ']' && format_ == Format::numbers) refuse_here("expected a count, not " + shown(c));
    const std::string_view number(text, length);
    const NumberFault fault = parse_whole(number, most_count, bin.count);
    if (fault != NumberFault::none) {
      refuse_here(quoted(number) + " " + std::string(fault == NumberFault::too_large ? "is above 1e9" : describe(fault)));
    }
    if (values_ > static_cast<std::uint64_t>(last_start_ns_limit() / bin_ns_)) refuse_here("there are more bins than 292 years hold");
    bin.start_ns = static_cast<std::int64_t>(values_++) * bin_ns_;
  }

  static std::string shown(int c) {
    const char text = static_cast<char>(c);
    return quoted({&text, 1});
  }
  static std::string_view name(int column) { return column_names[static_cast<std::size_t>(column)]; }
  [[noreturn]] void refuse_here(const std::string& what) const {
    throw SourceError("row " + std::to_string(reader_.row_here()) + ", value " + std::to_string(values_ + 1) + ": " + what);
  }
  [[noreturn]] void refuse_cell(int column, std::string_view cell, std::string_view what) const {
    throw SourceError("row " + std::to_string(reader_.row()) + ", column " + std::string(name(column)) + ": " + quoted(cell) + " " +
                      std::string(what));
  }
  [[noreturn]] void refuse_width(std::string_view line) const {
    throw SourceError("row " + std::to_string(reader_.row()) + " has another number of columns than the header (" +
                      std::to_string(columns_.size()) + "): " + quoted(line));
  }

  TextReader reader_;
  std::int64_t bin_ns_;
  Format format_ = Format::numbers;
  bool ended_ = false;
  std::vector<int> columns_;  // what each cell of a row is, -1: ignored
  int bin_column_ = -1;
  int count_column_ = -1;
  std::uint64_t rows_ = 0;
  std::uint64_t values_ = 0;
  std::int64_t last_start_ns_ = 0;
  std::int64_t steady_gap_ns_ = 0;  // 0 once gaps differ
  std::uint64_t last_row_ = 0;
};

}  // namespace

std::unique_ptr<BinSource> read_bins(std::istream& in, std::int64_t bin_ns, const std::vector<std::string>& ignore) {
  return std::make_unique<BinReader>(in, bin_ns, ignore);
}

}  // namespace tideline
