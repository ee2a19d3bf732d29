// Copies of boards as they were, each shared by all who received it.
#pragma once

#include "sim/model/board.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tideline {

struct Snapshot {
  Board board;
  std::uint64_t decisions = 0;  ///< of those with a number up to this the board knows
  std::uint32_t bytes = 0;      ///< as a message
  std::uint32_t holders = 0;
};

/// Copies are used again once nobody holds them, so that a copy allocates nothing in the steady state and its rows never move.
class Snapshots {
 public:
  explicit Snapshots(std::size_t sites) : free_(sites) {}

  /// A copy of the board with the given version (1 or more), held once.
  Snapshot& take(const Board& board, Time now, std::uint64_t version, std::uint64_t decisions);
  /// The board of a site of which nothing is known: no instances, no room. Version 1, so that its age counts; held for good.
  Snapshot& nothing(const Board& board, Time now);
  void hold(Snapshot& s) { ++s.holders; }
  void drop(Snapshot& s) {
    if (--s.holders == 0) free_[s.board.site.index()].push_back(&s);
  }

 private:
  std::vector<std::unique_ptr<Snapshot>> all_;
  std::vector<std::vector<Snapshot*>> free_;  // by site
};

/// Bytes of a site's summary: 24 for site, version and time; 12 for each group that has instances or a line, each instance (load, end of
/// its work), each device (memory and cores free) and each task. An estimate: messages take no bandwidth.
std::uint32_t summary_bytes(const Board& board);

/// A visit with `work` of profiled time was sent to the instance in this slot of a copy, which does not know of it. `group`: the
/// instance's, as a row of the board; `kept`: the indexes that boards have.
void count_visit(Board& copy, std::uint32_t group, std::uint32_t slot, Duration work, Time now, Indexes kept);

}  // namespace tideline
