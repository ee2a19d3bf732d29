// Formats `csv` and `jsonl`: one query a row, in columns that the user names or that have a usual name.
//
// The time is in the first that is there of timestamp, arrival_timestamp, arrived_at, arrival_time, arrival_ms, time; numbers need a
// declared unit unless their magnitude says it (arrival_ms is milliseconds). The key, where there is one, is in task, model, function,
// application_id or type; a latency in slo, an accuracy in accuracy. Anything else is ignored, and reported.
// Vidur (arrived_at, seconds), splitwise-sim (arrival_timestamp, application_id, seconds), Mooncake (jsonl, timestamp in milliseconds)
// and Qwen-Bailian (jsonl, timestamp in seconds, type) are read so; README.md has them as examples.
#include "sim/model/arrival.h"
#include "traces/events.h"
#include "traces/format_list.h"
#include "traces/gzip.h"

#include <array>
#include <istream>

namespace tideline {
namespace {

constexpr std::array<std::string_view, 6> event_times{"timestamp", "arrival_timestamp", "arrived_at", "arrival_time", "arrival_ms", "time"};
constexpr std::array<std::string_view, 5> usual_keys{"task", "model", "function", "application_id", "type"};

template <class Names>
std::string first_of(const Names& names, const TraceHead& head) {
  for (const std::string_view name : names)
    if (head.has(name)) return std::string(name);
  return {};
}

std::unique_ptr<TraceReader> open(const char* format, EventColumns::Rows rows, TraceFiles files, const ReadParams& params) {
  const TraceHead head = head_of(files);
  if (head.json != (rows == EventColumns::Rows::json))
    throw SourceError(head.json                     ? "its rows are objects of JSON: that is format jsonl"
                      : head.first.starts_with('[') ? "its first row is no object of JSON but a list: one object a line is expected"
                                                    : "its first row is no object of JSON");
  EventColumns columns;
  columns.format = format;
  columns.rows = rows;
  if (!head.json && !head.has_header) {
    // timestamp[,task]
    columns.rows = EventColumns::Rows::table_without_header;
    columns.time = "timestamp";
    columns.key = {"task"};
    if (head.cells.size() == 1) columns.key.clear();
    return read_events(std::move(files), columns, params);
  }
  columns.time = first_of(event_times, head);
  if (columns.time.empty() && params.time_column.empty()) {
    std::string names;
    for (const std::string_view name : event_times) (names += names.empty() ? "" : ", ") += name;
    throw SourceError("no column has a usual name of times (" + names + "): declare time_column");
  }
  if (const std::string key = first_of(usual_keys, head); !key.empty()) columns.key = {key};
  if (head.has("slo")) columns.slo = "slo";
  if (head.has("accuracy")) columns.accuracy = "accuracy";
  if (columns.time == "timestamp" && head.has("tenant") && params.unit == TraceUnit::automatic && params.time_column.empty()) {
    columns.unit = TraceUnit::s;
    columns.note = "times are seconds, as in a file with a column of tenants that `tideline trace convert` writes";
  }
  if (columns.time == "arrival_ms" && params.time_column.empty()) columns.unit = TraceUnit::ms;
  return read_events(std::move(files), columns, params);
}

}  // namespace

const TraceFormatDefinition csv_format{
    "csv", "one query a row: timestamp, and what other columns you name", true,
    [](const TraceHead& head) {
      if (head.json || head.first.starts_with('[')) return false;
      // Numbers between blanks are counts; several files without a header are one a task.
      const bool is_row =
          head.first.find_first_of(" \t") == std::string::npos || (head.first.find('-') != std::string::npos && !is_plain_counts(head));
      if (!head.has_header) return head.cells.size() <= 2 && head.files == 1 && is_row;
      return !first_of(event_times, head).empty() && !has_counts(head);
    },
    [](TraceFiles files, const ReadParams& params) { return open("csv", EventColumns::Rows::table, std::move(files), params); }};

const TraceFormatDefinition jsonl_format{
    "jsonl", "one query a row, as an object of JSON with a timestamp", true, [](const TraceHead& head) { return head.json; },
    [](TraceFiles files, const ReadParams& params) { return open("jsonl", EventColumns::Rows::json, std::move(files), params); }};

}  // namespace tideline
