// Arrivals that source `trace` makes of texts, and what they are like.
#pragma once

#include "traces/rescale.h"
#include "traces/shape.h"
#include "traces/trace_statistics.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tideline::trace_arrivals {

/// Parameters in seconds, with what `set` sets.
TraceParams with(auto set) {
  TraceParams params;
  params.unit = TraceUnit::s;
  set(params);
  return params;
}

/// All that the source gives, in order.
inline std::vector<Arrival> drained(ArrivalSource& source) {
  std::vector<Arrival> out;
  for (Arrival a; source.next(a);) {
    if (!out.empty()) {
      EXPECT_GE(a.at, out.back().at);
    }
    out.push_back(a);
  }
  return out;
}

inline std::unique_ptr<TraceSource> source_of(TraceFiles trace, const TraceParams& params, std::uint64_t seed = 1) {
  return shaped(open_trace(std::move(trace), params), params, Stream(seed));
}
inline std::vector<Arrival> arrivals(TraceFiles trace, const TraceParams& params, std::uint64_t seed = 1) {
  return drained(*source_of(std::move(trace), params, seed));
}
/// The same with parameters that need a first reading.
inline std::vector<Arrival> rescaled_arrivals(const TraceFiles& trace, const TraceParams& params, std::uint64_t seed = 1) {
  return drained(*shaped([&] { return open_trace(trace, params); }, params, Stream(seed)));
}

/// Bins begin at 0 and go to the last arrival, or to `span_s`.
inline TraceFigures figures_of(const std::vector<Arrival>& list, double span_s = 0) {
  TraceStatistics statistics;
  TraceRow row;
  row.queries = 0;
  statistics.add(row);
  row.queries = 1;
  for (const Arrival& a : list) {
    row.start_ns = a.at.time_since_epoch().count();
    statistics.add(row);
  }
  if (span_s > 0) {
    row.start_ns = 0;
    row.length_ns = from_seconds(span_s).count();
    row.queries = 0;
    statistics.add(row);
  }
  return statistics.figures({});
}

}  // namespace tideline::trace_arrivals
