// What every reader of a published or own format yields, and what it reports about its file.
#pragma once

#include "sim/core/time.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// How the gaps between the queries of a stretch are distributed, where a trace says so.
enum class GapLaw : std::uint8_t { unknown, gamma, weibull };

/// What a row of a trace says: one query at an instant, or a number of queries over a stretch of time.
struct TraceRow {
  static constexpr std::uint32_t no_key = ~std::uint32_t{0};
  static constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
  std::int64_t start_ns = 0;     ///< since the zero of the trace; below 0 where a file is unsorted around its first row
  std::int64_t length_ns = 0;    ///< 0: one query at `start_ns`
  double queries = 1;            ///< in the stretch; may have a fraction where the trace gives rates; 0: known to be silent
  std::uint32_t key = no_key;    ///< index into the reader's `keys`
  std::uint32_t row = 0;         ///< number of its row in the file, where the reader says so
  float work = unknown;          ///< what the column of work says, in its own unit
  float slo_s = unknown;         ///< latency that the query asks for
  float accuracy = unknown;      ///< accuracy that the query asks for
  float bytes = unknown;         ///< of the query
  float cv = unknown;            ///< coefficient of variation of the gaps in the stretch
  float shape = unknown;         ///< of `law`
  GapLaw law = GapLaw::unknown;  ///< of the gaps in the stretch
  bool missing = false;          ///< the stretch was not recorded: what happened in it is not known
  bool is_mean = false;          ///< `queries` is a mean: how many there are is a Poisson draw
  float scale = 1;               ///< factor on the number of queries beside that of the whole trace
};

/// One file of a trace, opened when it is its turn.
struct TraceFile {
  std::string name;  ///< without folder; readers that have a file per task or client take the key from it
  std::function<std::unique_ptr<std::istream>()> open;
};
using TraceFiles = std::vector<TraceFile>;

/// What a reader did with its file that its rows do not show.
struct TraceReport {
  struct Drop {
    std::string reason;  ///< "predict_status FAILED"
    std::uint64_t rows = 0;
    std::uint64_t first_row = 0;
  };
  std::string format;
  std::uint64_t rows = 0;  ///< rows of data met, dropped ones too
  std::vector<Drop> dropped;
  std::uint64_t unsorted = 0;      ///< rows that came after a later one, and were put in order
  std::int64_t furthest_ns = 0;    ///< how far before the latest time so far the worst of them was
  std::vector<std::string> notes;  ///< sentences: what was assumed, which columns are ignored

  std::uint64_t dropped_rows() const;
  void drop(std::string_view reason, std::uint64_t row);
  void note(std::string text);
  /// Takes over what another reader of the same trace did.
  void add(const TraceReport& other);
};

/// A stream of rows in constant memory, in the order of the file unless a format promises more.
class TraceReader {
 public:
  virtual ~TraceReader() = default;
  /// Writes the next row and returns true, or returns false when there are no more. Throws `SourceError` with the number of the row
  /// where the file is wrong; where there are several files the message begins with the name.
  virtual bool next(TraceRow& out) = 0;
  /// Names of functions, clients, models or tasks that `TraceRow::key` means; grows as rows are read. Empty: rows have no key.
  virtual std::span<const std::string> keys() const { return {}; }
  virtual const TraceReport& report() const = 0;
  /// Number of the row that `next` gave last, in its file and as an editor counts; 0: it is not of one row.
  virtual std::uint64_t row() const { return 0; }
};

}  // namespace tideline
