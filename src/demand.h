// What a scenario's workload asks for, entry by entry and class by class, with rates as far as they can be known before a run.
#pragma once

#include "src/explain.h"
#include "src/scenario.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Rates are means over parts of the measured window of at least this length, all alike, at most `most_parts` of them.
inline constexpr Duration least_part = 300s;
inline constexpr std::int64_t most_parts = 2016;

/// A trace is read once, up to the end of the window, in constant memory. Beyond so many arrivals or bins its rates are not known.
inline constexpr std::uint64_t most_read = 5'000'000;

/// One demand for each class of each entry. A class of a trace whose task does not occur in the window is left out where the trace was
/// read. Throws InputError or WorldError where a trace cannot be read.
std::vector<Demand> demands_of(const Scenario& scenario, const World& world);

/// Work that a scenario offers / what its devices can do in that time, if each query took the least that a variant of its class takes, an
/// item, in its best batch. 0 where a rate is not known.
double offered_share(const Scenario& scenario, const World& world);

}  // namespace tideline
