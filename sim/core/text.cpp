#include "sim/core/text.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace tideline {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 80;
  constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  std::size_t end = text.size();
  if (end > longest) {
    end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  }
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 0xFU];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  if (end < text.size()) out += "...";
  out += '"';
  return out;
}

std::string to_text(double x) {
  char buffer[64];
  const bool whole = std::abs(x) < 1e15 && x == std::trunc(x);
  const auto result = whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::int64_t>(x))
                            : std::to_chars(buffer, buffer + sizeof buffer, x);
  return {buffer, result.ptr};
}

}  // namespace tideline
