#include "policies/components/on_time_share.h"

#include <algorithm>
#include <cmath>

namespace tideline {

double AloneQueue::capacity_qps() const {
  double best = 0;
  for (std::uint32_t b = 1; b <= batch_cap; ++b) best = std::max(best, b / std::max(to_seconds(profile->latency(b)), 1e-9));
  return best * servers;
}

double AloneQueue::on_time_share(double qps, std::uint32_t queries, Stream stream) const {
  if (qps <= 0) return profile->latency(1) <= slo ? 1 : 0;
  const std::size_t before = queries / 10, all = queries + before;
  std::vector<double> arrivals;
  double at = 0;
  for (std::size_t k = 0; k < all; ++k) arrivals.push_back(at += -std::log1p(-uniform01(stream)) / qps);
  const double bound = to_seconds(slo) + 1e-12;  // whole nanoseconds: in time is in time
  std::vector<double> free(servers, 0.0);        // a heap, the first free on top
  const auto later_free = [](double a, double b) { return a > b; };
  std::size_t on_time = 0;
  for (std::size_t head = 0; head < all;) {
    std::pop_heap(free.begin(), free.end(), later_free);
    const double start = std::max(free.back(), arrivals[head]);
    std::size_t end = head + 1;
    while (end < all && end - head < batch_cap && arrivals[end] <= start) ++end;
    const double done = start + to_seconds(profile->latency(static_cast<std::uint32_t>(end - head)));
    for (; head < end; ++head)
      if (head >= before && done - arrivals[head] <= bound) ++on_time;
    free.back() = done;
    std::push_heap(free.begin(), free.end(), later_free);
  }
  return static_cast<double>(on_time) / queries;
}

OnTimeTable::OnTimeTable(const AloneQueue& queue, std::uint32_t queries, const Stream& stream) : step_qps_(queue.capacity_qps() / 20) {
  for (int k = 0; k <= 24; ++k) shares_.push_back(queue.on_time_share(k * step_qps_, queries, stream));
}

double OnTimeTable::at(double qps) const {
  const double x = std::clamp(qps / step_qps_, 0.0, static_cast<double>(shares_.size() - 1));
  const auto k = std::min(static_cast<std::size_t>(x), shares_.size() - 2);
  return shares_[k] + (x - static_cast<double>(k)) * (shares_[k + 1] - shares_[k]);
}

}  // namespace tideline
