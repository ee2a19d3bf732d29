// What is to come: for policies that are no policies but bounds, and say so by their names (`oracle_...`).
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"

#include <cstdint>
#include <memory>

namespace tideline {

/// A query that will arrive.
struct FutureQuery {
  Time at{};
  ClassId cls;
  SiteId origin;
  std::uint32_t items = 1;
};

/// A second reader of the queries of the run, from the first on, in order of time. Nobody reads it unless asked to, and what was read
/// is kept by who read it.
class Future {
 public:
  virtual ~Future() = default;
  /// Writes the next query and returns true, or returns false when there are no more.
  virtual bool next(FutureQuery& out) = 0;
};

/// A policy that needs to know what is to come. No other policy is told.
class Clairvoyant {
 public:
  virtual ~Clairvoyant() = default;
  /// Called once, before the run.
  virtual void foresee(std::unique_ptr<Future> future) = 0;
};

}  // namespace tideline
