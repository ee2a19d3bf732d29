#include "sim/model/snapshots.h"

#include <algorithm>

namespace tideline {

Snapshot& Snapshots::take(const Board& board, Time now, std::uint64_t version, std::uint64_t decisions) {
  auto& free = free_[board.site.index()];
  Snapshot* s = nullptr;
  if (free.empty()) {
    s = all_.emplace_back(std::make_unique<Snapshot>()).get();
  } else {
    s = free.back();
    free.pop_back();
  }
  s->board = board;
  s->board.version = version;
  s->board.taken_at = now;
  s->decisions = decisions;
  s->bytes = summary_bytes(board);
  s->holders = 1;
  return *s;
}

Snapshot& Snapshots::nothing(const Board& board, Time now) {
  Snapshot& s = take(board, now, 1, 0);
  for (InstanceRow& r : s.board.instances) r.phase = Phase::gone;
  for (GroupRow& g : s.board.groups) {
    g.count = {};
    g.waiting = 0;
    g.members.clear();
    g.by_load = {};
    g.by_free = {};
  }
  for (DeviceRow& d : s.board.devices) {
    d.memory_free = 0;
    d.cores_free = 0;
    d.up = false;
  }
  s.board.pools.assign(s.board.pools.size(), {});
  s.board.tasks.assign(s.board.tasks.size(), {});
  return s;
}

std::uint32_t summary_bytes(const Board& board) {
  std::size_t rows = board.devices.size() + board.tasks.size();
  for (const GroupRow& g : board.groups)
    if (!g.members.empty() || g.waiting > 0) rows += 1 + g.members.size();
  return static_cast<std::uint32_t>(24 + 12 * rows);
}

void count_visit(Board& copy, std::uint32_t group, std::uint32_t slot, Duration work, Time now, Indexes kept) {
  if (slot >= copy.instances.size()) return;  // started after the copy was made
  InstanceRow& row = copy.instances[slot];
  if (row.phase == Phase::gone) return;
  ++row.load;
  row.free_at = later(std::max(now, row.free_at), work);
  if (row.phase != Phase::warm) return;
  GroupRow& g = copy.groups[group];
  if (kept.by_load) g.by_load.change(slot, row.load, copy.by_load_places);
  if (kept.by_free) g.by_free.change(slot, row.free_at, copy.by_free_positions);
}

}  // namespace tideline
