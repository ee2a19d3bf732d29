// The files of a trace: opened for readers, which know no files.
#pragma once

#include "traces/formats.h"
#include "traces/trace.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// The files of a trace in a folder: those that end in .csv, .txt, .json, .jsonl or those with .gz, in the order of their names, numbers in
/// them as numbers. Throws WorldError where there is none.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

/// Whether it is a folder with such files.
bool is_trace_folder(const std::filesystem::path& path);

/// The files that `paths` name, `files_in` for a folder. Throws WorldError where one is missing.
TraceFiles trace_files(const std::vector<std::filesystem::path>& paths);

/// Throws InputError where a reader came to the end without having met a row.
void refuse_empty(const std::string& name, const TraceReport& report);

/// A reader whose errors are InputError and begin with `name`. Throws InputError and WorldError.
std::unique_ptr<TraceReader> open_trace_files(const std::string& name, const std::vector<std::filesystem::path>& paths,
                                              const ReadParams& params);

}  // namespace tideline
