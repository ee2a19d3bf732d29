// Tables of other people in memory: cells by the names of columns, and errors that name row and column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tideline {

/// A table of a file, unpacked where it is packed with gzip. Throws `WorldError` where it cannot be read, `InputError` where the packed
/// data are damaged; both name the file.
std::unique_ptr<std::istream> open_table(const std::string& path);

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
  const std::vector<std::string>& header() const { return header_; }
  std::size_t size() const { return rows_.size(); }
  std::size_t line(std::size_t row) const { return rows_[row].line; }
  const std::string& cell(std::size_t row, std::size_t column) const { return rows_[row].cells[column]; }
  const std::string& name() const { return name_; }

  /// The number in a cell, or nothing where it is blank.
  std::optional<double> number(std::size_t row, std::size_t column) const;
  /// The number in a cell that may be followed by its unit, such as "10.4 ms", times the factor of that; without one it is in the first.
  /// A `~` may stand before it. Nothing where the cell is blank; anything else behind the number fails.
  std::optional<double> quantity(std::size_t row, std::size_t column,
                                 std::initializer_list<std::pair<std::string_view, double>> units) const;
  /// The first number of a size of images such as "224", "224x224" or "640x384x3", 1 .. 65536, or nothing where the cell is blank.
  std::optional<std::uint32_t> side(std::size_t row, std::size_t column) const;

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
