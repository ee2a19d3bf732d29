// Puts rows of a trace in order.
#pragma once

#include "traces/trace.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tideline {

/// Yields the rows of `reader` by their start; rows of one start stay in the order of the file. It holds at most two times `window` rows
/// (64 bytes each): a row may stand up to `window` rows behind its place. Rows that stood behind it are counted in the report.
/// With a window of 0 the first such row is refused. Throws `SourceError` for one that is further away.
std::unique_ptr<TraceReader> sorted(std::unique_ptr<TraceReader> reader, std::uint32_t window);

/// Merges readers whose rows are sorted; of one start the row of the first goes first. Their keys are one list.
std::unique_ptr<TraceReader> merged(std::vector<std::unique_ptr<TraceReader>> readers, std::string format);

/// Passes on the rows of a sorted reader of stretches. Throws `SourceError` where one begins before the one before it ends, whose queries
/// would count twice. `what` a stretch is called; `where`: what errors begin with.
std::unique_ptr<TraceReader> apart(std::unique_ptr<TraceReader> reader, std::string what, std::string where = {});

}  // namespace tideline
