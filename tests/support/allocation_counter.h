// Counts calls of operator new, to show that decisions do not allocate. A test program that uses it has one definition of the
// counting operators (allocation_counter.cpp beside this file).
#pragma once

#include <cstdint>

namespace tideline::test {

/// Calls of any operator new so far.
std::uint64_t allocations();

/// How many allocations `f` makes.
template <class F>
std::uint64_t allocations_of(F&& f) {
  const std::uint64_t before = allocations();
  f();
  return allocations() - before;
}

}  // namespace tideline::test
