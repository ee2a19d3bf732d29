// How many times this program asked for memory: the tests in tests/policies count (no_allocation_test.cpp has the operators).
#pragma once

#include <cstddef>

namespace tideline::test {

std::size_t allocations();

}  // namespace tideline::test
