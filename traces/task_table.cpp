#include "traces/task_table.h"

#include <algorithm>
#include <cmath>

namespace tideline {

void TaskTable::add(std::uint32_t task, Time at) {
  if (task >= tasks_.size()) tasks_.resize(task + std::size_t{1});
  Task& t = tasks_[task];
  if (t.queries > 0) {
    const double gap = to_seconds(at - t.last), off = gap - t.gap_mean;
    t.gap_mean += off / static_cast<double>(t.queries);
    t.gap_squares += off * (gap - t.gap_mean);
  }
  t.last = at;
  ++t.queries;
  const std::int64_t bin = (at - Time{}) / bin_;
  if (bin != t.bin) t.in_bin = 0;
  t.bin = bin;
  t.largest = std::max(t.largest, ++t.in_bin);
}

TaskTableFigures TaskTable::figures(Time end) const {
  TaskTableFigures out;
  out.span_s = to_seconds(end - Time{});
  out.bin_s = to_seconds(bin_);
  double all = 0;
  for (const Task& t : tasks_) all += static_cast<double>(t.queries);
  for (std::uint32_t k = 0; k < tasks_.size(); ++k) {
    const Task& t = tasks_[k];
    if (t.queries == 0) continue;
    TaskFigures f;
    f.task = k;
    f.queries = t.queries;
    const double n = static_cast<double>(t.queries);
    f.rate_qps = out.span_s > 0 ? n / out.span_s : 0;
    f.share = n / all;
    if (t.queries > 2 && t.gap_mean > 0) f.gap_cv = std::sqrt(t.gap_squares / (n - 1)) / t.gap_mean;
    if (out.span_s >= out.bin_s) f.peak_to_mean = static_cast<double>(t.largest) / (f.rate_qps * out.bin_s);
    out.tasks.push_back(f);
  }
  std::stable_sort(out.tasks.begin(), out.tasks.end(), [](const TaskFigures& a, const TaskFigures& b) { return a.queries > b.queries; });
  if (out.tasks.size() >= 3) {
    double x = 0, y = 0, xx = 0, xy = 0;
    for (std::size_t k = 0; k < out.tasks.size(); ++k) {
      const double rank = std::log(static_cast<double>(k + 1)), queries = std::log(static_cast<double>(out.tasks[k].queries));
      x += rank;
      y += queries;
      xx += rank * rank;
      xy += rank * queries;
    }
    const double n = static_cast<double>(out.tasks.size());
    out.zipf_exponent = -(n * xy - x * y) / (n * xx - x * x);
  }
  return out;
}

}  // namespace tideline
