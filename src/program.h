// The whole command line as one call: the program itself, and what a repository of own policies calls.
#pragma once

#include "sim/policy/registry.h"

#include <vector>

namespace tideline {

/// Exit codes of the program.
enum class Exit : int { done = 0, check_failed = 1, wrong_input = 2, wrong_world = 3, wrong_policy = 4, bug = 70 };

/// Runs the command line with the built-in policies and `more`, whose names must differ from theirs. Returns the exit code; never
/// throws.
int run_program(int argc, const char* const* argv, std::vector<PolicyDefinition> more = {});

}  // namespace tideline
