// Random clusters so small that their optimum can be found by trying all.
#pragma once

#include "src/bound.h"
#include "tests/support/small_world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tideline::test {

/// One site with one or two devices, up to three variants of one task, and up to six queries some milliseconds apart.
struct TinyCluster {
  WorldBuilder b;
  std::vector<Time> at;  ///< arrivals

  explicit TinyCluster(Stream& draw) {
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("t");
    const auto variants = 1 + below(draw, 3);
    for (std::uint32_t v = 0; v < variants; ++v) {
      const int base = 1 + static_cast<int>(below(draw, 6)), item = 1 + static_cast<int>(below(draw, 3));
      b.variant(
          "v" + std::to_string(v), t, gpu, 0.4 + 0.075 * base, [=](std::uint32_t n) { return 1ms * base + 1ms * item * n; },
          1 + below(draw, 4));
    }
    b.pool("p", s, gpu, 1 + below(draw, 2));
    b.add_class(t, 1ms * static_cast<int>(4 + below(draw, 15)));
    const auto n = 1 + below(draw, 6);
    Time now{};
    for (std::uint32_t k = 0; k < n; ++k) at.push_back(now += 1ms * static_cast<int>(below(draw, 5)));
  }
  void devices(std::uint32_t n) { b.topology.pools[0].count = b.topology.pools[0].min = b.topology.pools[0].max = n; }
  std::vector<BoundQuery> queries() const {
    std::vector<BoundQuery> out;
    for (const Time k : at) out.push_back({k, ClassId{0}, SiteId{0}});
    return out;
  }
};

}  // namespace tideline::test
