// What scaling does to a trace: statistics of its rows before, and of the arrivals after.
#pragma once

#include "sim/model/arrival.h"
#include "traces/shape.h"
#include "traces/trace_statistics.h"

#include <memory>

namespace tideline {

/// Whether the arrivals are other than the trace's: by times, numbers, or rates.
bool is_scaled(const TraceParams& params);

/// Passes the rows of `reader` on, and gives those of the part that is replayed to `statistics`, which begins anew and must outlive it.
std::unique_ptr<TraceReader> watched(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceStatistics& statistics);

/// Statistics of arrivals, from time 0 on, those of a trace whose times were multiplied by `time_scale`.
class ArrivalStatistics {
 public:
  explicit ArrivalStatistics(double time_scale);
  void add(const Arrival& arrival);
  /// Bins that are silent at the end make a trace of bins, `before`, longer than up to its last query: those of arrivals go as far.
  TraceFigures figures(const TraceFigures& before) const;

 private:
  double time_scale_;
  TraceStatistics statistics_;
  TraceRow row_;
};

}  // namespace tideline
