// A drawing of a run for Perfetto and chrome://tracing: trace-event JSON.
#pragma once

#include "sim/core/time.h"
#include "src/results_reader.h"

#include <atomic>
#include <cstdint>
#include <iosfwd>

namespace tideline {

struct TimelineCounts {
  std::uint64_t batches = 0, instances = 0, queries = 0;
  bool interrupted = false;  ///< `stop` said so: the drawing is not whole
};

/// Throws InputError where the file has no records of instances, batches or queries.
void require_records(const ResultsReader& reader);

/// How long the run is, as far as its records know: the latest time in them.
Duration length_of(const ResultsReader& reader);

/// Writes what the file has of these, as far as it overlaps [from, to]:
/// - batches, as complete events on a track of their device; batches that overlap on a device go to further lanes of it;
/// - instances, as complete events on lanes of their device, with loading, warm and draining inside;
/// - queries, as asynchronous slices by class, with the parts of their latency inside. A query's time on links is drawn before the rest of
///   it, though the way back comes after.
/// Times are microseconds since the start of the run. Memory does not grow with the number of rows.
/// Throws InputError, before it writes anything, where `require_records` does, and WorldError where a row names what is not there.
TimelineCounts write_timeline(const ResultsReader& reader, Time from, Time to, std::ostream& out, const std::atomic<bool>& stop);

}  // namespace tideline
