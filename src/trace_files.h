// The files of a trace: opened for readers, which know no files.
#pragma once

#include "traces/formats.h"
#include "traces/trace.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// The files that `paths` name: a folder stands for the files in it that end in .csv, .txt, .json, .jsonl or those with .gz, in the order
/// of their names, numbers in them as numbers. Throws WorldError where one is missing or a folder has none.
TraceFiles trace_files(const std::vector<std::filesystem::path>& paths);

/// A reader whose errors are InputError and begin with `name`. Throws InputError and WorldError.
std::unique_ptr<TraceReader> open_trace_files(const std::string& name, const std::vector<std::filesystem::path>& paths,
                                              const ReadParams& params);

}  // namespace tideline
