// Threads that run networks, and the mailbox to which they say what is done.
#pragma once

#include "src/real/backend.h"
#include "src/real/cores.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace tideline::real {

using WallClock = std::chrono::steady_clock;

/// What a worker is told to do.
struct Job {
  enum class Kind : std::uint8_t { load, run, unload, stop };
  Kind kind = Kind::run;
  std::uint64_t ticket = 0;  ///< comes back with what was done
  std::uint32_t items = 1;   ///< run: of the batch; load: the most that one will have
  unsigned threads = 1;      ///< load
  Backend* backend = nullptr;
  NetworkSpec spec;
};

/// What a worker did.
struct Done {
  Job::Kind kind = Job::Kind::run;
  std::uint64_t ticket = 0;
  bool failed = false;
  std::string error;  ///< what the kernel said
  WallClock::time_point told, began, ended;
  LoadParts parts;  ///< load
  std::int64_t resident_bytes = 0;
};

/// Of all workers; read by one thread.
class Mailbox {
 public:
  void post(Done done);
  /// The oldest, if there is one.
  std::optional<Done> take();
  /// Waits until there is something, or until then.
  void wait_until(WallClock::time_point until);

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Done> done_;
};

/// A thread bound to some cores. It holds one network at a time and does its jobs in their order; an exception of a kernel is told, and the
/// next job is done.
class Worker {
 public:
  Worker(CoreSet cores, Mailbox& mailbox);
  /// Does what it was told and stops. What it holds is freed.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void tell(Job job);
  const CoreSet& cores() const { return cores_; }

 private:
  struct Told {
    Job job;
    WallClock::time_point at;
  };
  void loop();

  CoreSet cores_;
  Mailbox& mailbox_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Told> jobs_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace tideline::real
