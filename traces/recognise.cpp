#include "traces/recognise.h"

#include "sim/model/arrival.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/text.h"

#include <algorithm>
#include <string>
#include <vector>

namespace tideline {

namespace {

constexpr std::uint64_t rows_looked_at = 1000;

template <class Names>
bool has_one_of(const std::vector<std::string>& cells, const Names& names) {
  return std::any_of(cells.begin(), cells.end(),
                     [&](const std::string& cell) { return std::find(names.begin(), names.end(), cell) != names.end(); });
}

TraceFormat by_header(const std::vector<std::string>& cells) {
  const bool csv = std::find(cells.begin(), cells.end(), csv_columns[0]) != cells.end();
  const bool counts = has_one_of(cells, bin_columns) && has_one_of(cells, count_columns);
  if (csv != counts) return csv ? TraceFormat::csv : TraceFormat::counts;
  throw SourceError(std::string("its header has ") + (csv ? "the columns of both: " : "neither of the columns that tell: ") +
                    "'timestamp' of source csv, or a bin such as 'second' and 'count' of source counts");
}

/// One number a row: times are sorted and may have fractions, counts neither.
TraceFormat by_column(TextReader& reader, std::string_view row) {
  std::uint64_t before = 0;
  do {
    std::uint64_t value = 0;
    if (parse_whole(trimmed(row), ~std::uint64_t{0}, value) != NumberFault::none) return TraceFormat::csv;
    if (value < before) return TraceFormat::counts;
    before = value;
  } while (reader.row() < rows_looked_at && reader.data_line(row));
  throw SourceError("a column of whole numbers that do not decrease can be times (source csv) or counts (source counts)");
}

}  // namespace

TraceFormat recognise_trace(std::istream& in) {
  TextReader reader(in);
  std::string_view row, cell;
  if (!reader.data_line(row)) throw SourceError("it has no rows");
  if (row.front() == '[') return TraceFormat::counts;
  std::vector<std::string> cells;
  for (Cells rest(row, reader.row()); rest.next(cell);) cells.emplace_back(cell);
  const bool starts_like_number =
      std::string_view("0123456789+-.").find(cells.front().empty() ? 'x' : cells.front()[0]) != std::string_view::npos;
  if (!starts_like_number) return by_header(cells);
  if (cells.size() > 1) return TraceFormat::csv;
  return cells.front().find_first_of(" \t") != std::string::npos ? TraceFormat::counts : by_column(reader, row);
}

}  // namespace tideline
