#include "traces/formats.h"

#include "sim/core/nearest.h"
#include "sim/model/arrival.h"
#include "traces/format_list.h"
#include "traces/gzip.h"
#include "traces/named_rows.h"
#include "traces/reorder.h"
#include "traces/text.h"

#include <algorithm>
#include <array>
#include <istream>
#include <stdexcept>

namespace tideline {
namespace {

constexpr std::array<const TraceFormatDefinition*, 10> formats{&alibaba_lora_2026_format,
                                                               &azure_functions_2019_format,
                                                               &azure_functions_2021_format,
                                                               &azure_llm_format,
                                                               &burstgpt_format,
                                                               &servegen_format,
                                                               &proteus_format,
                                                               &counts_format,
                                                               &csv_format,
                                                               &jsonl_format};

std::vector<std::string_view> names() {
  std::vector<std::string_view> out;
  for (const TraceFormatDefinition* f : formats) out.push_back(f->name);
  return out;
}

std::string listed(const std::vector<const TraceFormatDefinition*>& found) {
  std::string out;
  for (const TraceFormatDefinition* f : found) (out += out.empty() ? "" : "; ") += std::string(f->name) + " (" + std::string(f->help) + ")";
  return out;
}

/// Columns that tell formats, for those who misspelt one.
constexpr std::array<std::string_view, 22> telling_columns{
    "TIMESTAMP", "ContextTokens",  "GeneratedTokens", "Timestamp",  "Model",        "Request tokens", "Response tokens", "app",
    "func",      "end_timestamp",  "duration",        "gmt_create", "predict_type", "predict_status", "timestamp",       "second",
    "minute",    "window_start_s", "count",           "value",      "requests",     "invocations"};

/// The format of the first row if one column were called as formats have it; nothing where that is none either.
std::string misspelt(const TraceHead& head) {
  for (const std::string& cell : head.cells) {
    if (std::find(telling_columns.begin(), telling_columns.end(), cell) != telling_columns.end()) continue;
    for (const std::string_view meant : telling_columns) {
      if (head.has(meant) || nearest(cell, std::span(&meant, 1)).empty()) continue;
      TraceHead mended = head;
      *std::find(mended.cells.begin(), mended.cells.end(), cell) = meant;
      for (const TraceFormatDefinition* f : formats)
        if (f->recognises(mended))
          return "; with a column " + quoted(meant) + " in place of " + quoted(cell) + " it would be " + std::string(f->name) +
                 ": did you mean that?";
    }
  }
  return {};
}

/// Whether a cell is what a row of data has where a header has a name.
bool is_data(const std::string& cell) {
  if (cell.empty()) return true;
  if (std::string_view("0123456789+-.").find(cell[0]) != std::string_view::npos) return true;
  return cell == "Gamma" || cell == "Weibull";
}

/// The first row that is neither blank nor a comment, or its first 64 KiB: files of counts have one row only.
std::string beginning(TextReader& reader) {
  constexpr std::size_t enough = 65536;
  std::string row;
  for (int c = reader.peek(); c >= 0; c = reader.peek()) {
    if (c == '\n') {
      row = trimmed(row);
      if (!row.empty() && row[0] != '#') return row;
      row.clear();
    } else if (row.size() < enough) {
      row += static_cast<char>(c);
    } else if (row[0] != '#') {
      break;
    }
    reader.skip();
  }
  row = trimmed(row);
  if (row.empty() || row[0] == '#') throw SourceError("it has no rows");
  return row;
}

/// Refuses what is separated by something else than commas, which would be one column.
void refuse_separators(const TraceHead& head) {
  if (head.json || head.first.starts_with('[') || head.first.find(',') != std::string::npos) return;
  const bool tabs = head.first.find('\t') != std::string::npos && head.first.find_first_not_of("0123456789.+-eE \t") != std::string::npos;
  if (tabs || head.first.find(';') != std::string::npos)
    throw SourceError(std::string("its columns are separated by ") + (tabs ? "tabs" : "semicolons") + ": commas are expected, as `tr '" +
                      (tabs ? "\\t" : ";") + "' ,` makes them: " + quoted(head.first));
}

}  // namespace

bool TraceHead::has(std::string_view cell) const { return std::find(cells.begin(), cells.end(), cell) != cells.end(); }

TraceHead head_of(const TraceFiles& files) {
  if (files.empty()) throw SourceError("it has no files");
  TraceHead head;
  head.files = files.size();
  head.name = files.front().name;
  const auto in = unpacked(files.front().open());
  TextReader reader(*in);
  head.first = beginning(reader);
  const std::string_view row = head.first;
  head.json = row.front() == '{';
  if (head.json) {
    head.cells = members_of(row, reader.row_here());
    return head;
  }
  if (row.front() == '[') return head;
  refuse_separators(head);
  head.cells = cells_of(row, reader.row_here());
  // The first cell tells: a header of Azure Functions has numbers for names, and a row of a task's name begins with a time.
  head.has_header = head.cells.front().empty() ? !std::all_of(head.cells.begin(), head.cells.end(), is_data) : !is_data(head.cells.front());
  return head;
}

void refuse_columns(const ReadParams& params, std::string_view format, std::initializer_list<std::string_view> known) {
  const auto refuse = [&](std::string_view name, const std::string& value) {
    if (!value.empty() && std::find(known.begin(), known.end(), name) == known.end())
      throw std::invalid_argument(std::string(name) + ": format " + std::string(format) + " has no such column to choose");
  };
  refuse("time_column", params.time_column);
  refuse("key_column", params.key_column);
  refuse("work_column", params.work_column);
  refuse("slo_column", params.slo_column);
  refuse("accuracy_column", params.accuracy_column);
  refuse("bytes_column", params.bytes_column);
  refuse("count_column", params.count_column);
}

void refuse_bins(const ReadParams& params, std::string_view format) {
  if (params.bin_s > 0) throw std::invalid_argument("bin_s: format " + std::string(format) + " has no bins whose length could be declared");
  if (params.count_s > 0) throw std::invalid_argument("count_s: format " + std::string(format) + " has no counts");
  if (params.gaps != GapPolicy::zero)
    throw std::invalid_argument("gaps: format " + std::string(format) + " has no bins that could be missing");
}

std::span<const TraceFormatDefinition* const> trace_formats() { return formats; }

const TraceFormatDefinition& recognise_format(const TraceFiles& files) {
  const TraceHead head = head_of(files);
  std::vector<const TraceFormatDefinition*> found;
  for (const bool generic : {false, true}) {
    for (const TraceFormatDefinition* f : formats)
      if (f->generic == generic && f->recognises(head)) found.push_back(f);
    if (!found.empty()) break;
  }
  if (found.size() == 1) return *found.front();
  if (!found.empty())
    throw SourceError((files.size() > 1 ? files.front().name + ": " : "") +
                      "its format can be any of these, declare which: " + listed(found));
  std::string all;
  for (const std::string_view name : names()) (all += all.empty() ? "" : ", ") += name;
  throw SourceError((files.size() > 1 ? files.front().name + ": " : "") + "its first row " + quoted(head.first) +
                    " tells no format, declare one: " + all + misspelt(head));
}

std::unique_ptr<TraceReader> open_trace(TraceFiles files, const ReadParams& params) {
  const bool automatic = params.format == "auto";
  const auto known = std::find_if(formats.begin(), formats.end(), [&](const auto* f) { return f->name == params.format; });
  if (!automatic && known == formats.end())
    throw std::invalid_argument("format: unknown " + quoted(params.format) + suggestion(params.format, names()));
  const TraceFormatDefinition& format = automatic ? recognise_format(files) : **known;
  auto reader = format.open(std::move(files), params);
  return format.sorted ? std::move(reader) : sorted(std::move(reader), params.sort_rows);
}

}  // namespace tideline
