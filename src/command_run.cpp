// tideline run: runs scenarios, prints their summary, writes their results.
#include "sim/core/text.h"
#include "src/assemble.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/progress.h"
#include "src/records.h"
#include "src/results.h"
#include "src/scenario.h"
#include "src/table.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
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

std::atomic<bool> interrupted{false};

extern "C" void on_interrupt(int) { interrupted = true; }

struct Done {
  std::string name;
  Summary summary;
  AuditResult audit;
  fs::path file;
  bool interrupted = false;
};

struct Wishes {
  std::vector<Layer> layers;
  bool quiet = false, write = true;
  RecordWishes records;
  Json* timing = nullptr;
};

Done run_one(const std::string& path, const fs::path& out, const Wishes& wishes, const PolicyRegistry& registry) {
  const auto began = std::chrono::steady_clock::now();
  std::unique_ptr<SummaryRecorder> summary;
  std::unique_ptr<AuditRecorder> audit;
  std::unique_ptr<SeriesRecorder> series;
  std::unique_ptr<ResultsFile> file;
  std::unique_ptr<Records> records;
  std::unique_ptr<Progress> progress;
  Simulation* simulation = nullptr;
  Run run = assemble(
      read_scenario(path, wishes.layers, registry),
      [&](const Scenario& s, const World& world) {
        summary = std::make_unique<SummaryRecorder>(world, s.billing);
        audit = std::make_unique<AuditRecorder>(world);
        series = std::make_unique<SeriesRecorder>(world, s.billing);
        std::vector<Recorder*> all{summary.get(), audit.get(), series.get()};
        if (wishes.write) {
          file = std::make_unique<ResultsFile>(out);
          records = std::make_unique<Records>(*file, world, wishes.records);
          for (Recorder* r : records->recorders()) all.push_back(r);
        }
        return all;
      },
      [&](Time now) {
        if (progress && simulation != nullptr) progress->show(now, simulation->queries());
        return !interrupted;
      });
  for (const auto& w : run.scenario.warnings)
    if (!wishes.quiet) std::cerr << path << ": warning: " << w << '\n';
  simulation = run.simulation.get();
  progress =
      std::make_unique<Progress>(run.scenario.name, Time{} + run.scenario.options.warmup + run.scenario.options.duration, wishes.quiet);
  if (file) {
    RunFacts facts;
    facts.scenario = run.scenario.name;
    facts.program_version = version_text();
    facts.compiler = compiler_name();
    facts.seed = run.scenario.options.seed;
    facts.configuration_json = run.scenario.effective.dump(2, ' ', false, Json::error_handler_t::replace);
    facts.overrides = run.scenario.overrides;
    facts.hashes = run.scenario.hashes;
    facts.warnings = run.scenario.warnings;
    facts.interrupted = true;  // until it is known better
    write_run(*file, facts);
    records->write_names(run.simulation->controllers());
    file->flush();
  }
  const auto ready = std::chrono::steady_clock::now();
  run.simulation->run();
  const auto ended = std::chrono::steady_clock::now();
  progress.reset();
  Done done;
  done.name = run.scenario.name;
  done.interrupted = run.simulation->interrupted();
  done.summary = summary->summary();
  done.audit = audit->audit(run.simulation->cluster(), run.simulation->now(), done.summary);
  if (!wishes.quiet) {
    for (const auto& [variant, starts] : run.simulation->pending_starts())
      std::cerr << path << ": warning: at the end " << starts << " more instances of " << in_quotes((*run.world)[variant].name)
                << " were asked for than fit anywhere\n";
    if (done.summary.total.queries_arrived == 0)
      std::cerr << path << ": warning: no query arrived in the measured window, which begins at "
                << to_seconds(Time{} + run.scenario.options.warmup) << " s and lasts " << to_seconds(run.scenario.options.duration)
                << " s\n";
  }
  if (file) {
    file->attribute("/run", "interrupted", done.interrupted);
    records->finish();
    write_summary(*file, done.summary);
    write_audit(*file, done.audit);
    write_series(*file, series->rows());
    if (done.interrupted)
      file->commit_incomplete();
    else
      file->commit();
    done.file = done.interrupted ? fs::path(out).replace_extension(".incomplete.h5") : out;
  }
  if (wishes.timing != nullptr) {
    const double seconds = std::chrono::duration<double>(ended - ready).count();
    (*wishes.timing)[done.name] = Json{{"setup_s", std::chrono::duration<double>(ready - began).count()},
                                       {"run_s", seconds},
                                       {"queries", run.simulation->queries()},
                                       {"events", run.simulation->events()},
                                       {"queries_per_s", static_cast<double>(run.simulation->queries()) / seconds}};
  }
  return done;
}

std::string text_of_checks(const AuditResult& audit) {
  std::string text;
  for (const auto& c : audit.checks)
    if (!c.passed) text += "  " + c.name + ": " + c.detail + "\n";
  return text;
}

}  // namespace

int command_run(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline run", "Run scenarios; print a table (or JSON); write one HDF5 file each.\n");
  options.add_options()("out", "Results file; with several scenarios a folder. Default: results/NAME.h5", cxxopts::value<std::string>(),
                        "F.h5")("summary", "What to print: table or json", cxxopts::value<std::string>()->default_value("table"), "FORM")(
      "records", "What to record beside the summary: none, all, or some of queries,instances,decisions",
      cxxopts::value<std::string>()->default_value("none"),
      "WHAT")("timing", "Write run time and speed, which results never hold, to this file", cxxopts::value<std::string>(), "F.json")(
      "no-results", "Write no results file")("quiet", "No progress, no warnings");
  add_scenario_options(options);
  const auto parsed = parse_options(
      options, arguments,
      "  tideline run quickstart\n"
      "  tideline run quickstart --system persist_all --load 1.5 --policy coldstart=fixed_keep_alive,keep_alive_s=60s\n"
      "  tideline run scenarios/quickstart.json scenarios/quickstart_fixed.json --out results/both\n"
      "  tideline run scenarios/theory/mmc.json --set /cluster/pools/0/count=4 --set /workload/0/params/rate_qps=3.2 --summary json\n"
      "  tideline run scenarios/quickstart.json --seed 7 --records queries --out day7.h5\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto paths = scenarios_of(o, options);
  Wishes wishes;
  wishes.layers = layers_of(o);
  wishes.quiet = o.count("quiet") > 0;
  wishes.write = o.count("no-results") == 0;
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
  // All scenarios are checked before the first one runs.
  if (paths.size() > 1)
    for (const auto& path : paths)
      (void)assemble(read_scenario(path, wishes.layers, registry), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });

  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  if (std::signal(SIGHUP, SIG_IGN) != SIG_IGN) std::signal(SIGHUP, on_interrupt);  // nohup ignores it, and so it stays
  std::vector<Done> done;
  for (std::size_t k = 0; k < paths.size() && !interrupted; ++k) done.push_back(run_one(paths[k], outs[k], wishes, registry));

  if (form == "json") {
    std::cout << summary_json(done[0].summary, done[0].audit).dump(2) << '\n';
  } else {
    std::vector<TableRun> columns;
    for (const auto& d : done) columns.push_back({d.name, &d.summary, &d.audit});
    std::cout << comparison_table(columns);
    for (const auto& d : done)
      if (!d.file.empty()) std::cout << (d.interrupted ? "interrupted: " : "results: ") << d.file.string() << '\n';
  }
  if (interrupted) std::cerr << "tideline: interrupted: what ran until then is summarised\n";
  if (wishes.timing != nullptr) {
    const auto path = o["timing"].as<std::string>();
    std::ofstream out(path);
    out << timing.dump(2) << '\n';
    if (!out.flush()) throw WorldError("cannot write " + path);
  }
  int code = 0;
  for (const auto& d : done) {
    if (d.audit.passed) continue;
    std::cerr << "tideline: the audit of " << d.name << " failed; its results cannot be trusted:\n" << text_of_checks(d.audit);
    code = 70;
  }
  if (code == 0 && interrupted) return 130;
  return code;
}

}  // namespace tideline
