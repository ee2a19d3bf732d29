#include "src/program.h"

#include "policies/builtin.h"
#include "sim/core/nearest.h"
#include "sim/model/cluster.h"
#include "sim/serving/controller.h"
#include "src/commands.h"
#include "src/errors.h"

#include <csignal>
#include <exception>
#include <functional>
#include <iostream>
#include <new>
#include <string>

namespace tideline {

namespace {

constexpr const char* usage = R"(Tideline simulates managed, model-less inference serving.

Usage: tideline VERB [...]

  run SCENARIO...       run scenarios and print a table; writes one HDF5 file each
  validate SCENARIO...  check scenarios without running them
  explain SCENARIO      say before a run whether a scenario can work
  policies [NAME]       list the policies, or show one with its parameters
  import yolobench CSV  make a catalog of YOLOBench's table of latencies and accuracies
  --version             version of the program
  VERB --help           options and examples of a verb

Start with: tideline run scenarios/quickstart.json
)";

int fail(Exit code, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  std::cerr << "tideline: " << text << std::flush;
  return static_cast<int>(code);
}

int dispatch(const Arguments& words, const PolicyRegistry& registry) {
  using Verb = int (*)(const Arguments&, const PolicyRegistry&);
  static const std::vector<std::pair<std::string_view, Verb>> verbs{{"run", command_run},
                                                                    {"validate", command_validate},
                                                                    {"explain", command_explain},
                                                                    {"policies", command_policies},
                                                                    {"import", command_import}};
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
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
    for (auto& d : more) registry.add(std::move(d));
    const int code = dispatch({argv + 1, argv + argc}, registry);
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
