// Simulated time that follows the clock on the wall: an event is handled when it is due, a kernel that is done at once.
#pragma once

#include "sim/engine/pacer.h"
#include "sim/metrics/histogram.h"
#include "src/real/worker.h"

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>

namespace tideline::real {

/// The clock went on without the loop: the machine was suspended, or the process stopped.
struct ClockJumped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the pacer waits with; replaced in tests.
struct Wall {
  std::function<WallClock::time_point()> now = [] { return WallClock::now(); };
  std::function<void(WallClock::time_point)> wait;  ///< returns when something is done, or then
  std::function<std::optional<Completion>()> take;  ///< what is done
};

/// Arrivals are open-loop: an event that is due is handled before a completion that came after it, at the time at which it was due, however
/// late the loop is; by how much is recorded. A completion is handled at the time that the clock shows.
class WallPacer final : public Pacer {
 public:
  /// `late` hears of each event by how much it was handled late. `tick` is called about twice a second with the present time.
  WallPacer(Wall wall, const std::atomic<bool>& stop, DurationHistogram& late, std::function<void(Time)> tick);
  std::optional<Completion> wait_until(Time next, Time& now) override;
  bool stopped() const override { return stopped_; }

  /// No wait is longer than this, so that a stop is heard.
  static constexpr Duration longest_wait = 50ms;
  /// A wait that took so much longer than it should says that the clock jumped.
  static constexpr Duration jump = 3s;

 private:
  Wall wall_;
  const std::atomic<bool>& stop_;
  DurationHistogram& late_;
  std::function<void(Time)> tick_;
  std::optional<WallClock::time_point> start_;  // of simulated time: at the first wait
  Time ticked_{};
  bool stopped_ = false;
};

}  // namespace tideline::real
