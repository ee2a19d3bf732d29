#include "traces/text.h"

#include "sim/model/arrival.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <exception>
#include <istream>
#include <limits>
#include <numeric>
#include <streambuf>

namespace tideline {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Levenshtein's distance, blind to case.
std::size_t distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// "nan", "-inf", "Infinity" and so on.
bool is_word_for_not_finite(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  std::string lower;
  for (const char c : text.substr(0, 9)) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower == "nan" || lower == "inf" || lower == "infinity";
}

/// The general form of `parse_ns`: any length, exponents, every fault.
NumberFault parse_ns_slowly(std::string_view text, int decimals, std::int64_t& ns) {
  if (text.empty()) return NumberFault::empty;
  if (is_word_for_not_finite(text)) return NumberFault::not_finite;
  const bool minus = text[0] == '-';
  if (minus) text.remove_prefix(1);

  // The number is 0.d1 d2 d3 ... x 10^place; digits beyond the stored ones are below any rounding.
  char digits[64] = {};
  std::int64_t stored = 0, place = 0;
  bool any = false, point = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
    } else if (is_digit(c)) {
      any = true;
      if (c != '0' || stored > 0) {
        if (stored < 64) digits[stored++] = c;
        place += !point;
      } else {
        place -= point;
      }
    } else {
      break;
    }
  }
  if (!any) return NumberFault::not_a_number;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    if (++i < text.size() && text[i] == '+' && i + 1 < text.size() && is_digit(text[i + 1])) ++i;
    int exponent = 0;
    const auto [after, error] = std::from_chars(text.data() + i, text.data() + text.size(), exponent);
    if (error == std::errc::invalid_argument) return NumberFault::not_a_number;
    if (error == std::errc::result_out_of_range) exponent = text[i] == '-' ? -1'000'000 : 1'000'000;
    place += exponent;
    i = static_cast<std::size_t>(after - text.data());
  }
  if (i != text.size()) return NumberFault::not_a_number;
  if (minus && stored > 0) return NumberFault::negative;  // "-0" is 0

  std::uint64_t value = 0;
  if (stored > 0) {
    const std::int64_t whole = place + decimals;  // digits before the point once in nanoseconds
    if (whole > 19) return NumberFault::too_large;
    for (std::int64_t k = 0; k < whole; ++k) value = value * 10 + (k < stored ? static_cast<std::uint64_t>(digits[k] - '0') : 0);
    if (whole >= 0 && whole < stored && digits[whole] >= '5') ++value;
  }
  if (value >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return NumberFault::too_large;
  ns = static_cast<std::int64_t>(value);
  return NumberFault::none;
}

}  // namespace

TextReader::TextReader(std::istream& in, std::size_t buffer) : in_(in), buffer_(std::clamp(buffer, std::size_t{16}, row_limit)) {
  refill();
  if (end_ >= 3 && std::memcmp(buffer_.data(), "\xEF\xBB\xBF", 3) == 0) position_ = 3;
}

bool TextReader::refill() {
  if (ended_) return false;
  const std::size_t kept = end_ - position_;
  if (kept == buffer_.size() && kept < row_limit) buffer_.resize(std::min(2 * kept, row_limit));
  if (kept == buffer_.size()) {
    throw SourceError("row " + std::to_string(next_row_) + " is longer than " + std::to_string(row_limit) +
                      " bytes: is this a text file with one entry a row?");
  }
  std::memmove(buffer_.data(), buffer_.data() + position_, kept);
  const bool has_nul = nul_ < end_;
  nul_ -= position_;
  position_ = 0;
  std::size_t came = 0;
  // Not through the stream, which forgets how much came before its buffer failed.
  if (in_.bad()) throw SourceError("reading failed at row " + std::to_string(next_row_));
  try {
    came = static_cast<std::size_t>(in_.rdbuf()->sgetn(buffer_.data() + kept, static_cast<std::streamsize>(buffer_.size() - kept)));
  } catch (const SourceError& e) {
    throw SourceError("row " + std::to_string(next_row_) + ": " + e.what());
  } catch (const std::exception&) {
    throw SourceError("reading failed at row " + std::to_string(next_row_));
  }
  end_ = kept + came;
  if (came == 0) ended_ = true;
  if (!has_nul) {
    const void* nul = std::memchr(buffer_.data() + kept, 0, came);
    nul_ = nul ? static_cast<std::size_t>(static_cast<const char*>(nul) - buffer_.data()) : end_;
  }
  return came > 0;
}

bool TextReader::line(std::string_view& out) {
  std::size_t searched = 0;  // bytes after position_ that hold no row end
  while (true) {
    const char* start = buffer_.data() + position_;
    const void* found = std::memchr(start + searched, '\n', end_ - position_ - searched);
    std::size_t length;
    if (found) {
      length = static_cast<std::size_t>(static_cast<const char*>(found) - start);
    } else {
      searched = end_ - position_;
      if (nul_ < end_) refuse_nul();
      if (refill()) continue;
      if (position_ == end_) return false;
      start = buffer_.data() + position_;
      length = end_ - position_;
    }
    if (nul_ < position_ + length) refuse_nul();
    position_ += length + (found != nullptr);
    row_ = next_row_;
    next_row_ += found != nullptr;
    if (length > 0 && start[length - 1] == '\r') --length;
    out = {start, length};
    return true;
  }
}

bool TextReader::data_line(std::string_view& out) {
  while (line(out)) {
    out = trimmed(out);
    if (!out.empty() && out[0] != '#') return true;
  }
  return false;
}

int TextReader::peek_beyond() {
  if (nul_ < end_) refuse_nul();
  return refill() ? peek() : -1;
}

void TextReader::refuse_nul() const {
  throw SourceError("row " + std::to_string(next_row_) + " holds a NUL byte: this is not a text file, or it is damaged");
}

bool Cells::next(std::string_view& cell) {
  if (done_) return false;
  while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
  if (!rest_.empty() && rest_[0] == '"') return next_quoted(cell);
  // Cells are short: a loop finds their end sooner than memchr.
  std::size_t length = 0;
  while (length < rest_.size() && rest_[length] != ',') ++length;
  cell = rest_.substr(0, length);
  done_ = length == rest_.size();
  rest_.remove_prefix(length + !done_);
  while (!cell.empty() && is_space(cell.back())) cell.remove_suffix(1);
  return true;
}

bool Cells::next_quoted(std::string_view& cell) {
  const std::size_t close = rest_.find('"', 1);
  if (close == std::string_view::npos) throw SourceError("row " + std::to_string(row_) + ": a quote is not closed: " + quoted(rest_));
  cell = rest_.substr(1, close - 1);
  const std::string_view after = trimmed(rest_.substr(close + 1));
  if (!after.empty() && after[0] != ',') {
    throw SourceError("row " + std::to_string(row_) + ": text after a closing quote: " + quoted(rest_));
  }
  done_ = after.empty();
  rest_ = after.empty() ? after : after.substr(1);
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<int> match_columns(std::string_view header, std::uint64_t row, std::span<const std::string_view> known,
                               const std::vector<std::string>& ignore) {
  const std::string where = "row " + std::to_string(row) + " (header): ";
  std::vector<int> columns;
  std::vector<bool> seen(known.size());
  Cells cells(header, row);
  std::string_view name;
  while (cells.next(name)) {
    if (std::find(ignore.begin(), ignore.end(), name) != ignore.end()) {
      columns.push_back(-1);
      continue;
    }
    const auto match = std::find(known.begin(), known.end(), name);
    if (match == known.end()) {
      const auto nearest = std::min_element(known.begin(), known.end(),
                                            [&](std::string_view a, std::string_view b) { return distance(name, a) < distance(name, b); });
      std::string valid;
      for (const std::string_view k : known) (valid += valid.empty() ? "" : ", ") += k;
      throw SourceError(where + "unknown column " + quoted(name) + ", the nearest valid name is '" + std::string(*nearest) +
                        "' (valid: " + valid + "; list it in 'ignore' to skip it)");
    }
    const auto index = static_cast<std::size_t>(match - known.begin());
    if (seen[index]) throw SourceError(where + "column " + quoted(name) + " comes twice");
    seen[index] = true;
    columns.push_back(static_cast<int>(index));
  }
  return columns;
}

NumberFault parse_ns(std::string_view text, int decimals, std::int64_t& ns) {
  // Digits, perhaps a point, at most `decimals` digits, 19 in all (which 64 bits hold): nearly every time in nearly every file.
  static constexpr std::uint64_t power[] = {1, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
  const char* p = text.data();
  const char* const end = p + text.size();
  std::uint64_t value = 0;
  const auto take_digits = [&](const char* until) {
    for (; p != until; ++p) {
      const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
      if (digit > 9) break;
      value = value * 10 + digit;
    }
  };
  take_digits(end);
  if (p != text.data() && p - text.data() <= 19 - decimals) {
    int missing = decimals;
    if (p != end && *p == '.') {
      const char* const point = p++;
      take_digits(end - p > decimals ? p + decimals : end);
      missing -= static_cast<int>(p - point) - 1;
    }
    value *= power[missing];
    if (p == end && value < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      ns = static_cast<std::int64_t>(value);
      return NumberFault::none;
    }
  }
  return parse_ns_slowly(text, decimals, ns);
}

NumberFault parse_whole(std::string_view text, std::uint64_t most, std::uint64_t& value) {
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, value);
  if (after == end && error == std::errc{}) return value <= most ? NumberFault::none : NumberFault::too_large;
  if (text.empty()) return NumberFault::empty;
  if (is_word_for_not_finite(text)) return NumberFault::not_finite;
  if (after == end && error == std::errc::result_out_of_range) return NumberFault::too_large;
  if (text[0] == '-' && text.size() > 1 && (is_digit(text[1]) || text[1] == '.')) return NumberFault::negative;
  std::int64_t ns;
  const NumberFault fault = parse_ns(text, 0, ns);
  return fault == NumberFault::not_a_number ? fault : NumberFault::not_whole;
}

std::string_view describe(NumberFault fault) {
  switch (fault) {
    case NumberFault::none:
      return "is fine";
    case NumberFault::empty:
      return "is empty";
    case NumberFault::negative:
      return "is negative";
    case NumberFault::not_finite:
      return "is not a finite number";
    case NumberFault::not_a_number:
      return "is not a number";
    case NumberFault::not_whole:
      return "is not a whole number";
    case NumberFault::too_large:
      return "is too large";
  }
  return "is wrong";
}

std::string quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, 40)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 32 && byte < 127) {
      out += c;
    } else {
      (out += "\\x") += {hex[byte >> 4], hex[byte & 15]};
    }
  }
  return out += text.size() > 40 ? "...'" : "'";
}

std::string seconds_text(std::int64_t ns) {
  std::string out = std::to_string(ns / 1'000'000'000);
  if (const std::int64_t rest = ns % 1'000'000'000; rest != 0) {
    std::string digits = std::to_string(1'000'000'000 + rest);
    digits.erase(digits.find_last_not_of('0') + 1);
    digits[0] = '.';
    out += digits;
  }
  return out += " s";
}

}  // namespace tideline
