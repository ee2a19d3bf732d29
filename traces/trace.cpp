#include "traces/trace.h"

#include <algorithm>

namespace tideline {

std::uint64_t TraceReport::dropped_rows() const {
  std::uint64_t sum = 0;
  for (const Drop& d : dropped) sum += d.rows;
  return sum;
}

void TraceReport::drop(std::string_view reason, std::uint64_t row) {
  // Few reasons, and files where most rows are dropped for one of them.
  constexpr std::size_t most_reasons = 32;
  auto at = std::find_if(dropped.begin(), dropped.end(), [&](const Drop& d) { return d.reason == reason; });
  if (at == dropped.end()) {
    if (dropped.size() == most_reasons) {
      at = dropped.end() - 1;
      at->reason = "other reasons";
    } else {
      dropped.push_back({std::string(reason), 0, row});
      at = dropped.end() - 1;
    }
  }
  ++at->rows;
}

void TraceReport::note(std::string text) {
  if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(std::move(text));
}

void TraceReport::add(const TraceReport& other) {
  rows += other.rows;
  for (const Drop& d : other.dropped) {
    const auto at = std::find_if(dropped.begin(), dropped.end(), [&](const Drop& mine) { return mine.reason == d.reason; });
    if (at == dropped.end())
      dropped.push_back(d);
    else
      at->rows += d.rows;
  }
  unsorted += other.unsorted;
  furthest_ns = std::max(furthest_ns, other.furthest_ns);
  for (const std::string& text : other.notes) note(text);
}

}  // namespace tideline
