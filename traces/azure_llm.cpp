// Format `azure_llm`: the Azure LLM inference traces of 2023 and 2024 and the multimodal one of 2025 (AzurePublicDataset; Patel and
// others, "Splitwise", ISCA 2024; Stojkovic and others, "DynamoLLM", HPCA 2025).
//
//   TIMESTAMP,ContextTokens,GeneratedTokens
//   2023-11-16 18:15:46.6805900,374,44
//
// One row a query. Rows end in CRLF, the last of 2023 in nothing. 2023 has seven digits of a second and no zone, 2024 has zones; the
// fraction may be missing. The documentation says 11 November 2023, the data 16 November. 2025 inserts a column NumImages. There is no
// key: `code` and `conv` are files of their own.
#include "traces/events.h"
#include "traces/format_list.h"

namespace tideline {

const TraceFormatDefinition azure_llm_format{
    "azure_llm", "Azure LLM inference 2023, 2024 and multimodal 2025: TIMESTAMP,ContextTokens,GeneratedTokens", false,
    [](const TraceHead& head) { return head.has("TIMESTAMP") && head.has("ContextTokens") && head.has("GeneratedTokens"); },
    [](TraceFiles files, const ReadParams& params) {
      EventColumns columns;
      columns.format = "azure_llm";
      columns.time = "TIMESTAMP";
      columns.needed = {"ContextTokens", "GeneratedTokens"};
      return read_events(std::move(files), columns, params);
    }};

}  // namespace tideline
