// A sweep file, read and checked: which runs it asks for, as a list of tasks that is the same wherever it is read.
#pragma once

#include "src/axis.h"
#include "src/file_hash.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

struct SweepTask {
  std::size_t number = 0;  ///< its place in the list
  Point point;
  std::uint32_t replication = 0;
  std::uint64_t seed = 1;
  std::string key;  ///< hash of all that its result depends on
};

struct Sweep {
  std::string name;  ///< of the file, without folder and suffix
  std::string file;
  std::string scenario;       ///< path of the scenario that it varies
  std::vector<Layer> layers;  ///< below the axes, in every task
  std::vector<Axis> axes;
  std::uint32_t replications = 1;
  std::vector<SweepTask> tasks;   ///< points in order, replications of one point side by side
  std::vector<InputFile> inputs;  ///< all files, the program's own among them, in order of path
};

/// Reads it; `layers` of the command line lie below the axes. Throws InputError with one line per problem, WorldError where a file cannot
/// be read.
Sweep read_sweep(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry);

/// What the task puts on the scenario.
std::vector<Layer> layers_of(const Sweep& sweep, const SweepTask& task);

}  // namespace tideline
