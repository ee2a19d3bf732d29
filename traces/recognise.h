// Tells which reader a trace is for, where a user gives a file and nothing else.
#pragma once

#include <cstdint>
#include <iosfwd>

namespace tideline {

enum class TraceFormat : std::uint8_t { csv, counts };

/// By the first row: a list and numbers between white space are counts; a header has the columns of one of them (csv.h, counts.h); a
/// row with a comma, and times with a fraction, are csv. A column of whole numbers is counts where one is less than the one before, as
/// times are sorted, within the first thousand rows. Throws `SourceError` that says why where it could be either or neither.
TraceFormat recognise_trace(std::istream& in);

}  // namespace tideline
