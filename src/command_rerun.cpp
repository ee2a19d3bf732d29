// tideline rerun: makes the run of a results file, those of a sweep, a comparison or all that is in a pack again, and says whether the
// results are the same.
#include "src/errors.h"
#include "src/options.h"
#include "src/pack.h"
#include "src/progress.h"
#include "src/rerun.h"
#include "src/run_once.h"
#include "src/task_pool.h"
#include "src/task_progress.h"
#include "src/trace_files.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <mutex>

namespace tideline {

namespace {

namespace fs = std::filesystem;

/// How many things were made again, and how many of them are the same.
struct Count {
  std::size_t reproduced = 0, all = 0;
};

struct Rerunner {
  const PolicyRegistry& registry;
  unsigned jobs;
  bool quiet;
  FilesByHash known{};

  /// What a path holds; nothing where it was interrupted. Each result that is not reproduced has its line.
  std::optional<Count> path(const fs::path& path) const {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return is_pack(path) ? pack(path) : sweep(path);
    return one(path);
  }

 private:
  std::optional<Count> sweep(const fs::path& folder) const {
    const SweepAgain sweep(folder, registry, known);
    TaskProgress progress(sweep.name(), sweep.size(), quiet);
    std::vector<RerunVerdict> verdicts(sweep.size());
    std::mutex mutex;
    run_tasks(sweep.size(), jobs, interrupted, [&](std::size_t k) {
      RerunVerdict v = sweep.run(k);
      const std::lock_guard lock(mutex);
      if (!v.interrupted) progress.done();
      verdicts[k] = std::move(v);
    });
    progress.finish();
    if (interrupted) return {};
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
    return Count{reproduced, verdicts.size()};
  }

  std::optional<Count> one(const fs::path& path) const {
    std::unique_ptr<Progress> progress;
    RunProgress show;
    if (!quiet)
      show = [&](const std::string& name, Time now, Time end, std::uint64_t queries) {
        if (!progress) progress = std::make_unique<Progress>(name, end, false);
        progress->show(now, queries);
      };
    const RerunVerdict v = path.extension() == ".json" ? rerun_recipe(path, registry) : rerun_file(path, show, registry, known);
    progress.reset();
    if (v.interrupted) return {};
    if (!quiet)
      for (const auto& n : v.notes) std::cerr << path.string() << ": " << n << '\n';
    std::cout << path.string() << (v.reproduced ? ": reproduced" : ": not reproduced: " + v.text) << '\n';
    return Count{v.reproduced ? std::size_t{1} : 0, 1};
  }

  std::optional<Count> pack(const fs::path& folder) const {
    const PackList list = read_pack(folder);
    const fs::path place = fs::absolute(folder).lexically_normal();
    Rerunner within{registry, jobs, quiet};
    std::string missing;
    for (const PackedFile& f : list.files) {
      std::error_code ignored;
      if (!fs::is_regular_file(place / f.file.path, ignored) && !is_trace_folder(place / f.file.path))
        missing += "\n  " + f.file.path + ", hash " + f.file.hash + (f.where.empty() ? "" : ", from " + f.where);
      else
        within.known[f.file.hash] = place / f.file.path;
    }
    if (!missing.empty()) throw WorldError(folder.string() + ": files of the pack are missing; put them in their places:" + missing);
    // Commands are made again where they were made. Nothing else runs now that would mind.
    const fs::path here = fs::current_path();
    Count count;
    for (const std::string& result : list.results) {
      fs::current_path(place / list.folder);
      const auto c = within.path(place / result);
      fs::current_path(here);
      if (!c) return {};
      count.reproduced += c->reproduced;
      count.all += c->all;
    }
    std::cout << count.reproduced << " of " << count.all << " reproduced\n";
    return count;
  }
};

}  // namespace

int command_rerun(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options(
      "tideline rerun",
      "Make again the run of a results file, those of a sweep, a comparison, a search for capacity or all of an unpacked "
      "pack, and say whether the results are the same.\n");
  options.add_options()("results", "Results file, folder of a sweep or of a pack, JSON file of compare or capacity",
                        cxxopts::value<std::vector<std::string>>(),
                        "RESULT")("jobs", "Tasks of a sweep at a time; default: the processors of this machine",
                                  cxxopts::value<std::uint32_t>(), "N")("quiet", "No progress, no notes");
  options.parse_positional("results");
  options.positional_help("RESULT.h5|SWEEP_DIR|COMPARE.json|PACK_DIR");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline rerun results/quickstart.h5\n"
                                    "  tideline rerun results/selection_by_load --jobs 2\n"
                                    "  tideline rerun compare.json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") != 1)
    throw InputError("expected one results file, comparison or capacity, or the folder of one sweep or pack (see tideline rerun --help)");
  const unsigned jobs = o.count("jobs") > 0 ? o["jobs"].as<std::uint32_t>() : default_jobs();
  if (jobs == 0) throw InputError("--jobs 0: expected at least 1");
  catch_interrupts();
  const auto count = Rerunner{registry, jobs, o.count("quiet") > 0}.path(o["results"].as<std::vector<std::string>>().front());
  if (!count) {
    std::cerr << "tideline: interrupted\n";
    return 130;
  }
  return count->reproduced == count->all ? 0 : 1;
}

}  // namespace tideline
