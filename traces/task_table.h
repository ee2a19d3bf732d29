// What arrives by task: rates, shares, burstiness.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace tideline {

/// Figures of one task. NaN where too few queries came to tell.
struct TaskFigures {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  std::uint32_t task = 0;
  std::uint64_t queries = 0;
  double rate_qps = 0, share = 0;
  double gap_cv = unknown;        ///< standard deviation over mean of the times between its queries
  double peak_to_mean = unknown;  ///< of its queries per bin
};

struct TaskTableFigures {
  double span_s = 0, bin_s = 0;
  std::vector<TaskFigures> tasks;               ///< those that came, by falling number of queries
  double zipf_exponent = TaskFigures::unknown;  ///< slope of log queries over log rank, least squares; of at least three tasks
};

/// Takes arrivals in order of time. Memory: that of the tasks.
class TaskTable {
 public:
  /// Bins of `bin` for the peaks.
  explicit TaskTable(Duration bin = 60s) : bin_(bin) {}
  void add(std::uint32_t task, Time at);
  /// Of all that came in [0, end).
  TaskTableFigures figures(Time end) const;

 private:
  struct Task {
    std::uint64_t queries = 0, in_bin = 0, largest = 0;
    std::int64_t bin = -1;
    Time last{};
    double gap_mean = 0, gap_squares = 0;
  };
  Duration bin_;
  std::vector<Task> tasks_;
};

}  // namespace tideline
