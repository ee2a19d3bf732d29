// The metrics of a run's measured window. README.md has each one as a formula.
#pragma once

#include "sim/metrics/accounts.h"
#include "sim/metrics/histogram.h"
#include "sim/metrics/searches.h"
#include "sim/model/recorder.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tideline {

/// What has no meaning, as a share of nothing.
inline constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

/// Why a query with an SLO was not answered in time. A late answer counts under the longest part of its latency.
enum class Miss : std::uint8_t { rejected, no_feasible_variant, dropped, lost, unfinished, load, queue, network, service };
inline constexpr std::size_t miss_causes = 9;

/// The metrics of one row: the total, a task or a class. Declared with name, unit and formula in `metrics()`.
struct Metrics {
  std::uint64_t queries_arrived = 0, queries_served = 0, queries_late = 0, queries_dropped = 0, queries_rejected = 0,
                queries_infeasible = 0, queries_lost = 0, queries_unfinished = 0, queries_with_slo = 0, queries_on_time = 0,
                queries_missed = 0, queries_delayed_by_load = 0, cold_starts = 0;
  std::array<std::uint64_t, miss_causes> misses{};
  double throughput_qps = no_value, goodput_qps = no_value;
  double slo_attainment = no_value, slo_attainment_worst_hour = no_value, accuracy_weighted_attainment = no_value;
  double effective_accuracy = no_value, profiled_accuracy = no_value, realised_accuracy = no_value, accuracy_floor_attainment = no_value,
         cost_cap_attainment = no_value, accuracy_drop_max = no_value;
  double latency_mean_s = no_value, latency_p50_s = no_value, latency_p90_s = no_value, latency_p95_s = no_value, latency_p99_s = no_value,
         latency_max_s = no_value, wait_mean_s = no_value, service_mean_s = no_value, network_mean_s = no_value;
  double cost_usd = no_value, cost_attributed_usd = no_value, cost_wasted_usd = no_value, cost_transfer_usd = no_value,
         cost_idle_usd = no_value, energy_j = no_value;
  std::uint64_t loads = 0;
  std::array<std::uint64_t, 5> loads_by_cause{};  ///< by StartCause
  std::uint64_t evictions = 0, resizes = 0;
  std::array<std::uint64_t, 3> loads_by_source{};  ///< store, disk, host
  double fetched_bytes = no_value, cost_fetch_usd = no_value;
  std::uint64_t stale_answers = 0, control_messages = 0, control_bytes = 0;
  double view_age_mean_s = no_value, view_age_p50_s = no_value, view_age_p99_s = no_value, view_age_max_s = no_value;
  double decision_mean_s = no_value, decision_p99_s = no_value;
  double carbon_g = no_value;
  double wasted_work_s = no_value, utilization = no_value, batch_mean = no_value;
  std::array<std::uint64_t, 4> queries_by_origin{};  ///< by Origin of the latency profile
};

/// Rows that a metric has a meaning for: all of them, those of tasks and the total, the total alone.
enum class MetricScope : std::uint8_t { all, task, total };

/// One metric: its declaration for every output.
struct Metric {
  std::string_view name;  ///< unique; a member of `object` is named `object`_`member`
  std::string_view unit;  ///< "1", "s", "1/s", "USD", "J"
  std::string_view help;
  MetricScope scope = MetricScope::all;
  std::string_view object;  ///< JSON object that holds it; empty: none
  std::variant<std::uint64_t, double> (*value)(const Metrics&) = nullptr;

  std::string_view member() const { return object.empty() ? name : name.substr(object.size() + 1); }
};
/// All metrics, in the order of every output.
std::span<const Metric> metrics();

/// A class or a task.
struct SummaryRow {
  std::string name;
  std::string task;  ///< of a class
  Metrics metrics;
};

/// What a variant did in the window; accuracies are plain.
struct VariantRow {
  std::string name;
  std::string task;
  std::uint64_t queries_served = 0, queries_late = 0;
  double share = no_value;  ///< of all queries served
  double latency_mean_s = no_value, latency_max_s = no_value;
  double effective_accuracy = no_value, realised_accuracy = no_value;
  std::uint64_t batches = 0;
  double batch_mean = no_value;
  std::uint64_t loads = 0;
  double cost_attributed_usd = 0;
  Origin origin_latency = Origin::assumed, origin_accuracy = Origin::assumed;
};

std::string_view to_string(Origin origin);
std::string_view to_string(Billing billing);

struct Summary {
  Time window_begin{}, window_end{};
  Billing billing = Billing::nodes;
  Metrics total;
  std::vector<SummaryRow> classes, tasks;
  std::vector<VariantRow> variants;  ///< only those that served, ran or loaded in the window
  SearchTotals searches;             ///< of planners that optimise
};

/// Gathers the summary. Work per query: a few counters of its class and one entry of a histogram.
class SummaryRecorder final : public Recorder {
 public:
  /// The world must outlive the recorder.
  SummaryRecorder(const World& world, Billing billing);

  void run_begins(const Cluster& cluster) override { cluster_ = &cluster; }
  void arrived(const Visit& v) override;
  void ended(const Visit& v, const QueryEnd& end) override;
  void batch_done(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, std::uint32_t wasted, Duration took, Time now) override;
  void instance_started(InstanceId i, StartCause cause, Time now) override;
  void prices(const Cluster& cluster, const Prices& p, Time now) override;
  void load_began(InstanceId i, const LoadParts& parts, double usd, Time now) override;
  void instance_resized(InstanceId i, std::uint32_t before, Time now) override;
  void instance_stopped(InstanceId i, StopCause cause, Time now) override;
  void load_triggered(const Visit& v) override;
  void delayed_by_load(const Visit& v) override;
  void stale_answer(std::uint8_t kind, Time now) override;
  void boards_sent(std::uint64_t messages, std::uint64_t bytes, Time now) override;
  void solved(ControllerId c, const PlanSolution& solution, Time now) override;
  void went_by(Duration age, Time now) override;
  void decision_taken(Duration after) override;
  void window(bool begins, const Cluster& cluster, Time now) override;

  /// Once the run has ended, or been interrupted.
  Summary summary() const;

 private:
  struct Minute {
    std::uint32_t ended = 0, on_time = 0, served = 0;
    double accuracy = 0;
  };
  /// What is summed over the queries of a class, or over classes.
  struct Sums {
    std::uint64_t arrived = 0, with_slo = 0, late = 0, on_time = 0, good = 0, with_floor = 0, floor_met = 0, with_cap = 0, cap_met = 0,
                  cold_starts = 0, delayed = 0;
    std::array<std::uint64_t, 6> endings{};  ///< by Ending
    std::array<std::uint64_t, miss_causes> misses{};
    double accuracy = 0, profiled = 0, realised = 0, accuracy_on_time = 0, cost = 0, transfer = 0;
    Area wait = 0, service = 0, network = 0;  ///< ns
    DurationHistogram latency;
    std::vector<Minute> minutes;  ///< by minute of arrival

    /// Accuracies are multiplied by `scale`.
    void add(const Sums& other, double scale);
  };
  struct ClassSums {
    Sums sums;
    Duration slo = forever;
    double floor = 0;
    bool has_slo = false, has_floor = false, has_cap = false;
  };
  struct VariantSums {
    std::uint64_t served = 0, late = 0, batches = 0, items = 0;
    Area latency = 0;
    Duration latency_max{};
    double accuracy = 0, realised = 0, attributed = 0;
  };
  /// Of the window; those of the present instant are apart until time moves on, as the window begins and ends between two events
  /// of one instant.
  struct Happenings {
    std::vector<std::array<std::uint32_t, 5>> loads;  ///< by variant
    std::uint64_t evictions = 0, resizes = 0;
  };
  struct Happening {
    VariantId variant;  ///< that a load is of; none: an eviction or a resize
    StartCause cause = StartCause::initial;
    bool resize = false;
    std::int8_t source = -1;    ///< that a load began from: store, disk, host; -1: none began
    double bytes = 0, usd = 0;  ///< that it fetches, and pays for that
  };

  double seconds() const { return to_seconds(window_end() - window_begin()); }
  Time window_begin() const { return began_ ? begin_.at : Time{}; }
  Time window_end() const { return ended_ ? end_.at : window_begin(); }
  bool open() const { return began_ && !ended_; }
  void happened(Happening what, Time now);
  void count_happenings();
  double seconds_inside(Duration took, Time now) const;
  void fill(Metrics& m, const Sums& s) const;
  double worst_hour(const Sums& s) const;
  double accuracy_drop(const Sums& s, double best) const;
  void fill_total(Metrics& m) const;
  void fill_batches(Metrics& m, TaskId only) const;

  const World& world_;
  Billing billing_;
  const Cluster* cluster_ = nullptr;
  bool began_ = false, ended_ = false;
  Accounts begin_, end_;
  std::vector<ClassSums> classes_;
  std::vector<VariantSums> variants_;
  std::vector<double> own_energy_busy_s_;  // by device: busy seconds of variants with an energy of their own
  double own_energy_j_ = 0;
  double wasted_usd_ = 0, wasted_s_ = 0, held_running_usd_ = 0;
  std::array<std::uint64_t, 3> loads_by_source_{};
  double fetched_bytes_ = 0, fetch_usd_ = 0;
  Provisioning provisioning_;
  // Energy and carbon since the window began or the prices last changed.
  double energy_j(std::size_t device, const Accounts& from, const Accounts& to, double own_s) const;
  double carbon_g(const Accounts& to) const;
  void prices_from(const Accounts& at);
  Prices prices_;
  Accounts since_;
  double past_carbon_g_ = 0;
  std::vector<double> own_energy_j_by_device_, own_energy_before_j_, own_busy_before_s_;
  SearchTotals searches_;
  std::uint64_t stale_answers_ = 0, control_messages_ = 0, control_bytes_ = 0;
  DurationHistogram view_age_, decision_;  // of dispatch by old boards; of queries whose decision took time
  Happenings happenings_;
  std::vector<Happening> this_instant_;
  Time instant_{};
  std::uint64_t last_trigger_ = ~std::uint64_t{0}, last_delayed_ = ~std::uint64_t{0};  // serials
};

}  // namespace tideline
