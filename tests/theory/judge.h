// Replications of a scenario file judged against a closed form.
//
// The rule, for R replications with seeds 1 .. R, their mean m and its standard error s: the run is long enough, t(R-1, .975) s <=
// tolerance x reference; m is not significantly off, |m - reference| <= t(R-1, .9995) s; nor off by much, <= 2 x tolerance x reference.
// A 95 % rule over the hundreds of cells here would fail a correct simulator every time. Run lengths are chosen for the precision;
// seeds never are.
#pragma once

#include "tests/support/run_scenario.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

namespace tideline::test {

/// How queries waited, which the summary does not say: the share of those that did, and the distribution.
class WaitRecorder final : public Recorder {
 public:
  void ended(const Visit& v, const QueryEnd& end) override {
    if (!v.flags.measured || end.ending != Ending::answered) return;
    const Duration wait = end.queue + end.load;
    waited_ += wait > Duration{} ? 1U : 0U;
    waits_.record(wait);
  }
  double share() const { return static_cast<double>(waited_) / static_cast<double>(waits_.count()); }
  const DurationHistogram& waits() const { return waits_; }

 private:
  std::uint64_t waited_ = 0;
  DurationHistogram waits_;
};

/// Time that an instance was warm and ran nothing, of instances that are gone; where there is one at a time.
class IdleRecorder final : public Recorder {
 public:
  void instance_warm(InstanceId, Time now) override { warm_ = now, busy_ = Duration{}; }
  void instance_stopped(InstanceId, StopCause, Time now) override { idle_ += now - warm_ - busy_; }
  void batch_done(InstanceId, DeviceId, VariantId, std::uint32_t, std::uint32_t, Duration took, Time) override { busy_ += took; }
  Duration idle() const { return idle_; }

 private:
  Time warm_{};
  Duration busy_{}, idle_{};
};

/// One replication, as expectations see it.
struct Observed {
  const Summary& summary;
  const WaitRecorder& waits;
  const IdleRecorder& idle;

  const Metrics& total() const { return summary.total; }
  double window_s() const { return to_seconds(summary.window_end - summary.window_begin); }
  double share(std::uint64_t part) const { return static_cast<double>(part) / static_cast<double>(total().queries_arrived); }
};

namespace measure {
inline double latency(const Observed& o) { return o.total().latency_mean_s; }
inline double p50(const Observed& o) { return o.total().latency_p50_s; }
inline double p95(const Observed& o) { return o.total().latency_p95_s; }
inline double p99(const Observed& o) { return o.total().latency_p99_s; }
inline double wait(const Observed& o) { return o.total().wait_mean_s; }
inline double share_waiting(const Observed& o) { return o.waits.share(); }
inline double wait_p99(const Observed& o) { return o.waits.waits().percentile_s(.99); }
inline double share_rejected(const Observed& o) { return o.share(o.total().queries_rejected); }
inline double share_cold(const Observed& o) { return o.share(o.total().cold_starts); }
inline double share_delayed(const Observed& o) { return o.share(o.total().queries_delayed_by_load); }
inline double throughput(const Observed& o) { return o.total().throughput_qps; }
/// Mean number in the system, by Little's law from what was let in.
inline double in_system(const Observed& o) { return o.total().throughput_qps * o.total().latency_mean_s; }
inline double utilization(const Observed& o) { return o.total().utilization; }
inline double idle_per_query(const Observed& o) { return to_seconds(o.idle.idle()) / static_cast<double>(o.total().queries_arrived); }
inline double batch(const Observed& o) { return o.total().batch_mean; }
}  // namespace measure

/// What theory says of one quantity, and how exactly a run has to say it.
struct Expected {
  std::string what;
  double (*measured)(const Observed&);
  double reference;
  double tolerance = .01;
  double half_width = 0;  ///< of the reference, where it was simulated or has few digits
};

/// One cell of a table: a scenario with its settings.
struct Cell {
  std::string name;  ///< letters, digits and _
  std::string file;  ///< below scenarios/theory/
  std::vector<std::string> settings;
  double rate = 0;  ///< queries per second
  double warmup_s = 0;
  double millions = 0;  ///< queries of all replications where the tolerances are to be met as they are
  std::vector<Expected> expected;
  double quick_millions = 0;  ///< queries in a quick run; 0: the cell is left out of it
  double quick_factor = 1;    ///< on the tolerances in a quick run
};

/// Whether TIDELINE_LONG=1: all cells, at full length.
bool long_run();
/// The cells of a quick run.
std::vector<Cell> quick(const std::vector<Cell>& cells);
/// Ten relaxation times of a single server of this utilization, in mean services.
inline double warmup(double rho) { return 10 / ((1 - rho) * (1 - rho)); }

inline constexpr int replications = 20;

/// Judges one quantity from its replications. Where all are equal, rounding to nanoseconds is forgiven.
void judge(const std::string& what, const std::vector<double>& replicated, double reference, double tolerance, double half_width = 0);
/// Runs the replications of a cell and judges all that is expected of it. `full`: at full length. In a build with assertions, which is
/// too slow for statistics, runs are short, only audited, and the test is skipped.
void check(const Cell& cell, bool full);
/// Runs all cells at full length, or skips.
void check_full_table(const std::vector<Cell>& cells);
/// One measure of each replication, `millions` of queries in all.
std::vector<double> replicate(const Cell& cell, double millions, double (*measured)(const Observed&), int runs = replications);

inline void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.name; }

/// Names parametrised tests after their cells.
struct CellName {
  std::string operator()(const testing::TestParamInfo<Cell>& info) const { return info.param.name; }
};

}  // namespace tideline::test
