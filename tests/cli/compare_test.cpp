// compare and capacity from the command line: what is compared, what is said of it, and what is refused.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace tideline {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class CompareTest : public testing::Test {
 protected:
  CompareTest() { folder.write("s.json", small_scenario); }

  Outcome compare(Words words) const {
    words.insert(words.begin(), {"compare", "s.json"});
    return tideline(folder, words);
  }
  Json json(Words words) const {
    words.insert(words.end(), {"--out", "c.json", "--quiet"});
    const Outcome done = compare(words);
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(read_file(folder / "c.json"));
  }
  static Json effect(const Json& c, const std::string& alternative, const std::string& metric) {
    for (const Json& e : c["effects"])
      if (e["alternative"] == alternative && e["metric"] == metric) return e;
    ADD_FAILURE() << "no effect of " << alternative << " on " << metric;
    return {};
  }

  const Folder folder;
};

TEST_F(CompareTest, both_ways_of_naming_a_policy_give_the_same_comparison) {
  const Json by_kind = json({"--axis", "selection=cheapest_feasible,accuracy_max"});
  const Json by_pointer = json({"--axis", "/policies/selection/name=cheapest_feasible,accuracy_max"});
  ASSERT_EQ(by_kind["effects"].size(), by_pointer["effects"].size());
  for (std::size_t k = 0; k < by_kind["effects"].size(); ++k) {
    EXPECT_EQ(by_kind["effects"][k]["difference"], by_pointer["effects"][k]["difference"]);
    EXPECT_EQ(by_kind["effects"][k]["verdict"], by_pointer["effects"][k]["verdict"]);
  }
  const Json e = effect(by_kind, "selection=accuracy_max", "effective_accuracy");
  EXPECT_EQ(e["verdict"], "better");
  EXPECT_GT(e["low"].get<double>(), 0);
  EXPECT_LE(e["low"].get<double>(), e["difference"].get<double>());
  EXPECT_EQ(by_kind["replications"], 10);
  EXPECT_EQ(by_kind["replication"]["kind"], "seeds");
}

TEST_F(CompareTest, every_alternative_meets_the_same_queries) {
  const Json c =
      json({"--axis", "dispatch=random,join_shortest_queue,round_robin", "--metric", "queries_arrived", "--metric", "latency_mean_s"});
  const auto& first = c["alternatives"][0]["metrics"]["queries_arrived"]["values"];
  EXPECT_NE(first[0], first[1]);
  for (const Json& a : c["alternatives"]) EXPECT_EQ(a["metrics"]["queries_arrived"]["values"], first);
  EXPECT_EQ(effect(c, "dispatch=round_robin", "queries_arrived")["verdict"], "identical");
}

TEST_F(CompareTest, the_first_replication_is_the_run_that_one_makes_by_hand) {
  const Json c = json({"--axis", "load=1,2", "--metric", "latency_mean_s"});
  const Outcome alone = tideline(folder, {"run", "s.json", "--load", "2", "--no-results", "--quiet", "--summary", "json"});
  EXPECT_EQ(c["alternatives"][1]["metrics"]["latency_mean_s"]["values"][0], Json::parse(alone.out)["total"]["latency_mean_s"]);
}

TEST_F(CompareTest, it_does_not_depend_on_the_number_of_threads) {
  Json one = json({"--axis", "load=1,1.2", "--jobs", "1"}), three = json({"--axis", "load=1,1.2", "--jobs", "3"});
  EXPECT_EQ(one, three);
}

TEST_F(CompareTest, precision_decides_how_many_replications_there_are) {
  const Json rough = json({"--axis", "load=1,1.1", "--precision", "latency_mean_s=50%"});
  const Json fine = json({"--axis", "load=1,1.1", "--precision", "latency_mean_s=0.4%", "--max-replications", "150"});
  EXPECT_EQ(rough["replications"], 10);
  EXPECT_GT(fine["replications"], 10);
  const Json e = effect(fine, "load=1.1", "latency_mean_s");
  ASSERT_LT(fine["replications"], 150);
  EXPECT_LE((e["high"].get<double>() - e["low"].get<double>()) / 2, 0.004 * e["baseline_mean"].get<double>() * (1 + 1e-9));
  const Outcome never = compare({"--axis", "load=1,1.1", "--precision", "latency_mean_s=1e-9", "--max-replications", "12", "--quiet"});
  EXPECT_THAT(never.out, AllOf(HasSubstr("12 replications"), HasSubstr("not reached")));
  const Outcome ten = compare({"--axis", "load=1,1.1", "--precision", "latency_mean_s=1e-9", "--max-replications", "10", "--quiet"});
  EXPECT_THAT(ten.out, AllOf(HasSubstr("10 replications"), HasSubstr("not reached")));
}

TEST_F(CompareTest, a_margin_makes_small_differences_equivalent) {
  const Json c = json({"--axis", "load=1,1.001", "--metric", "latency_mean_s", "--margin", "latency_mean_s=50%"});
  EXPECT_EQ(effect(c, "load=1.001", "latency_mean_s")["verdict"], "equivalent");
  const Json none = json({"--axis", "load=1,1.001", "--metric", "latency_mean_s"});
  const Json e = effect(none, "load=1.001", "latency_mean_s");
  EXPECT_THAT((std::vector<std::string>{"no difference shown", "worse", "better"}), testing::Contains(e["verdict"].get<std::string>()));
  EXPECT_GT(e["smallest_difference"].get<double>(), 0);
}

TEST_F(CompareTest, where_nothing_is_random_there_is_no_interval_and_it_says_why) {
  std::string rows = "timestamp\n";
  for (int k = 0; k < 200; ++k) rows += std::to_string(0.13 * k) + "\n";
  folder.write("t.csv", rows);
  Json one = Json::parse(small_scenario);
  one["workload"] = Json::parse(R"([ { "name": "cameras", "task": "see", "source": "csv", "params": { "file": "t.csv" },
  "classes": [ { "name": "fast", "latency_slo_s": 0.1 } ] }, { "name": "finders", "task": "find", "source": "csv", "params": { "file": "t.csv" } } ])");
  folder.write("one.json", one.dump());
  const Outcome done =
      tideline(folder, {"compare", "one.json", "--axis", "/workload/cameras/classes/fast/accuracy_floor=0.5,0.7", "--out", "c.json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("Nothing is random here"), HasSubstr("exact difference"), Not(HasSubstr("["))));
  const Json c = Json::parse(read_file(folder / "c.json"));
  EXPECT_EQ(c["replication"]["kind"], "none");
  for (const Json& e : c["effects"]) EXPECT_TRUE(e["low"].is_null());
}

TEST_F(CompareTest, days_of_a_trace_are_replications) {
  std::string rows = "second,count\n";
  for (int k = 0; k < 3 * 24; ++k) rows += std::to_string(3600 * k) + "," + std::to_string(20 + 7 * (k % 5) + k / 24) + "\n";
  folder.write("t.csv", rows);
  folder.write(
      "days.json",
      R"({ "extends": "s.json", "workload": [ { "name": "cameras", "task": "see", "source": "counts", "params": { "file": "t.csv", "bin_s": 3600 },
  "classes": [ { "name": "fast", "latency_slo_s": 0.1 } ] }, { "name": "finders", "task": "find", "source": "poisson", "params": { "rate_qps": 0.001 } } ],
  "measure": { "warmup_s": 0, "duration_s": "24h" } })");
  const Outcome done = tideline(folder, {"compare", "days.json", "--axis", "selection=cheapest_feasible,accuracy_max", "--days", "1-3",
                                         "--metric", "queries_arrived", "--out", "c.json", "--quiet"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json c = Json::parse(read_file(folder / "c.json"));
  EXPECT_EQ(c["replications"], 3);
  EXPECT_EQ(c["replication"]["kind"], "days");
  const auto values = c["alternatives"][0]["metrics"]["queries_arrived"]["values"];
  int day_sums[3] = {};
  for (int k = 0; k < 3 * 24; ++k) day_sums[k / 24] += 20 + 7 * (k % 5) + k / 24;
  const int generated = values[0].get<int>() - day_sums[0];
  EXPECT_GE(generated, 50);
  EXPECT_LE(generated, 130);
  for (std::size_t d = 1; d < 3; ++d) EXPECT_NEAR(values[d].get<double>(), day_sums[d] + 86.4, 50);
  EXPECT_EQ(tideline(folder, {"compare", "s.json", "--axis", "load=1,2", "--days", "1-3"}).code, 2);
}

TEST_F(CompareTest, further_axes_are_conditions) {
  const Json c = json({"--axis", "selection=cheapest_feasible,accuracy_max", "--axis", "load=1,2", "--baseline", "accuracy_max", "--metric",
                       "effective_accuracy"});
  ASSERT_EQ(c["effects"].size(), 2U);
  EXPECT_EQ(c["effects"][0]["alternative"], "selection=cheapest_feasible load=1");
  EXPECT_EQ(c["effects"][0]["against"], "selection=accuracy_max load=1");
  EXPECT_EQ(c["effects"][1]["against"], "selection=accuracy_max load=2");
}

TEST_F(CompareTest, saturation_and_unfinished_queries_are_said) {
  const Outcome done = compare({"--axis", "load=1,40", "--max-replications", "3", "--set", "/measure/drain_s=0", "--quiet"});
  EXPECT_THAT(done.out, AllOf(HasSubstr("load=40: saturated"), HasSubstr("were not finished")));
}

TEST_F(CompareTest, the_tables_hold_the_same_figures) {
  const Words words{"--axis", "selection=cheapest_feasible,accuracy_max", "--metric", "effective_accuracy", "--quiet"};
  const auto with = [&](const char* form) {
    Words all = words;
    all.insert(all.end(), {"--table", form});
    return compare(all).out;
  };
  EXPECT_THAT(with("latex"), AllOf(HasSubstr("\\begin{tabular}"), HasSubstr("selection=accuracy\\_max")));
  EXPECT_THAT(with("csv"), HasSubstr("\nselection=accuracy_max,selection=cheapest_feasible,effective_accuracy,1,"));
  EXPECT_THAT(with("text"), HasSubstr("effective_accuracy"));
}

TEST_F(CompareTest, a_finished_sweep_is_a_comparison_without_new_runs) {
  folder.write(
      "sweep.json",
      R"({ "schema": 1, "scenario": "s.json", "replications": 10, "axes": [ { "axis": "selection", "values": [ "cheapest_feasible", "accuracy_max" ] } ] })");
  ASSERT_EQ(tideline(folder, {"sweep", "sweep.json", "--out", "a"}).code, 0);
  ASSERT_EQ(tideline(folder, {"compare", "a", "--out", "b.json", "--quiet"}).code, 0);
  const Json of_sweep = Json::parse(read_file(folder / "b.json")), fresh = json({"--axis", "selection=cheapest_feasible,accuracy_max"});
  EXPECT_EQ(of_sweep["effects"], fresh["effects"]);
  EXPECT_EQ(tideline(folder, {"compare", "a", "--axis", "load=1,2"}).code, 2);
  EXPECT_EQ(tideline(folder, {"compare", "a", "--load", "2"}).code, 2);
}

TEST_F(CompareTest, a_metric_that_hardly_varies_is_not_taken_for_exact) {
  // Nothing is dropped in any run: the metric alone would look as if nothing were random.
  const Json c = json({"--axis", "selection=cheapest_feasible,accuracy_max", "--metric", "queries_dropped"});
  EXPECT_EQ(c["replications"], 10);
  EXPECT_EQ(c["replication"]["kind"], "seeds");
}

TEST_F(CompareTest, alternatives_that_are_the_same_are_said) {
  const Outcome done = compare({"--axis", "load=1,1.0", "--max-replications", "2"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("load=1.0 is the same as load=1"));
}

TEST_F(CompareTest, an_interrupt_leaves_the_whole_one_that_is_there) {
  folder.write("c.json", "precious");
  Process run(folder.path(), {TIDELINE_PROGRAM, "compare", "s.json", "--axis", "load=1,2", "--max-replications", "200", "--set",
                              "/measure/duration_s=20000", "--jobs", "1", "--out", "c.json", "--quiet"});
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  run.signal(SIGINT);
  EXPECT_EQ(run.wait().code, 130);
  EXPECT_EQ(read_file(folder / "c.json"), "precious");
  if (fs::exists(folder / "c.incomplete.json")) {
    EXPECT_TRUE(Json::parse(read_file(folder / "c.incomplete.json"))["interrupted"].get<bool>());
    EXPECT_EQ(tideline(folder, {"rerun", "c.incomplete.json"}).code, 2);
  }
}

TEST_F(CompareTest, days_beyond_the_end_of_a_trace_are_refused) {
  folder.write("t.csv", "timestamp\n0.1\n5\n90000\n");
  const Outcome done = compare(
      {"--axis", "selection=cheapest_feasible,accuracy_max", "--trace", "cameras=t.csv", "--trace", "finders=t.csv", "--days", "1-4"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("has no queries: the trace ends before it"));
}

TEST_F(CompareTest, what_is_wrong_is_refused_before_anything_runs) {
  const auto refused = [&](const Words& words, const std::string& why) {
    const Outcome done = compare(words);
    EXPECT_EQ(done.code, 2) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr(why));
  };
  refused({}, "nothing to compare");
  refused({"--axis", "load=1"}, "nothing to compare");
  refused({"--axis", "load=1", "--axis", "selection=infaas,accuracy_max"}, "the first --axis, \"load\"");
  refused({"--axis", "/seed=1,2"}, "seeds of their own");
  refused({"--axis", "load=1,2", "--out", ""}, "it has no name");
  refused({"--axis", "load="}, "no values");
  refused({"--axis", "/cluster/pools/none/count=1,2"}, "/cluster/pools/none");
  refused({"--axis", "load=1,2", "--baseline", "3"}, "no such value");
  refused({"--axis", "load=1,2", "--metric", "latency_men_s"}, "latency_mean_s");
  refused({"--axis", "load=1,2", "--metric", "1-cost_usd"}, "complement");
  refused({"--axis", "load=1,2", "--max-replications", "0"}, "at least 1");
  refused({"--axis", "load=1,2", "--max-replications", "5", "--precision", "cost_usd=1"}, "10 replications");
  refused({"--axis", "load=1,2", "--precision", "cost_usd=0"}, "above 0");
  refused({"--axis", "load=1,2", "--table", "html"}, "text, latex or csv");
  refused({"--axis", "load=1,2", "--days", "3-1"}, "FIRST-LAST");
  refused({"--axis", "load=1,2", "--confidence", "95"}, "0.5");
}

// --- capacity ---

class CapacityTest : public CompareTest {
 protected:
  Json capacity(Words words) const {
    words.insert(words.begin(), {"capacity", "s.json", "--out", "cap.json", "--quiet"});
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(read_file(folder / "cap.json"))["alternatives"];
  }
};

TEST_F(CapacityTest, the_answer_lies_between_a_value_that_meets_the_target_and_one_that_does_not) {
  const Json list =
      capacity({"--at-least", "slo_attainment=0.8", "--replications", "4", "--axis", "selection=cheapest_feasible,accuracy_max"});
  ASSERT_EQ(list.size(), 2U);
  for (const Json& a : list) {
    const double x = a["capacity"];
    double met = 0, missed = 1e9;
    for (const Json& p : a["points"]) {
      if (p["met"]) met = std::max(met, p["x"].get<double>());
      if (!p["met"] && p["x"] > met) missed = std::min(missed, p["x"].get<double>());
    }
    EXPECT_GE(x, met * 0.999);
    EXPECT_LE(x, missed * 1.001);
    EXPECT_LE((missed - met) / missed, 0.011);
  }
}

TEST_F(CapacityTest, the_least_whole_number_that_meets_the_target_is_found) {
  const Json list = capacity({"--vary", "/cluster/pools/cpus/count", "--least", "--whole", "--load", "12", "--at-least",
                              "slo_attainment=0.9", "--replications", "3", "--policy", "autoscaling=target_utilization"});
  const Json& a = list[0];
  if (a["capacity"].is_null()) GTEST_FAIL() << a.dump(1);
  const int n = a["capacity"];
  for (const Json& p : a["points"]) EXPECT_EQ(p["met"].get<bool>(), p["x"].get<int>() >= n) << p["x"];
}

TEST_F(CapacityTest, whole_numbers_are_tried_only) {
  const Json list = capacity({"--vary", "/cluster/pools/cpus/count", "--least", "--whole", "--from", "9", "--load", "12", "--at-least",
                              "slo_attainment=0.9", "--replications", "2", "--policy", "autoscaling=target_utilization"});
  for (const Json& p : list[0]["points"]) EXPECT_EQ(p["x"].get<double>(), std::floor(p["x"].get<double>()));
  EXPECT_FALSE(list[0]["capacity"].is_null());
}

TEST_F(CapacityTest, targets_that_are_met_everywhere_or_nowhere_have_no_answer) {
  EXPECT_THAT(
      capacity({"--at-least", "slo_attainment=1e-9", "--from", "1", "--to", "2", "--replications", "2"})[0]["remark"].get<std::string>(),
      HasSubstr("met everywhere"));
  EXPECT_THAT(
      capacity({"--at-most", "latency_mean_s=1e-6", "--from", "1", "--to", "2", "--replications", "2"})[0]["remark"].get<std::string>(),
      HasSubstr("met nowhere"));
}

TEST_F(CapacityTest, what_is_wrong_is_refused) {
  const auto refused = [&](Words words) {
    words.insert(words.begin(), {"capacity", "s.json"});
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 2) << done.err;
    EXPECT_EQ(done.out, "");
  };
  refused({});
  refused({"--at-least", "slo_attainment"});
  refused({"--at-least", "slo_attainmen=1"});
  refused({"--at-least", "slo_attainment=1", "--at-most", "cost_usd=1"});
  refused({"--at-least", "slo_attainment=0.9", "--vary", "loads"});
  refused({"--at-least", "slo_attainment=0.9", "--vary", "/none/at/all"});
  refused({"--at-least", "slo_attainment=0.9", "--replications", "0"});
  refused({"--at-least", "slo_attainment=0.9", "--from", "2", "--to", "2"});
  refused({"--at-least", "slo_attainment=0.9", "--to", "2"});
  refused({"--at-least", "slo_attainment=0.9", "--whole", "--from", "1.5"});
}

}  // namespace
}  // namespace tideline
