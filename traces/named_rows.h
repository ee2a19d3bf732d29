// Rows as cells by the names of their columns: what readers of tables and of lines of JSON have in common.
#pragma once

#include "traces/text.h"

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Yields the cells of the wanted columns of each row, wherever the columns stand; others are skipped. Blank rows and those that start
/// with '#' are not counted as rows.
class NamedRows {
 public:
  virtual ~NamedRows() = default;
  /// Writes the cells in the order in which they were wanted; an empty one where the row or the file has none. They are valid until the
  /// next call. False at the end. Throws `SourceError`.
  virtual bool next(std::span<std::string_view> cells) = 0;
  /// Number of the row that `next` gave last, as an editor counts.
  virtual std::uint64_t row() const = 0;
  /// Names of the columns that nobody wants.
  virtual const std::vector<std::string>& ignored() const = 0;
};

/// A CSV. Its header names the columns; without one they are the wanted ones in their order, as many as the first row has.
class TableRows final : public NamedRows {
 public:
  enum class Header : std::uint8_t { required, none };
  /// `in` must outlive it. Throws `SourceError` where the header lacks one of the first `required` columns or names a wanted one twice,
  /// and for a text without rows.
  TableRows(std::istream& in, std::span<const std::string> wanted, std::size_t required, Header header,
            std::size_t buffer = TextReader::row_limit);
  bool next(std::span<std::string_view> cells) override;
  std::uint64_t row() const override { return reader_.row(); }
  const std::vector<std::string>& ignored() const override { return ignored_; }

 private:
  /// Of a row without quotes.
  void split(std::string_view line, std::span<std::string_view> cells) const;
  [[noreturn]] void refuse_width(std::string_view line) const;

  TextReader reader_;
  std::vector<int> columns_;  // what each cell of a row is, -1: not wanted
  std::vector<std::string> ignored_;
  bool has_all_ = false;    // every wanted column is there
  std::string_view first_;  // a first row that is no header, in the reader's buffer until the next is read
};

/// One object of JSON a row. Only members of the object itself are looked at; a string is yielded without its quotes, escapes as they are
/// written; objects, lists, true and false as they are written; null as nothing.
class JsonRows final : public NamedRows {
 public:
  /// `in` must outlive it. Throws `SourceError` for a text without rows.
  JsonRows(std::istream& in, std::span<const std::string> wanted);
  bool next(std::span<std::string_view> cells) override;
  std::uint64_t row() const override { return reader_.row(); }
  const std::vector<std::string>& ignored() const override { return ignored_; }

 private:
  TextReader reader_;
  std::vector<std::string> wanted_;
  std::vector<bool> seen_;  // which of them the row had so far
  std::vector<std::string> ignored_;
  std::string_view first_;
  bool is_first_ = true;
};

/// The names in a header, or the cells of any row.
std::vector<std::string> cells_of(std::string_view line, std::uint64_t row);
/// The names of the members of an object of JSON in one line. Throws `SourceError`.
std::vector<std::string> members_of(std::string_view line, std::uint64_t row);

}  // namespace tideline
