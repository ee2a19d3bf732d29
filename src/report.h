// The data of a report: what `tideline report` reads, as JSON that src/report/page.js draws.
#pragma once

#include "src/json_document.h"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace tideline {

/// A line of more points than this is thinned.
inline constexpr std::size_t most_points = 2000;

/// Of a results file, whatever it has: those of killed and interrupted runs too, and the page says what is not in them. Throws what
/// ResultsReader throws.
Json report_of_run(const std::filesystem::path& file);
/// Of the folder of a sweep, finished or not. Throws InputError where it is none, or none that this program reads.
Json report_of_sweep(const std::filesystem::path& folder);
/// Of what `tideline compare` wrote. Throws InputError where it is something else.
Json report_of_comparison(const std::filesystem::path& file);

/// Which of `rows` rows to draw where there are more than `most`: of equal parts the rows with the least and the greatest value of each
/// column, and the first and the last of all. In order; values that are not finite count for nothing, but a part that has no others keeps
/// its first row, so that a gap stays one.
std::vector<std::size_t> thinned_rows(const std::vector<std::vector<double>>& columns, std::size_t rows, std::size_t most = most_points);

}  // namespace tideline
