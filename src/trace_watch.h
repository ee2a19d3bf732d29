// What scaling does to a trace: statistics of its rows before, and of the arrivals after.
#pragma once

#include "sim/model/arrival.h"
#include "traces/shape.h"
#include "traces/trace_statistics.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tideline {

/// Whether the arrivals are other than the trace's: by times, numbers, or rates.
bool is_scaled(const TraceParams& params);

/// What was read of the part of a trace that is replayed.
struct TraceWatch {
  struct Hole {
    std::int64_t start_ns = 0, length_ns = 0;
  };
  TraceStatistics before;
  std::vector<Hole> holes;  ///< what was not recorded, in the times of arrivals
};

/// Passes the rows of `reader` on, and tells `watch`, which begins anew and must outlive it, of those of the part that is replayed.
std::unique_ptr<TraceReader> watched(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceWatch& watch);

/// Statistics of arrivals, from time 0 on, those of a watched trace whose times were multiplied by `time_scale`. What is missing in the trace
/// is missing here.
class ArrivalStatistics {
 public:
  /// `watch` must outlive it.
  ArrivalStatistics(double time_scale, const TraceWatch& watch);
  void add(const Arrival& arrival);
  /// Bins that are silent at the end make a trace of bins, `before`, longer than up to its last query: those of arrivals go as far.
  TraceFigures figures(const TraceFigures& before) const;

 private:
  double time_scale_;
  const TraceWatch& watch_;
  std::size_t holes_ = 0;  // those that are among the statistics
  TraceStatistics statistics_;
  TraceRow row_;
};

}  // namespace tideline
