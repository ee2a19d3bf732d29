// tideline sweep: runs the tasks of a sweep file, in threads of this process or a part of them for a scheduler of many machines.
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/results.h"
#include "src/run_once.h"
#include "src/sweep.h"
#include "src/sweep_folder.h"
#include "src/task_pool.h"
#include "src/task_progress.h"

#include <charconv>
#include <fstream>
#include <iostream>
#include <mutex>

namespace tideline {

namespace {

namespace fs = std::filesystem;

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

/// The tasks that --task and --shard leave.
std::vector<std::size_t> chosen(const cxxopts::ParseResult& o, std::size_t count) {
  std::vector<std::size_t> out;
  if (o.count("task") > 0 && o.count("shard") > 0) throw InputError("--task and --shard contradict each other");
  if (o.count("task") > 0) {
    const auto text = o["task"].as<std::string>();
    std::size_t k = 0;
    if (!read_number(text, k)) throw InputError("--task " + text + ": expected the number of a task, from 0");
    if (k >= count) throw InputError("--task " + text + ": the sweep has " + std::to_string(count) + " tasks, from 0");
    return {k};
  }
  std::size_t part = 0, parts = 1;
  if (o.count("shard") > 0) {
    const auto text = o["shard"].as<std::string>();
    const auto slash = text.find('/');
    if (slash == std::string::npos || !read_number(std::string_view(text).substr(0, slash), part) ||
        !read_number(std::string_view(text).substr(slash + 1), parts) || parts == 0 || part >= parts)
      throw InputError("--shard " + text + ": expected I/N with I from 0 to N - 1, such as 0/4");
  }
  for (std::size_t k = part; k < count; k += parts) out.push_back(k);
  return out;
}

/// Writes the manifest, into a new folder or one that holds a sweep already; says what changed since.
void prepare_folder(const fs::path& folder, const Sweep& sweep, bool resume, bool quiet) {
  const Json manifest = manifest_of(sweep);
  if (const auto old = read_manifest(folder)) {
    if (!resume) throw InputError(folder.string() + " holds a sweep already: --resume goes on with it, --out names another folder");
    // More values or replications go on with it; other axes are another experiment, whose results would be lost.
    const auto names = [](const Json& m) {
      std::vector<std::string> out;
      for (const Json& a : m["axes"]) out.push_back(a.value("name", ""));
      return out;
    };
    if (old->value("name", "") != sweep.name || names(*old) != names(manifest) || (*old)["tasks"].size() > manifest["tasks"].size())
      throw InputError(folder.string() + " holds another sweep, " + in_quotes(old->value("name", "")) + " of " +
                       std::to_string((*old)["tasks"].size()) + " tasks: --out names another folder");
    if ((*old)["tasks"] == manifest["tasks"] && (*old)["inputs"] == manifest["inputs"]) return;
    if (!quiet)
      for (const auto& text : changed_inputs(*old, sweep)) std::cerr << "tideline: since the last run " << text << '\n';
  } else {
    std::error_code error;
    if (fs::exists(folder, error) && (!fs::is_directory(folder, error) || !fs::is_empty(folder, error)))
      throw InputError(folder.string() + " is there but holds no sweep: --out names another folder");
  }
  write_whole(folder / "manifest.json", manifest.dump(1) + "\n");
}

void list_tasks(const Sweep& sweep) {
  for (const SweepTask& t : sweep.tasks)
    std::cout << t.number << '\t' << label_of(sweep.axes, t.point) << "\treplication=" << t.replication << "\tseed=" << t.seed << '\n';
}

}  // namespace

int command_sweep(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline sweep", "Run a base scenario at all points of some axes, with replications.\n");
  options.add_options()("jobs", "Tasks at a time; default: the processors of this machine", cxxopts::value<std::uint32_t>(), "N")(
      "out", "Folder of the results; default: results/NAME of the sweep file", cxxopts::value<std::string>(), "DIR")(
      "resume", "Go on with the sweep in that folder: finished tasks whose inputs are the same are skipped")(
      "task", "Run this task alone, from 0; for schedulers", cxxopts::value<std::string>(), "K")(
      "shard", "Run every N-th task from the I-th, from 0", cxxopts::value<std::string>(), "I/N")("list", "Print the tasks and do nothing")(
      "records", "What to record beside the summaries, as of run", cxxopts::value<std::string>()->default_value("none"), "WHAT")(
      "no-results", "Write summaries only, no HDF5 files")("quiet", "No progress, no warnings");
  options.add_options()("sweep", "Sweep file", cxxopts::value<std::vector<std::string>>(), "FILE");
  add_layer_options(options);
  options.parse_positional("sweep");
  options.positional_help("SWEEP.json");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline sweep scenarios/sweeps/selection_by_load.json --jobs 2\n"
                                    "  tideline sweep scenarios/sweeps/selection_by_load.json --resume\n"
                                    "  tideline sweep scenarios/sweeps/selection_by_load.json --list\n"
                                    "  tideline sweep scenarios/sweeps/selection_by_load.json --task 3 --out results/cluster\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("sweep") != 1) throw InputError("expected one sweep file (see tideline sweep --help)");
  const bool quiet = o.count("quiet") > 0, part = o.count("task") + o.count("shard") > 0;
  const auto records = parse_records(o["records"].as<std::string>());
  const bool write = o.count("no-results") == 0;
  if (records.any() && !write) throw InputError("--records needs results files: leave out --no-results");
  const unsigned jobs = o.count("jobs") > 0 ? o["jobs"].as<std::uint32_t>() : default_jobs();
  if (jobs == 0) throw InputError("--jobs 0: expected at least 1");

  const Sweep sweep = read_sweep(o["sweep"].as<std::vector<std::string>>().front(), layers_of(o), registry);
  if (o.count("list") > 0) {
    list_tasks(sweep);
    return 0;
  }
  const fs::path folder = o.count("out") > 0 ? fs::path(o["out"].as<std::string>()) : fs::path("results") / sweep.name;
  const std::vector<std::size_t> asked = chosen(o, sweep.tasks.size());
  prepare_folder(folder, sweep, part || o.count("resume") > 0, quiet);

  std::vector<std::size_t> todo;
  std::size_t there = 0, outdated = 0;
  for (const std::size_t k : asked) {
    const TaskState state = read_task(folder, k, sweep.tasks[k].key).state;
    if (state == TaskState::finished)
      ++there;
    else
      todo.push_back(k);
    if (state == TaskState::outdated) ++outdated;
  }
  if (!quiet && outdated > 0)
    std::cerr << "tideline: " << outdated << " finished tasks are run again, as what they were made from changed\n";
  // All that has to run is read and checked before the first of it runs, each value of an axis once.
  std::vector<std::vector<bool>> checked;
  for (const Axis& a : sweep.axes) checked.emplace_back(a.values.size());
  for (const std::size_t k : todo) {
    const SweepTask& t = sweep.tasks[k];
    bool is_new = false;
    for (std::size_t a = 0; a < t.point.size(); ++a) {
      is_new = is_new || !checked[a][t.point[a]];
      checked[a][t.point[a]] = true;
    }
    if (is_new) check_runs(sweep.scenario, layers_of(sweep, t), registry);
  }

  catch_interrupts();
  TaskProgress progress(sweep.name, todo.size(), quiet);
  std::size_t failures = 0;
  std::mutex mutex;
  run_tasks(todo.size(), jobs, interrupted, [&](std::size_t n) {
    const SweepTask& t = sweep.tasks[todo[n]];
    RunRequest request;
    request.scenario = sweep.scenario;
    request.layers = layers_of(sweep, t);
    request.records = records;
    if (write) request.out = task_file(folder, t.number, ".h5");
    Json json = manifest_of_task(sweep, t);
    std::string error;
    try {
      const RunResult done = run_once(request, registry, interrupted);
      if (done.interrupted) {
        std::error_code ignored;
        fs::remove(done.file, ignored);
        return;
      }
      json["results"] = write ? Json(request.out.filename().string()) : Json();
      json["summary"] = summary_json(done.summary, done.audit);
      if (!done.audit.passed) error = "the audit failed:\n" + failed_checks(done.audit);
    } catch (const WorldError&) {
      throw;  // a full disk concerns all tasks
    } catch (const std::exception& e) {
      error = e.what();
    }
    if (!error.empty()) {
      json.erase("summary");
      json["error"] = error;
    }
    write_whole(task_file(folder, t.number, ".json"), json.dump() + "\n");
    const std::lock_guard lock(mutex);
    if (!error.empty()) {
      ++failures;
      progress.note("task " + std::to_string(t.number) + " (" + label_of(sweep.axes, t.point) + ") failed: " + error);
    }
    progress.done();
  });
  progress.finish();
  const std::size_t finished = there + progress.count() - failures;
  std::cout << sweep.name << ": " << finished << " of " << there + todo.size() << " tasks finished (" << there << " of them before), "
            << failures << " failed\nresults: " << folder.string() << '\n';
  if (interrupted) {
    std::cerr << "tideline: interrupted: --resume goes on\n";
    return 130;
  }
  return failures > 0 ? 1 : 0;
}

}  // namespace tideline
