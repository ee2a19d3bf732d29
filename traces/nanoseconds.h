// Lengths of time as whole nanoseconds, for arithmetic on the times of traces.
#pragma once

#include <cstdint>

namespace tideline {

inline constexpr std::int64_t second_ns = 1'000'000'000, minute_ns = 60 * second_ns, hour_ns = 60 * minute_ns, day_ns = 24 * hour_ns;

}  // namespace tideline
