// What an autoscaler wanted of late: so that it follows the least or the most of a window.
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace tideline {

/// For each group what was wanted in the last rounds, with the time. A window ends now and leaves out its beginning.
class RecentWishes {
 public:
  /// Throws std::invalid_argument where a window has more than 10000 rounds.
  RecentWishes(std::size_t groups, Duration window, Duration interval) : counts_(groups) {
    const auto rounds = window / interval + 2;
    if (rounds > 10'000) throw std::invalid_argument("interval_s: a window of more than 10000 rounds");
    rounds_ = static_cast<std::size_t>(rounds);
    ring_.resize(rounds_ * groups);
  }
  bool empty(GroupId g) const { return counts_[g.index()] == 0; }
  void forget(GroupId g) { counts_[g.index()] = 0; }
  void note(GroupId g, std::uint32_t instances, Time now) {
    ring_[g.index() * rounds_ + counts_[g.index()]++ % rounds_] = {now, instances};
  }
  /// Of the window, and `instances`.
  std::uint32_t least(GroupId g, std::uint32_t instances, Duration window, Time now) const {
    for_each(g, window, now, [&](std::uint32_t n) { instances = std::min(instances, n); });
    return instances;
  }
  std::uint32_t most(GroupId g, std::uint32_t instances, Duration window, Time now) const {
    for_each(g, window, now, [&](std::uint32_t n) { instances = std::max(instances, n); });
    return instances;
  }

 private:
  struct Wanted {
    Time at{};
    std::uint32_t instances = 0;
  };
  template <class F>
  void for_each(GroupId g, Duration window, Time now, F&& f) const {
    for (std::size_t k = 0; k < std::min(counts_[g.index()], rounds_); ++k) {
      const Wanted& w = ring_[g.index() * rounds_ + k];
      if (now - w.at < window) f(w.instances);
    }
  }

  std::size_t rounds_ = 0;
  std::vector<std::size_t> counts_;
  std::vector<Wanted> ring_;  // for each group
};

}  // namespace tideline
