// Reads measured outcomes: what variants made of the samples of a data set.
#pragma once

#include "sim/model/outcome.h"

#include <filesystem>

namespace tideline {

/// From an HDF5 file with `variants` (texts: names of columns), one of `right` (0 or 1) and `score` (0 .. 1), and perhaps `confidence`
/// (0 .. 1), each samples x variants. Columns of variants that the catalog has not are passed over. Throws InputError that names the file
/// where something is missing or out of range, or where a task has variants both in it and not; WorldError where it cannot be read.
OutcomeTable read_outcomes(const std::filesystem::path& file, const Catalog& catalog);

}  // namespace tideline
