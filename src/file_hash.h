// Hashes of what a run reads, to see later whether it is still the same: 16 hexadecimal digits. Against mistakes, not against fraud.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tideline {

/// A file that something depends on, with the hash of its content.
struct InputFile {
  std::string path;
  std::string hash;
};

std::string hex(std::uint64_t x);
/// FNV-1a, 64 bits, of the file's bytes; of a folder of a trace (trace_files.h) of the names and hashes of its files. Throws WorldError
/// where it cannot be read.
std::string hash_file(const std::filesystem::path& path);

}  // namespace tideline
