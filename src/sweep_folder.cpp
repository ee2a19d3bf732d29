#include "src/sweep_folder.h"

#include "src/commands.h"
#include "src/errors.h"
#include "src/output_file.h"

#include <array>
#include <cstdio>
#include <fstream>

namespace tideline {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t version = 1;

/// Whatever is in the file, or nothing: a file that was cut off is as good as none.
Json read_plain(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return in ? Json::parse(in, nullptr, false) : Json();
}

}  // namespace

fs::path task_file(const fs::path& folder, std::size_t task, const char* suffix) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "%06zu", task);
  return folder / "tasks" / (std::string(name.data()) + suffix);
}

void refuse_in_tasks(const fs::path& out, const fs::path& folder) {
  const fs::path tasks = folder / "tasks";
  if (!out.empty() && same_file(out.has_parent_path() ? out.parent_path() : fs::path("."), tasks))
    throw InputError("cannot write " + out.string() + ": it is an input, or lies among them in " + tasks.string() +
                     "; give another file to write");
}

Json manifest_of(const Sweep& sweep) {
  Json out{{"format", "tideline-sweep"}, {"version", version},  {"program", version_text()},
           {"name", sweep.name},         {"sweep", sweep.file}, {"scenario", sweep.scenario}};
  Json& layers = out["layers"] = Json::array();
  for (const Layer& l : sweep.layers) layers.push_back(to_text(l));
  Json& axes = out["axes"] = Json::array();
  for (const Axis& a : sweep.axes) {
    Json values = Json::array();
    for (const AxisValue& v : a.values) values.push_back(v.label);
    axes.push_back({{"name", a.name}, {"values", values}});
  }
  out["replications"] = sweep.replications;
  Json& inputs = out["inputs"] = Json::array();
  for (const InputFile& i : sweep.inputs) inputs.push_back({{"path", i.path}, {"hash", i.hash}});
  Json& tasks = out["tasks"] = Json::array();
  for (const SweepTask& t : sweep.tasks) tasks.push_back(manifest_of_task(sweep, t));
  return out;
}

Json manifest_of_task(const Sweep& sweep, const SweepTask& t) {
  Json point = Json::object();
  for (std::size_t a = 0; a < sweep.axes.size(); ++a) point[sweep.axes[a].name] = sweep.axes[a].values[t.point[a]].label;
  return {{"task", t.number}, {"point", point}, {"replication", t.replication}, {"seed", t.seed}, {"key", t.key}};
}

std::optional<Json> read_manifest(const fs::path& folder) {
  const fs::path path = folder / "manifest.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  Problems problems;
  Json json = read_json_file(path.string(), problems).root;
  if (!json.is_object() || json.value("format", "") != "tideline-sweep")
    throw InputError(path.string() + " is not the manifest of a sweep");
  if (!json.contains("version") || json["version"] != version)
    throw InputError(path.string() + " is of another version of the format; this program reads " + std::to_string(version));
  for (const char* list : {"axes", "inputs", "tasks"})
    if (!json.contains(list) || !json[list].is_array()) throw InputError(path.string() + ": the list \"" + list + "\" is missing");
  for (const Json& t : json["tasks"])
    if (!t.is_object() || !t.contains("task") || !t["task"].is_number_unsigned() || !t.contains("key") || !t["key"].is_string() ||
        !t.contains("point") || !t["point"].is_object() || !t.contains("replication") || !t.contains("seed"))
      throw InputError(path.string() + ": a task without number, key, point, replication or seed");
  return json;
}

TaskRecord read_task(const fs::path& folder, std::size_t task, const std::string& key) {
  TaskRecord out;
  std::error_code ignored;
  const fs::path file = task_file(folder, task, ".json");
  if (!fs::is_regular_file(file, ignored)) return out;
  out.json = read_plain(file);
  if (!out.json.is_object() || !out.json.contains("key")) return out;
  if (out.json["key"] != key)
    out.state = TaskState::outdated;
  else if (out.json.contains("error"))
    out.state = TaskState::failed;
  else if (out.json.contains("summary") && out.json["summary"].is_object() && out.json["summary"].contains("total") &&
           // Its results file may have been lost alone.
           (!out.json.contains("results") || !out.json["results"].is_string() ||
            fs::is_regular_file(folder / "tasks" / out.json["results"].get<std::string>(), ignored)))
    out.state = TaskState::finished;
  return out;
}

std::vector<std::string> changed_inputs(const Json& manifest, const Sweep& sweep) {
  std::vector<std::string> out;
  for (const InputFile& i : sweep.inputs) {
    bool known = false, same = false;
    for (const Json& old : manifest["inputs"])
      if (old.value("path", "") == i.path) known = true, same = old.value("hash", "") == i.hash;
    if (!same) out.push_back((i.path == "program" ? "the program" : i.path) + (known ? " changed" : " is new"));
  }
  return out;
}

}  // namespace tideline
