// What a source of arrivals yields; the seam between traces and the simulation.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace tideline {

/// One query as a source yields it. Fields that a source does not know keep their defaults.
struct Arrival {
  static constexpr std::uint32_t unknown = ~std::uint32_t{0};
  Time at{};                     ///< never before the source's previous one
  std::uint32_t task = unknown;  ///< index into `ArrivalSource::task_names`, or unknown
  std::uint32_t payload_bytes = unknown;
  std::uint32_t tenant = 0;
  std::uint16_t items = 1;       ///< images in the query, >= 1
  float work = 1;                ///< factor on service time, > 0
  std::uint32_t asks = unknown;  ///< which of the demands that the source lists; unknown: those of the entry's classes
};

/// How many queries a source expects in a stretch of time: one at an instant, or those of a bin of counts.
struct Expected {
  Arrival like;       ///< `like.at` is the start of the stretch
  Duration length{};  ///< over which they are spread
  double queries = 1;
};

/// A source met something in its file that it cannot read; the message names the row and what was expected.
struct SourceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A sorted stream of arrivals, in constant memory.
class ArrivalSource {
 public:
  virtual ~ArrivalSource() = default;
  /// Writes the next arrival and returns true, or returns false when there are no more.
  /// Throws `SourceError` where a file turns out to be wrong on the way.
  virtual bool next(Arrival& out) = 0;
  /// In place of `next`, for those who ask about rates only: the next stretch of time that has queries, without drawing each.
  /// Stretches are in order of their start. Throws as `next`.
  virtual bool next_expected(Expected& out) {
    out = Expected{};
    return next(out.like);
  }
  /// The tasks that `Arrival::task` indexes; empty when the source names none.
  virtual std::span<const std::string> task_names() const { return {}; }
  /// Mean rate over [from, to) in queries per second as far as the source knows it in advance (for planning), else 0.
  virtual double mean_qps(Time from, Time to) const = 0;
  /// What whoever ran it should know about what was read so far, as rows that were left out; empty: nothing.
  virtual std::string remark() const { return {}; }
};

}  // namespace tideline
