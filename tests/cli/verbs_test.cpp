// The verbs: help, names that are nearly right, listings, imports, and exit codes.
#include "policies/builtin.h"
#include "src/program.h"
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <sstream>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

/// The verbs, as the program's help lists them.
std::vector<std::string> listed_verbs() {
  std::istringstream lines(tideline(Folder(), {"--help"}).out);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line) && line != "Exit codes:";)
    if (line.size() > 2 && line.starts_with("  ") && std::islower(static_cast<unsigned char>(line[2])) != 0)
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

TEST(Help, of_the_program_names_every_verb) {
  const Folder folder;
  for (const char* word : {"--help", "-h", "help"}) {
    const Outcome done = tideline(folder, {word});
    EXPECT_EQ(done.code, 0);
    EXPECT_EQ(done.err, "");
    for (const char* verb : {"run", "validate", "policies", "import"}) EXPECT_THAT(done.out, HasSubstr(std::string("\n  ") + verb + " "));
  }
}

TEST(Help, of_the_program_names_every_exit_code_that_it_has) {
  const Folder folder;
  const std::string help = tideline(folder, {"--help"}).out;
  for (const Exit code : {Exit::done, Exit::check_failed, Exit::wrong_input, Exit::wrong_world, Exit::wrong_policy, Exit::bug})
    EXPECT_THAT(help, HasSubstr("\n  " + std::to_string(static_cast<int>(code)) + " "));
}

TEST(NoArguments, suggest_three_commands_that_work_as_they_stand) {
  const Folder folder;
  fs::create_directory_symlink(fs::path(TIDELINE_SOURCE_DIR) / "scenarios", folder / "scenarios");
  const Outcome done = tideline(folder, {});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.err, "");
  std::istringstream lines(done.out);
  const std::string indented_program = std::string("  ") + TIDELINE_PROGRAM + " ";
  int commands = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(indented_program)) continue;
    ++commands;
    // The first hour says as much as the day.
    if (line.find(" run ") != std::string::npos) line += " --quiet --set /measure/duration_s=3600";
    const Outcome outcome = run_command(folder, {"/bin/sh", "-c", line});
    EXPECT_EQ(outcome.code, 0) << line << '\n' << outcome.err;
  }
  EXPECT_EQ(commands, 3);
}

TEST(NoArguments, say_where_the_scenarios_are_that_are_not_found) {
  const Folder folder;
  fs::create_directories(folder / "own/bin");
  fs::copy_file(TIDELINE_PROGRAM, folder / "own/bin/tideline");
  Outcome done = run_command(folder, {(folder / "own/bin/tideline").string()});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.err, "");
  EXPECT_THAT(done.out, HasSubstr(" run quickstart\n"));
  EXPECT_THAT(done.out, HasSubstr("do not work from here yet: unknown scenario \"quickstart\""));
  EXPECT_THAT(done.out, HasSubstr("share/tideline where it is installed"));
  folder.write("own/share/tideline/scenarios/quickstart.json", small_scenario);
  done = run_command(folder, {(folder / "own/bin/tideline").string()});
  EXPECT_THAT(done.out, testing::Not(HasSubstr("do not work"))) << "those installed with the program";
}

TEST(Help, of_each_verb_ends_in_examples) {
  const Folder folder;
  for (const std::string& verb : listed_verbs()) {
    const Outcome done = tideline(folder, {verb, "--help"});
    EXPECT_EQ(done.code, 0) << verb;
    EXPECT_EQ(done.err, "") << verb;
    EXPECT_THAT(done.out, HasSubstr("Usage:"));
    const auto examples = done.out.find("\nExamples:\n");
    ASSERT_NE(examples, std::string::npos) << verb;
    EXPECT_THAT(done.out.substr(examples), HasSubstr(std::string("\n  tideline ") + verb));
    EXPECT_EQ(tideline(folder, {verb, "-h"}).out, done.out);
  }
  EXPECT_THAT(folder.files(), testing::IsEmpty());
}

TEST(Version, is_one_line) {
  const Folder folder;
  const Outcome done = tideline(folder, {"--version"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.out, testing::MatchesRegex("tideline [0-9]+\\.[0-9]+\\.[0-9]+( \\([0-9a-f]+\\))?\n"));
}

TEST(UnknownVerb, gets_the_nearest_one) {
  const Folder folder;
  Outcome done = tideline(folder, {"rnu"});
  EXPECT_EQ(done.code, 2);
  EXPECT_EQ(done.err, "tideline: unknown verb 'rnu'; did you mean \"run\"? (see tideline --help)\n");
  done = tideline(folder, {"valdiate", "s.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("did you mean \"validate\"?"));
  done = tideline(folder, {"frobnicate"});
  EXPECT_EQ(done.code, 2);
  for (const std::string& verb : listed_verbs()) EXPECT_THAT(done.err, HasSubstr(verb));
}

TEST(UnknownOption, gets_the_nearest_one_for_each_verb) {
  const Folder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{{{"run", "--sed", "1"}, "seed"},
                                                                            {{"run", "--summary=json", "--recods=queries"}, "records"},
                                                                            {{"validate", "--sett", "/a=1"}, "set"},
                                                                            {{"policies", "--jsn"}, "json"},
                                                                            {{"import", "--tsks", "voc"}, "tasks"}};
  for (const auto& [words, name] : cases) {
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 2);
    EXPECT_THAT(done.err, HasSubstr("did you mean \"" + name + "\"?"));
    EXPECT_THAT(done.err, HasSubstr("(see tideline " + words[0] + " --help)"));
  }
}

TEST(UnexpectedArgument, is_refused) {
  const Folder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"policies", "power_of_d", "random"}, "random"},
      {{"policies", "power_of_d", "--json", "random", "lru"}, "random"},
      {{"policies", "--", "power_of_d", "random"}, "random"},
      {{"schema", "s.json"}, "s.json"},
      {{"import", "yolobench", "table.csv", "more.csv", "--out", "c.json"}, "more.csv"}};
  for (const auto& [words, unexpected] : cases) {
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 2);
    EXPECT_EQ(done.out, "");
    EXPECT_EQ(done.err, "tideline: unexpected argument '" + unexpected + "' (see tideline " + words[0] + " --help)\n");
  }
  EXPECT_EQ(tideline(folder, {"policies", "power_of_d", "random", "--help"}).code, 0);
}

TEST(MissingScenario, is_said) {
  const Folder folder;
  for (const char* verb : {"run", "validate", "explain"}) {
    const Outcome done = tideline(folder, {verb});
    EXPECT_EQ(done.code, 2);
    EXPECT_THAT(done.err, StartsWith("tideline: no scenario given"));
  }
}

TEST(StandardOutput, that_is_full_is_said) {
  const Folder folder;
  const Outcome done = run_command(folder, {"/bin/sh", "-c", std::string(TIDELINE_PROGRAM) + " policies > /dev/full"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.err, "tideline: cannot write to standard output\n");
}

// --- policies ---

const PolicyRegistry& builtin() {
  static const PolicyRegistry registry = [] {
    PolicyRegistry r;
    add_builtin_policies(r);
    return r;
  }();
  return registry;
}

TEST(Policies, lists_every_policy_under_its_kind) {
  const Folder folder;
  const Outcome done = tideline(folder, {"policies"});
  EXPECT_EQ(done.code, 0);
  for (const auto& d : builtin().list()) {
    EXPECT_THAT(done.out, HasSubstr("\n  " + d.name + " "));
    EXPECT_THAT(done.out, HasSubstr(d.help));
  }
}

TEST(Policies, shows_one_with_its_parameters) {
  const Folder folder;
  for (const auto& d : builtin().list()) {
    const Outcome done = tideline(folder, {"policies", d.name});
    EXPECT_EQ(done.code, 0);
    EXPECT_THAT(done.out, StartsWith(d.name + " (" + std::string(to_string(d.kinds[0]))));
    EXPECT_THAT(done.out, HasSubstr(d.help));
    EXPECT_THAT(done.out, HasSubstr("\n  Source (" + std::string(to_string(d.source.provenance)) + "): " + d.source.citation + "\n"));
    for (const auto& f : d.parameters()) {
      EXPECT_THAT(done.out, HasSubstr("\n  " + f.name + "  ["));
      EXPECT_THAT(done.out, HasSubstr(f.help));
    }
  }
}

TEST(Policies, shows_the_range_of_a_parameter) {
  const Folder folder;
  const Outcome done = tideline(folder, {"policies", "target_utilization"});
  EXPECT_THAT(done.out, HasSubstr("\n  target  [number, 0.01 .. 1]  default 0.7\n"));
  EXPECT_THAT(done.out, HasSubstr("\n  cooldown_s  [duration, s, 0 or more]  default 0\n"));
}

TEST(Policies, as_json_has_everything_the_listing_has) {
  const Folder folder;
  const Outcome done = tideline(folder, {"policies", "--json"});
  EXPECT_EQ(done.code, 0);
  const Json all = Json::parse(done.out);
  const PolicyRegistry& registry = builtin();
  ASSERT_EQ(all.size(), registry.list().size());
  for (std::size_t k = 0; k < all.size(); ++k) {
    const PolicyDefinition& d = registry.list()[k];
    EXPECT_EQ(all[k]["name"], d.name);
    EXPECT_EQ(all[k]["help"], d.help);
    EXPECT_EQ(all[k]["default"], d.is_default);
    EXPECT_EQ(all[k]["kinds"][0], std::string(to_string(d.kinds[0])));
    ASSERT_EQ(all[k]["parameters"].size(), d.parameters().size());
    for (const auto& p : all[k]["parameters"]) {
      EXPECT_TRUE(p["help"].get<std::string>().ends_with('.'));
      EXPECT_NE(p.contains("default"), p.contains("required")) << d.name << ' ' << p["name"];
    }
    EXPECT_EQ(Json::parse(tideline(folder, {"policies", d.name, "--json"}).out), all[k]);
  }
}

TEST(Policies, unknown_name_gets_the_nearest) {
  const Folder folder;
  const Outcome done = tideline(folder, {"policies", "infas"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, StartsWith("tideline: unknown policy 'infas'; did you mean \"infaas\"?"));
}

TEST(Policies, unknown_name_that_is_near_none_gets_the_kinds) {
  const Folder folder;
  Outcome done = tideline(folder, {"policies", "frobnicate"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("unknown policy 'frobnicate'; there are policies of the kinds "));
  EXPECT_THAT(done.err, HasSubstr("dispatch"));
  done = tideline(folder, {"policies", "dispatch"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("'dispatch' is a kind of policy; its policies:"));
  EXPECT_THAT(done.err, HasSubstr(" power_of_d"));
}

// --- validate ---

TEST(Validate, says_what_is_there_and_writes_nothing) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const Outcome done = tideline(folder, {"validate", "s.json"});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, "s.json: fine: 3 variants, 3 devices, 3 classes\n");
  EXPECT_EQ(done.err, "");
  EXPECT_THAT(folder.files(), testing::ElementsAre("s.json"));
}

TEST(Validate, goes_on_behind_a_wrong_scenario) {
  const Folder folder;
  folder.write("a.json", "{");
  folder.write("b.json", small_scenario);
  folder.write("c.json", "[]");
  const Outcome done = tideline(folder, {"validate", "a.json", "b.json", "none.json", "c.json"});
  EXPECT_EQ(done.code, 3) << "a missing file weighs more than a wrong one";
  EXPECT_THAT(done.out, HasSubstr("b.json: fine"));
  for (const char* text : {"a.json:1:2: ", "none.json", "c.json:1:1: "}) EXPECT_THAT(done.err, HasSubstr(text));
}

TEST(Validate, every_shipped_scenario_is_fine) {
  const Folder folder;
  std::vector<std::string> words{"validate"};
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(TIDELINE_SOURCE_DIR) / "scenarios")) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != ".json" || path.find("/catalogs/") != std::string::npos ||
        path.find("/systems/") != std::string::npos || path.find("/sweeps/") != std::string::npos ||
        path.find("/regression/") != std::string::npos || path.find("/scenarios/traces/") != std::string::npos ||
        entry.path().filename() == "schema.json")
      continue;
    words.push_back(path);
  }
  ASSERT_GT(words.size(), 3U);
  const Outcome done = tideline(folder, words);
  EXPECT_EQ(done.code, 0) << done.err;
  for (std::size_t k = 1; k < words.size(); ++k) EXPECT_THAT(done.out, HasSubstr(words[k] + ": fine"));
}

// --- import ---

TEST(CatalogVerb, imports_shows_merges_and_fits) {
  const Folder folder;
  const std::string resnet = std::string(TIDELINE_SOURCE_DIR) + "/scenarios/catalogs/resnet50_v100.json";
  folder.write("own.csv", "task,model,hardware,accuracy,batch,latency_ms\nlook,n,a40,0.7,1,5\nlook,n,a40,0.7,4,9\nlook,n,a40,0.7,8,15\n");
  const Outcome made = tideline(folder, {"catalog", "import", "measurements", "own.csv", "--out", "own.json"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("1 variants written, 1 of them with batches"));
  EXPECT_THAT(tideline(folder, {"catalog", "show", "own.json"}).out, HasSubstr("look (accuracy) on a40: 1 of 1 on the Pareto front"));
  EXPECT_THAT(tideline(folder, {"catalog", "fit", "own.json", "--at", "16"}).out, HasSubstr("time of 16"));
  const Outcome beyond = tideline(folder, {"catalog", "fit", "own.json", "--at", "17"});
  EXPECT_EQ(beyond.code, 2);
  EXPECT_THAT(beyond.err, HasSubstr("beyond twice the largest batch that was measured, 8"));
  const Outcome none = tideline(folder, {"catalog", "fit", "own.json", "--at", "0"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("--at 0: expected a number of items, at least 1"));
  folder.write("few.csv", "task,model,hardware,accuracy,batch,latency_ms\nlook,few,a40,0.7,1,5\n");
  EXPECT_EQ(tideline(folder, {"import", "measurements", "few.csv", "--out", "few.json"}).code, 0);
  EXPECT_THAT(tideline(folder, {"catalog", "fit", "few.json"}).out, HasSubstr("measured is batch 1 alone; a curve takes 3"));
  const Outcome few = tideline(folder, {"catalog", "fit", "few.json", "--at", "64"});
  EXPECT_EQ(few.code, 2);
  EXPECT_THAT(few.err, HasSubstr("64 items are beyond twice the largest batch that was measured, 1"));
  const Outcome both = tideline(folder, {"catalog", "merge", "own.json", resnet, "--out", "both.json"});
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_THAT(both.out, HasSubstr("6 variants, 2 tasks, 2 hardware types"));
  folder.write("other.csv", "task,model,hardware,accuracy,batch,latency_ms\nlook,n,a40,0.8,1,5\n");
  EXPECT_EQ(tideline(folder, {"import", "measurements", "other.csv", "--out", "other.json"}).code, 0);
  const Outcome clash = tideline(folder, {"catalog", "merge", "own.json", "other.json", "--out", "x.json"});
  EXPECT_EQ(clash.code, 2);
  EXPECT_THAT(clash.err, HasSubstr("own.json and other.json say different things of \"n@a40\""));
  EXPECT_THAT(tideline(folder, {"catalog", "shwo", "own.json"}).err, HasSubstr("did you mean \"show\"?"));
  EXPECT_THAT(tideline(folder, {"catalog", "import", "tim", "own.csv", "--out", "x.json"}).err, HasSubstr("did you mean \"timm\"?"));
  EXPECT_THAT(tideline(folder, {"import", "measurements", "own.csv", "--out", "x.json", "--affine", "0.5"}).err,
              HasSubstr("--affine: format measurements does not take it"));
  EXPECT_EQ(tideline(folder, {"catalog", "show", "none.json"}).code, 3);
}

TEST(CatalogVerb, has_a_help_for_each_action) {
  const Folder folder;
  const auto help = [&](const std::string& action) {
    const Outcome done = tideline(folder, {"catalog", action, "--help"});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("Examples:\n  tideline catalog " + action));
    return done.out;
  };
  EXPECT_THAT(help("show"), testing::AllOf(HasSubstr("--framework"), HasSubstr("--fronts"), testing::Not(HasSubstr("--at")),
                                           testing::Not(HasSubstr("--out"))));
  EXPECT_THAT(help("fit"),
              testing::AllOf(HasSubstr("--at"), HasSubstr("--variant"), HasSubstr("--json"), testing::Not(HasSubstr("--fronts"))));
  EXPECT_THAT(help("merge"), testing::AllOf(HasSubstr("--out"), testing::Not(HasSubstr("--json"))));
  EXPECT_THAT(tideline(folder, {"catalog", "show"}).err, HasSubstr("(see tideline catalog show --help)"));
  EXPECT_EQ(tideline(folder, {"catalog", "fit", "own.json", "--fronts", "x"}).code, 2);
  EXPECT_THAT(tideline(folder, {"import", "--help"}).out, HasSubstr("such as resnet50v1.5,fp32,0.761"));
}

TEST(Import, reads_packed_tables) {
  const Folder folder;
  folder.write("own.csv", "task,model,hardware,accuracy,batch,latency_ms\nlook,n,a40,0.7,1,5\n");
  EXPECT_EQ(tideline(folder, {"import", "measurements", "own.csv", "--out", "plain.json"}).code, 0);
  ASSERT_EQ(std::system(("gzip " + (folder / "own.csv").string()).c_str()), 0);
  const Outcome done = tideline(folder, {"import", "measurements", "own.csv.gz", "--out", "packed.json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(read_file(folder / "packed.json"), read_file(folder / "plain.json"));
  const std::string whole = read_file(folder / "own.csv.gz");
  folder.write("cut.csv.gz", whole.substr(0, whole.size() - 12));
  const Outcome cut = tideline(folder, {"import", "measurements", "cut.csv.gz", "--out", "cut.json"});
  EXPECT_EQ(cut.code, 2);
  EXPECT_THAT(cut.err, HasSubstr("cut.csv.gz: the compressed data end early"));
}

TEST(Import, needs_format_table_and_output) {
  const Folder folder;
  const std::vector<std::vector<std::string>> cases{{"import"}, {"import", "yolobench"}, {"import", "yolobench", "t.csv"}};
  for (const auto& words : cases) {
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 2);
    EXPECT_THAT(done.err, HasSubstr("(see tideline import --help)"));
  }
}

TEST(Import, refuses_what_it_cannot_read) {
  const Folder folder;
  folder.write("table.csv", "a,b\n1,2\n");
  folder.write("binary.csv", std::string_view("\x7f\x45\x4c\x46\x00\xff\x0a\x01", 8));
  folder.write("empty.csv", "");
  fs::create_directory(folder / "folder");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto before = folder.files();
  struct Case {
    std::vector<std::string> words;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {{"yolobnch", "table.csv", "--out", "c.json"}, 2, "did you mean \"yolobench\"?"},
      {{"foo", "table.csv"}, 2, "unknown format 'foo'; known: \"yolobench\", \"timm\","},
      {{"foo"}, 2, "unknown format 'foo'"},
      {{"yolobench", "none.csv", "--out", "c.json"}, 3, "cannot read none.csv: No such file"},
      {{"yolobench", "folder", "--out", "c.json"}, 3, "cannot read folder: it is a folder"},
      {{"yolobench", "table.csv", "--out", "c.json"}, 2, "table.csv"},
      {{"yolobench", "table.csv", "--out", "folder"}, 3, "cannot write folder: it is a folder"},
      {{"yolobench", "table.csv", "--out", "pipe"}, 3, "cannot write pipe: it is not a regular file"},
      {{"yolobench", std::string(300, 'a'), "--out", "c.json"}, 3, "File name too long"},
      {{"yolobench", "binary.csv", "--out", "c.json"}, 2, "binary.csv"},
      {{"yolobench", "empty.csv", "--out", "c.json"}, 2, "empty.csv"},
      {{"yolobench", "table.csv", "--tasks", "vco", "--out", "c.json"}, 2, "did you mean \"voc\"?"},
      {{"yolobench", "table.csv", "--tasks", "", "--out", "c.json"}, 2, "--tasks: names no data set"},
      {{"yolobench", "table.csv", "--affine", "2", "--out", "c.json"}, 2, "--affine 2: expected a share in 0 .. 1"},
      {{"yolobench", "table.csv", "--affine", "x", "--out", "c.json"}, 2, "--affine x: expected a share"},
      {{"yolobench", "table.csv", "--affine", "0.5x", "--out", "c.json"}, 2, "--affine 0.5x: expected a share"},
      {{"yolobench", "table.csv", "--affine", "nan", "--out", "c.json"}, 2, "--affine nan: expected a share"},
      {{"yolobench", "table.csv", "--params", "none.csv", "--out", "c.json"}, 3, "cannot read none.csv"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> words{"import"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, c.code) << done.err;
    EXPECT_THAT(done.err, StartsWith("tideline: "));
    EXPECT_THAT(done.err, HasSubstr(c.says));
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
    EXPECT_EQ(folder.files(), before);
  }
}

}  // namespace
}  // namespace tideline
