// Names and numbers as messages show them.
#pragma once

#include <string>
#include <string_view>

namespace tideline {

/// `text` in double quotes; control characters escaped and a long text cut, so that a message stays one readable line.
std::string in_quotes(std::string_view text);

/// The shortest text that reads back as `x`; whole numbers below 1e15 without an exponent (100000, not 1e+05).
std::string to_text(double x);

}  // namespace tideline
