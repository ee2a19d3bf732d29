// The comparison that a finished sweep already holds.
#include "sim/core/text.h"
#include "src/compare.h"
#include "src/errors.h"
#include "src/sweep_table.h"

#include <algorithm>
#include <map>

namespace tideline {

Comparison compare_sweep(const std::string& folder, const CompareWishes& wishes) {
  const SweepTable table = read_sweep_table(folder);
  Comparison c;
  c.scenario = table.name;
  c.file = folder;
  c.metrics = wishes.metrics;
  c.confidence = wishes.confidence;
  if (table.tasks.empty()) throw InputError(folder + ": no task of the sweep is finished");
  for (const auto& column : table.axes) {
    Axis axis{column.name, {}};
    for (const auto& label : column.values)
      if (std::none_of(axis.values.begin(), axis.values.end(), [&](const AxisValue& v) { return v.label == label; }))
        axis.values.push_back({label, {}});
    c.axes.push_back(std::move(axis));
  }
  if (c.axes.front().values.size() < 2)
    throw InputError(folder + ": the first axis, " + in_quotes(c.axes.front().name) + ", has one value: there is nothing to compare");
  // Only replications that every point has are compared: the same queries for all.
  std::map<Point, std::map<std::uint64_t, std::size_t>> rows;
  std::map<std::uint64_t, std::size_t> points_with;
  for (std::size_t r = 0; r < table.tasks.size(); ++r) {
    Point p;
    for (std::size_t a = 0; a < c.axes.size(); ++a)
      for (std::size_t v = 0; v < c.axes[a].values.size(); ++v)
        if (c.axes[a].values[v].label == table.axes[a].values[r]) p.push_back(v);
    if (rows[p].try_emplace(table.replications[r], r).second) ++points_with[table.replications[r]];
  }
  std::erase_if(points_with, [&](const auto& x) { return x.second != rows.size(); });
  if (points_with.empty()) throw InputError(folder + ": no replication is finished at every point; sweep --resume goes on");
  c.seed = table.seeds.front();
  c.replications = static_cast<std::uint32_t>(points_with.size());
  for (const auto& [point, by_replication] : rows) {
    Alternative a{label_of(c.axes, point), point, std::vector<std::vector<double>>(c.metrics.size()), {}};
    for (std::size_t m = 0; m < c.metrics.size(); ++m) {
      const auto column = static_cast<std::size_t>(c.metrics[m].of - metrics().data());
      for (const auto& [replication, ignored] : points_with) {
        const double x = table.metrics[column].values[by_replication.at(replication)];
        a.values[m].push_back(c.metrics[m].complement ? 1 - x : x);
      }
    }
    c.alternatives.push_back(std::move(a));
  }
  c.baseline = baseline_of(c, wishes.baseline);
  c.replication = {"sweep", "The runs of a sweep: replications have the seeds that it gave them."};
  if (table.missing + table.failed > 0)
    c.warnings.push_back(folder + ": " + std::to_string(table.missing) + " tasks have not run, " + std::to_string(table.failed) +
                         " failed");
  judge_effects(c, std::nullopt);
  return c;
}

}  // namespace tideline
