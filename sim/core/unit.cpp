#include "sim/core/unit.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace tideline::param {
namespace {

constexpr Unit time_units[] = {{"ns", 1, 1e9}, {"us", 1, 1e6}, {"ms", 1, 1e3}, {"s", 1, 1},
                               {"min", 60, 1}, {"h", 3600, 1}, {"d", 86400, 1}};
constexpr Unit byte_units[] = {{"B", 1, 1},        {"kB", 1e3, 1},     {"MB", 1e6, 1},     {"GB", 1e9, 1},    {"TB", 1e12, 1},
                               {"KiB", 0x1p10, 1}, {"MiB", 0x1p20, 1}, {"GiB", 0x1p30, 1}, {"TiB", 0x1p40, 1}};
constexpr Unit rate_units[] = {{"B/s", 1, 1},        {"kB/s", 1e3, 1},     {"MB/s", 1e6, 1},     {"GB/s", 1e9, 1},     {"TB/s", 1e12, 1},
                               {"KiB/s", 0x1p10, 1}, {"MiB/s", 0x1p20, 1}, {"GiB/s", 0x1p30, 1}, {"TiB/s", 0x1p40, 1}, {"b/s", 1, 8},
                               {"kb/s", 1e3, 8},     {"Mb/s", 1e6, 8},     {"Gb/s", 1e9, 8},     {"Tb/s", 1e12, 8}};

constexpr Dimension no_dimension{};
constexpr Dimension dimensions[] = {{"s", "seconds", "100ms", time_units},
                                    {"bytes", "bytes", "4GiB", byte_units},
                                    {"bytes_per_s", "bytes per second", "100MB/s", rate_units}};

}  // namespace

const Dimension& dimension_of(std::string_view key_unit) {
  for (const auto& dimension : dimensions) {
    if (dimension.key_unit == key_unit) return dimension;
  }
  return no_dimension;
}

std::optional<double> measured(std::string_view text, const Dimension& dimension) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || !std::isfinite(x)) return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  for (const auto& unit : dimension.units) {
    if (unit.text != text) continue;
    const double y = x * unit.times / unit.per, whole = std::round(y);
    // 4.22 is no binary number: 4.22 GB are whole bytes all the same.
    return std::abs(y - whole) <= 4 * std::numeric_limits<double>::epsilon() * std::abs(y) ? whole : y;
  }
  return {};
}

}  // namespace tideline::param
