// Gaps in a recording of counts.
#pragma once

#include "traces/formats.h"
#include "traces/trace.h"

#include <cstdint>
#include <memory>

namespace tideline {

/// Yields the sorted stretches of `reader`, which do not overlap, with what `params.gaps` makes of those that are left out and of runs of
/// zeros of at least `params.gap_s`: silent ones, ones that are missing, or bins of `bin_ns()` with as many queries as on a straight line
/// between the means of up to 60 bins on either side. Stretches that follow each other without queries are one. What was found is in the
/// report's notes.
std::unique_ptr<TraceReader> with_gaps(std::unique_ptr<TraceReader> reader, const ReadParams& params);

}  // namespace tideline
