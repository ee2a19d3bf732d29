// Waiting in a line with several instances.
#pragma once

#include <cmath>
#include <cstdint>

namespace tideline {

/// Probability that a visit waits in an M/M/c queue of offered load `a` = rate x service time; 1 where a >= c.
/// Source: Erlang C by the recursion of Erlang B, which does not overflow.
inline double erlang_c(std::uint32_t c, double a) {
  if (a >= c) return 1;
  double b = 1;
  for (std::uint32_t k = 1; k <= c; ++k) b = a * b / (k + a * b);
  return b / (1 - (a / c) * (1 - b));
}

/// Probability that it waits longer than `t` seconds, with a service time of mean `service_s` and squared coefficient of variation `cv2`:
/// exact for cv2 = 1, else t is stretched by 2 / (1 + cv2).
inline double waits_longer(std::uint32_t c, double rate, double service_s, double t, double cv2 = 1) {
  const double a = rate * service_s;
  if (a >= c) return 1;
  if (t < 0) return 1;
  return erlang_c(c, a) * std::exp(-(c / service_s - rate) * t * 2 / (1 + cv2));
}

}  // namespace tideline
