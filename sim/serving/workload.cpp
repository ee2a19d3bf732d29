#include "sim/serving/workload.h"

namespace tideline {

Workload::Workload(std::vector<WorkloadEntry> entries, std::uint64_t seed) : entries_(std::move(entries)), ahead_(entries_.size()) {
  for (std::uint32_t k = 0; k < entries_.size(); ++k) {
    class_streams_.emplace_back(seed, "classes", k);
    auto& by_task = cumulative_.emplace_back();
    for (const auto& choices : entries_[k].classes) {
      auto& sums = by_task.emplace_back();
      double sum = 0;
      for (const auto& c : choices) sums.push_back(sum += c.share);
      for (double& s : sums) s /= sum;
    }
    advance(k);
  }
  next_ = queue_.empty() ? never : queue_.top().at;
}

void Workload::advance(std::uint32_t k) {
  if (entries_[k].source->next(ahead_[k])) queue_.push(Event::make(ahead_[k].at, 0, k, k));
}

Visit Workload::take() {
  const std::uint32_t k = queue_.pop().slot();
  const Arrival& a = ahead_[k];
  const WorkloadEntry& e = entries_[k];
  const std::size_t task = a.task == Arrival::unknown ? 0 : a.task;
  const auto& choices = e.classes[task];
  std::size_t pick = 0;
  if (choices.size() > 1) {
    const double u = uniform01(class_streams_[k]);
    const auto& sums = cumulative_[k][task];
    while (pick + 1 < choices.size() && u >= sums[pick]) ++pick;
  }
  Visit v;
  v.arrival = a.at;
  v.serial = serial_++;
  v.cls = choices[pick].cls;
  v.work = a.work;
  v.payload_bytes = a.payload_bytes == Arrival::unknown ? e.payload_bytes : a.payload_bytes;
  v.items = a.items != 1 ? a.items : e.items;
  v.tenant = a.tenant != 0 ? static_cast<std::uint16_t>(a.tenant) : e.tenant;
  v.origin = static_cast<std::uint16_t>(e.origin.index());
  v.entry = static_cast<std::uint16_t>(k);
  advance(k);
  next_ = queue_.empty() ? never : queue_.top().at;
  return v;
}

}  // namespace tideline
