// The queries of a run: sources merged in order of time, each query given its class and attributes. No policy can influence
// any of it.
#pragma once

#include "sim/core/random.h"
#include "sim/model/arrival.h"
#include "sim/model/entities.h"
#include "sim/model/indexes.h"
#include "sim/model/world.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// One entry of the workload. Its classes are listed by task: `classes[t]` for `ArrivalSource::task_names()[t]`, or only
/// `classes[0]` where the source names none.
struct WorkloadEntry {
  struct Choice {
    ClassId cls;
    double share = 1;
  };
  std::string name;
  std::unique_ptr<ArrivalSource> source;
  std::vector<std::vector<Choice>> classes;
  /// Classes of queries that say themselves what they ask for: by task and by `Arrival::asks`. Empty: none does.
  std::vector<std::vector<ClassId>> asked;
  SiteId origin{0};
  std::uint32_t payload_bytes = 0, answer_bytes = 0;
  std::uint16_t items = 1, tenant = 0;
};

class Workload {
 public:
  Workload(std::vector<WorkloadEntry> entries, std::uint64_t seed);

  /// Time of the next query, or `never`.
  Time next() const { return order_.earliest_time(); }
  /// Writes the next query as an unplaced visit; moves to the one after it.
  void take(Visit& out);
  std::uint32_t answer_bytes(std::uint16_t entry) const { return entries_[entry].answer_bytes; }
  const std::vector<WorkloadEntry>& entries() const { return entries_; }
  /// Whether the entry has no more queries.
  bool exhausted(std::size_t entry) const { return order_.time_of(static_cast<std::uint32_t>(entry), places_) == never; }
  std::uint64_t taken() const { return serial_; }
  /// When the last query of an entry that has no more came; `never` while it has more, and where it never had one.
  Time ended(std::size_t entry) const { return ended_[entry]; }
  const ArrivalSource& source(std::size_t entry) const { return *entries_[entry].source; }

 private:
  void advance(std::uint32_t entry);
  ClassId draw_class(std::uint32_t entry, std::size_t task);

  std::vector<WorkloadEntry> entries_;
  std::vector<Arrival> ahead_;                                // the next of each entry
  std::vector<Time> ended_;                                   // of those that have no more: when the last came
  std::vector<ClassId> only_;                                 // class of each entry that has one, else none
  std::vector<std::vector<std::vector<double>>> cumulative_;  // by entry and task: shares up to each class
  std::vector<Stream> class_streams_;
  FreeIndex order_;  // of the entries by their next query; equal times in order of entries
  std::vector<std::uint32_t> places_;
  std::uint64_t serial_ = 0;
};

inline void Workload::advance(std::uint32_t k) {
  const Time last = ahead_[k].at;
  if (entries_[k].source->next(ahead_[k])) [[likely]] {
    order_.change(k, ahead_[k].at, places_);
  } else {
    ended_[k] = last;
    order_.change(k, never, places_);
  }
}

// Of each arrival alone: so it is compiled into what opens a visit.
[[gnu::always_inline]] inline void Workload::take(Visit& out) {
  const std::uint32_t k = order_.earliest();
  const Arrival& a = ahead_[k];
  const WorkloadEntry& e = entries_[k];
  out = Visit{};
  out.arrival = a.at;
  out.serial = serial_++;
  const std::size_t task = a.task == Arrival::unknown ? 0 : a.task;
  if (only_[k])
    out.cls = only_[k];
  else
    out.cls = a.asks == Arrival::unknown || e.asked.empty() ? draw_class(k, task) : e.asked[task][a.asks];
  out.work = a.work;
  out.payload_bytes = a.payload_bytes == Arrival::unknown ? e.payload_bytes : a.payload_bytes;
  out.items = a.items != 1 ? a.items : e.items;
  out.tenant = a.tenant != 0 ? static_cast<std::uint16_t>(a.tenant) : e.tenant;
  out.origin = static_cast<std::uint16_t>(e.origin.index());
  out.entry = static_cast<std::uint16_t>(k);
  advance(k);
}

}  // namespace tideline
