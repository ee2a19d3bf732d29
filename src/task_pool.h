// Independent tasks over the threads of this process.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace tideline {

/// How many tasks this machine runs at once: its processors.
unsigned default_jobs();

/// Calls `task(0)` ... `task(count - 1)`, each once, in this order of starts, up to `jobs` at a time; returns when all have returned. No
/// more are started once `stop` is set. The first exception ends it like `stop`, and is thrown again when the others have returned.
void run_tasks(std::size_t count, unsigned jobs, const std::atomic<bool>& stop, const std::function<void(std::size_t)>& task);

}  // namespace tideline
