// tideline check: a suite against what was accepted of it.
#include "policies/builtin.h"
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <regex>
#include <set>

namespace tideline {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

const fs::path shipped = fs::path(TIDELINE_SOURCE_DIR) / "scenarios";

constexpr const char* small_suite = R"json({
  "schema": 1,
  "set": { "/measure/duration_s": 10 },
  "metrics": [
    { "metric": "queries_arrived", "rule": "exact" },
    { "metric": "latency_mean_s", "rule": "relative", "tolerance": 0.01 },
    { "metric": "slo_attainment", "class": "fast", "rule": "absolute", "tolerance": 0.001 }
  ],
  "cases": [
    { "name": "plain", "scenario": "../s.json" },
    { "name": "spread", "scenario": "../s.json", "policy": [ "dispatch=random" ], "replications": 4,
      "metrics": [ { "metric": "queries_arrived", "rule": "statistical" },
                   { "metric": "latency_mean_s", "rule": "statistical", "confidence": 0.95 } ] }
  ]
})json";

class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    folder.write("s.json", small_scenario);
    folder.write("suites/small.json", small_suite);
  }
  Outcome check(std::vector<std::string> words = {}) {
    words.insert(words.begin(), {"check", "suites/small.json", "--quiet"});
    return tideline(folder, words);
  }
  void accept() {
    const Outcome done = check({"--update", "--reason", "It is new."});
    ASSERT_EQ(done.code, 0) << done.err;
  }
  /// Changes the suite or the scenario.
  template <class Change>
  void change(const char* file, Change&& how) {
    Json json = Json::parse(read_file(folder / file));
    how(json);
    folder.write(file, json.dump(1));
  }
  Folder folder;
};

TEST_F(CheckTest, asks_for_baselines_then_passes) {
  const Outcome none = check();
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err,
              StartsWith("tideline: no baseline in suites/baselines for: \"plain\", \"spread\"; look at their results, then accept"));
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "suites/small.json"));
  accept();
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "suites/baselines/plain.json", "suites/baselines/spread.json", "suites/small.json"));
  const Outcome done = check({"--jobs", "2"});
  EXPECT_EQ(done.code, 0) << done.out;
  EXPECT_EQ(done.out, "plain   passed  3 metrics\nspread  passed  3 metrics\nsmall: 2 of 2 cases passed\n");
  EXPECT_EQ(done.err, "");
}

TEST_F(CheckTest, a_baseline_says_who_accepted_what_and_why) {
  accept();
  const Json b = Json::parse(read_file(folder / "suites/baselines/spread.json"));
  EXPECT_EQ(b["accepted"]["reason"], "It is new.");
  EXPECT_NE(b["accepted"]["by"], "");
  EXPECT_TRUE(std::regex_match(b["accepted"]["date"].get<std::string>(), std::regex("\\d{4}-\\d{2}-\\d{2}")));
  EXPECT_THAT(b["accepted"]["program"].get<std::string>(), StartsWith("tideline "));
  ASSERT_EQ(b["seeds"].size(), 4U);
  EXPECT_EQ(b["seeds"][0], 1) << "the scenario's own";
  ASSERT_EQ(b["values"]["latency_mean_s"].size(), 4U);
  EXPECT_NE(b["values"]["latency_mean_s"][0], b["values"]["latency_mean_s"][1]);
  EXPECT_LT(fs::file_size(folder / "suites/baselines/spread.json"), 10'000U);
  // What is as it was keeps its acceptance.
  const std::string before = read_file(folder / "suites/baselines/spread.json");
  const Outcome again = check({"--update", "--reason", "Another one."});
  EXPECT_THAT(again.out, HasSubstr("small: 0 of 2 baselines written"));
  EXPECT_EQ(read_file(folder / "suites/baselines/spread.json"), before);
}

TEST_F(CheckTest, a_changed_policy_is_found_with_its_first_decision) {
  accept();
  change("s.json", [](Json& s) { s["policies"]["selection"]["params"]["margin"] = 0.6; });
  const Outcome done = check({"--case", "plain"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("plain  FAILED  "));
  EXPECT_TRUE(
      std::regex_search(done.out, std::regex("latency_mean_s: expected 0\\.0\\d+ within 1 % \\(0\\.0\\d+ \\.\\. 0\\.0\\d+\\), got 0\\.0")))
      << done.out;
  EXPECT_TRUE(
      std::regex_search(done.out, std::regex("first diverging decision: number \\d+ of \\d+\n"
                                             "      was: [0-9.]+ s, query \\d+: selection \\(cheapest_feasible\\) selected little")))
      << done.out;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("      is:  [0-9.]+ s, query \\d+: selection \\(cheapest_feasible\\) selected big")));
  EXPECT_THAT(done.out, HasSubstr("It is new."));
  EXPECT_THAT(done.out, HasSubstr("/policies/selection/params/margin: was 0.1, is 0.6\n"));
  EXPECT_THAT(done.out, HasSubstr("small: 0 of 1 cases passed\n"));
}

TEST_F(CheckTest, the_decision_is_the_one_that_diff_finds) {
  accept();
  const std::vector<std::string> run{"run", "s.json", "--quiet", "--records", "decisions", "--set", "/measure/duration_s=10"};
  const auto record = [&](const char* out) {
    auto words = run;
    words.insert(words.end(), {"--out", out});
    ASSERT_EQ(tideline(folder, words).code, 0);
  };
  record("a.h5");
  change("s.json", [](Json& s) { s["policies"]["coldstart"]["params"]["keep_alive_s"] = 1; });
  record("b.h5");
  const Json d = Json::parse(tideline(folder, {"diff", "a.h5", "b.h5", "--json"}).out);
  change("suites/small.json", [](Json& s) { s["metrics"][1]["tolerance"] = 0; });
  const Json c = Json::parse(check({"--case", "plain", "--json"}).out);
  EXPECT_EQ(c["passed"], false);
  const Json decisions = c["cases"][0]["decisions"];
  EXPECT_EQ(decisions["first"], decisions["last"]);
  EXPECT_EQ(decisions["first"], d["decisions"]["first"].get<int>() + 1);
  EXPECT_EQ(decisions["is"]["amount"], d["decisions"]["b"]["decision"]["amount"]);
}

TEST_F(CheckTest, a_changed_catalog_is_found_by_the_print_alone) {
  accept();
  // Not the policies: a faster device, which shows when it answers.
  change("s.json", [](Json& s) { s["catalog"]["variants"][1]["profile"]["latency_s"]["1"] = 0.028; });
  const Outcome done = check({"--case", "plain"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("first diverging decision: "));
  EXPECT_THAT(done.out, HasSubstr("catalog changed\n"));
  EXPECT_THAT(done.out, HasSubstr("      is:  "));
}

TEST_F(CheckTest, other_decisions_within_tolerance_pass_with_a_note) {
  change("suites/small.json", [](Json& s) {
    s["metrics"] = Json::parse(R"([{"metric": "queries_arrived", "rule": "exact"}])");
    s["cases"].erase(1);
  });
  accept();
  change("s.json", [](Json& s) { s["policies"]["selection"]["params"]["margin"] = 0.6; });
  const Outcome done = check();
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.out, HasSubstr("passed  1 metrics, though decisions differ from number "));
}

TEST_F(CheckTest, statistical_rules_allow_the_spread_of_replications) {
  accept();
  const auto latency = [&] { return Json::parse(check({"--case", "spread", "--json"}).out)["cases"][0]["metrics"]; };
  const Json before = latency();
  EXPECT_EQ(before[2]["metric"], "latency_mean_s");
  EXPECT_EQ(before[2]["rule"], "statistical");
  EXPECT_LT(before[2]["low"], before[2]["expected"]);
  EXPECT_LT(before[2]["expected"], before[2]["high"]);
  EXPECT_EQ(before[2]["passed"], true);
  // Values of another seed lie in it, those of twice the load do not.
  Json baseline = Json::parse(read_file(folder / "suites/baselines/spread.json"));
  for (const char* key : {"latency_mean_s", "queries_arrived"}) std::swap(baseline["values"][key][0], baseline["values"][key][1]);
  baseline["values"]["slo_attainment of class fast"][0] = before[0]["got"];
  folder.write("suites/baselines/spread.json", baseline.dump());
  for (const Json& m : latency()) EXPECT_EQ(m["passed"], true) << m.dump();
  change("s.json", [](Json& s) { s["load"] = 2; });
  const Json loaded = latency();
  EXPECT_EQ(loaded[1]["metric"], "queries_arrived");
  EXPECT_EQ(loaded[1]["passed"], false);
}

TEST_F(CheckTest, junit_and_json_say_the_same) {
  accept();
  change("s.json", [](Json& s) { s["policies"]["selection"]["params"]["margin"] = 0.6; });
  const Outcome done = check({"--junit", "out/check.xml", "--json"});
  EXPECT_EQ(done.code, 1);
  const Json json = Json::parse(done.out);
  std::size_t failed = 0, metrics = 0;
  for (const Json& c : json["cases"])
    for (const Json& m : c["metrics"]) {
      ++metrics;
      failed += m["passed"] == false ? 1 : 0;
    }
  const std::string xml = read_file(folder / "out/check.xml");
  EXPECT_THAT(xml, StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"" +
                              std::to_string(metrics + json["cases"].size()) + "\" failures=\"" + std::to_string(failed) + "\""));
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"small.plain\" name=\"latency_mean_s\""));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"latency_mean_s: expected "));
  EXPECT_THAT(xml, HasSubstr("first diverging decision: "));
  folder.write("p.py", "import xml.dom.minidom as m\nm.parse('out/check.xml')\n");
  EXPECT_EQ(run_command(folder, {TIDELINE_PYTHON, "p.py"}).code, 0);
}

TEST_F(CheckTest, all_that_is_wrong_in_a_suite_is_said_at_once) {
  folder.write("suites/small.json", R"json({
  "schema": 1,
  "metrcs": [],
  "metrics": [
    { "metric": "latency_p98_s", "rule": "exact" },
    { "metric": "cost_usd", "rule": "relative", "tolerance": -0.1 },
    { "metric": "energy_j", "rule": "absolute" },
    { "metric": "loads", "rule": "extact" },
    { "metric": "cost_idle_usd", "task": "see", "rule": "exact" },
    { "metric": "queries_served", "rule": "exact", "tolerance": 1 }
  ],
  "cases": [
    { "name": "a/b", "scenario": "../s.json" },
    { "name": "twice", "scenario": "../s.json", "sytem": "infaas" },
    { "name": "spread", "scenario": "../s.json", "metrics": [ { "metric": "queries_served", "rule": "statistical" } ] }
  ]
})json");
  const Outcome done = check();
  EXPECT_EQ(done.code, 2);
  for (const char* text : {"suites/small.json:3:3: /metrcs: ", "did you mean \"metrics\"?",
                           "suites/small.json:5:17: /metrics/0/metric: unknown metric \"latency_p98_s\"; did you mean",
                           "/metrics/1/tolerance: ", "/metrics/2: the rule absolute needs a \"tolerance\"",
                           "/metrics/3/rule: ", "did you mean \"exact\"?", "/metrics/5/tolerance: the rule exact has no tolerance",
                           "/cases/0/name: \"a/b\" is no name of a case", "/cases/1/sytem: ", "did you mean \"system\"?",
                           "/cases/2: \"queries_served\" is judged statistically: that needs at least 3 \"replications\""})
    EXPECT_THAT(done.err, HasSubstr(text));
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "suites/small.json"));
}

TEST_F(CheckTest, refuses_bad_input_before_the_first_run) {
  accept();
  const std::string good = read_file(folder / "suites/small.json"), baseline = read_file(folder / "suites/baselines/plain.json");
  const auto suite = [&](auto&& how) {
    Json json = Json::parse(good);
    how(json);
    return json.dump();
  };
  folder.write("suites/empty.json", suite([](Json& s) { s["cases"] = Json::array(); }));
  folder.write("suites/nothing.json", suite([](Json& s) { s["metrics"] = Json::array(), s["cases"].erase(1); }));
  folder.write("suites/class.json", suite([](Json& s) { s["metrics"][2]["class"] = "fsat"; }));
  folder.write("suites/missing.json", suite([](Json& s) { s["cases"][0]["scenario"] = "none.json"; }));
  folder.write("suites/policy.json", suite([](Json& s) { s["cases"][0]["policy"] = {"dispatch=rondom"}; }));
  folder.write("suites/more.json", suite([](Json& s) { s["metrics"].push_back({{"metric", "loads"}, {"rule", "exact"}}); }));
  folder.write("suites/seeds.json", suite([](Json& s) { s["cases"][1]["replications"] = 5; }));
  folder.write("suites/seed.json", suite([](Json& s) { s["cases"][0]["seed"] = 3; }));
  folder.write("suites/blocked.json", suite([](Json& s) { s["baselines"] = "small.json/x"; }));
  folder.write("suites/syntax.json", "{");
  fs::create_directory(folder / "there");
  struct Case {
    std::vector<std::string> words;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {{}, 2, "expected one suite file"},
      {{"suites/none.json"}, 3, "suites/none.json"},
      {{"suites/syntax.json"}, 2, "suites/syntax.json:1:2: "},
      {{"suites/empty.json"}, 2, "/cases: the suite is empty"},
      {{"suites/nothing.json"}, 2, "/cases/0: checks no metric"},
      {{"suites/class.json"}, 2, "has no class fsat; did you mean \"class fast\"?"},
      {{"suites/missing.json"}, 3, "case plain: cannot read suites/none.json"},
      {{"suites/policy.json"}, 2, "did you mean \"random\"?"},
      {{"suites/more.json"}, 2, "has no values of loads, which the suite checks by now"},
      {{"suites/seeds.json"}, 2, "spread.json was made with 4 replications, the case has 5"},
      {{"suites/seed.json"}, 2, "plain.json was made with other seeds than the case has"},
      {{"suites/blocked.json", "--update", "--reason", "x"}, 3, "cannot make the folder suites/small.json/x"},
      {{"suites/small.json", "--update"}, 2, "--update needs --reason TEXT"},
      {{"suites/small.json", "--update", "--reason", " "}, 2, "--update needs --reason TEXT"},
      {{"suites/small.json", "--reason", "x"}, 2, "--reason belongs to --update"},
      {{"suites/small.json", "--case", "plan"}, 2, "did you mean \"plain\"?"},
      {{"suites/small.json", "--jobs", "0"}, 2, "--jobs 0"},
      {{"suites/small.json", "--junit", "there"}, 3, "cannot write there: it is a folder"},
      {{"suites/small.json", "--junit", "s.json/x.xml"}, 3, "s.json"},
  };
  const auto before = folder.files();
  for (const Case& c : cases) {
    std::vector<std::string> words{"check"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, c.code) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr(c.says));
    EXPECT_EQ(folder.files(), before);
  }
  // Baselines that cannot be used.
  const std::vector<std::pair<std::string, std::string>> baselines{
      {"{", "plain.json:1:2: "},
      {"{}", "is not a baseline of tideline"},
      {std::regex_replace(baseline, std::regex("\"version\": 1"), "\"version\": 2"),
       "was written in version 2 of the format, this program reads 1"},
      {std::regex_replace(baseline, std::regex("\"marks\": \"[^\"]*\""), "\"marks\": 3"), "has no print of decisions that can be read"},
      {std::regex_replace(baseline, std::regex("\"seeds\""), "\"sedes\""), "is damaged: it has no \"seeds\""},
      {baseline.substr(0, baseline.size() / 2), "plain.json:"}};
  for (const auto& [text, says] : baselines) {
    folder.write("suites/baselines/plain.json", text);
    const Outcome done = check();
    EXPECT_EQ(done.code, 2) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr(says));
  }
  // An update takes their place.
  accept();
  EXPECT_EQ(check().code, 0);
}

TEST_F(CheckTest, an_update_that_cannot_write_leaves_what_was_there) {
  accept();
  const std::string before = read_file(folder / "suites/baselines/plain.json");
  change("s.json", [](Json& s) { s["seed"] = 2; });
  const Outcome full = run_command(folder, {TIDELINE_PROGRAM, "check", "suites/small.json", "--quiet", "--update", "--reason", "x"}, 1000);
  EXPECT_EQ(full.code, 3);
  EXPECT_THAT(full.err, HasSubstr("cannot write suites/baselines/plain.json: "));
  EXPECT_EQ(read_file(folder / "suites/baselines/plain.json"), before);
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "suites/baselines/plain.json", "suites/baselines/spread.json", "suites/small.json"));
}

// --- the suite that ships; the test cli.regression_suite runs it ---

TEST(ShippedSuite, uses_every_policy) {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  std::set<std::string> unused;
  for (const auto& d : registry.list()) unused.insert(d.name);
  for (const auto& entry : fs::directory_iterator(shipped / "regression" / "baselines")) {
    const Json baseline = Json::parse(read_file(entry.path()));
    for (const auto& [kind, policy] : baseline["policies"].items()) unused.erase(policy["name"].get<std::string>());
  }
  EXPECT_EQ(unused, std::set<std::string>{}) << "no case of scenarios/regression/suite.json uses them";
}

TEST(ShippedSuite, finds_one_changed_parameter_in_a_copy) {
  const Folder folder;
  for (const char* part : {"catalogs", "systems", "regression"}) fs::copy(shipped / part, folder / part, fs::copy_options::recursive);
  for (const auto& entry : fs::directory_iterator(shipped))
    if (entry.path().extension() == ".json") fs::copy(entry.path(), folder / entry.path().filename().string());
  // The window of its case in a minute, accepted anew: this runs with sanitizers too.
  folder.write("regression/suite.json",
               std::regex_replace(read_file(folder / "regression/suite.json"), std::regex("\"30min\""), "\"1min\""));
  const std::vector<std::string> words{"check", "regression/suite.json", "--quiet", "--case", "bounded_in_flight"};
  auto accept = words;
  accept.insert(accept.end(), {"--update", "--reason", "A shorter window."});
  ASSERT_EQ(tideline(folder, accept).code, 0);
  const Outcome before = tideline(folder, words);
  EXPECT_EQ(before.code, 0) << before.out << before.err;
  folder.write("quickstart.json",
               std::regex_replace(read_file(folder / "quickstart.json"), std::regex("\"target\": 0.4"), "\"target\": 0.8"));
  const Outcome after = tideline(folder, words);
  EXPECT_EQ(after.code, 1);
  EXPECT_TRUE(std::regex_search(after.out, std::regex("latency_p99_s: expected 0\\.\\d+ within 2 %"))) << after.out;
  EXPECT_TRUE(std::regex_search(after.out, std::regex("first diverging decision: number \\d+ of \\d+\n      was: 10 s: autoscaling")))
      << after.out;
  EXPECT_THAT(after.out, HasSubstr("/policies/autoscaling/params/target: was 0.4, is 0.8"));
}

}  // namespace
}  // namespace tideline
