// "Did you mean": the valid name that is nearest to a wrong one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tideline {

/// The candidate that the fewest edits (insert, delete, replace, swap neighbours; case costs nothing) turn `name` into; the
/// first of several. Empty when none is near enough to be a plausible typing error: a third of the name's length, at least one.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);
std::string_view nearest(std::string_view name, std::span<const std::string> candidates);

/// The end of a message about an unknown name: `; did you mean "margin"?`, or `; known: "a", "b"` when none is near and they are
/// few enough to list, or nothing.
std::string suggestion(std::string_view name, std::span<const std::string_view> candidates);
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

}  // namespace tideline
