// What a trace is like: rates, burstiness, daily pattern, shares.
#pragma once

#include "traces/trace.h"

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// Counts per bin of one length, over the whole bins that were recorded throughout. Not known, NaN, where the trace is coarser.
struct BinFigures {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  double bin_s = 0;
  std::uint64_t bins = 0;
  double dispersion = unknown;            ///< variance over mean of the counts: 1 for a Poisson process of constant rate
  double peak_to_mean = unknown;          ///< largest over mean count
  double lag1_autocorrelation = unknown;  ///< of the counts of one bin and the next
};

struct KeyFigures {
  std::string name;
  double queries = 0;
  double share = 0;
};

/// All is NaN that the trace does not tell.
struct TraceFigures {
  static constexpr double unknown = BinFigures::unknown;
  double queries = 0;
  double span_s = 0;          ///< from the first query or stretch to the end of the last
  double missing_s = 0;       ///< of these, not recorded
  double rate_qps = unknown;  ///< queries over the time that was recorded
  BinFigures second, minute, hour;
  double gap_cv = unknown;  ///< standard deviation over mean of the times between queries
  BinFigures series;        ///< in bins of 600 s of the trace, or those of the trace where they are longer; the two below are of these
  double autocorrelation_1h = unknown, autocorrelation_24h = unknown;
  double longest_silence_s = 0;  ///< longest recorded time without a query
  std::uint64_t missing_stretches = 0;
  std::vector<KeyFigures> keys;                                ///< by falling number of queries
  double zipf_exponent = unknown;                              ///< slope of log queries over log rank of the first 30 keys, least squares
  double window_cv_median = unknown, window_cv_p90 = unknown;  ///< of the CVs that a trace names for its windows with queries
  double work_mean = unknown, work_cv = unknown;
  double slo_mean_s = unknown, accuracy_mean = unknown;
};

/// Takes the rows of a trace in order of their start. Memory: 8 bytes for each 10 minutes of the trace, and for each key; 4 for
/// each window that names a CV.
///
/// The autocorrelation at lag k is sum (x_i - m)(x_{i+k} - m) / sum (x_i - m)^2, as is usual; where bins are missing, sums are over the
/// pairs that are there, per pair. Bins are counted from the first row.
class TraceStatistics {
 public:
  /// `time_scale`: in how many seconds here a second of the trace passes. `series` and the autocorrelations are of its hours.
  explicit TraceStatistics(double time_scale = 1);
  void add(const TraceRow& row);
  /// What all rows so far say; `keys` are those of the reader. Call it once.
  TraceFigures figures(std::span<const std::string> keys);

 private:
  /// Counts in bins of one length, as they close.
  class Bins {
   public:
    explicit Bins(std::int64_t length_ns, bool keeps_series = false) : length_ns_(length_ns), keeps_series_(keeps_series) {}
    /// Offsets from the first row; those of calls do not decrease.
    void add(std::int64_t from_ns, std::int64_t length_ns, double queries);
    void mask(std::int64_t from_ns, std::int64_t length_ns);
    BinFigures close(std::int64_t end_ns);
    double autocorrelation(std::int64_t lag_ns) const;
    std::int64_t length_ns() const { return length_ns_; }
    bool empty() const { return open_.empty() && first_open_ == 0; }

   private:
    struct Open {
      double queries = 0;
      bool masked = false;
    };
    void close_until(std::int64_t bin);
    void take(const Open& bin);
    void take_zeros(std::int64_t bins);
    Open& at(std::int64_t bin);

    std::int64_t length_ns_;
    bool keeps_series_;
    bool known_ = true;
    std::deque<Open> open_;  // of bins first_open_ and on
    std::int64_t first_open_ = 0;
    std::int64_t open_until_ns_ = 0;  // where not 0: the end of the first open bin
    std::uint64_t bins_ = 0, pairs_ = 0;
    long double sum_ = 0, squares_ = 0, products_ = 0, of_pairs_ = 0;
    double largest_ = 0, last_ = 0;
    bool last_counts_ = false;
    std::vector<float> series_;  // NaN: masked
    double mean_ = BinFigures::unknown;
  };

  double time_scale_;
  bool started_ = false, only_instants_ = true;
  std::int64_t first_ns_ = 0, end_ns_ = 0, missing_ns_ = 0;
  std::uint64_t missing_stretches_ = 0;
  Bins second_, minute_, hour_;
  std::optional<Bins> series_;
  double queries_ = 0;
  std::int64_t last_query_ns_ = -1, busy_until_ns_ = -1, longest_silence_ns_ = 0;
  bool gap_counts_ = false;
  std::uint64_t gaps_ = 0;
  double gap_mean_ = 0, gap_squares_ = 0;
  std::vector<float> cvs_;
  std::vector<double> by_key_;
  double without_key_ = 0;
  double work_weight_ = 0, work_sum_ = 0, work_squares_ = 0, slo_weight_ = 0, slo_sum_ = 0, accuracy_weight_ = 0, accuracy_sum_ = 0;
};

}  // namespace tideline
