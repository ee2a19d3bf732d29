// What tests of networks that run for real have in common.
#pragma once

#include "src/real/cores.h"
#include "src/real/shape.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <vector>

/// Skips a test that runs in real mode where the machine has a single core.
#define TIDELINE_NEEDS_TWO_CORES()               \
  if (tideline::real::usable_cores().size() < 2) \
  GTEST_SKIP() << "real mode needs a core for the event loop and one for a device: this machine gives one"

namespace tideline::real {

/// A published model by its name. Throws CannotRun for one that is none.
inline NetworkSpec model(const std::string& name, std::uint32_t resolution, Precision precision = Precision::f32) {
  for (const NamedModel& m : named_models())
    if (name == m.name) return {"yolov5", m.depth, m.width, resolution, precision, 1};
  throw CannotRun("no model " + name);
}

/// ||a - b|| / ||b||.
inline double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  double apart = 0, whole = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart += std::pow(double{a[i]} - b[i], 2);
    whole += std::pow(double{b[i]}, 2);
  }
  return std::sqrt(apart / whole);
}

}  // namespace tideline::real
