// Format `burstgpt`: versions 1 to 3 of BurstGPT (Wang and others, "BurstGPT: A Real-World Workload Dataset to Optimize LLM Serving
// Systems", 2024; HPMLL/BurstGPT).
//
//   Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
//   Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
//
// One row a query; version 3 inserts columns. Times are seconds since local midnight of the first day, with or without a fraction. The
// key is Model (ChatGPT, GPT-4). A response of 0 tokens, or of no number of them, is a query that failed: it is dropped unless failed ones are kept.
#include "traces/events.h"
#include "traces/format_list.h"

#include <charconv>

namespace tideline {

const TraceFormatDefinition burstgpt_format{
    "burstgpt", "BurstGPT, versions 1 to 3: Timestamp,Model,Request tokens,Response tokens,...", false,
    [](const TraceHead& head) {
      return head.has("Timestamp") && head.has("Model") && head.has("Request tokens") && head.has("Response tokens");
    },
    [](TraceFiles files, const ReadParams& params) {
      EventColumns columns;
      columns.format = "burstgpt";
      columns.time = "Timestamp";
      columns.key = {"Model"};
      columns.status = "Response tokens";
      columns.failed = [](std::string_view tokens) {
        double number = 0;
        const auto [after, error] = std::from_chars(tokens.data(), tokens.data() + tokens.size(), number);
        return error != std::errc{} || after != tokens.data() + tokens.size() || !(number > 0);
      };
      columns.needed = {"Model", "Response tokens"};
      columns.unit = TraceUnit::s;
      return read_events(std::move(files), columns, params);
    }};

}  // namespace tideline
