// The formats by name; who adds one adds it here and to the list in formats.cpp.
#pragma once

#include "traces/formats.h"

#include <initializer_list>
#include <string_view>

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
/// Throws `std::invalid_argument` for a column that `params` names and that is not among `known`.
void refuse_columns(const ReadParams& params, std::string_view format, std::initializer_list<std::string_view> known);
/// Throws `std::invalid_argument` where `params` say something of bins or gaps.
void refuse_bins(const ReadParams& params, std::string_view format);
/// Whether a header has a column with one of the usual names of counts.
bool has_counts(const TraceHead& head);
/// Whether the first row is counts without names, though one of them may be wrong.
bool is_plain_counts(const TraceHead& head);

}  // namespace tideline
