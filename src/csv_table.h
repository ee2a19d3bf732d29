// Tables of other people in memory: cells by the names of columns, and errors that name row and column.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Whether it is UTF-8 without control characters but tabs: what a catalog may hold.
bool is_text(std::string_view line);

/// A CSV with a row of names. Cells are texts; each row knows its line in the file. Takes CRLF, a byte-order mark, blank lines, quotes.
class CsvTable {
 public:
  /// Reads all of `in`. Throws `InputError` that begins with `name`, and `WorldError` where it cannot be read.
  CsvTable(std::istream& in, std::string name);

  /// Throws `InputError` with the nearest name where there is none.
  std::size_t column(std::string_view name) const;
  std::optional<std::size_t> find_column(std::string_view name) const;
  std::size_t size() const { return rows_.size(); }
  std::size_t line(std::size_t row) const { return rows_[row].line; }
  const std::string& cell(std::size_t row, std::size_t column) const { return rows_[row].cells[column]; }
  const std::string& name() const { return name_; }

  /// The number in a cell, or nothing where it is blank.
  std::optional<double> number(std::size_t row, std::size_t column) const;
  /// The number at the start of a cell, such as "10.4 ms", or nothing where it has none.
  std::optional<double> leading_number(std::size_t row, std::size_t column) const;

  [[noreturn]] void fail(std::size_t row, std::size_t column, const std::string& message) const;

 private:
  struct Row {
    std::size_t line;
    std::vector<std::string> cells;
  };

  [[noreturn]] void fail(std::size_t line, const std::string& message) const;
  std::vector<std::string> split(std::string_view line, std::size_t number) const;

  std::string name_;
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

}  // namespace tideline
