#include "src/output_file.h"

#include "src/errors.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tideline {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void cannot_write(const fs::path& path, const std::string& why) {
  throw WorldError("cannot write " + path.string() + ": " + why);
}

/// Where it would lie once the folders on its way are made.
fs::path whole_path(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path.lexically_normal() : whole;
}

/// The nearest folder on the way to `path` that is there.
fs::path folder_of(const fs::path& path) {
  std::error_code error;
  fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  while (!fs::exists(folder, error) && folder.has_parent_path() && folder.parent_path() != folder) folder = folder.parent_path();
  return fs::exists(folder, error) ? folder : fs::path(".");
}

}  // namespace

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) || whole_path(a) == whole_path(b);
}

void refuse_inputs(const fs::path& wished, const std::vector<fs::path>& inputs) {
  for (const fs::path& input : inputs)
    if (same_file(wished, input))
      throw InputError("cannot write " + wished.string() + ": it is an input" +
                       (wished == input ? std::string() : " (" + input.string() + ")") + "; give another file to write");
}

fs::path incomplete_name(const fs::path& path) {
  return path.parent_path() / (path.stem().string() + ".incomplete" + path.extension().string());
}

fs::path output_file(const fs::path& wished, const std::vector<fs::path>& inputs) {
  if (!wished.has_filename())
    throw InputError("cannot write '" + wished.string() + "': " + (wished.empty() ? "it has no name" : "it is a folder"));
  refuse_inputs(wished, inputs);
  std::error_code error;
  const fs::file_status status = fs::status(wished, error);
  if (fs::exists(status)) {
    if (!fs::is_regular_file(status)) cannot_write(wished, fs::is_directory(status) ? "it is a folder" : "it is not a regular file");
    if (::access(wished.c_str(), W_OK) != 0) cannot_write(wished, std::strerror(errno));
  }
  const fs::path path = fs::is_symlink(wished, error) && fs::exists(status) ? fs::canonical(wished, error) : wished,
                 folder = folder_of(path);
  if (!fs::is_directory(folder, error)) cannot_write(wished, std::strerror(ENOTDIR));
  // Trying is the only sure way: some file systems refuse what permissions allow.
  const fs::path probe = folder / (".tideline." + std::to_string(getpid()) + ".part");
  errno = 0;
  if (!std::ofstream(probe)) cannot_write(wished, std::strerror(errno));
  fs::remove(probe, error);
  return path;
}

PartFile::PartFile(fs::path path)
    : path_(std::move(path)), part_(path_.string() + "." + std::to_string(getpid()) + ".part") {  // several processes may write the same
  std::error_code error;
  if (path_.has_parent_path()) {
    fs::create_directories(path_.parent_path(), error);
    if (error) fail(error.message());
  }
  errno = 0;
  out_.open(part_, std::ios::binary);
  if (!out_) fail(std::strerror(errno));
}

PartFile::~PartFile() {
  if (part_.empty()) return;
  std::error_code ignored;
  out_.close();
  fs::remove(part_, ignored);
}

void PartFile::publish() {
  errno = 0;
  if (!out_) {
    // An earlier write failed, and nobody asked why: the next one fails as well.
    out_.clear();
    out_.put(' ');
    if (out_.flush()) fail("a part of it could not be written");
  }
  if (!out_.flush()) fail(errno == 0 ? "a part of it could not be written" : std::strerror(errno));
  out_.close();
  if (!out_) fail(std::strerror(errno));
  std::error_code error;
  fs::rename(part_, path_, error);
  if (error) fail(error.message());
  part_.clear();
}

void PartFile::fail(const std::string& why) const { cannot_write(path_, why); }

void write_whole(const fs::path& path, const std::string& text) {
  PartFile file(path);
  file.out() << text;
  file.publish();
}

}  // namespace tideline
