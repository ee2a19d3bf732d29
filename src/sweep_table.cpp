#include "src/sweep_table.h"

#include "sim/metrics/summary.h"
#include "src/errors.h"
#include "src/sweep_folder.h"

namespace tideline {

namespace {

/// The value of a metric in the `total` of a summary as JSON; NaN where there is none.
double value_of(const Json& total, const Metric& m) {
  const Json* object = &total;
  if (!m.object.empty()) {
    const auto at = total.find(m.object);
    if (at == total.end()) return no_value;
    object = &*at;
  }
  const auto at = object->find(m.member());
  return at == object->end() || !at->is_number() ? no_value : at->get<double>();
}

}  // namespace

SweepTable read_sweep_table(const std::filesystem::path& folder) {
  const auto manifest = read_manifest(folder);
  if (!manifest) throw InputError(folder.string() + " holds no sweep: there is no manifest.json");
  SweepTable out;
  out.name = manifest->value("name", "");
  out.program = manifest->value("program", "");
  for (const Json& a : (*manifest)["axes"]) out.axes.push_back({a.value("name", ""), {}});
  for (const Metric& m : metrics()) out.metrics.push_back({std::string(m.name), std::string(m.unit), std::string(m.help), {}});
  for (const Json& t : (*manifest)["tasks"]) {
    const auto number = t["task"].get<std::size_t>();
    const TaskRecord record = read_task(folder, number, t["key"].get<std::string>());
    if (record.state != TaskState::finished) {
      ++(record.state == TaskState::failed ? out.failed : out.missing);
      continue;
    }
    out.tasks.push_back(number);
    out.replications.push_back(t["replication"].get<std::uint64_t>());
    out.seeds.push_back(t["seed"].get<std::uint64_t>());
    for (auto& a : out.axes) a.values.push_back(t["point"].value(a.name, ""));
    const Json& total = record.json["summary"]["total"];
    for (std::size_t k = 0; k < out.metrics.size(); ++k) out.metrics[k].values.push_back(value_of(total, metrics()[k]));
  }
  return out;
}

}  // namespace tideline
