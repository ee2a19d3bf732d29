// Format `azure_functions_2021`: the Azure Functions invocation trace of 2021 (AzurePublicDataset; Zhang and others, "Faster and
// Cheaper Serverless Computing on Harvested Resources", SOSP 2021).
//
//   app,func,end_timestamp,duration
//
// One row a query, in a file whose name ends in .txt. Times are seconds since the start of the trace; the query arrived at
// end_timestamp - duration, which may come out a little below zero. Rows are sorted by neither reliably. A func is unique only within its
// app: the key is app/func. Timestamps were altered before publication.
#include "traces/events.h"
#include "traces/format_list.h"

namespace tideline {

const TraceFormatDefinition azure_functions_2021_format{
    "azure_functions_2021", "Azure Functions 2021: app,func,end_timestamp,duration", false,
    [](const TraceHead& head) { return head.has("app") && head.has("func") && head.has("end_timestamp") && head.has("duration"); },
    [](TraceFiles files, const ReadParams& params) {
      EventColumns columns;
      columns.format = "azure_functions_2021";
      columns.time = "end_timestamp";
      columns.duration = "duration";
      columns.key = {"app", "func"};
      columns.needed = {"app", "func", "duration"};
      columns.unit = TraceUnit::s;
      return read_events(std::move(files), columns, params);
    }};

}  // namespace tideline
