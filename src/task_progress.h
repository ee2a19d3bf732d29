// How far a list of tasks is: a bar with time left on a terminal, nothing elsewhere but what is noted.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace tideline {

/// Used by one thread at a time.
class TaskProgress {
 public:
  TaskProgress(std::string name, std::size_t tasks, bool quiet);
  ~TaskProgress() { finish(); }
  TaskProgress(const TaskProgress&) = delete;
  TaskProgress& operator=(const TaskProgress&) = delete;

  /// One more task is done.
  void done() { set(count_ + 1, tasks_); }
  /// So many are done, of so many; 0: nobody knows of how many.
  void set(std::size_t count, std::size_t tasks);
  /// A line of its own, on standard error, also where there is no bar.
  void note(const std::string& text);
  /// Takes the bar away.
  void finish();
  std::size_t count() const { return count_; }

 private:
  void show();

  std::string name_;
  std::size_t tasks_, count_ = 0;
  bool terminal_, shown_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace tideline
