// Who writes down what happened: metrics, records, audit. Recorders see everything, also what policies may not; no policy
// may be one.
#pragma once

#include "sim/model/cluster.h"
#include "sim/model/environment.h"

#include <cstdint>

namespace tideline {

/// How a query ended.
enum class Ending : std::uint8_t {
  answered,    ///< in time or late
  rejected,    ///< never joined a line: admission said no, or the line was full
  infeasible,  ///< never joined a line: selection found no variant, or dispatch no place
  dropped,     ///< joined, left unserved
  lost,        ///< its instance failed and no retry was left
  unfinished   ///< still open when the run ended
};

/// The end of a query. Durations add up to finish - arrival: network + load + queue + service.
struct QueryEnd {
  Ending ending = Ending::answered;
  Time finish{};
  VariantId variant;  ///< that answered; none if unanswered
  InstanceId instance;
  std::uint32_t instance_serial = 0;  ///< of what was in that slot when it answered
  std::uint32_t batch = 0;            ///< visits in its batch
  std::uint8_t visits = 1;            ///< made for the query
  Duration network{}, load{}, queue{}, service{};
  double accuracy = 0;      ///< profiled; of votes and cascades the expectation for this query
  double realised = 0;      ///< right (1) or wrong (0), or the score
  double cost_usd = 0;      ///< attributed to the query: its share of device time, and transfer
  double transfer_usd = 0;  ///< the part of `cost_usd` that is transfer over links
};

enum class StopCause : std::uint8_t { keep_alive, plan, evicted, failed };

struct Decision;
struct PlanSolution;

class Recorder {
 public:
  /// Of what happens for every query or batch, what a recorder wants to be told: a call that does nothing costs too.
  struct Facts {
    bool arrivals = true, batches = true, ends = true;
    bool decisions = false;  ///< asking for these makes every decision dearer
  };

  virtual ~Recorder() = default;
  virtual Facts facts() const { return {}; }
  /// The run begins, before all else: from now on the cluster may be read in every other call.
  virtual void run_begins(const Cluster&) {}
  /// A query arrived (before admission).
  virtual void arrived(const Visit&) {}
  virtual void ended(const Visit&, const QueryEnd&) {}
  /// A batch is done at `now`. `wasted_items` belonged to cancelled visits. The instance's `batch_count` still says how many visits it had.
  virtual void batch_done(InstanceId, DeviceId, VariantId, std::uint32_t /*items*/, std::uint32_t /*wasted_items*/, Duration /*took*/,
                          Time /*now*/) {}
  /// A batch ended without answers at `now`, with its node: all that it had is lost. As above, of `batch_count`.
  virtual void batch_lost(InstanceId, DeviceId, VariantId, std::uint32_t /*items*/, Duration /*took*/, Time /*now*/) {}
  virtual void instance_started(InstanceId, StartCause, Time) {}
  /// It is its turn to load on its device, and this is what the load has to pay.
  virtual void load_began(InstanceId, const LoadParts&, double /*usd for links from the store*/, Time) {}
  virtual void instance_warm(InstanceId, Time) {}
  /// It has other cores now; it had so many.
  virtual void instance_resized(InstanceId, std::uint32_t /*cores before*/, Time) {}
  virtual void instance_draining(InstanceId, Time) {}
  /// It is about to be gone.
  virtual void instance_stopped(InstanceId, StopCause, Time) {}
  /// A visit triggered a load, or waits for one that it did not trigger.
  virtual void load_triggered(const Visit&) {}
  virtual void delayed_by_load(const Visit&) {}
  /// An answer of a policy was overtaken by events.
  virtual void stale_answer(std::uint8_t /*policy kind*/, Time) {}
  /// Prices change now: all accounts of the cluster are settled. Not told before the first change: every factor is 1, all power clean.
  virtual void prices(const Cluster&, const Prices&, Time) {}
  /// Boards were sent between controllers and sites: messages, and their bytes together.
  virtual void boards_sent(std::uint64_t /*messages*/, std::uint64_t /*bytes*/, Time) {}
  /// Dispatch chose a place by a board of this age; live boards are not told.
  virtual void went_by(Duration /*age*/, Time) {}
  /// A query of the window was decided about this long after it arrived, where decisions take time.
  virtual void decision_taken(Duration /*after*/) {}
  /// The measured window begins or ends: all accounts of the cluster are settled.
  virtual void window(bool /*begins*/, const Cluster&, Time) {}
  virtual void sample(const Cluster&, Time) {}
  /// A policy of the controller answered, and nothing was done about it yet.
  virtual void decided(ControllerId, const Decision&, Time) {}
  /// A planner of the controller ended a search.
  virtual void solved(ControllerId, const PlanSolution&, Time) {}
};

}  // namespace tideline
