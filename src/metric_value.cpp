#include "src/metric_value.h"

#include "src/errors.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace tideline {

MetricValue read_metric_value(const std::string& option, const std::string& text) {
  MetricValue out;
  const auto equals = text.find('=');
  std::string_view number = equals == std::string::npos ? "" : std::string_view(text).substr(equals + 1);
  out.metric = text.substr(0, equals);
  out.relative = number.ends_with('%');
  if (out.relative) number.remove_suffix(1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.value);
  if (error != std::errc{} || end != number.data() + number.size() || !(out.value > 0) || !std::isfinite(out.value))
    throw InputError(option + " " + text + ": expected METRIC=VALUE or METRIC=VALUE% with a value above 0");
  if (out.relative) out.value /= 100;
  return out;
}

}  // namespace tideline
