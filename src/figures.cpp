#include "src/figures.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace tideline::figure {

namespace {

std::string printed(const char* format, double x, std::string_view unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, x);
  return std::string(text.data()).append(unit);
}

/// Digits after the point so that four figures show.
const char* format_for(double x) {
  x = std::abs(x);
  if (x >= 999.95) return "%.0f";
  if (x >= 99.995) return "%.1f";
  if (x >= 9.9995) return "%.2f";
  return "%.3f";
}

}  // namespace

std::string plain(double x) { return printed(format_for(x), x, ""); }
std::string percent(double share) { return printed("%.2f", 100 * share, " %"); }
std::string count(double x) { return printed("%.0f", x, ""); }
std::string rate(double per_s) { return printed(format_for(per_s), per_s, " /s"); }
std::string accuracy(double x) { return printed("%.4f", x, ""); }

std::string time(double s) {
  if (s == 0) return "0 ms";
  if (s < 1e-3) return printed(format_for(s * 1e6), s * 1e6, " us");
  if (s < 10) return printed(format_for(s * 1e3), s * 1e3, " ms");
  return printed(format_for(s), s, " s");
}

std::string dollars(double usd) {
  if (usd == 0 || usd >= 1) return printed("$%.2f", usd, "");
  return printed("$%.3g", usd, "");
}

std::string energy(double j) {
  if (j >= 1e6) return printed(format_for(j * 1e-6), j * 1e-6, " MJ");
  if (j >= 1e3) return printed(format_for(j * 1e-3), j * 1e-3, " kJ");
  return printed(format_for(j), j, " J");
}

std::string bytes(double n) {
  if (n >= 1e9) return printed(format_for(n * 1e-9), n * 1e-9, " GB");
  if (n >= 1e6) return printed(format_for(n * 1e-6), n * 1e-6, " MB");
  if (n >= 1e3) return printed(format_for(n * 1e-3), n * 1e-3, " kB");
  return printed("%.0f", n, " B");
}

}  // namespace tideline::figure
