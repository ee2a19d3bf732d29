// Tables of latencies that grow by the same with each item.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <vector>

namespace tideline::test {

/// By items, from 0 (nothing) to `most`.
inline std::vector<Duration> affine(double base_s, double item_s, std::uint32_t most) {
  std::vector<Duration> table{Duration{}};
  for (std::uint32_t b = 1; b <= most; ++b) table.push_back(from_seconds(base_s + b * item_s));
  return table;
}

}  // namespace tideline::test
