#include "sim/serving/workload.h"

namespace tideline {

[[gnu::always_inline]] inline void Workload::advance(std::uint32_t k) {
  const Time last = ahead_[k].at;
  if (entries_[k].source->next(ahead_[k])) [[likely]] {
    order_.change(k, ahead_[k].at, places_);
  } else {
    ended_[k] = last;
    order_.change(k, never, places_);
  }
}

Workload::Workload(std::vector<WorkloadEntry> entries, std::uint64_t seed)
    : entries_(std::move(entries)), ahead_(entries_.size()), ended_(entries_.size(), never), places_(entries_.size()) {
  for (std::uint32_t k = 0; k < entries_.size(); ++k) {
    class_streams_.emplace_back(seed, "classes", k);
    auto& by_task = cumulative_.emplace_back();
    for (const auto& choices : entries_[k].classes) {
      auto& sums = by_task.emplace_back();
      double sum = 0;
      for (const auto& c : choices) sums.push_back(sum += c.share);
      for (double& s : sums) s /= sum;
    }
    const auto& classes = entries_[k].classes;
    const bool is_only = classes.size() == 1 && classes[0].size() == 1 && entries_[k].asked.empty();
    only_.push_back(is_only ? classes[0][0].cls : ClassId{});
    order_.insert(k, never, places_);
    advance(k);
    ended_[k] = never;
  }
}

void Workload::take(Visit& out) {
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

ClassId Workload::draw_class(std::uint32_t k, std::size_t task) {
  const auto& choices = entries_[k].classes[task];
  const auto& sums = cumulative_[k][task];
  std::size_t pick = 0;
  if (choices.size() > 1) {
    const double u = uniform01(class_streams_[k]);
    while (pick + 1 < choices.size() && u >= sums[pick]) ++pick;
  }
  return choices[pick].cls;
}

}  // namespace tideline
