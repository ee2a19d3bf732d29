// Traces with one query a row: what their formats have in common.
#pragma once

#include "traces/formats.h"
#include "traces/trace.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Which columns of a format say what. Empty names: it has no such column.
struct EventColumns {
  std::string format;
  std::string time;
  std::vector<std::string> key;  ///< together they name what the row is of; joined by '/'
  std::string duration;          ///< where `time` is the end of a query: how long it took, in the unit of `time`
  std::string work, slo, accuracy, bytes;
  std::string status;                                 ///< says whether the query failed
  bool (*failed)(std::string_view status) = nullptr;  ///< of the cell in `status`
  TraceUnit unit = TraceUnit::automatic;              ///< where the user declares none
  std::vector<std::string> needed;                    ///< columns besides `time` that a header has to have
  enum class Rows : std::uint8_t { table, table_without_header, json } rows = Rows::table;
  std::string note;          ///< what was assumed of the file
  bool one_of_many = false;  ///< errors begin with the name of the file
  std::string file_key;      ///< the key of all rows, where a file has only one
  std::size_t buffer = std::size_t{1} << 18;
};

/// Reads files of one query a row and merges them by time; more than 128 are read one after the other. What the user declares in `params` goes
/// before what the format says.
std::unique_ptr<TraceReader> read_events(TraceFiles files, EventColumns columns, const ReadParams& params);

}  // namespace tideline
