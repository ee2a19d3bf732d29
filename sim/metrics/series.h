// Samples over time, of the whole run: warm-up and all queries included.
#pragma once

#include "sim/metrics/accounts.h"
#include "sim/metrics/histogram.h"
#include "sim/model/recorder.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace tideline {

/// One sample: counts of the interval since the sample before, and the state at its end.
struct SeriesRow {
  std::int64_t time_ns = 0;
  std::uint64_t arrived = 0, served = 0, late = 0, dropped = 0, rejected = 0, lost = 0;
  std::uint64_t good = 0, on_time = 0, missed = 0;
  std::uint64_t in_flight = 0;
  /// Of queries answered in the interval; NaN without any. Accuracies are relative where there are classes of several tasks.
  double latency_mean_s = 0, latency_p50_s = 0, latency_p95_s = 0, latency_p99_s = 0;
  double effective_accuracy = 0, accuracy_floor = 0;
  std::uint64_t instances_starting = 0, instances_warm = 0, instances_draining = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t devices_busy = 0;
  double cost_usd = 0;  ///< since time 0, with transfer
  std::uint64_t cold_starts = 0, loads = 0, evictions = 0;
};

/// One column of the series: its declaration for every output.
struct SeriesColumn {
  std::string_view name, unit, help;
  std::variant<std::int64_t, std::uint64_t, double> (*value)(const SeriesRow&);
};
std::span<const SeriesColumn> series_columns();

/// Takes a row at every sample.
class SeriesRecorder final : public Recorder {
 public:
  /// The world must outlive the recorder.
  SeriesRecorder(const World& world, Billing billing);

  Facts facts() const override { return {.arrivals = false, .batches = false}; }
  void ended(const Visit& v, const QueryEnd& end) override;
  void instance_started(InstanceId, StartCause cause, Time) override { row_.loads += cause == StartCause::initial ? 0U : 1U; }
  void instance_stopped(InstanceId, StopCause cause, Time) override { row_.evictions += cause == StopCause::evicted ? 1U : 0U; }
  void load_triggered(const Visit& v) override;
  void prices(const Cluster& cluster, const Prices& p, Time now) override;
  void sample(const Cluster& cluster, Time now) override;

  const std::vector<SeriesRow>& rows() const { return rows_; }

 private:
  const World& world_;
  struct OfClass {
    Duration slo{};
    double floor = 0, scale = 1;  ///< scale: of accuracies
  };
  std::vector<OfClass> classes_;
  SeriesRow row_;
  DurationHistogram latency_;
  double accuracy_ = 0, floor_ = 0, transfer_ = 0;
  std::uint64_t arrived_ = 0;  // up to the last sample
  Accounts now_;
  Provisioning provisioning_;
  std::uint64_t last_trigger_ = ~std::uint64_t{0};  // serial
  std::vector<SeriesRow> rows_;
};

}  // namespace tideline
