// What `tideline trace` says of traces, as text and as JSON.
#pragma once

#include "src/json_document.h"
#include "traces/task_table.h"
#include "traces/trace_statistics.h"

#include <span>
#include <string>

namespace tideline {

/// What a reader did with its file: a line each.
std::string notes_of(const TraceReport& report);

std::string text_of(const TraceFigures& figures, const TraceReport& report);
Json json_of(const TraceFigures& figures, const TraceReport& report);

/// The figures of a trace beside those of what was made of it, which `second` names.
std::string comparison(const TraceFigures& before, const TraceFigures& after, const std::string& second);

/// A row for each task, `tasks` their names; the first `rows` of them.
std::string text_of(const TaskTableFigures& figures, std::span<const std::string> tasks, std::size_t rows);
Json json_of(const TaskTableFigures& figures, std::span<const std::string> tasks);

}  // namespace tideline
