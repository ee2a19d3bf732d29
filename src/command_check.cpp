// tideline check: runs the cases of a suite and holds them against what was accepted; or accepts what they give.
#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/baseline.h"
#include "src/check_report.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/run_once.h"
#include "src/suite.h"
#include "src/task_pool.h"
#include "src/task_progress.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <mutex>

namespace tideline {

namespace {

namespace fs = std::filesystem;

struct Wishes {
  unsigned jobs = 1;
  bool quiet = false, json = false;
  fs::path junit;
};

/// The first line that a command prints; empty where it fails.
std::string first_line(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
  std::string out = line.data();
  out.erase(out.find_last_not_of("\r\n") + 1);
  return out;
}

/// Who runs the program: as git knows them, else as the system does.
std::string user_name() {
  if (auto name = first_line("git config user.name 2>/dev/null"); !name.empty()) return name;
  if (const char* name = std::getenv("USER"); name != nullptr && *name != '\0') return name;
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : "unknown";
}

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

/// Only the cases that were named, in the order of the suite.
void choose(Suite& suite, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> known;
  for (const SuiteCase& c : suite.cases) known.push_back(c.name);
  for (const auto& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw InputError("--case " + name + ": unknown case " + in_quotes(name) + suggestion(name, known));
  std::erase_if(suite.cases, [&](const SuiteCase& c) { return std::find(names.begin(), names.end(), c.name) == names.end(); });
}

/// One run of one case.
struct Task {
  std::size_t number = 0;  ///< of the case
  std::size_t replication = 0;
};

/// Runs all; false when interrupted. `done` is called for one run at a time.
template <class Run>
bool run_all(const Suite& suite, const std::vector<Task>& tasks, const Wishes& wishes, const PolicyRegistry& registry, Run&& run) {
  catch_interrupts();
  TaskProgress progress(suite.name, tasks.size(), wishes.quiet);
  std::mutex mutex;
  run_tasks(tasks.size(), wishes.jobs, interrupted, [&](std::size_t k) {
    const SuiteCase& c = suite.cases[tasks[k].number];
    RunRequest request;
    request.scenario = c.scenario;
    request.layers = c.layers_of(tasks[k].replication);
    if (!wishes.quiet && tasks[k].replication == 0)
      request.warn = [&](const std::string& text) {
        const std::lock_guard lock(mutex);
        progress.note(c.name + ": " + text);
      };
    run(tasks[k], request, registry);
    const std::lock_guard lock(mutex);
    if (!interrupted) progress.done();
  });
  progress.finish();
  if (interrupted) std::cerr << "tideline: interrupted: nothing was judged and nothing written\n";
  return !interrupted;
}

// --- accepting ---

/// Whether a baseline says the same, whoever accepted it.
bool same_results(const Baseline& a, const Baseline& b) {
  return a.configuration == b.configuration && a.policies == b.policies && a.hashes == b.hashes && a.seeds == b.seeds &&
         a.values == b.values && a.decisions == b.decisions;
}

/// Throws WorldError where files cannot be made in the folder; makes it.
void require_writable(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw WorldError("cannot make the folder " + folder.string() + ": " + error.message());
  if (access(folder.c_str(), W_OK) != 0) throw WorldError("cannot write in " + folder.string() + ": no permission");
}

int update(const Suite& suite, const std::string& reason, const Wishes& wishes, const PolicyRegistry& registry) {
  require_writable(suite.baselines);
  std::vector<Task> tasks;
  std::vector<Baseline> made;
  for (std::size_t k = 0; k < suite.cases.size(); ++k) {
    const SuiteCase& c = suite.cases[k];
    made.push_back(baseline_of(c));
    made.back().accepted = {user_name(), today(), reason, version_text()};
    for (const CheckedMetric& m : c.metrics) made.back().values[m.key()].resize(c.seeds.size());
    for (std::size_t r = 0; r < c.seeds.size(); ++r) tasks.push_back({k, r});
  }
  std::vector<std::string> audits(suite.cases.size());
  std::mutex mutex;
  if (!run_all(suite, tasks, wishes, registry, [&](const Task& t, RunRequest& request, const PolicyRegistry& policies) {
        DecisionWatch watch;
        if (t.replication == 0) request.decisions = &watch;
        const RunResult done = run_once(request, policies, interrupted);
        const std::lock_guard lock(mutex);
        Baseline& b = made[t.number];
        if (!done.audit.passed) audits[t.number] = failed_checks(done.audit);
        if (t.replication == 0) b.decisions = watch.print();
        for (const CheckedMetric& m : suite.cases[t.number].metrics) b.values[m.key()][t.replication] = m.value(done.summary);
      }))
    return 130;
  for (std::size_t k = 0; k < audits.size(); ++k) {
    if (audits[k].empty()) continue;
    std::cerr << "tideline: the audit of " << suite.cases[k].name << " failed: nothing was accepted\n" << audits[k];
    return 70;
  }
  std::size_t changed = 0;
  for (std::size_t k = 0; k < suite.cases.size(); ++k) {
    const SuiteCase& c = suite.cases[k];
    try {
      if (same_results(read_baseline(suite, c), made[k])) continue;
    } catch (const InputError&) {
      // It cannot be used any more.
    } catch (const WorldError&) {
      // There is none.
    }
    write_whole(baseline_file(suite, c), to_text(made[k], c));
    std::cout << "accepted: " << baseline_file(suite, c).string() << '\n';
    ++changed;
  }
  std::cout << suite.name << ": " << changed << " of " << suite.cases.size() << " baselines written, the others are as they were\n";
  return 0;
}

// --- checking ---

/// What the policies that were accepted decide with this program, if they still make the accepted decisions: then the first that differs is
/// known exactly.
void find_exactly(Parting& parting, const SuiteCase& c, const Baseline& b, const PolicyRegistry& registry) {
  DecisionWatch watch(&b.decisions);
  watch.keep(parting.from, parting.to);
  RunRequest request;
  request.scenario = c.scenario;
  request.layers = c.layers_of(0);
  request.layers.push_back({LayerKind::set, "/policies=" + b.policies.dump()});
  request.decisions = &watch;
  try {
    const RunResult done = run_once(request, registry, interrupted);
    if (!done.interrupted && !watch.parting()) make_exact(parting, watch.kept());
  } catch (const InputError&) {
    // This program has not got those policies any more: the interval has to do.
  }
}

int check(const Suite& suite, const Wishes& wishes, const PolicyRegistry& registry) {
  std::vector<Baseline> baselines;
  std::string wrong, missing;
  for (const SuiteCase& c : suite.cases) {
    std::error_code ignored;
    if (!fs::exists(baseline_file(suite, c), ignored)) {
      missing += (missing.empty() ? "" : ", ") + in_quotes(c.name);
      continue;
    }
    try {
      baselines.push_back(read_baseline(suite, c));
    } catch (const InputError& e) {
      wrong += std::string(e.what()) + "\n";
    }
  }
  if (!missing.empty())
    wrong += "no baseline in " + suite.baselines.string() + " for: " + missing +
             "; look at their results, then accept them by tideline check " + suite.file + " --update --reason TEXT\n";
  if (!wrong.empty()) throw InputError(wrong);
  std::vector<fs::path> inputs{suite.file};
  for (const SuiteCase& c : suite.cases) {
    inputs.push_back(baseline_file(suite, c));
    inputs.emplace_back(c.scenario);
  }
  const fs::path junit = wishes.junit.empty() ? fs::path() : output_file(wishes.junit, inputs);
  if (!junit.empty()) require_writable(fs::absolute(junit).parent_path());

  CheckReport report{&suite, {}};
  std::vector<Task> tasks;
  for (std::size_t k = 0; k < suite.cases.size(); ++k) {
    CaseReport& c = report.cases.emplace_back();
    c.of = &suite.cases[k];
    c.accepted = baselines[k].accepted;
    c.changed = changed_since(baselines[k], suite.cases[k]);
    c.decisions = baselines[k].decisions.count;
    tasks.push_back({k, 0});
  }
  if (!run_all(suite, tasks, wishes, registry, [&](const Task& t, RunRequest& request, const PolicyRegistry& policies) {
        const SuiteCase& c = suite.cases[t.number];
        const Baseline& b = baselines[t.number];
        CaseReport& r = report.cases[t.number];
        DecisionWatch watch(&b.decisions);
        request.decisions = &watch;
        const RunResult done = run_once(request, policies, interrupted);
        if (done.interrupted) return;
        r.seconds = done.setup_s + done.run_s;
        if (!done.audit.passed) r.audit = failed_checks(done.audit);
        for (const CheckedMetric& m : c.metrics) r.metrics.push_back(judge(m, b.values.at(m.key()), m.value(done.summary)));
        r.parting = watch.parting();
        if (!r.passed() && r.parting && b.policies != c.configuration.value("policies", Json::object()))
          find_exactly(*r.parting, c, b, policies);
      }))
    return 130;
  if (!junit.empty()) write_whole(junit, report_junit(report));
  if (wishes.json)
    std::cout << report_json(report).dump(2) << '\n';
  else
    std::cout << report_text(report);
  return report.passed() ? 0 : 1;
}

}  // namespace

int command_check(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline check", "Run the cases of a suite and hold their metrics against accepted baselines.\n");
  options.add_options()("suite", "Suite file", cxxopts::value<std::vector<std::string>>(), "FILE")(
      "case", "Only this case", cxxopts::value<std::vector<std::string>>(), "NAME")("update", "Accept what the runs give: write baselines")(
      "reason", "Why it is accepted; kept in the baselines", cxxopts::value<std::string>(), "TEXT")(
      "junit", "Write the result for CI systems to this file", cxxopts::value<std::string>(), "F.xml")("json", "Print JSON")(
      "jobs", "Runs at a time; default: the processors of this machine", cxxopts::value<std::uint32_t>(), "N")("quiet",
                                                                                                               "No progress, no warnings");
  options.parse_positional("suite");
  options.positional_help("SUITE.json");
  const auto parsed =
      parse_options(options, arguments,
                    "  tideline check scenarios/regression/suite.json\n"
                    "  tideline check scenarios/regression/suite.json --case infaas --json\n"
                    "  tideline check scenarios/regression/suite.json --junit results/check.xml --jobs 4\n"
                    "  tideline check scenarios/regression/suite.json --update --reason \"keep-alive counts from the last batch\"\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("suite") != 1) throw InputError("expected one suite file (see tideline check --help)");
  Wishes wishes;
  wishes.quiet = o.count("quiet") > 0;
  wishes.json = o.count("json") > 0;
  if (o.count("junit") > 0) wishes.junit = o["junit"].as<std::string>();
  wishes.jobs = o.count("jobs") > 0 ? o["jobs"].as<std::uint32_t>() : default_jobs();
  if (wishes.jobs == 0) throw InputError("--jobs 0: expected at least 1");
  const bool accept = o.count("update") > 0;
  const std::string reason = o.count("reason") > 0 ? o["reason"].as<std::string>() : "";
  if (accept && reason.find_first_not_of(" \t\n") == std::string::npos)
    throw InputError("--update needs --reason TEXT: why the new results are right");
  if (!accept && o.count("reason") > 0) throw InputError("--reason belongs to --update");
  if (accept && (wishes.json || !wishes.junit.empty())) throw InputError("--update judges nothing: leave out --json and --junit");
  Suite suite = read_suite(o["suite"].as<std::vector<std::string>>().front(), registry);
  choose(suite, o.count("case") > 0 ? o["case"].as<std::vector<std::string>>() : std::vector<std::string>{});
  return accept ? update(suite, reason, wishes, registry) : check(suite, wishes, registry);
}

}  // namespace tideline
