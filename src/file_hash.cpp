#include "src/file_hash.h"

#include "src/errors.h"
#include "src/trace_files.h"

#include <array>
#include <fstream>

namespace tideline {

std::string hex(std::uint64_t x) {
  std::array<char, 16> digits{};
  for (int k = 15; k >= 0; --k, x >>= 4) digits[static_cast<std::size_t>(k)] = "0123456789abcdef"[x & 15];
  return {digits.begin(), digits.end()};
}

std::string hash_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (const auto& file : files_in(path))
      for (const char c : file.filename().string() + '\n' + hash_file(file) + '\n')
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hex(h);
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw WorldError("cannot read " + path.string());
  std::uint64_t h = 0xcbf29ce484222325ULL;
  std::array<char, 65536> block{};
  while (in.read(block.data(), block.size()) || in.gcount() > 0)
    for (std::streamsize k = 0; k < in.gcount(); ++k)
      h = (h ^ static_cast<unsigned char>(block[static_cast<std::size_t>(k)])) * 0x100000001b3ULL;
  return hex(h);
}

}  // namespace tideline
