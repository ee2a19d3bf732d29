// A generator that is like a trace: its daily shape, its burstiness, and the rate and gaps of each tenant.
#pragma once

#include "traces/modulated.h"
#include "traces/trace.h"
#include "traces/trace_statistics.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tideline {

/// What was fitted, and what one should know about it.
struct FittedSource {
  ModulatedParams params;
  double gap_dispersion = 1;  ///< dispersion of counts that comes of the gaps alone
  std::vector<std::string> notes;
};

/// Takes the rows of a trace in order of their start. Memory: 8 bytes for 10 minutes of the trace, 56 for each key.
///
/// - The daily shape is the mean rate of each hour of the day, where the trace is at least a day long; weekdays are told apart from 14 days on.
/// - A tenant's gaps: where rows are windows the mean of their CV, weighted by queries; where they are single queries the local variation
///   Lv of gaps that follow each other, 3 / (2 k + 1) for gamma gaps of shape k, which a change of the rate between them does not disturb
///   (Shinomoto et al. 2009, doi:10.1371/journal.pcbi.1000433); where they are counts, those of a Poisson process.
/// - The rest of the dispersion is that of two random factors on the rate. Their spread and memory are what comes closest to dispersion
///   and autocorrelation at 1 s, 60 s, 10 minutes and an hour, and autocorrelation at a day, as far as the trace tells them.
/// The largest 63 keys are tenants of their own, all others one more.
class TraceFit {
 public:
  TraceFit();
  void add(const TraceRow& row);
  /// `figures` are those of the same rows. Throws `std::invalid_argument` where there are fewer than 100 queries.
  FittedSource fit(const TraceFigures& figures, std::span<const std::string> keys) const;
  /// Of the gaps of a key that has queries, as `fit` takes it.
  double gap_cv(std::uint32_t key) const { return cv_of(tenants_[key + std::size_t{1}]); }

 private:
  static constexpr std::size_t hours = 168;  ///< of the week, from the zero of the trace
  struct Tenant {
    double queries = 0, cv_weight = 0, cv_sum = 0, variation = 0;
    std::uint64_t pairs = 0;
    std::int64_t last_ns = -1, last_gap_ns = -1;
  };
  double cv_of(const Tenant& tenant) const;
  /// Adds `amount` per nanosecond over a stretch to hours of the week.
  static void spread(std::array<double, hours>& to, std::int64_t from_ns, std::int64_t length_ns, double amount);

  bool started_ = false, bins_ = false;
  std::int64_t first_ns_ = 0, end_ns_ = 0;
  std::array<double, hours> queries_{}, missing_{};
  std::vector<Tenant> tenants_;  // by key + 1; those without one are the first
};

}  // namespace tideline
