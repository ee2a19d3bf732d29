// Runs side by side, for the terminal.
#pragma once

#include "sim/metrics/audit.h"
#include "sim/metrics/summary.h"

#include <span>
#include <string>

namespace tideline {

/// One column of the table.
struct TableRun {
  std::string name;
  const Summary* summary = nullptr;
  const AuditResult* audit = nullptr;
};

/// The most telling metrics as rows, runs as columns, and a last line on each run's audit; plain text in lines that end in a newline.
/// Three runs fit 100 columns; names that are too long are cut.
std::string comparison_table(std::span<const TableRun> runs);

}  // namespace tideline
