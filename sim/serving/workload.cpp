#include "sim/serving/workload.h"

namespace tideline {

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
