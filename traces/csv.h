// Replay of a file with one arrival a row.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <array>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// What the numbers of a time column count.
enum class TimeUnit : std::uint8_t { s, ms, us, ns };
/// What becomes time 0: the first row of the file, or the file's own zero.
enum class TraceStart : std::uint8_t { first, zero };

/// Parameters of source `csv`.
struct CsvParams {
  TimeUnit unit = TimeUnit::s;           ///< unit of column timestamp: "s", "ms", "us" or "ns"
  TraceStart start = TraceStart::first;  ///< "first": the first row is time 0; "zero": timestamps are times as they are
  std::vector<std::string> ignore = {};  ///< names of columns to skip
  std::vector<std::string> tasks = {};   ///< tasks that may occur, in the order of their indexes; empty: any, in order of appearance
  double scale = 1;                      ///< share of arrivals kept, each one independently, in (0, 1]

  static constexpr auto declare() {
    return param::fields(param::choice("unit", &CsvParams::unit, "Unit of column timestamp.",
                                       {{"s", TimeUnit::s}, {"ms", TimeUnit::ms}, {"us", TimeUnit::us}, {"ns", TimeUnit::ns}}),
                         param::choice("start", &CsvParams::start, "Whether the first row is time 0, or timestamps are times as they are.",
                                       {{"first", TraceStart::first}, {"zero", TraceStart::zero}}),
                         param::field("ignore", &CsvParams::ignore, "Columns to skip."),
                         param::field("scale", &CsvParams::scale, "Share of the queries that is kept, each one independently.", {1e-9, 1}));
  }
};

/// The columns that a header may name.
inline constexpr std::array<std::string_view, 6> csv_columns{"timestamp", "task", "bytes", "items", "work", "tenant"};

/// Rows `timestamp[,task][,bytes]`, or any order of the columns timestamp, task, bytes, items, work, tenant under a header that names
/// them; only timestamp is required. An empty cell of another column leaves that field at its default. Blank rows and rows that start
/// with '#' are skipped; CRLF, a byte-order mark and a missing end of the last row are accepted. Times are exact to the nanosecond.
///
/// `in` must outlive the source. The header is read here, rows as `next` is called; `task_names` grows by the tasks met so far unless
/// `tasks` names them. `mean_qps` is 0: a file is not read ahead.
/// Throws `std::invalid_argument` naming a parameter out of range, and, here or from `next`, `SourceError` naming row, column and text.
std::unique_ptr<ArrivalSource> make_csv(const CsvParams& params, std::istream& in, Stream stream);

}  // namespace tideline
