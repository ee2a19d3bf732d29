#include "src/real/wall_pacer.h"

#include "sim/core/text.h"

#include <algorithm>
#include <utility>

namespace tideline::real {

WallPacer::WallPacer(Wall wall, const std::atomic<bool>& stop, DurationHistogram& late, std::function<void(Time)> tick)
    : wall_(std::move(wall)), stop_(stop), late_(late), tick_(std::move(tick)) {}

std::optional<Completion> WallPacer::wait_until(Time next, Time& now) {
  if (!start_) start_ = wall_.now() - (now - Time{});
  while (true) {
    const Time present = Time{} + std::chrono::duration_cast<Duration>(wall_.now() - *start_);
    if (stop_) {
      stopped_ = true;
      now = std::max(now, std::min(present, next));
      return {};
    }
    if (tick_ && present - ticked_ >= 500ms) {
      ticked_ = present;
      tick_(present);
    }
    if (next <= present) {
      late_.record(present - next);
      return {};
    }
    if (const auto done = wall_.take()) {
      now = std::max(now, present);
      return done;
    }
    // Without anything to come nothing is left to do: what runs is always followed by the end of the run.
    if (next == never) return {};
    const Time until = std::min(next, present + longest_wait);
    wall_.wait(*start_ + (until - Time{}));
    const Time after = Time{} + std::chrono::duration_cast<Duration>(wall_.now() - *start_);
    if (after - until > jump)
      throw ClockJumped("at " + to_text(to_seconds(present - Time{})) + " s the clock went on by " + to_text(to_seconds(after - present)) +
                        " s in a wait of at most " + to_text(to_seconds(until - present)) +
                        " s: the machine was suspended or the process stopped, and what was measured is of no use; run it again");
  }
}

}  // namespace tideline::real
