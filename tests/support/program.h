// Runs the built program as a user does: in a folder of its own, with its output and exit code caught.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tideline::test {

namespace fs = std::filesystem;

/// A temporary folder that goes with its object.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "tideline_test_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::permissions(path_, fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  fs::path operator/(const fs::path& name) const { return path_ / name; }
  void write(const fs::path& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream out(path_ / name, std::ios::binary);
    out << text;
  }
  /// Files in it and below, sorted; without folders.
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(path_))
      if (entry.is_regular_file()) out.push_back(fs::relative(entry.path(), path_).string());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  fs::path path_;
};

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Outcome {
  int code = -1;  ///< exit code, or minus the signal that ended it
  std::string out, err;
};

/// A started program. Its output is read by `wait`, so it must be short until then.
class Process {
 public:
  /// `file_limit`: bytes that it may write to one file; 0: as many as it likes.
  Process(const fs::path& folder, const std::vector<std::string>& command, std::size_t file_limit = 0) {
    std::array<int, 2> out{}, err{};
    if (pipe(out.data()) != 0 || pipe(err.data()) != 0) throw std::runtime_error("cannot make a pipe");
    std::vector<const char*> words;
    for (const auto& w : command) words.push_back(w.c_str());
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) {
      const rlimit limit{file_limit, file_limit};
      if (chdir(folder.c_str()) != 0 || dup2(out[1], STDOUT_FILENO) < 0 || dup2(err[1], STDERR_FILENO) < 0 ||
          (file_limit > 0 && setrlimit(RLIMIT_FSIZE, &limit) != 0))
        _exit(126);
      for (const int fd : {out[0], out[1], err[0], err[1]}) close(fd);
      const int nothing = open("/dev/null", O_RDONLY);
      dup2(nothing, STDIN_FILENO);
      execvp(words[0], const_cast<char* const*>(words.data()));
      _exit(127);
    }
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      (void)wait();
    }
  }

  void signal(int number) const { kill(pid_, number); }

  Outcome wait() {
    Outcome done;
    std::array<pollfd, 2> fds{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
    const std::array<std::string*, 2> texts{&done.out, &done.err};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
      if (poll(fds.data(), fds.size(), -1) < 0) continue;
      for (std::size_t k = 0; k < fds.size(); ++k) {
        if (fds[k].fd < 0 || fds[k].revents == 0) continue;
        std::array<char, 65536> block{};
        const ssize_t n = read(fds[k].fd, block.data(), block.size());
        if (n > 0) {
          texts[k]->append(block.data(), static_cast<std::size_t>(n));
        } else {
          close(fds[k].fd);
          fds[k].fd = -1;
        }
      }
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    done.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return done;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
};

inline Outcome run_command(const Folder& folder, const std::vector<std::string>& command, std::size_t file_limit = 0) {
  return Process(folder.path(), command, file_limit).wait();
}

/// The program, as `tideline ARGUMENTS...` in the folder.
inline Outcome tideline(const Folder& folder, std::vector<std::string> arguments, std::size_t file_limit = 0) {
  arguments.insert(arguments.begin(), TIDELINE_PROGRAM);
  return run_command(folder, arguments, file_limit);
}

}  // namespace tideline::test
