#include "src/rerun.h"

#include "sim/core/text.h"
#include "src/commands.h"
#include "src/compare_results.h"
#include "src/errors.h"
#include "src/output_file.h"
#include "src/recipe.h"
#include "src/results.h"
#include "src/run_once.h"
#include "src/sweep_folder.h"

#include <algorithm>
#include <iostream>

namespace tideline {

namespace fs = std::filesystem;

namespace {

RerunVerdict compare_summaries(const Json& was, const Json& is) {
  // What is for people may be said in another way.
  const auto plain = [](Json summary) {
    if (summary.contains("audit")) summary["audit"].erase("checks");
    return summary;
  };
  const auto differences = json_differences(plain(was), plain(is));
  if (differences.empty()) return {true, false, {}, {}, {}};
  const auto& d = differences.front();
  return {false, false, d.pointer + ": was " + d.a + ", is " + d.b, {}, {}};
}

/// What a verb prints is not heard while this lives.
class Silence {
 public:
  Silence() : out_(std::cout.rdbuf(nullptr)) {}
  ~Silence() {
    std::cout.rdbuf(out_);
    std::cout.clear();
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  std::streambuf* out_;
};

}  // namespace

RerunVerdict rerun_file(const fs::path& path, const RunProgress& progress, const PolicyRegistry& registry, const FilesByHash& known) {
  const ResultsReader was(path);
  if (was.has("/real"))
    throw InputError("'" + was.path().string() +
                     "' was run for real, by the clock: that does not happen twice; `tideline run --mode real` runs " +
                     "its scenario again");
  const RecordedRun recorded = read_recorded_run(was, known);
  RerunVerdict out;
  const auto note = [&](const char* what, const std::string& then, const std::string& now) {
    if (then != now) out.notes.push_back(std::string(what) + then + ", this is " + now);
  };
  note("it was written by ", recorded.program_version, version_text());
  note("it was compiled with ", recorded.compiler, compiler_name());
  if (!recorded.changed.empty()) {
    for (const auto& c : recorded.changed) out.text += (out.text.empty() ? "" : "\n  ") + c;
    return out;
  }
  const TemporaryFolder folder;
  RunRequest request;
  request.scenario = (folder.path() / (recorded.scenario + ".json")).string();
  request.out = folder.path() / "again.h5";
  request.progress = progress;
  write_whole(request.scenario, recorded.configuration.dump());
  const RunResult done = [&] {
    try {
      return run_once(request, registry, interrupted);
    } catch (const InputError& e) {
      throw InputError("'" + path.string() + "': this program does not take the recorded configuration:\n" + e.what());
    }
  }();
  out.interrupted = done.interrupted;
  if (out.interrupted) return out;
  out.summary = summary_json(done.summary, done.audit);
  const ResultsReader is(done.file);
  const ResultsComparison c = compare_results(was, is);
  out.reproduced = !c.first;
  if (c.first) out.text = c.first->dataset + ", row " + c.first->row + ": was " + c.first->a + ", is " + c.first->b;
  const auto only = [&](const std::vector<std::string>& list, const std::string& what) {
    if (!list.empty())
      out.notes.push_back(what + list.front() + (list.size() > 1 ? " and " + std::to_string(list.size() - 1) + " more" : std::string()));
  };
  only(c.only_a, "not compared, as this program does not write it any more: ");
  only(c.only_b, "not compared, as the file has not got it: ");
  return out;
}

RerunVerdict rerun_recipe(const fs::path& path, const PolicyRegistry& registry) {
  const Json was = read_json(path.string());
  const auto format = was.is_object() ? was.value("format", "") : std::string();
  if (format != "tideline-compare" && format != "tideline-capacity")
    throw InputError(path.string() + " is no results file, no comparison and no capacity");
  if (was.value("interrupted", false)) throw InputError(path.string() + " was interrupted: it is no whole comparison or capacity");
  const Recipe recipe = read_recipe(was, path.string());
  const auto verb = recipe.command.front();
  if (verb != "compare" && verb != "capacity") throw InputError(path.string() + ": /recipe/command: unknown verb " + in_quotes(verb));
  RerunVerdict out;
  if (const auto by = was.value("program", ""); by != version_text())
    out.notes.push_back("it was written by " + by + ", this is " + version_text());
  for (const InputFile& i : recipe.inputs) {
    std::error_code ignored;
    if (!fs::is_regular_file(i.path, ignored))
      throw WorldError(path.string() + ": " + i.path + " is not there: paths are relative to the folder in which the command was run");
    if (const auto hash = hash_file(i.path); hash != i.hash)
      out.text += (out.text.empty() ? "" : ", ") + i.path + " changed: its hash was " + i.hash + ", is " + hash;
  }
  if (!out.text.empty()) return out;
  const TemporaryFolder folder;
  const fs::path again = folder.path() / "again.json";
  Arguments words(recipe.command.begin() + 1, recipe.command.end());
  words.insert(words.end(), {"--quiet", "--out", again.string()});
  int code = 0;
  {
    const Silence silence;
    code = verb == "compare" ? command_compare(words, registry) : command_capacity(words, registry);
  }
  out.interrupted = code == 130;
  if (out.interrupted) return out;
  const auto plain = [](Json json) {
    json.erase("program");
    json.erase("recipe");
    return json;
  };
  const auto differences = json_differences(plain(was), plain(read_json(again.string())));
  out.reproduced = differences.empty();
  if (!out.reproduced) {
    const auto& d = differences.front();
    out.text = d.pointer + ": was " + d.a + ", is " + d.b;
  }
  return out;
}

SweepAgain::SweepAgain(fs::path folder, const PolicyRegistry& registry, FilesByHash known)
    : folder_(std::move(folder)), registry_(registry), known_(std::move(known)) {
  const auto manifest = read_manifest(folder_);
  if (!manifest) throw InputError(folder_.string() + " is a folder, but not of a sweep: it has no manifest.json");
  name_ = manifest->value("name", folder_.filename().string());
  bool needs_sweep = false;
  for (const Json& t : (*manifest)["tasks"]) {
    TaskRecord record = read_task(folder_, t["task"].get<std::size_t>(), t["key"].get<std::string>());
    if (record.state != TaskState::finished) continue;
    needs_sweep = needs_sweep || file_of(record.json).empty();
    tasks_.push_back(std::move(record.json));
  }
  if (tasks_.empty()) throw InputError(folder_.string() + ": no task of the sweep is finished");
  if (needs_sweep) read_again(*manifest);
}

std::string SweepAgain::label(std::size_t k) const {
  std::string out = "task " + std::to_string(tasks_[k].value("task", std::size_t{0}));
  for (const auto& [axis, value] : tasks_[k]["point"].items())
    out += " " + axis + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  return out;
}

RerunVerdict SweepAgain::run(std::size_t k) const {
  if (const fs::path file = file_of(tasks_[k]); !file.empty()) {
    // Tables and comparisons are made of the summaries beside the results files.
    RerunVerdict v = rerun_file(file, {}, registry_, known_);
    if (v.reproduced) {
      const RerunVerdict beside = compare_summaries(tasks_[k]["summary"], v.summary);
      v.reproduced = beside.reproduced;
      v.text = beside.text;
    }
    return v;
  }
  if (!changed_.empty()) return {false, false, changed_, {}, {}};
  const auto number = tasks_[k]["task"].get<std::size_t>();
  RunRequest request;
  request.scenario = sweep_->scenario;
  request.layers = layers_of(*sweep_, sweep_->tasks.at(number));
  const RunResult done = run_once(request, registry_, interrupted);
  if (done.interrupted) return {false, true, {}, {}, {}};
  return compare_summaries(tasks_[k]["summary"], summary_json(done.summary, done.audit));
}

/// The results file of a task; empty where its sweep wrote summaries only.
fs::path SweepAgain::file_of(const Json& task) const {
  const bool named = task.contains("results") && task["results"].is_string();
  return named ? folder_ / "tasks" / task["results"].get<std::string>() : fs::path();
}

/// Summaries alone do not say what was run: the sweep file does.
void SweepAgain::read_again(const Json& manifest) {
  const std::string path = folder_.string() + "/manifest.json", file = manifest.value("sweep", "");
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored))
    throw WorldError(path + ": the sweep has no results files, so its sweep file is needed, and " + file +
                     " is not there: paths are relative to the folder in which it was run");
  sweep_ = read_sweep(file, layers_in(manifest.value("layers", Json::array()), path), registry_);
  for (const auto& text : changed_inputs(manifest, *sweep_))
    if (!text.starts_with("the program ")) changed_ += (changed_.empty() ? "" : ", ") + text;
  if (changed_.empty() && sweep_->tasks.size() != manifest["tasks"].size())
    changed_ = file + " has " + std::to_string(sweep_->tasks.size()) + " tasks now";
}

}  // namespace tideline
