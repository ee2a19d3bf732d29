// Whether the books of a run balance: counts and sums made anew, beside those of the summary and the cluster.
#pragma once

#include "sim/metrics/summary.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

/// One check; `detail` says what was compared, or the first fault.
struct Check {
  std::string name;
  bool passed = true;
  std::string detail;
};

struct AuditResult {
  bool passed = true;
  std::vector<Check> checks;
};

/// Counts all queries, measured or not, and sums up what instances hold from their starts and stops.
class AuditRecorder final : public Recorder {
 public:
  /// The world must outlive the recorder.
  explicit AuditRecorder(const World& world);

  void run_begins(const Cluster& cluster) override { cluster_ = &cluster; }
  Facts facts() const override { return {.arrivals = false, .batches = false}; }
  void ended(const Visit& v, const QueryEnd& end) override;
  void instance_started(InstanceId i, StartCause cause, Time now) override;
  void instance_resized(InstanceId i, std::uint32_t before, Time now) override;
  void instance_stopped(InstanceId i, StopCause cause, Time now) override;
  void prices(const Cluster& cluster, const Prices& p, Time now) override;
  void window(bool begins, const Cluster& cluster, Time now) override;

  /// Call once the run has ended at `now`, all accounts settled, with the summary of the same run.
  AuditResult audit(const Cluster& cluster, Time now, const Summary& summary) const;

 private:
  struct Held {
    std::int64_t memory = 0, cores = 0;  ///< at present
    Time changed{};
    Area memory_area = 0, core_area = 0;  ///< bytes x ns and cores x ns
  };

  void change(DeviceId d, std::int64_t memory, std::int64_t cores, Time now);
  Accounts held_at(Time now) const;
  Check check_queries(const Cluster& cluster) const;
  Check check_held(const Cluster& cluster, Time now) const;
  Check check_cost(const Summary& summary) const;
  static Check check_node_time(const Cluster& cluster, Time now);
  static Check check_misses(const Summary& summary);

  const World& world_;
  const Cluster* cluster_ = nullptr;
  std::uint64_t in_time_ = 0, late_ = 0;
  std::array<std::uint64_t, 6> endings_{};  // by Ending
  std::vector<Duration> slo_;               // by class
  std::vector<Held> held_;                  // by device
  std::uint64_t starts_ = 0;
  std::string over_capacity_;  // the first fault
  bool open_ = false, ended_ = false;
  std::vector<double> factor_before_;                                    // on prices, when the window begins
  std::vector<std::pair<Accounts, std::vector<double>>> price_changes_;  // in the window: accounts, and factors from then on
  Accounts begin_, end_;                                                 // of the window; only node times and what was held
};

}  // namespace tideline
