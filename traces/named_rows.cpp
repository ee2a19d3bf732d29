#include "traces/named_rows.h"

#include "sim/core/nearest.h"
#include "sim/model/arrival.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tideline {
namespace {

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 12;
  std::string out;
  for (std::size_t k = 0; k < std::min(names.size(), most); ++k) out += (k > 0 ? ", " : "") + quoted(names[k]);
  return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
}

/// Eight bytes at a time: cells are too short for `memchr` and too long for a loop over each byte.
const char* comma_or_end(const char* p, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    for (; end - p >= 8; p += 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      word ^= ones * std::uint64_t{','};
      // The lowest top bit that is left is that of the first byte that was a comma; those above it may be wrong.
      if (const std::uint64_t found = (word - ones) & ~word & tops; found != 0) return p + std::countr_zero(found) / 8;
    }
  }
  while (p != end && *p != ',') ++p;
  return p;
}

/// Walks over the members of an object of JSON in one line.
class Members {
 public:
  Members(std::string_view line, std::uint64_t row) : begin_(line.data()), p_(line.data()), end_(line.data() + line.size()), row_(row) {
    skip_space();
    if (!take('{')) refuse("expected an object of JSON");
  }

  bool next(std::string_view& name, std::string_view& value) {
    skip_space();
    if (take('}')) return finish();
    if (!first_ && !take(',')) refuse("expected ',' or '}'");
    first_ = false;
    skip_space();
    name = string();
    skip_space();
    if (!take(':')) refuse("expected ':'");
    skip_space();
    value = any();
    return true;
  }

 private:
  void skip_space() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\r')) ++p_;
  }
  bool take(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool finish() {
    skip_space();
    if (p_ != end_) refuse("text after the object");
    return false;
  }
  std::string_view string() {
    if (!take('"')) refuse("expected '\"'");
    const char* const from = p_;
    while (p_ != end_ && *p_ != '"') p_ += *p_ == '\\' && p_ + 1 != end_ ? 2 : 1;
    if (p_ == end_) refuse("a string is not closed");
    return {from, static_cast<std::size_t>(p_++ - from)};
  }
  std::string_view any() {
    if (p_ == end_) refuse("a value is missing");
    if (*p_ == '"') return string();
    const char* const from = p_;
    if (*p_ == '{' || *p_ == '[') {
      int depth = 0;
      do {
        if (p_ == end_) refuse("a list or an object is not closed");
        if (*p_ == '"') {
          string();
          continue;
        }
        depth += *p_ == '{' || *p_ == '[' ? 1 : *p_ == '}' || *p_ == ']' ? -1 : 0;
        ++p_;
      } while (depth > 0);
    } else {
      while (p_ != end_ && *p_ != ',' && *p_ != '}' && *p_ != ' ' && *p_ != '\t') ++p_;
    }
    const std::string_view value(from, static_cast<std::size_t>(p_ - from));
    if (value.empty()) refuse("a value is missing");
    return value == "null" ? std::string_view{} : value;
  }
  [[noreturn]] void refuse(std::string_view what) const {
    throw SourceError("row " + std::to_string(row_) + ", byte " + std::to_string(p_ - begin_ + 1) + ": " + std::string(what) + ": " +
                      quoted({p_, static_cast<std::size_t>(end_ - p_)}));
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  std::uint64_t row_;
  bool first_ = true;
};

}  // namespace

std::vector<std::string> cells_of(std::string_view line, std::uint64_t row) {
  std::vector<std::string> out;
  std::string_view cell;
  for (Cells cells(line, row); cells.next(cell);) out.emplace_back(cell);
  return out;
}

std::vector<std::string> members_of(std::string_view line, std::uint64_t row) {
  std::vector<std::string> out;
  std::string_view name, value;
  for (Members members(line, row); members.next(name, value);) out.emplace_back(name);
  return out;
}

TableRows::TableRows(std::istream& in, std::span<const std::string> wanted, std::size_t required, Header header, std::size_t buffer)
    : reader_(in, buffer) {
  std::string_view line;
  if (!reader_.data_line(line)) throw SourceError("it has no rows");
  if (header == Header::none) {
    first_ = line;
    const std::size_t width = cells_of(line, reader_.row()).size();
    if (width < required || width > wanted.size())
      throw SourceError("row " + std::to_string(reader_.row()) + " has " + std::to_string(width) + " columns, expected " +
                        (required == wanted.size() ? "" : std::to_string(required) + " to ") + std::to_string(wanted.size()) +
                        " (without a header): " + quoted(line));
    for (std::size_t k = 0; k < width; ++k) columns_.push_back(static_cast<int>(k));
    return;
  }
  const std::vector<std::string> names = cells_of(line, reader_.row());
  const std::string where = "row " + std::to_string(reader_.row()) + " (header): ";
  std::vector<bool> seen(wanted.size());
  for (const std::string& name : names) {
    const auto at = name.empty() ? wanted.end() : std::find(wanted.begin(), wanted.end(), name);
    if (at == wanted.end()) {
      columns_.push_back(-1);
      ignored_.push_back(name);
      continue;
    }
    const auto index = static_cast<std::size_t>(at - wanted.begin());
    if (seen[index]) throw SourceError(where + "column " + quoted(name) + " comes twice");
    seen[index] = true;
    columns_.push_back(static_cast<int>(index));
  }
  has_all_ = std::find(seen.begin(), seen.end(), false) == seen.end();
  for (std::size_t k = 0; k < required; ++k)
    if (!seen[k])
      throw SourceError(where + "there is no column " + quoted(wanted[k]) + suggestion(wanted[k], ignored_) + " (it has " + listed(names) +
                        ")");
}

bool TableRows::next(std::span<std::string_view> cells) {
  std::string_view line, cell;
  if (!first_.empty()) {
    line = first_;
    first_ = {};
  } else if (!reader_.data_line(line)) {
    return false;
  }
  if (!has_all_) std::fill(cells.begin(), cells.end(), std::string_view{});
  if (std::memchr(line.data(), '"', line.size()) == nullptr) {
    split(line, cells);
    return true;
  }
  Cells rest(line, reader_.row());
  for (const int column : columns_) {
    if (!rest.next(cell)) refuse_width(line);
    if (column >= 0) cells[static_cast<std::size_t>(column)] = cell;
  }
  if (rest.next(cell)) refuse_width(line);
  return true;
}

void TableRows::split(std::string_view line, std::span<std::string_view> cells) const {
  const char* p = line.data();
  const char* const end = p + line.size();
  bool more = true;
  for (const int column : columns_) {
    if (!more) refuse_width(line);
    const char* const from = p;
    p = comma_or_end(p, end);
    if (column >= 0) {
      const std::string_view cell(from, static_cast<std::size_t>(p - from));
      cells[static_cast<std::size_t>(column)] = cell.empty() || (cell.front() > ' ' && cell.back() > ' ') ? cell : trimmed(cell);
    }
    more = p != end;
    p += more;
  }
  if (more) refuse_width(line);
}

void TableRows::refuse_width(std::string_view line) const {
  const std::size_t width = cells_of(line, reader_.row()).size();
  throw SourceError("row " + std::to_string(reader_.row()) + " has " + std::to_string(width) + (width == 1 ? " column" : " columns") +
                    ", expected " + std::to_string(columns_.size()) + ": " + quoted(line));
}

JsonRows::JsonRows(std::istream& in, std::span<const std::string> wanted) : reader_(in), wanted_(wanted.begin(), wanted.end()) {
  if (!reader_.data_line(first_)) throw SourceError("it has no rows");
  for (std::string& name : members_of(first_, reader_.row()))
    if (std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end()) ignored_.push_back(std::move(name));
}

bool JsonRows::next(std::span<std::string_view> cells) {
  std::string_view line = first_;
  if (!is_first_ && !reader_.data_line(line)) return false;
  is_first_ = false;
  std::fill(cells.begin(), cells.end(), std::string_view{});
  std::string_view name, value;
  seen_.assign(wanted_.size(), false);
  for (Members members(line, reader_.row()); members.next(name, value);)
    for (std::size_t k = 0; k < wanted_.size(); ++k) {
      if (wanted_[k] != name || name.empty()) continue;
      // Which of the two counts is for nobody to guess.
      if (seen_[k]) throw SourceError("row " + std::to_string(reader_.row()) + ": member " + quoted(name) + " comes twice in its object");
      seen_[k] = true;
      cells[k] = value;
    }
  return true;
}

}  // namespace tideline
