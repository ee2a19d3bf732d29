#include "src/task_progress.h"

#include <unistd.h>

#include <cstdio>

namespace tideline {

TaskProgress::TaskProgress(std::string name, std::size_t tasks, bool quiet)
    : name_(std::move(name)), tasks_(tasks), terminal_(!quiet && isatty(STDERR_FILENO) != 0), began_(std::chrono::steady_clock::now()) {
  show();
}

void TaskProgress::show() {
  if (!terminal_ || (tasks_ == 0 && count_ == 0)) return;
  shown_ = true;
  if (tasks_ == 0) {  // nobody knows how many there will be
    std::fprintf(stderr, "\r\033[K%s: %zu runs", name_.c_str(), count_);
    std::fflush(stderr);
    return;
  }
  constexpr std::size_t width = 30;
  const std::size_t full = width * count_ / tasks_;
  const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  std::fprintf(stderr, "\r\033[K%s [%s%s] %zu of %zu", name_.c_str(), std::string(full, '#').c_str(),
               std::string(width - full, '.').c_str(), count_, tasks_);
  if (count_ > 0) std::fprintf(stderr, ", %.0f s left", spent * static_cast<double>(tasks_ - count_) / static_cast<double>(count_));
  std::fflush(stderr);
}

void TaskProgress::set(std::size_t count, std::size_t tasks) {
  count_ = count;
  tasks_ = tasks;
  show();
}

void TaskProgress::note(const std::string& text) {
  if (shown_) std::fputs("\r\033[K", stderr);
  std::fprintf(stderr, "%s: %s%s", name_.c_str(), text.c_str(), text.ends_with('\n') ? "" : "\n");
  show();
}

void TaskProgress::finish() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace tideline
