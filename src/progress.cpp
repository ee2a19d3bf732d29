#include "src/progress.h"

#include <unistd.h>

#include <cstdio>

namespace tideline {

Progress::Progress(std::string name, Time end, bool quiet)
    : name_(std::move(name)),
      end_(end),
      terminal_(!quiet && isatty(STDERR_FILENO) != 0),
      began_(std::chrono::steady_clock::now()),
      last_(began_) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::show(Time now, std::uint64_t queries) {
  if (!terminal_) return;
  const auto t = std::chrono::steady_clock::now();
  if (t - last_ < std::chrono::milliseconds(200)) return;
  last_ = t;
  shown_ = true;
  const double share = end_ == never ? 0 : to_seconds(now) / to_seconds(end_), spent = std::chrono::duration<double>(t - began_).count();
  std::fprintf(stderr, "\r\033[K%s: %.1f h simulated (%.0f %%), %.2f M queries, %.2f M/s, %.0f s left", name_.c_str(),
               to_seconds(now) / 3600, 100 * share, static_cast<double>(queries) * 1e-6, static_cast<double>(queries) * 1e-6 / spent,
               share > 0 ? spent * (1 - share) / share : 0.0);
  std::fflush(stderr);
}

}  // namespace tideline
