// Reading text files in constant memory: rows, cells, characters and numbers, and the words for what is wrong with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// A text as rows or as characters through one buffer. A byte-order mark at the start is skipped, CRLF ends a row like LF, the last row
/// needs no end. Throws `SourceError` for a NUL byte, a row longer than `row_limit`, or when the stream fails.
class TextReader {
 public:
  static constexpr std::size_t row_limit = std::size_t{1} << 18;  ///< bytes

  /// Reads from `in`, which must outlive the reader, from its present position to its end. `buffer`: bytes to begin with, doubled up to
  /// `row_limit` where a row needs it; who reads many files side by side asks for little.
  explicit TextReader(std::istream& in, std::size_t buffer = row_limit);

  /// The next row without its end; valid until the next call. False at the end of the text.
  bool line(std::string_view& out);
  /// The next row that is neither blank nor a comment ('#' first), spaces around it trimmed.
  bool data_line(std::string_view& out);
  /// Number of the row that `line` gave last, from 1; comments and blank rows count, so an editor shows the same.
  std::uint64_t row() const { return row_; }

  /// The next character, or -1 at the end.
  int peek() { return position_ < nul_ ? static_cast<unsigned char>(buffer_[position_]) : peek_beyond(); }
  /// Goes past the character that `peek` shows.
  void skip() { next_row_ += buffer_[position_++] == '\n'; }
  /// Number of the row that `peek` is in, from 1.
  std::uint64_t row_here() const { return next_row_; }

 private:
  bool refill();
  int peek_beyond();
  [[noreturn]] void refuse_nul() const;

  std::istream& in_;
  std::vector<char> buffer_;
  std::size_t position_ = 0;  // the unread text is [position_, end_)
  std::size_t end_ = 0;
  std::size_t nul_ = 0;  // the first NUL byte at or after position_, or end_
  std::uint64_t row_ = 0;
  std::uint64_t next_row_ = 1;
  bool ended_ = false;
};

/// The cells of one row: separated by commas, spaces and tabs around them trimmed, `"..."` around a cell removed.
class Cells {
 public:
  Cells(std::string_view line, std::uint64_t row) : rest_(line), row_(row) {}
  /// The next cell, or false when the row has no more. Throws `SourceError` for quotes that do not match.
  bool next(std::string_view& cell);

 private:
  bool next_quoted(std::string_view& cell);

  std::string_view rest_;
  std::uint64_t row_;
  bool done_ = false;
};

/// Without spaces, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);

/// What a header row names: for each of its cells the index in `known`, or -1 where `ignore` lists it.
/// Throws `SourceError` for a name that is neither, with the nearest known one, and for a name that comes twice.
std::vector<int> match_columns(std::string_view header, std::uint64_t row, std::span<const std::string_view> known,
                               const std::vector<std::string>& ignore);

/// What is wrong with the text of a number.
enum class NumberFault : std::uint8_t { none, empty, negative, not_finite, not_a_number, not_whole, too_large };

/// A decimal number >= 0 ("12", "12.5", ".5", "1.25e3") of a unit of 10^decimals ns as whole nanoseconds, halves rounded up.
/// Exact for any number of digits. At most 2^63 - 2 ns.
NumberFault parse_ns(std::string_view text, int decimals, std::int64_t& ns);
/// A whole number in 0 .. most.
NumberFault parse_whole(std::string_view text, std::uint64_t most, std::uint64_t& value);
/// Ends of sentences: "is negative", ...
std::string_view describe(NumberFault fault);

/// In quotes for a message: shortened to 40 bytes, what is not printable ASCII as \xNN.
std::string quoted(std::string_view text);
/// Exactly, e.g. "1.5 s".
std::string seconds_text(std::int64_t ns);

}  // namespace tideline
