#include "src/output_file.h"

#include "src/errors.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace tideline {

namespace fs = std::filesystem;

fs::path output_file(const fs::path& wished) {
  std::error_code error;
  const fs::file_status status = fs::status(wished, error);
  if (!fs::exists(status)) return wished;
  if (!fs::is_regular_file(status))
    throw WorldError("cannot write " + wished.string() + (fs::is_directory(status) ? ": it is a folder" : ": it is not a regular file"));
  return fs::canonical(wished, error);
}

void write_whole(const fs::path& path, const std::string& text) {
  std::error_code error;
  const auto fail = [&](const std::string& why) { throw WorldError("cannot write " + path.string() + ": " + why); };
  if (path.has_parent_path()) {
    fs::create_directories(path.parent_path(), error);
    if (error) fail(error.message());
  }
  const fs::path part = path.string() + "." + std::to_string(getpid()) + ".part";  // several processes may write the same
  std::string reason;
  {
    errno = 0;
    std::ofstream out(part, std::ios::binary);
    out << text;
    if (!out.flush()) reason = std::strerror(errno);
  }
  if (reason.empty()) {
    fs::rename(part, path, error);
    if (error) reason = error.message();
  }
  if (reason.empty()) return;
  fs::remove(part, error);
  fail(reason);
}

}  // namespace tideline
