// tideline run: runs scenarios, prints their summary, writes their results.
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/progress.h"
#include "src/real/real_mode.h"
#include "src/results.h"
#include "src/run_once.h"
#include "src/table.h"

#include <exception>
#include <iostream>
#include <memory>
#include <set>

#ifndef TIDELINE_COMMIT
#define TIDELINE_COMMIT ""
#endif
#ifndef TIDELINE_VERSION
#define TIDELINE_VERSION "unknown"
#endif

namespace tideline {

std::string version_text() {
  const std::string commit = TIDELINE_COMMIT;
  return std::string("tideline ") + TIDELINE_VERSION + (commit.empty() ? "" : " (" + commit + ")");
}

namespace {

namespace fs = std::filesystem;

struct Wishes {
  std::vector<Layer> layers;
  bool quiet = false, write = true;
  RunMode mode = RunMode::simulated;
  RecordWishes records;
  Json* timing = nullptr;
  std::vector<fs::path> outputs;  ///< all files that will be written
};

RunResult run_one(const std::string& path, const fs::path& out, const Wishes& wishes, const PolicyRegistry& registry) {
  std::unique_ptr<Progress> progress;
  RunRequest request;
  request.scenario = path;
  request.layers = wishes.layers;
  request.mode = wishes.mode;
  request.records = wishes.records;
  if (wishes.write) request.out = out;
  request.outputs = wishes.outputs;
  if (!wishes.quiet) {
    request.tells_scaling = true;
    request.warn = [](const std::string& text) { std::cerr << text << '\n'; };
    request.progress = [&](const std::string& name, Time now, Time end, std::uint64_t queries) {
      if (!progress) progress = std::make_unique<Progress>(name, end, false);
      progress->show(now, queries);
    };
  }
  RunResult done = run_once(request, registry, interrupted);
  if (wishes.timing != nullptr)
    (*wishes.timing)[done.name] = Json{{"setup_s", done.setup_s},
                                       {"run_s", done.run_s},
                                       {"queries", done.queries},
                                       {"events", done.events},
                                       {"queries_per_s", static_cast<double>(done.queries) / done.run_s}};
  return done;
}

}  // namespace

int command_run(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline run", "Run scenarios; print a table (or JSON); write one HDF5 file each.\n");
  options.add_options()("out", "Results file; with several scenarios a folder. Default: results/NAME.h5", cxxopts::value<std::string>(),
                        "F.h5")("summary", "What to print: table or json", cxxopts::value<std::string>()->default_value("table"), "FORM")(
      "records", "What to record beside the summary: none, all, or some of queries,instances,decisions",
      cxxopts::value<std::string>()->default_value("none"), "WHAT")(
      "mode", "simulated: loads and batches take what the catalog says. real: they are kernels of this machine, and time is the clock's",
      cxxopts::value<std::string>()->default_value("simulated"),
      "MODE")("timing", "Write run time and speed, which results never hold, to this file", cxxopts::value<std::string>(), "F.json")(
      "no-results", "Write no results file")("quiet", "No progress, no warnings");
  add_scenario_options(options);
  const auto parsed = parse_options(
      options, arguments,
      "  tideline run quickstart\n"
      "  tideline run quickstart --system persist_all --load 1.5 --policy coldstart=fixed_keep_alive,keep_alive_s=60s\n"
      "  tideline run scenarios/quickstart.json scenarios/quickstart_fixed.json --out results/both\n"
      "  tideline run scenarios/theory/mmc.json --set /cluster/pools/0/count=4 --set /workload/0/params/rate_qps=3.2 --summary json\n"
      "  tideline run scenarios/quickstart.json --seed 7 --records queries --out day7.h5\n"
      "  tideline run scenarios/real/two_instances.json --mode real\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto paths = scenarios_of(o, options);
  Wishes wishes;
  wishes.layers = layers_of(o);
  wishes.quiet = o.count("quiet") > 0;
  wishes.write = o.count("no-results") == 0;
  const auto mode = o["mode"].as<std::string>();
  if (mode != "simulated" && mode != "real") throw InputError("--mode " + mode + ": expected simulated or real");
  if (mode == "real") wishes.mode = RunMode::real;
  const auto form = o["summary"].as<std::string>(), records = o["records"].as<std::string>();
  wishes.records = parse_records(records);
  if (form != "table" && form != "json") throw InputError("--summary " + form + ": expected table or json");
  if (!wishes.write && o.count("out") > 0) throw InputError("--out and --no-results contradict each other");
  if (wishes.records.any() && !wishes.write) throw InputError("--records " + records + " needs a results file: leave out --no-results");
  if (form == "json" && paths.size() > 1) throw InputError("--summary json prints one object: give one scenario");
  Json timing = Json::object();
  if (o.count("timing") > 0) wishes.timing = &timing;

  std::vector<fs::path> outs;
  std::set<fs::path> seen;
  for (const auto& path : paths) {
    const fs::path name = fs::path(path).stem().string() + ".h5";
    fs::path out = fs::path("results") / name;
    if (o.count("out") > 0) {
      out = o["out"].as<std::string>();
      std::error_code ignored;
      if (paths.size() > 1 || fs::is_directory(out, ignored))
        out /= name;
      else if (out.extension() != ".h5")
        throw InputError("--out " + out.string() + ": expected a file that ends in .h5, or an existing folder");
    }
    if (wishes.write && !seen.insert(out).second)
      throw InputError("two scenarios would write " + out.string() + ": give them different names");
    outs.push_back(std::move(out));
  }
  catch_interrupts();  // before anything is made that an interrupt would leave behind
  const std::vector<fs::path> scenarios(paths.begin(), paths.end());
  if (wishes.write)
    for (const fs::path& out : outs) {
      (void)output_file(out, scenarios);
      refuse_inputs(out.string() + ".part", scenarios);
      wishes.outputs.push_back(out);
    }
  fs::path timing_file;
  if (wishes.timing != nullptr) {
    const fs::path wished = o["timing"].as<std::string>();
    timing_file = output_file(wished, scenarios);
    for (const fs::path& out : wishes.outputs)
      if (same_file(wished, out)) throw InputError("--timing " + wished.string() + ": the results are written to it");
    wishes.outputs.push_back(timing_file);
  }
  // All scenarios are checked before the first one runs.
  if (paths.size() > 1)
    for (const auto& path : paths) check_runs(path, wishes.layers, registry, wishes.outputs);

  std::vector<RunResult> done;
  std::exception_ptr failed;  // what ran before is shown first
  try {
    for (std::size_t k = 0; k < paths.size() && !interrupted; ++k) done.push_back(run_one(paths[k], outs[k], wishes, registry));
  } catch (...) {
    if (done.empty()) throw;
    failed = std::current_exception();
  }

  if (done.empty()) {
    std::cerr << "tideline: interrupted before anything ran\n";
    return 130;
  }
  if (form == "json") {
    std::cout << summary_json(done[0].summary, done[0].audit, done[0].real).dump(2) << '\n';
  } else {
    std::vector<TableRun> columns;
    columns.reserve(done.size());
    for (const auto& d : done) columns.push_back({d.name, &d.summary, &d.audit});
    std::cout << comparison_table(columns);
    for (const auto& d : done)
      if (!d.real.is_null()) std::cout << real::report_text(d.real);
    for (const auto& d : done)
      if (!d.file.empty()) std::cout << (d.interrupted ? "interrupted: " : "results: ") << d.file.string() << '\n';
  }
  if (interrupted) std::cerr << "tideline: interrupted: what ran until then is summarised\n";
  if (wishes.timing != nullptr) write_whole(timing_file, timing.dump(2) + '\n');
  int code = 0;
  for (const auto& d : done) {
    if (d.audit.passed) continue;
    std::cerr << "tideline: the audit of " << d.name << " failed; its results cannot be trusted:\n" << failed_checks(d.audit);
    code = 70;
  }
  if (failed) {
    std::cout.flush();
    std::rethrow_exception(failed);
  }
  if (code == 0 && interrupted) return 130;
  return code;
}

}  // namespace tideline
