// Replay of a file with counts of arrivals per second, minute or any bin.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"
#include "traces/csv.h"

#include <array>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Where in its bin an arrival falls.
enum class BinPlacement : std::uint8_t {
  uniform,  ///< exactly `count` arrivals at independent uniform times: a Poisson process given its counts
  even,     ///< exactly `count` arrivals with equal gaps, half a gap from either end of the bin
  poisson,  ///< a Poisson process whose mean number is `count`
};

/// Parameters of source `counts`.
struct CountsParams {
  double bin_s = 1;                                ///< length of a bin in seconds, 1e-6 .. 604800
  BinPlacement placement = BinPlacement::uniform;  ///< "uniform", "even" or "poisson"
  TraceStart start = TraceStart::zero;   ///< "zero": bins lie where the file says; "first": the first bin of the file is at time 0
  std::vector<std::string> ignore = {};  ///< names of columns to skip
  double scale = 1;                      ///< share of arrivals kept, each one independently, in (0, 1]

  static constexpr auto declare() {
    return param::fields(
        param::field("bin_s", &CountsParams::bin_s, "Length of a bin in seconds.", {1e-6, 604800}),
        param::choice("placement", &CountsParams::placement, "Where in its bin a query arrives.",
                      {{"uniform", BinPlacement::uniform}, {"even", BinPlacement::even}, {"poisson", BinPlacement::poisson}}),
        param::choice("start", &CountsParams::start, "Whether bins lie where the file says, or the first one is at time 0.",
                      {{"zero", TraceStart::zero}, {"first", TraceStart::first}}),
        param::field("ignore", &CountsParams::ignore, "Columns to skip."),
        param::field("scale", &CountsParams::scale, "Share of the queries that is kept, each one independently.", {1e-9, 1}));
  }
};

/// The columns that a header may name: those that say which bin a row is, then those of counts.
inline constexpr std::array<std::string_view, 5> bin_columns{"second", "minute", "time", "window_start_s", "index"};
inline constexpr std::array<std::string_view, 2> count_columns{"count", "value"};

/// Three formats, told apart by the first character: a CSV with a header that names one of second, minute, time, window_start_s
/// (starts of bins; minute in minutes, the others in seconds) or index (number of the bin from 0), and count or value; whole numbers
/// separated by white space, one a bin, on any number of rows; a list "[0, 3, 5]". Bins that a CSV leaves out are empty. Blank rows and
/// rows that start with '#' are skipped. Counts are 0 .. 1e9.
///
/// `in` must outlive the source. The header is read here, counts as `next` is called. `mean_qps` is 0: a file is not read ahead.
/// Throws `std::invalid_argument` naming a parameter out of range, and, here or from `next`, `SourceError` naming row and text; among
/// them rows that are steadily further apart than `bin_s`, which means that `bin_s` is wrong.
std::unique_ptr<ArrivalSource> make_counts(const CountsParams& params, std::istream& in, Stream stream);

}  // namespace tideline
