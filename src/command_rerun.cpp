// tideline rerun: makes the run of a results file, or those of a sweep, again, and says whether the results are the same.
#include "src/compare_results.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/progress.h"
#include "src/recorded_run.h"
#include "src/results.h"
#include "src/run_once.h"
#include "src/sweep.h"
#include "src/sweep_folder.h"
#include "src/task_pool.h"
#include "src/task_progress.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <mutex>

namespace tideline {

namespace {

namespace fs = std::filesystem;

/// What came of running one thing again.
struct Verdict {
  bool reproduced = false, interrupted = false;
  std::string text;                ///< why it is not the same, without a full stop at the end
  std::vector<std::string> notes;  ///< what else there is to say
};

using RunProgress = std::function<void(const std::string& name, Time now, Time end, std::uint64_t)>;

Verdict rerun_file(const fs::path& path, const RunProgress& progress, const PolicyRegistry& registry) {
  const ResultsReader was(path);
  const RecordedRun recorded = read_recorded_run(was);
  Verdict out;
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

/// Layers as a manifest holds them: `--load 2`.
std::vector<Layer> layers_in(const Json& texts, const std::string& where) {
  std::vector<Layer> out;
  for (const Json& t : texts) {
    const std::string text = t.is_string() ? t.get<std::string>() : std::string();
    const auto blank = text.find(' ');
    const auto option = std::find_if(layer_options.begin(), layer_options.end(),
                                     [&](const LayerOption& o) { return text.substr(0, blank) == std::string("--") + o.name; });
    if (option == layer_options.end() || blank == std::string::npos) throw InputError(where + ": an unknown layer " + t.dump());
    out.push_back({option->kind, text.substr(blank + 1)});
  }
  return out;
}

Verdict compare_summaries(const Json& was, const Json& is) {
  // What is for people may be said in another way.
  const auto plain = [](Json summary) {
    if (summary.contains("audit")) summary["audit"].erase("checks");
    return summary;
  };
  const auto differences = json_differences(plain(was), plain(is));
  if (differences.empty()) return {true, false, {}, {}};
  const auto& d = differences.front();
  return {false, false, d.pointer + ": was " + d.a + ", is " + d.b, {}};
}

/// The tasks of a sweep's folder that are finished, and how to run one again.
class SweepAgain {
 public:
  SweepAgain(fs::path folder, const PolicyRegistry& registry) : folder_(std::move(folder)), registry_(registry) {
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

  const std::string& name() const { return name_; }
  std::size_t size() const { return tasks_.size(); }
  std::string label(std::size_t k) const {
    std::string out = "task " + std::to_string(tasks_[k].value("task", std::size_t{0}));
    for (const auto& [axis, value] : tasks_[k]["point"].items())
      out += " " + axis + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
    return out;
  }

  Verdict run(std::size_t k) const {
    if (const fs::path file = file_of(tasks_[k]); !file.empty()) return rerun_file(file, {}, registry_);
    if (!changed_.empty()) return {false, false, changed_, {}};
    const auto number = tasks_[k]["task"].get<std::size_t>();
    RunRequest request;
    request.scenario = sweep_->scenario;
    request.layers = layers_of(*sweep_, sweep_->tasks.at(number));
    const RunResult done = run_once(request, registry_, interrupted);
    if (done.interrupted) return {false, true, {}, {}};
    return compare_summaries(tasks_[k]["summary"], summary_json(done.summary, done.audit));
  }

 private:
  /// The results file of a task; empty where its sweep wrote summaries only.
  fs::path file_of(const Json& task) const {
    const bool named = task.contains("results") && task["results"].is_string();
    return named ? folder_ / "tasks" / task["results"].get<std::string>() : fs::path();
  }

  /// Summaries alone do not say what was run: the sweep file does.
  void read_again(const Json& manifest) {
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

  fs::path folder_;
  const PolicyRegistry& registry_;
  std::string name_, changed_;
  std::vector<Json> tasks_;
  std::optional<Sweep> sweep_;
};

int rerun_sweep(const fs::path& folder, unsigned jobs, bool quiet, const PolicyRegistry& registry) {
  const SweepAgain sweep(folder, registry);
  catch_interrupts();
  TaskProgress progress(sweep.name(), sweep.size(), quiet);
  std::vector<Verdict> verdicts(sweep.size());
  std::mutex mutex;
  run_tasks(sweep.size(), jobs, interrupted, [&](std::size_t k) {
    Verdict v = sweep.run(k);
    const std::lock_guard lock(mutex);
    if (!v.interrupted) progress.done();
    verdicts[k] = std::move(v);
  });
  progress.finish();
  if (interrupted) {
    std::cerr << "tideline: interrupted\n";
    return 130;
  }
  std::size_t reproduced = 0;
  std::vector<std::string> notes;
  for (std::size_t k = 0; k < verdicts.size(); ++k) {
    reproduced += verdicts[k].reproduced ? 1 : 0;
    if (!verdicts[k].reproduced) std::cout << sweep.label(k) << ": not reproduced: " << verdicts[k].text << '\n';
    for (const auto& n : verdicts[k].notes)
      if (std::find(notes.begin(), notes.end(), n) == notes.end()) notes.push_back(n);
  }
  if (!quiet)
    for (const auto& n : notes) std::cerr << folder.string() << ": " << n << '\n';
  std::cout << sweep.name() << ": " << reproduced << " of " << verdicts.size() << " reproduced\n";
  return reproduced == verdicts.size() ? 0 : 1;
}

int rerun_one(const fs::path& path, bool quiet, const PolicyRegistry& registry) {
  catch_interrupts();
  std::unique_ptr<Progress> progress;
  RunProgress show;
  if (!quiet)
    show = [&](const std::string& name, Time now, Time end, std::uint64_t queries) {
      if (!progress) progress = std::make_unique<Progress>(name, end, false);
      progress->show(now, queries);
    };
  const Verdict v = rerun_file(path, show, registry);
  progress.reset();
  if (v.interrupted) {
    std::cerr << "tideline: interrupted\n";
    return 130;
  }
  if (!quiet)
    for (const auto& n : v.notes) std::cerr << path.string() << ": " << n << '\n';
  std::cout << path.string() << (v.reproduced ? ": reproduced" : ": not reproduced: " + v.text) << '\n';
  return v.reproduced ? 0 : 1;
}

}  // namespace

int command_rerun(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline rerun",
                           "Make the run of a results file again, or those of a sweep, and say whether the results are the same.\n");
  options.add_options()("results", "Results file, or folder of a sweep", cxxopts::value<std::vector<std::string>>(), "RESULT.h5|DIR")(
      "jobs", "Tasks of a sweep at a time; default: the processors of this machine", cxxopts::value<std::uint32_t>(), "N")(
      "quiet", "No progress, no notes");
  options.parse_positional("results");
  options.positional_help("RESULT.h5|SWEEP_DIR");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline rerun results/quickstart.h5\n"
                                    "  tideline rerun results/selection_by_load --jobs 2\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") != 1) throw InputError("expected one results file, or the folder of one sweep (see tideline rerun --help)");
  const unsigned jobs = o.count("jobs") > 0 ? o["jobs"].as<std::uint32_t>() : default_jobs();
  if (jobs == 0) throw InputError("--jobs 0: expected at least 1");
  const bool quiet = o.count("quiet") > 0;
  const fs::path path = o["results"].as<std::vector<std::string>>().front();
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? rerun_sweep(path, jobs, quiet, registry) : rerun_one(path, quiet, registry);
}

}  // namespace tideline
