// What a scenario needs to run for real on this machine, checked before anything runs, and what is said of it afterwards.
#pragma once

#include "sim/model/world.h"
#include "src/json_document.h"
#include "src/real/executor.h"
#include "src/scenario.h"

#include <map>
#include <memory>
#include <string>

namespace tideline::real {

/// What runs a variant's kernel.
NetworkSpec spec_of(const tideline::Kernel& kernel);

/// The machine as a scenario uses it: its backends and who runs where.
class RealMode {
 public:
  /// The scenario and the world must outlive it.
  /// Throws InputError for what no machine could run (a variant without a kernel, queries with work, a slowdown), also where the work that is
  /// offered exceeds the devices tenfold; WorldError for what this machine cannot (cores, memory, a precision).
  RealMode(const Scenario& scenario, const World& world);

  RealExecutor& executor() { return *executor_; }
  std::unique_ptr<RealExecutor> take_executor() { return std::move(owned_); }
  /// All that was seen, keys as documented in sim/metrics/README.md.
  Json report(const World& world) const;

 private:
  std::map<std::string, std::unique_ptr<Backend>> backends_;
  std::unique_ptr<RealExecutor> owned_;
  RealExecutor* executor_ = nullptr;
};

/// The calling thread is that of the loop, on its core, while this lives.
class LoopThread {
 public:
  /// Throws WorldError where the machine refuses.
  explicit LoopThread(RealMode& mode);
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

 private:
  CoreSet before_;
};

/// The report as a few lines for people.
std::string report_text(const Json& report);

}  // namespace tideline::real
