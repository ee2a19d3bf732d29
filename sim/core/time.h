// Time of the simulated world: whole nanoseconds since its start.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace tideline {

using namespace std::chrono_literals;

using Duration = std::chrono::duration<std::int64_t, std::nano>;

/// The clock that only the event loop moves; it has no now().
struct SimulatedClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<SimulatedClock, Duration>;
  static constexpr bool is_steady = true;
};

/// A point in simulated time; `Time{}` is the start.
using Time = SimulatedClock::time_point;

inline constexpr Time never = Time::max();
inline constexpr Duration forever = Duration::max();

/// Seconds as a double: for files, formulas and people, never for the event order.
constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
constexpr double to_seconds(Time t) { return to_seconds(t.time_since_epoch()); }

/// Nearest nanosecond; anything beyond 290 years is `forever`.
inline Duration from_seconds(double s) {
  const double ns = std::nearbyint(s * 1e9);
  return ns >= 9.2e18 ? forever : Duration{static_cast<std::int64_t>(ns)};
}

/// At most 73 years: added to any time of a run it is still a time.
inline Duration scaled(Duration d, double factor) {
  constexpr double longest = 0x1p61;
  if (factor == 1) return d;
  return Duration{static_cast<std::int64_t>(std::min(std::nearbyint(static_cast<double>(d.count()) * factor), longest))};
}

/// `t + d` that stays at `never` instead of overflowing.
constexpr Time later(Time t, Duration d) { return d == forever || t == never || t.time_since_epoch() > forever - d ? never : t + d; }

}  // namespace tideline
