// Units of parameters: what the end of a key means, and the texts that say a value in another unit of that dimension.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace tideline::param {

/// A unit is worth `times / per` of the unit in the key. Two numbers, as 100 / 1000 is 0.1 and 100 * 0.001 need not be.
struct Unit {
  std::string_view text;
  double times;
  double per;
};

/// What is measured: a key's unit and the others that a text may name.
struct Dimension {
  std::string_view key_unit;  ///< s, bytes, bytes_per_s
  std::string_view name;
  std::string_view example;
  std::span<const Unit> units;  ///< none: a bare number
};

/// The dimension of that unit of a key; one without units where there is none.
const Dimension& dimension_of(std::string_view key_unit);

/// "100ms" in the unit of the key, or nothing where it is no number with a unit of the dimension.
std::optional<double> measured(std::string_view text, const Dimension& dimension);

}  // namespace tideline::param
