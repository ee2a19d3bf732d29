// Files that the program writes: whole or not at all, and never one that it reads.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tideline {

/// Whether both name one file, by whatever path or link; also of files that are not there yet.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

/// Throws InputError where `wished` is one of `inputs`: what is read may not be written over.
void refuse_inputs(const std::filesystem::path& wished, const std::vector<std::filesystem::path>& inputs);

/// What an interrupted run of a verb is called: NAME.incomplete.json for NAME.json, beside it, so that a whole one is not lost.
std::filesystem::path incomplete_name(const std::filesystem::path& path);

/// The file that `wished` names, links followed; only a regular file may be replaced. Throws InputError where it is one of `inputs`, and
/// WorldError, with the reason, where it cannot be written.
std::filesystem::path output_file(const std::filesystem::path& wished, const std::vector<std::filesystem::path>& inputs = {});

/// A file in the making: `NAME.PID.part`, beside the old file, until publish() puts it in the place of that. Without it the destructor
/// removes it. Makes the folder.
class PartFile {
 public:
  /// Throws WorldError.
  explicit PartFile(std::filesystem::path path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::ostream& out() { return out_; }
  /// Throws WorldError, also where something that was written before did not fit.
  void publish();

 private:
  [[noreturn]] void fail(const std::string& why) const;

  std::filesystem::path path_, part_;
  std::ofstream out_;
};

/// A whole file of that text. Throws WorldError.
void write_whole(const std::filesystem::path& path, const std::string& text);

}  // namespace tideline
