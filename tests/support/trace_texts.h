// Traces in texts, read as if they were files.
#pragma once

#include "sim/model/arrival.h"
#include "traces/formats.h"

#include <zlib.h>

#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tideline::trace_texts {

inline TraceFiles files(const std::vector<std::pair<std::string, std::string>>& texts) {
  TraceFiles out;
  for (const auto& [name, text] : texts)
    out.push_back({name, [text = text]() -> std::unique_ptr<std::istream> { return std::make_unique<std::istringstream>(text); }});
  return out;
}

struct Read {
  std::vector<TraceRow> rows;
  std::vector<std::string> keys;
  TraceReport report;
};

inline Read read(TraceFiles trace, const ReadParams& params = {}) {
  const auto reader = open_trace(std::move(trace), params);
  Read out;
  for (TraceRow row; reader->next(row);) out.rows.push_back(row);
  out.keys.assign(reader->keys().begin(), reader->keys().end());
  out.report = reader->report();
  return out;
}
inline Read read(const TraceFile& file, const ReadParams& params = {}) { return read(TraceFiles{file}, params); }
inline Read read(const std::string& text, const ReadParams& params = {}) { return read(files({{"trace.csv", text}}), params); }

template <class Trace>
std::string refusal(const Trace& trace, const ReadParams& params = {}) {
  try {
    (void)read(trace, params);
  } catch (const SourceError& e) {
    return e.what();
  }
  return "was read";
}
inline std::string refusal(const char* trace, const ReadParams& params = {}) { return refusal(std::string(trace), params); }

inline std::string gzip(const std::string& text) {
  z_stream stream{};
  constexpr int gzip_only = 16;
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip_only, 8, Z_DEFAULT_STRATEGY);
  std::string in = text, out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace tideline::trace_texts
