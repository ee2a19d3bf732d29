#include "src/csv_table.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "sim/model/arrival.h"
#include "src/errors.h"
#include "traces/gzip.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <span>
#include <sstream>
#include <utility>

namespace tideline {

std::unique_ptr<std::istream> open_table(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw WorldError("cannot read " + path + ": it is a folder");
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) throw WorldError("cannot read " + path + ": " + std::strerror(errno));
  if (file->peek() != 0x1f) {
    file->clear();
    return file;
  }
  // All of it at once: a stream that fails in between would look like one that ends.
  const auto in = unpacked(std::move(file));
  auto out = std::make_unique<std::stringstream>();
  try {
    std::array<char, 1 << 16> block;
    for (std::streamsize n = 0; (n = in->rdbuf()->sgetn(block.data(), block.size())) > 0;) out->write(block.data(), n);
  } catch (const SourceError& e) {
    throw InputError(path + ": " + e.what());
  }
  return out;
}

bool is_text(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto first = static_cast<unsigned char>(line[i]);
    if (first < 0x80) {
      if ((first < 0x20 && first != '\t') || first == 0x7f) return false;
      continue;
    }
    const std::size_t more = first >= 0xc2 && first < 0xe0 ? 1 : (first & 0xf0) == 0xe0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    if (more == 0 || i + more >= line.size()) return false;
    unsigned code = first & (0x3fU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(line[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3fU);
    }
    // Longer than needed, half of a pair of UTF-16, or beyond Unicode.
    if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) || (more == 3 && (code < 0x10000 || code > 0x10ffff)))
      return false;
    i += more;
  }
  return true;
}

CsvTable::CsvTable(std::istream& in, std::string name) : name_(std::move(name)) {
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.empty()) continue;
    if (!is_text(line)) fail(number, "is not text in UTF-8");
    std::vector<std::string> cells = split(line, number);
    if (header_.empty()) {
      header_ = std::move(cells);
      continue;
    }
    if (cells.size() != header_.size()) {
      fail(number, "has " + std::to_string(cells.size()) + " cells; the first row names " + std::to_string(header_.size()) + " columns");
    }
    rows_.push_back({number, std::move(cells)});
  }
  if (in.bad()) throw WorldError(name_ + ": cannot be read");
  if (header_.empty()) throw InputError(name_ + ": is empty; its first row must name the columns");
  if (rows_.empty()) throw InputError(name_ + ": has no rows below the names of the columns");
}

std::size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) {
    throw InputError(name_ + ": row 1: there is no column " + in_quotes(name) + suggestion(name, std::span(header_)));
  }
  return static_cast<std::size_t>(found - header_.begin());
}

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return {};
  return static_cast<std::size_t>(found - header_.begin());
}

std::optional<double> CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string& text = cell(row, column);
  if (text.empty()) return {};
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(x)) fail(row, column, "is not a number");
  return x;
}

std::optional<double> CsvTable::quantity(std::size_t row, std::size_t column,
                                         std::initializer_list<std::pair<std::string_view, double>> units) const {
  const std::string& text = cell(row, column);
  if (text.empty()) return {};
  double x = 0;
  const auto [end, error] = std::from_chars(text.data() + (text.front() == '~' ? 1 : 0), text.data() + text.size(), x);
  if (error != std::errc{} || !std::isfinite(x)) fail(row, column, "is not a number");
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  while (unit.ends_with(' ')) unit.remove_suffix(1);
  if (unit.empty()) return x * units.begin()->second;
  std::string known;
  for (const auto& [name, factor] : units) {
    if (unit == name) return x * factor;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail(row, column, "is not in " + known);
}

std::optional<std::uint32_t> CsvTable::side(std::size_t row, std::size_t column) const {
  const std::string& text = cell(row, column);
  if (text.empty()) return {};
  std::uint32_t pixels = 0;
  const char* const stop = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), stop, pixels);
  if (error != std::errc{} || (end != stop && *end != 'x') || pixels < 1 || pixels > 65536)
    fail(row, column, "is no size of images such as 224 or 224x224");
  return pixels;
}

void CsvTable::fail(std::size_t row, std::size_t column, const std::string& message) const {
  fail(line(row), "column " + in_quotes(header_[column]) + ": " + in_quotes(cell(row, column)) + " " + message);
}

void CsvTable::fail(std::size_t line, const std::string& message) const {
  throw InputError(name_ + ": row " + std::to_string(line) + ": " + message);
}

std::vector<std::string> CsvTable::split(std::string_view line, std::size_t number) const {
  std::vector<std::string> out;
  std::string cell;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        cell += line[++i];
      } else {
        quoted = !quoted;
      }
    } else if (line[i] == ',' && !quoted) {
      out.push_back(std::exchange(cell, {}));
    } else {
      cell += line[i];
    }
  }
  if (quoted) fail(number, "a quote is not closed");
  out.push_back(std::move(cell));
  return out;
}

}  // namespace tideline
