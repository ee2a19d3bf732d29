#include "src/task_pool.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tideline {

unsigned default_jobs() { return std::max(1U, std::thread::hardware_concurrency()); }

void run_tasks(std::size_t count, unsigned jobs, const std::atomic<bool>& stop, const std::function<void(std::size_t)>& task) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&] {
    while (!stop && !failed) {
      const std::size_t k = next++;
      if (k >= count) return;
      try {
        task(k);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failed.exchange(true)) error = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t k = 1; k < std::min<std::size_t>(jobs, count); ++k) threads.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace tideline
