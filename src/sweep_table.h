// The finished tasks of a sweep as one table: a row per task, a column per axis and per metric of the total.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tideline {

struct SweepTable {
  struct AxisColumn {
    std::string name;
    std::vector<std::string> values;  ///< labels by row
  };
  struct MetricColumn {
    std::string name, unit, help;
    std::vector<double> values;  ///< by row; NaN where it has none
  };
  std::string name, program;
  std::vector<std::uint64_t> tasks, replications, seeds;  ///< by row
  std::vector<AxisColumn> axes;
  std::vector<MetricColumn> metrics;
  std::size_t missing = 0, failed = 0;  ///< tasks without a row
};

/// Rows in order of tasks. Throws InputError where the folder holds no sweep.
SweepTable read_sweep_table(const std::filesystem::path& folder);

}  // namespace tideline
