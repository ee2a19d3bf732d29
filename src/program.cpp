#include "src/program.h"

#include "policies/builtin.h"
#include "sim/core/nearest.h"
#include "sim/model/cluster.h"
#include "sim/serving/controller.h"
#include "src/commands.h"
#include "src/errors.h"
#include "src/scenario_files.h"

#include <csignal>
#include <exception>
#include <functional>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>

namespace tideline {

namespace {

constexpr const char* usage = R"(Tideline simulates managed, model-less inference serving.

Usage: tideline VERB [...]

  run SCENARIO...       run scenarios and print a table; writes one HDF5 file each
  validate SCENARIO...  check scenarios without running them
  explain SCENARIO      say before a run whether a scenario can work
  bound SCENARIO        run a scenario: what share of a clairvoyant's bound it reached
  schema                write the JSON schema of scenario files, for editors
  policies [NAME]       list the policies, or show one with its parameters
  sweep SWEEP.json      run a scenario at all points of some axes, with replications
  compare SCENARIO      hold alternatives against a baseline, with intervals and verdicts
  capacity SCENARIO     find the largest load, or the least count, that meets a target
  fidelity SCENARIO     simulated runs against the same runs on this machine's kernels
  merge DIR             write one table of a sweep: CSV and HDF5
  check SUITE.json      run a suite of scenarios and hold it against accepted baselines
  rerun RESULT          make a run, a sweep or a comparison again: are the results the same?
  pack RESULT...        put results and all that they were made from into one archive
  diff A.h5 B.h5        where two runs part: the first decision, and all metrics
  inspect RESULT.h5     show what is in a results file
  timeline RESULT.h5    draw a run for Perfetto
  report RESULT         make a page of a run, a sweep or a comparison
  trace stats FILE      say what a trace is like, or write its arrivals (trace convert)
  catalog show FILE     what a catalog offers; make one of a table (catalog import), merge, fit
  import FORMAT FILE    the same as catalog import
  profile               measure networks on this machine: a catalog for real runs
  --version             version of the program
  VERB --help           options and examples of a verb

Exit codes:
  0    done
  1    a check failed
  2    the scenario or the command line is wrong
  3    the world is wrong: a file is missing, the disk is full
  4    a policy broke its interface
  70   a bug in the simulator
  130  interrupted; the results so far are in NAME.incomplete.h5
)";

/// For who calls the program by its name alone. The commands stand as they have to be typed from the current folder.
void greet(const std::string& program) {
  const std::string run = program + " run quickstart";
  std::cout << "Tideline simulates managed, model-less inference serving. Three commands to begin with:\n\n"
            << "  " << run << "\n"
            << "      A day of queries at the edge and in the core, served by INFaaS: a table, and results/quickstart.h5.\n"
            << "  " << run << " --policy selection=cheapest_feasible --no-results\n"
            << "      The same queries under another policy.\n"
            << "  " << program << " policies\n"
            << "      All policies that a scenario can name.\n\n";
  try {
    (void)find_scenario("quickstart");
  } catch (const InputError& e) {
    std::cout << "The first two do not work from here yet: " << e.what() << ".\n"
              << "The folder scenarios is in the sources of Tideline, and in share/tideline where it is installed.\n\n";
  }
  std::cout << program << " --help lists the verbs; each has a --help with examples.\n";
}

int fail(Exit code, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  std::cerr << "tideline: " << text << std::flush;
  return static_cast<int>(code);
}

int dispatch(const std::string& program, const Arguments& words, const PolicyRegistry& registry) {
  using Verb = int (*)(const Arguments&, const PolicyRegistry&);
  static const std::vector<std::pair<std::string_view, Verb>> verbs{
      {"run", command_run},           {"validate", command_validate}, {"explain", command_explain},   {"schema", command_schema},
      {"policies", command_policies}, {"sweep", command_sweep},       {"compare", command_compare},   {"capacity", command_capacity},
      {"merge", command_merge},       {"inspect", command_inspect},   {"timeline", command_timeline}, {"report", command_report},
      {"import", command_import},     {"check", command_check},       {"rerun", command_rerun},       {"pack", command_pack},
      {"diff", command_diff},         {"trace", command_trace},       {"catalog", command_catalog},   {"bound", command_bound},
      {"fidelity", command_fidelity}, {"profile", command_profile}};
  if (words.empty()) {
    greet(program);
    return 0;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    std::cout << usage;
    return 0;
  }
  if (words[0] == "--version") {
    std::cout << version_text() << '\n';
    return 0;
  }
  for (const auto& [name, verb] : verbs)
    if (words[0] == name) return verb({words.begin() + 1, words.end()}, registry);
  std::vector<std::string_view> names;
  names.reserve(verbs.size());
  for (const auto& v : verbs) names.push_back(v.first);
  throw InputError("unknown verb '" + words[0] + "'" + suggestion(words[0], names) + " (see tideline --help)");
}

}  // namespace

int run_program(int argc, const char* const* argv, std::vector<PolicyDefinition> more) {
  // A file size limit then fails the write that meets it, which is reported, instead of ending the process.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    PolicyRegistry registry;
    add_builtin_policies(registry);
    try {
      for (auto& d : more) registry.add(std::move(d));
    } catch (const std::logic_error& e) {
      return fail(Exit::wrong_policy, e.what());
    }
    const int code = dispatch(argv[0], {argv + 1, argv + argc}, registry);
    std::cout.flush();
    if (!std::cout) return fail(Exit::wrong_world, "cannot write to standard output");
    return code;
  } catch (const InputError& e) {
    return fail(Exit::wrong_input, e.what());
  } catch (const WorldError& e) {
    return fail(Exit::wrong_world, e.what());
  } catch (const PolicyError& e) {
    return fail(Exit::wrong_policy, e.what());
  } catch (const std::bad_alloc&) {
    return fail(Exit::wrong_world, "out of memory");
  } catch (const std::exception& e) {
    return fail(Exit::bug, std::string("a bug in the simulator: ") + e.what());
  }
}

}  // namespace tideline
