// Format `proteus`: the workloads of Proteus (Ahmad and others, "Proteus: A High-Throughput Inference-Serving System with Accuracy
// Scaling", ASPLOS 2024).
//
//   0.52,1                              arrival in ms, class of service
//   0.52,1,120.5,0.85                   and the latency in ms and the accuracy that the query asks for
//
// A folder with a file a task (mobilenet.txt), whose name is the key; no header, comments begin with '#'. The class of service is not
// used. What a query asks for is in the rows' `slo_s` and `accuracy`.
#include "traces/events.h"
#include "traces/format_list.h"
#include "traces/reorder.h"

#include <algorithm>

namespace tideline {

const TraceFormatDefinition proteus_format{
    "proteus",
    "Proteus: arrival_ms,qos[,deadline_ms[,accuracy]] without a header, a file a task",
    true,
    [](const TraceHead& head) {
      return !head.json && !head.has_header && head.cells.size() >= 2 && head.cells.size() <= 4 &&
             std::all_of(head.cells.begin(), head.cells.end(), [](const std::string& cell) {
               return !cell.empty() && cell.find_first_not_of("0123456789.+-eE") == std::string::npos &&
                      cell.find('-', 1) == std::string::npos;
             });
    },
    [](TraceFiles files, const ReadParams& params) {
      refuse_columns(params, "proteus", {});
      std::vector<std::unique_ptr<TraceReader>> tasks;
      for (const TraceFile& file : files) {
        EventColumns columns;
        columns.format = "proteus";
        columns.rows = EventColumns::Rows::table_without_header;
        columns.time = "arrival_ms";
        columns.needed = {"qos"};
        columns.slo = "deadline";
        columns.accuracy = "accuracy";
        columns.unit = TraceUnit::ms;
        if (params.unit == TraceUnit::automatic)
          columns.note = "times are taken as milliseconds, as format proteus has them and unit does not say otherwise (unit s: seconds)";
        columns.file_key = file.name.substr(0, file.name.find('.'));
        columns.buffer = std::size_t{1} << 16;
        columns.one_of_many = files.size() > 1;
        tasks.push_back(sorted(read_events({file}, columns, params), std::min<std::uint32_t>(params.sort_rows, 16384)));
      }
      return merged(std::move(tasks), "proteus");
    },
    true};

}  // namespace tideline
