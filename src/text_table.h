// Tables as plain text: columns for people, fields of a CSV for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Lines of cells, each column as wide as it needs and two blanks from the next, every line after `indent`; without blanks at the ends of
/// lines. `figures`: all columns but the first and the last are set to the right.
std::string in_columns(const std::vector<std::vector<std::string>>& lines, std::string_view indent = {}, bool figures = false);

/// A field of a CSV (RFC 4180): in quotes where it has to be.
std::string csv_field(const std::string& text);

}  // namespace tideline
