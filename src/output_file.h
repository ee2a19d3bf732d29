// Text files that the program writes: whole or not at all.
#pragma once

#include <filesystem>
#include <string>

namespace tideline {

/// The file that `wished` names, links followed; only a regular file may be replaced. Throws WorldError.
std::filesystem::path output_file(const std::filesystem::path& wished);

/// Writes beside and renames: what stands under the final name is whole. Makes the folder. Throws WorldError.
void write_whole(const std::filesystem::path& path, const std::string& text);

}  // namespace tideline
