// A pack: results with all that is needed to make them again elsewhere, as one archive. Unpacked it is a folder with
//   pack.json     what is in it, below as PackList
//   results/      results files, folders of sweeps, comparisons and capacities, as they were
//   inputs/       the files that they were made from, where they lay relative to each other
//   scenarios/    the effective configuration of each results file, for readers
//   expected.csv  what came out: a line per metric of each run
//   program/      the program that packed it
//   run.sh, Dockerfile, README.md
#pragma once

#include "sim/policy/registry.h"
#include "src/file_hash.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tideline {

/// A file of inputs/.
struct PackedFile {
  InputFile file;     ///< path relative to the folder of the pack
  std::string where;  ///< where to get it, if it was left out
  bool left_out = false;
};

struct PackList {
  std::string program, compiler, system;  ///< that packed it
  std::string folder;                     ///< that the commands ran in, relative to the folder of the pack
  std::vector<PackedFile> files;
  std::vector<std::string> results;  ///< paths relative to the folder of the pack
};

/// Whether the folder is one of a pack.
bool is_pack(const std::filesystem::path& folder);
/// Throws InputError where pack.json is not one or of another version.
PackList read_pack(const std::filesystem::path& folder);

struct LeftOut {
  std::filesystem::path file;
  std::string where;
};

/// Lays the pack out in `folder`, which is there and empty, with links to what is not written anew. `results`: results files, folders of
/// sweeps, JSON files of comparisons and capacities, other folders for all of these that they hold. Throws InputError where there is none,
/// one was interrupted, or a file has changed since or is named by an absolute path; WorldError where a file is gone.
PackList lay_out_pack(const std::filesystem::path& folder, const std::vector<std::string>& results, const std::vector<LeftOut>& left_out,
                      bool with_program, const PolicyRegistry& registry);

}  // namespace tideline
