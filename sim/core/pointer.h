// JSON pointers (RFC 6901): how problems name a place in an input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// `key` with ~ and / escaped.
std::string escape_token(std::string_view key);

/// The pointer of member `key`, or of element `index`, of what `pointer` names.
std::string child(std::string_view pointer, std::string_view key);
std::string child(std::string_view pointer, std::size_t index);

/// The pointer of the container of what `pointer` names; "" is its own parent.
std::string_view parent(std::string_view pointer);

/// The unescaped tokens of a pointer that is empty or begins with a slash.
std::vector<std::string> tokens(std::string_view pointer);

}  // namespace tideline
