// The configuration that a run has in the end, for people and for our own reader.
#pragma once

#include "src/scenario.h"

#include <string>

namespace tideline {

/// JSON with a comment behind each value: the file and line, or the option, that set it, or `default`. Paths are absolute: read from
/// anywhere, it is the same scenario.
std::string effective_text(const Scenario& scenario);

}  // namespace tideline
