// Counts what the whole program allocates: to show that a steady state allocates nothing.
#pragma once

#include <cstdint>

namespace tideline::test {

/// Calls of operator new so far.
std::uint64_t allocations();

}  // namespace tideline::test
