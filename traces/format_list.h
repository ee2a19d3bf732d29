// The formats by name; who adds one adds it here and to the list in formats.cpp.
#pragma once

#include "traces/formats.h"

namespace tideline {

extern const TraceFormatDefinition alibaba_lora_2026_format;
extern const TraceFormatDefinition azure_functions_2019_format;
extern const TraceFormatDefinition azure_functions_2021_format;
extern const TraceFormatDefinition azure_llm_format;
extern const TraceFormatDefinition burstgpt_format;
extern const TraceFormatDefinition counts_format;
extern const TraceFormatDefinition csv_format;
extern const TraceFormatDefinition jsonl_format;
extern const TraceFormatDefinition proteus_format;
extern const TraceFormatDefinition servegen_format;

/// The first rows of the first file. Throws `SourceError` where it has none.
TraceHead head_of(const TraceFiles& files);
/// Whether a header has a column with one of the usual names of counts.
bool has_counts(const TraceHead& head);

}  // namespace tideline
