// How simulated time relates to the time of the wall.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <optional>

namespace tideline {

/// Something that ran outside the loop (a real kernel) is done.
struct Completion {
  unsigned kind = 0;       ///< event kind to raise
  std::uint32_t slot = 0;  ///< entity
  bool failed = false;
};

/// The loop asks before each event. A completion that comes first becomes an event at `now`.
class Pacer {
 public:
  virtual ~Pacer() = default;
  /// Waits until `next` is due or something completed; `now` is the present simulated time and is moved forward to the
  /// instant at which the wait ended. Returns the completion, or nothing when `next` is due.
  virtual std::optional<Completion> wait_until(Time next, Time& now) = 0;
  /// The wait ended because somebody wants the run to end: `next` is not due.
  virtual bool stopped() const { return false; }
};

}  // namespace tideline
