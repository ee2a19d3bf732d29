// Traces whose numbers of queries are changed by what a first reading said of them.
#pragma once

#include "traces/shape.h"

#include <memory>

namespace tideline {

/// Whether `params` needs a first reading.
bool needs_first_reading(const TraceParams& params);

/// Reads the trace that `open` opens once, and gives a reader of it with the numbers of queries that `params` means (shape.h). Where
/// `rate_scale` is taken care of by it, it sets that of `params` to 1. Throws as `open`, and `std::invalid_argument` naming a parameter.
std::unique_ptr<TraceReader> rescaled(const OpenTrace& open, TraceParams& params, Stream stream);

}  // namespace tideline
