// How far a run is: a line on the terminal, plain lines elsewhere on request. Never part of results.
#pragma once

#include "sim/core/time.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace tideline {

/// Shows simulated time, share done and time left on standard error while a run goes on, if that is a terminal.
class Progress {
 public:
  Progress(std::string name, Time end, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(Time now, std::uint64_t queries);

 private:
  std::string name_;
  Time end_;
  bool shown_ = false, terminal_ = false;
  std::chrono::steady_clock::time_point began_, last_;
};

}  // namespace tideline
