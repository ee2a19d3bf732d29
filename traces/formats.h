// The formats of traces that can be read, and which one a file is.
#pragma once

#include "sim/core/param.h"
#include "traces/timestamp.h"
#include "traces/trace.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// What is made of bins that a file of counts leaves out, and of long runs of zeros in it.
enum class GapPolicy : std::uint8_t {
  zero,         ///< nothing arrived
  missing,      ///< not recorded: statistics leave it out, a replay has no queries there
  interpolate,  ///< as many arrived as on a straight line between what came before and after
};

/// What a reader is told about its files; a member at its default means what the format says.
struct ReadParams {
  std::string format = "auto";            ///< a name of `trace_formats`; "auto": told by the file
  TraceUnit unit = TraceUnit::automatic;  ///< of columns of times
  std::string time_column = {}, key_column = {}, work_column = {}, slo_column = {}, accuracy_column = {}, bytes_column = {},
              count_column = {};
  double bin_s = 0;    ///< length of a bin of counts in seconds; 0: told by the file
  double count_s = 0;  ///< counts are per so many seconds; 0: per bin
  GapPolicy gaps = GapPolicy::zero;
  double gap_s = 120;                ///< shortest run of zeros that is taken for a gap, in seconds
  bool keep_failed = false;          ///< whether queries that failed when they were recorded count
  std::uint32_t sort_rows = 131072;  ///< how many rows a row may stand behind its place

  static constexpr auto declare() {
    return param::fields(
        param::field("format", &ReadParams::format, "Format of the file; auto: told by its first rows."),
        param::choice(
            "unit", &ReadParams::unit, "Unit of times that are numbers; auto: what the format says, or told by their magnitude.",
            {{"auto", TraceUnit::automatic}, {"s", TraceUnit::s}, {"ms", TraceUnit::ms}, {"us", TraceUnit::us}, {"ns", TraceUnit::ns}}),
        param::field("time_column", &ReadParams::time_column, "Column of times, in place of the usual one."),
        param::field("key_column", &ReadParams::key_column, "Column that says which task, model or client a row is of."),
        param::field("work_column", &ReadParams::work_column, "Column of the work of a query, in any unit."),
        param::field("slo_column", &ReadParams::slo_column, "Column of the latency that a query asks for, in the unit of times."),
        param::field("accuracy_column", &ReadParams::accuracy_column, "Column of the accuracy that a query asks for."),
        param::field("bytes_column", &ReadParams::bytes_column, "Column of the bytes of a query."),
        param::field("count_column", &ReadParams::count_column, "Column of counts, in place of the usual one."),
        param::field("bin_s", &ReadParams::bin_s, "Length of a bin of counts; 0: told by the file.", {0, 604800}),
        param::field("count_s", &ReadParams::count_s, "Counts are per so many seconds, such as 60 for a rate per minute; 0: per bin.",
                     {0, 604800}),
        param::choice("gaps", &ReadParams::gaps, "What bins that are left out and long runs of zeros mean.",
                      {{"zero", GapPolicy::zero}, {"missing", GapPolicy::missing}, {"interpolate", GapPolicy::interpolate}}),
        param::field("gap_s", &ReadParams::gap_s, "Shortest run of zeros that is taken for a gap.", {1e-6, 3e9}),
        param::field("keep_failed", &ReadParams::keep_failed, "Whether queries that failed when they were recorded count."),
        param::field("sort_rows", &ReadParams::sort_rows, "How many rows a row may stand behind its place; more costs memory.",
                     {0, 2097152}));
  }
};

/// The beginning of a trace, for those who tell formats apart.
struct TraceHead {
  std::size_t files = 1;
  std::string name;                ///< of the first file
  std::string first;               ///< its first row that is neither blank nor a comment, or the first 64 KiB of it
  std::vector<std::string> cells;  ///< of the first row as a CSV or, where it is an object of JSON, the names of its members
  bool json = false;               ///< whether the first row is an object of JSON
  bool has_header = false;         ///< whether the first row has names: not JSON, and its cells are not all numbers, dates or empty

  bool has(std::string_view cell) const;
};

/// A format; each is declared in its own file, which says where it comes from and what is odd about it.
struct TraceFormatDefinition {
  std::string_view name;
  std::string_view help;  ///< one line: what it is of
  /// A generic format is asked only where no other one recognises a file.
  bool generic = false;
  bool (*recognises)(const TraceHead& head);
  /// Throws `SourceError`.
  std::unique_ptr<TraceReader> (*open)(TraceFiles files, const ReadParams& params);
  bool sorted = false;  ///< whether the reader yields rows in order by itself
};

std::span<const TraceFormatDefinition* const> trace_formats();

/// The format of a file. Throws `SourceError` that names the candidates where there are several, and all formats where there is none.
const TraceFormatDefinition& recognise_format(const TraceFiles& files);

/// A reader of the files, which are parts of one trace, in order of time. Packed files are unpacked. Throws `SourceError`, and
/// `std::invalid_argument` naming a parameter that is out of range or unknown to the format.
std::unique_ptr<TraceReader> open_trace(TraceFiles files, const ReadParams& params);

}  // namespace tideline
