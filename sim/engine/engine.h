// The event loop: clock, pending events, merged arrivals. It knows no inference: kinds and slots are opaque.
#pragma once

#include "sim/core/time.h"
#include "sim/engine/event_queue.h"
#include "sim/engine/pacer.h"

#include <cassert>
#include <cstdint>
#include <optional>

namespace tideline {

/// Clock and event set. `Handler` (see `run`) is the domain.
class Engine {
 public:
  Time now() const { return now_; }
  std::uint64_t events() const { return sequence_; }

  /// Schedules an event; `at` must not lie in the past.
  void schedule(Time at, unsigned kind, std::uint32_t slot) {
    assert(at >= now_);
    queue_.push(Event::make(at, kind, sequence_++, slot));
  }

  /// Runs until the handler is finished or nothing is left to do. The handler has
  ///   static constexpr unsigned arrival_kind;   // arrivals come after heap events of smaller kind at one instant
  ///   Time next_arrival() const;                // `never` when there are none; never before now()
  ///   void arrive();                            // handles that arrival and moves to the next
  ///   void handle(unsigned kind, std::uint32_t slot, bool failed);
  ///   bool finished() const;
  ///   void expect(unsigned kind, std::uint32_t slot) const;  // optional: probably the next event, but for arrivals
  /// `pacer` may be null: virtual time.
  template <class Handler>
  void run(Handler& handler, Pacer* pacer) {
    while (step(handler, pacer)) {
    }
  }

  /// One arrival, event or completion; false when finished or when nothing is left.
  template <class Handler>
  bool step(Handler& handler, Pacer* pacer) {
    constexpr std::uint64_t arrival_key = std::uint64_t{Handler::arrival_kind} << (Event::slot_bits + Event::sequence_bits);
    if (handler.finished()) return false;
    const Time arrival = handler.next_arrival();
    const bool pending = !queue_.empty();
    if (!pending && arrival == never && pacer == nullptr) return false;
    const bool arrive = !pending || Event{arrival_key, arrival} < queue_.top();
    const Time next = arrive ? arrival : queue_.top().at;
    std::optional<Completion> done;
    if (pacer != nullptr) {
      done = pacer->wait_until(next, now_);
      if (!done && (next == never || pacer->stopped())) return false;
    }
    if (!done) {
      assert(next >= now_);
      now_ = next;
      if (arrive) {
        handler.arrive();
        return true;
      }
      const Event e = queue_.pop();
      done = {e.kind(), e.slot(), false};
    }
    handler.handle(done->kind, done->slot, done->failed);  // the only call, so that it is compiled into the loop
    if constexpr (requires { handler.expect(0U, 0U); })
      if (!queue_.empty()) handler.expect(queue_.top().kind(), queue_.top().slot());
    return true;
  }

 private:
  Time now_{};
  std::uint64_t sequence_ = 0;
  EventQueue queue_;
};

}  // namespace tideline
