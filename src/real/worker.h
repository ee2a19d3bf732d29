// Threads that run networks, and the mailbox to which they say what is done.
#pragma once

#include "src/real/backend.h"
#include "src/real/cores.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tideline::real {

using WallClock = std::chrono::steady_clock;

/// Where an instance keeps its network. Who runs it or loads it holds on to it: it is freed when the last of them has let go.
struct NetworkSlot {
  std::unique_ptr<Network> network;
};

/// What a thread is told to do.
struct Job {
  enum class Kind : std::uint8_t { load, run, unload };
  Kind kind = Kind::run;
  std::uint64_t ticket = 0;  ///< comes back with what was done
  std::uint32_t items = 1;   ///< run: of the batch; load: the most that one will have
  unsigned threads = 1;      ///< load
  Backend* backend = nullptr;
  NetworkSpec spec;
  std::shared_ptr<NetworkSlot> slot;
};

/// What was done.
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
  /// Waits until there is something, or until then, and keeps its core busy: waking a thread whose core went idle takes 50 microseconds
  /// and more on a virtual machine.
  void wait_until(WallClock::time_point until) const;

 private:
  std::mutex mutex_;
  std::deque<Done> done_;
  std::atomic<std::size_t> posted_{0};  // of `done_`: looked at without the lock
};

/// The threads of some cores, which do what they are told in its order, as many at once as there is to do. An exception of a kernel is told,
/// and the next job is done.
///
/// One thread waits awake, so that a batch begins within microseconds of its being told, while instances use the cores and nothing else
/// is done on them: else it would take time from a kernel or a load.
class Workers {
 public:
  Workers(CoreSet cores, Mailbox& mailbox);
  /// Does what it was told and stops.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void tell(Job job);
  /// One instance more, or one less, uses the cores.
  void attach();
  void detach();
  const CoreSet& cores() const { return cores_; }

 private:
  struct Told {
    Job job;
    WallClock::time_point at;
  };
  void loop();
  /// The next job; none: it is time to stop.
  std::optional<Told> next();
  Done carry_out(const Told& told, const std::string& cannot_pin);

  CoreSet cores_;
  Mailbox& mailbox_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Told> jobs_;
  std::size_t asleep_ = 0, busy_ = 0, instances_ = 0;  // threads that wait for `came_`, that do something; users of the cores
  bool is_awake_ = false, stop_ = false;               // a thread waits awake; all shall end
  std::atomic<bool> look_{false};                      // the thread that waits awake shall look what there is
  std::vector<std::thread> threads_;
};

}  // namespace tideline::real
