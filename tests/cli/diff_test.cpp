// tideline diff: where two runs part.
#include "src/results_reader.h"
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

class DiffTest : public testing::Test {
 protected:
  DiffTest() { folder.write("s.json", small_scenario); }
  void run(const std::string& out, std::vector<std::string> words = {}, const std::string& records = "instances,decisions") {
    words.insert(words.begin(), {"run", "s.json", "--quiet", "--records", records, "--out", out});
    const Outcome done = tideline(folder, words);
    ASSERT_EQ(done.code, 0) << done.err;
  }
  Outcome diff(std::vector<std::string> words) {
    words.insert(words.begin(), "diff");
    return tideline(folder, words);
  }
  Json diff_json(const std::string& a, const std::string& b) {
    const Outcome done = diff({a, b, "--json"});
    EXPECT_LE(done.code, 1) << done.err;
    return Json::parse(done.out);
  }
  Folder folder;
};

TEST_F(DiffTest, equal_runs_have_no_difference) {
  run("a.h5");
  run("b.h5");
  const Outcome done = diff({"a.h5", "b.h5"});
  EXPECT_EQ(done.code, 0) << done.out;
  EXPECT_THAT(done.out, HasSubstr("\nno difference\n"));
  EXPECT_THAT(done.out, HasSubstr("Decisions are the same: "));
  EXPECT_EQ(diff_json("a.h5", "b.h5")["same"], true);
}

TEST_F(DiffTest, finds_the_first_decision_that_differs) {
  run("a.h5");
  run("b.h5", {"--set", "/policies/selection/params/margin=0.6"});
  const Json d = diff_json("a.h5", "b.h5");
  EXPECT_EQ(d["same"], false);
  EXPECT_EQ(d["configuration"], Json::parse(R"([{"pointer": "/policies/selection/params/margin", "a": "0.1", "b": "0.6"}])"));
  ASSERT_EQ(d["decisions"]["same"], false);
  // By hand.
  const ResultsReader a(folder / "a.h5"), b(folder / "b.h5");
  RecordTable of_a(a, "decisions"), of_b(b, "decisions");
  std::uint64_t first = 0;
  const auto differ = [&](const char* column) { return of_a.integer(of_a.column(column)) != of_b.integer(of_b.column(column)); };
  for (;; ++first) {
    ASSERT_LT(first, std::min(of_a.rows(), of_b.rows()));
    of_a.go_to(first);
    of_b.go_to(first);
    if (differ("time") || differ("answer") || differ("query") || differ("chosen") || differ("amount")) break;
  }
  EXPECT_EQ(d["decisions"]["first"], first);
  const Json side = d["decisions"]["a"]["decision"];
  EXPECT_EQ(side["row"], first);
  EXPECT_EQ(side["kind"], "selection");
  EXPECT_EQ(side["policy"], "cheapest_feasible");
  EXPECT_EQ(side["chosen"], "little");
  EXPECT_EQ(d["decisions"]["b"]["decision"]["chosen"], "big");
  // The query was admitted before that, and the little one was there from the start.
  const Json earlier = d["decisions"]["a"]["earlier_of_query"];
  ASSERT_EQ(earlier.size(), 1U);
  EXPECT_EQ(earlier[0]["answer"], "admitted");
  EXPECT_EQ(earlier[0]["query"], side["query"]);
  EXPECT_EQ(d["decisions"]["a"]["instances"]["little at edge"]["warm"], 1);
}

TEST_F(DiffTest, shows_it_with_its_context_and_the_metrics) {
  run("a.h5");
  run("b.h5", {"--set", "/policies/selection/params/margin=0.6"});
  const Outcome done = diff({"a.h5", "b.h5"});
  EXPECT_EQ(done.code, 1);
  for (const char* text :
       {"A  a.h5: s, seed 1, tideline ", "Configurations differ in 1 value:", "  /policies/selection/params/margin  0.1  0.6\n",
        "The first decision that differs is number ", "  policy     cheapest_feasible  cheapest_feasible\n",
        "  chosen     little             big\n", "Earlier decisions about query ", "admission (accept_all) admitted\n",
        "Just before, in both:\n", "Instances just before, the same in both:\n", "  little at edge  1 warm",
        "Metrics of the summary that differ, largest relative difference first:"})
    EXPECT_THAT(done.out, HasSubstr(text));
}

TEST_F(DiffTest, metrics_are_sorted_by_relative_difference) {
  run("a.h5", {}, "none");
  run("b.h5", {"--load", "3"}, "none");
  const Json d = diff_json("a.h5", "b.h5");
  ASSERT_GT(d["metrics"].size(), 20U);
  double last = INFINITY;
  for (const Json& m : d["metrics"]) {
    const double relative = m["relative"].is_null() ? INFINITY : std::abs(m["relative"].get<double>());
    EXPECT_LE(relative, last);
    last = relative;
    if (m["a"].is_null() || m["b"].is_null()) continue;
    EXPECT_DOUBLE_EQ(m["difference"].get<double>(), m["b"].get<double>() - m["a"].get<double>());
    if (m["relative"].is_null()) continue;
    EXPECT_DOUBLE_EQ(m["relative"].get<double>(), m["difference"].get<double>() / std::abs(m["a"].get<double>()));
  }
  EXPECT_THAT(diff({"a.h5", "b.h5"}).out, HasSubstr("of classes, tasks and variants: --all"));
  EXPECT_THAT(diff({"a.h5", "b.h5", "--all"}).out, HasSubstr("class good: queries_arrived"));
}

TEST_F(DiffTest, without_decisions_it_says_so_and_compares_metrics) {
  run("a.h5");
  run("b.h5", {"--load", "2"}, "instances");
  run("c.h5", {}, "none");
  run("d.h5", {}, "none");
  const Outcome one = diff({"a.h5", "b.h5"});
  EXPECT_EQ(one.code, 1);
  EXPECT_THAT(one.out, HasSubstr("Decisions are not compared: b.h5 has no records of decisions (tideline run --records decisions)\n"));
  EXPECT_THAT(one.out, HasSubstr("queries_arrived"));
  EXPECT_THAT(diff({"c.h5", "d.h5"}).out, HasSubstr("Decisions are not compared: neither file has records of decisions"));
  EXPECT_EQ(diff({"c.h5", "d.h5"}).code, 0);
  EXPECT_EQ(diff_json("c.h5", "d.h5")["decisions"]["compared"], false);
}

TEST_F(DiffTest, compares_by_name_where_numbers_mean_other_things) {
  run("a.h5", {}, "decisions");
  // Another variant, which nobody uses, before all others: every number of a variant moves.
  Json scenario = Json::parse(small_scenario);
  Json unused = scenario["catalog"]["variants"][1];
  unused["name"] = "unused";
  unused["accuracy"] = 0.1;
  scenario["catalog"]["variants"].insert(scenario["catalog"]["variants"].begin(), unused);
  folder.write("s.json", scenario.dump());
  run("b.h5", {}, "decisions");
  const Json d = diff_json("a.h5", "b.h5");
  EXPECT_EQ(d["decisions"]["same"], true) << d["decisions"].dump(1);
  // Answers are drawn by variant number: right and wrong ones move, nothing else does.
  for (const Json& m : d["metrics"]) EXPECT_EQ(m["metric"], "realised_accuracy");
}

TEST_F(DiffTest, a_run_that_decides_no_more_is_shown) {
  run("a.h5", {"--policy", "dispatch=random"});
  run("b.h5", {"--policy", "dispatch=random", "--set", "/measure/duration_s=15"});
  const Outcome done = diff({"a.h5", "b.h5"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("no decision any more"));
}

TEST_F(DiffTest, other_reasons_for_the_same_decisions_are_a_difference) {
  // With one instance of each variant both policies send queries the same way, for reasons of their own.
  const auto run_by = [&](const char* out, const char* policy) {
    run(out,
        {"--set", "/cluster/pools/gpus/count=1", "--set", "/measure/duration_s=3", "--set", "/workload/1/params/rate_qps=0.001", "--set",
         "/workload/0/params/rate_qps=5", "--policy", policy},
        "decisions");
  };
  run_by("a.h5", "dispatch=round_robin");
  run_by("b.h5", "dispatch=join_shortest_queue");
  const Json d = diff_json("a.h5", "b.h5");
  ASSERT_EQ(d["decisions"]["same"], true) << d["decisions"].dump(1);
  EXPECT_EQ(d["same"], false);
  EXPECT_EQ(d["decisions"]["other_reason"]["a"]["reason"], "in_turn");
  EXPECT_NE(d["decisions"]["other_reason"]["b"]["reason"], "in_turn");
  EXPECT_THAT(diff({"a.h5", "b.h5"}).out, HasSubstr("The first for another reason, or with another runner-up:\n  A "));
}

TEST_F(DiffTest, refuses_what_cannot_be_compared) {
  run("a.h5");
  const std::string whole = read_file(folder / "a.h5");
  folder.write("cut.h5", whole.substr(0, whole.size() / 2));
  folder.write("text.h5", "no results");
  const auto before = folder.files();
  struct Case {
    std::vector<std::string> words;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {{"a.h5"}, 2, "expected two results files"},       {{"a.h5", "a.h5", "a.h5"}, 2, "expected two results files"},
      {{"a.h5", "none.h5"}, 3, "there is no such file"}, {{"text.h5", "a.h5"}, 2, "is not an HDF5 file"},
      {{"a.h5", "cut.h5"}, 3, "cannot read 'cut.h5'"},   {{"a.h5", "."}, 3, "it is a folder"}};
  for (const Case& c : cases) {
    const Outcome done = diff(c.words);
    EXPECT_EQ(done.code, c.code) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr(c.says));
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
    EXPECT_EQ(folder.files(), before);
  }
}

}  // namespace
}  // namespace tideline
