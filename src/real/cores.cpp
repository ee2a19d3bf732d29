#include "src/real/cores.h"

#include "src/real/backend.h"

#include <cstring>
#include <pthread.h>
#include <sched.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace tideline::real {

CoreSet usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CoreSet out;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return out;
  for (int k = 0; k < CPU_SETSIZE; ++k)
    if (CPU_ISSET(k, &set)) out.push_back(k);
  return out;
}

void pin(const CoreSet& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int k : cores) CPU_SET(k, &set);
  if (const int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set); error != 0)
    throw CannotRun("a thread cannot be bound to core " + core_list(cores) + ": " + std::strerror(error));
}

void spin_once() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::string core_list(const CoreSet& cores) {
  std::string out;
  for (std::size_t k = 0; k < cores.size();) {
    std::size_t last = k;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(cores[k]);
    if (last > k) out += "-" + std::to_string(cores[last]);
    k = last + 1;
  }
  return out;
}

}  // namespace tideline::real
