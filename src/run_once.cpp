#include "src/run_once.h"

#include "sim/core/text.h"
#include "src/assemble.h"
#include "src/commands.h"
#include "src/errors.h"
#include "src/output_file.h"
#include "src/real/real_mode.h"
#include "src/real/wall_pacer.h"
#include "src/results.h"

#include <chrono>
#include <csignal>
#include <memory>
#include <new>

namespace tideline {

namespace fs = std::filesystem;

std::atomic<bool> interrupted{false};

extern "C" {
static void on_interrupt(int) { interrupted = true; }
}

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  if (std::signal(SIGHUP, SIG_IGN) != SIG_IGN) std::signal(SIGHUP, on_interrupt);  // nohup ignores it, and so it stays
}

namespace {

/// Divided, not multiplied by 1e-9: a round number of milliseconds prints as one.
std::string seconds_text(Duration d) { return to_text(static_cast<double>(d.count()) / 1e9); }

/// Runs it; what leaves is one of the program's own exceptions.
void simulate(const Run& run, Pacer* pacer) {
  try {
    run.simulation->run(pacer);
  } catch (const PoolFull& e) {
    throw WorldError("at " + seconds_text(run.simulation->now() - Time{}) +
                     " s the system has more queries in flight than there is room for: " + e.what() +
                     "; it is overloaded, or its lines need a bound");
  } catch (const std::bad_alloc&) {
    throw WorldError("out of memory at " + seconds_text(run.simulation->now() - Time{}) + " s of simulated time, after " +
                     std::to_string(run.simulation->queries()) + " queries");
  } catch (const InternalError&) {
    throw;
  } catch (const real::CannotRun& e) {
    throw WorldError(std::string("real mode: ") + e.what());
  } catch (const real::ClockJumped& e) {
    throw WorldError(std::string("real mode: ") + e.what());
  } catch (const PolicyError&) {
    throw;
  } catch (const InputError&) {
    throw;
  } catch (const WorldError&) {
    throw;
  } catch (const std::exception& e) {
    throw PolicyError("at " + seconds_text(run.simulation->now() - Time{}) + " s a policy threw an exception: " + e.what());
  } catch (...) {
    throw PolicyError("at " + seconds_text(run.simulation->now() - Time{}) + " s a policy threw something that is no std::exception");
  }
}

void refuse_inputs_of(const Scenario& scenario, const std::vector<Layer>& layers, const std::vector<fs::path>& outputs) {
  if (outputs.empty()) return;
  const auto files = files_of(scenario);
  std::vector<fs::path> inputs(files.begin(), files.end());
  for (const Layer& l : layers)
    if (l.kind == LayerKind::with) inputs.emplace_back(l.value);  // of which nothing may be left
  for (const fs::path& out : outputs) refuse_inputs(out, inputs);
}

}  // namespace

RunResult run_once(const RunRequest& request, const PolicyRegistry& registry, const std::atomic<bool>& stop) {
  const auto began = std::chrono::steady_clock::now();
  std::unique_ptr<SummaryRecorder> summary;
  std::unique_ptr<AuditRecorder> audit;
  std::unique_ptr<SeriesRecorder> series;
  SearchRecorder searches;
  std::unique_ptr<ResultsFile> file;
  std::unique_ptr<Records> records;
  const Run* running = nullptr;
  Scenario scenario = read_scenario(request.scenario, request.layers, registry);
  std::vector<fs::path> outputs = request.outputs;
  if (!request.out.empty()) outputs.push_back(request.out);
  refuse_inputs_of(scenario, request.layers, outputs);
  if (request.change) request.change(scenario);
  for (EntrySpec& e : scenario.entries) {
    e.tells_scaling = request.tells_scaling;
    if (!request.tells_scaling || e.classes.size() < 2) continue;
    for (const auto& choices : e.classes)
      e.told_tasks.push_back(choices.empty() ? std::string()
                                             : scenario.catalog.tasks[scenario.classes[choices[0].cls.index()].task.index()].name);
  }
  const Time end = Time{} + scenario.options.warmup + scenario.options.duration;
  std::unique_ptr<real::RealMode> machine;  // its backends outlive the executor
  Run run = assemble(
      std::move(scenario),
      [&](const Scenario& s, const World& world) {
        summary = std::make_unique<SummaryRecorder>(world, s.billing);
        audit = std::make_unique<AuditRecorder>(world);
        std::vector<Recorder*> all{summary.get(), audit.get()};
        if (request.also != nullptr) all.push_back(request.also);
        if (request.decisions != nullptr) {
          request.decisions->begin(world);
          all.push_back(request.decisions);
        }
        if (!request.out.empty()) {
          series = std::make_unique<SeriesRecorder>(world, s.billing);
          all.push_back(series.get());
          all.push_back(&searches);
          file = std::make_unique<ResultsFile>(request.out);
          records = std::make_unique<Records>(*file, world, request.records);
          for (Recorder* r : records->recorders()) all.push_back(r);
        }
        return all;
      },
      [&](Time now) {
        if (request.progress && running != nullptr) request.progress(running->scenario.name, now, end, running->simulation->queries());
        return !stop;
      },
      [&](const Scenario& s, const World& world) -> std::unique_ptr<Executor> {
        if (request.mode == RunMode::simulated) {
          if (request.takes != nullptr) return std::make_unique<real::SeenExecutor>(world, s.options.seed, *request.takes);
          return profiled_executor(s, world);
        }
        machine = std::make_unique<real::RealMode>(s, world);
        return machine->take_executor();
      });
  const auto warn = [&](const std::string& text) {
    if (request.warn) request.warn(request.scenario + ": warning: " + text);
  };
  for (const auto& w : run.scenario.warnings) warn(w);
  running = &run;
  if (request.decisions != nullptr) request.decisions->name_policies(run.simulation->controllers());
  if (file) {
    RunFacts facts;
    facts.scenario = run.scenario.name;
    facts.program_version = version_text();
    facts.compiler = compiler_name();
    facts.seed = run.scenario.options.seed;
    facts.configuration_json = run.scenario.effective.dump(2, ' ', false, Json::error_handler_t::replace);
    facts.overrides = run.scenario.overrides;
    facts.hashes = run.scenario.hashes;
    for (const auto& [pointer, path] : run.scenario.paths)
      facts.paths.emplace_back(pointer, fs::absolute(path).lexically_normal().string());
    facts.warnings = run.scenario.warnings;
    facts.is_real = machine != nullptr;
    facts.interrupted = true;  // until it is known better
    write_run(*file, facts);
    records->write_names(run.simulation->controllers());
    file->flush();
  }
  const auto ready = std::chrono::steady_clock::now();
  if (machine) {
    real::RealExecutor& executor = machine->executor();
    if (request.sees != nullptr) executor.watch(request.sees->emplace(*run.world));
    const real::Wall wall{.now = [] { return real::WallClock::now(); },
                          .wait = [&](real::WallClock::time_point until) { executor.wait_until(until); },
                          .take = [&] { return executor.take(); }};
    real::WallPacer pacer(wall, stop, executor.facts().late, [&](Time now) {
      if (request.progress) request.progress(run.scenario.name, now, end, run.simulation->queries());
    });
    const real::LoopThread loop(*machine);
    simulate(run, &pacer);
    if (request.sees != nullptr) (*request.sees)->sort();
  } else {
    simulate(run, nullptr);
  }
  const auto ended = std::chrono::steady_clock::now();
  RunResult done;
  done.name = run.scenario.name;
  done.interrupted = run.simulation->interrupted();
  done.summary = summary->summary();
  done.audit = audit->audit(run.simulation->cluster(), run.simulation->now(), done.summary);
  done.queries = run.simulation->queries();
  done.events = run.simulation->events();
  if (machine) done.real = machine->report(*run.world);
  done.setup_s = std::chrono::duration<double>(ready - began).count();
  done.run_s = std::chrono::duration<double>(ended - ready).count();
  for (const auto& [variant, starts] : run.simulation->pending_starts())
    warn("at the end " + std::to_string(starts) + " more instances of " + in_quotes((*run.world)[variant].name) +
         " were asked for than fit anywhere");
  for (std::size_t k = 0; k < run.scenario.entries.size(); ++k)
    if (const std::string remark = run.simulation->workload().source(k).remark(); !remark.empty() && request.warn)
      request.warn(request.scenario + ": note: " + remark);
  // A trace that ends well before the window does: the rest of the window measures an idle system.
  const Time window_end = Time{} + run.scenario.options.warmup + run.scenario.options.duration;
  for (std::size_t k = 0; k < run.scenario.entries.size() && !done.interrupted; ++k) {
    const Time last = run.simulation->workload().ended(k);
    if (last == never || window_end - last < run.scenario.options.duration / 20) continue;
    warn("the trace of " + in_quotes(run.scenario.entries[k].name) + " ended at " + seconds_text(last - Time{}) +
         " s, long before the measured window, at " + seconds_text(window_end - Time{}) + " s");
  }
  if (done.summary.total.queries_arrived == 0)
    warn("no query arrived in the measured window, which begins at " + seconds_text(run.scenario.options.warmup) + " s and lasts " +
         seconds_text(run.scenario.options.duration) + " s");
  if (file) {
    file->attribute("/run", "interrupted", done.interrupted);
    records->finish();
    write_summary(*file, done.summary);
    write_audit(*file, done.audit);
    if (machine) write_real(*file, done.real);
    write_series(*file, series->rows());
    write_searches(*file, searches.rows());
    if (done.interrupted)
      file->commit_incomplete();
    else
      file->commit();
    done.file = done.interrupted ? fs::path(request.out).replace_extension(".incomplete.h5") : request.out;
  }
  return done;
}

void check_runs(const std::string& scenario, const std::vector<Layer>& layers, const PolicyRegistry& registry,
                const std::vector<fs::path>& outputs) {
  Scenario read = read_scenario(scenario, layers, registry);
  refuse_inputs_of(read, layers, outputs);
  (void)assemble(std::move(read), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });
}

std::string failed_checks(const AuditResult& audit) {
  std::string text;
  for (const auto& c : audit.checks)
    if (!c.passed) text += "  " + c.name + ": " + c.detail + "\n";
  return text;
}

}  // namespace tideline
