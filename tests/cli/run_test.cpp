// tideline run: what it prints, what it writes where, and that equal input gives equal bytes.
#include "sim/policy/registry.h"
#include "src/program.h"
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

namespace tideline {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

class RunTest : public testing::Test {
 protected:
  RunTest() { folder.write("s.json", small_scenario); }
  /// The summary that a run prints.
  Json summary(std::vector<std::string> options = {}) {
    std::vector<std::string> words{"run", "s.json", "--summary", "json", "--no-results"};
    words.insert(words.end(), options.begin(), options.end());
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 0) << done.err;
    return done.code == 0 ? Json::parse(done.out) : Json();
  }
  Folder folder;
};

TEST_F(RunTest, writes_results_of_the_scenarios_name_by_default) {
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_THAT(done.out, HasSubstr("results: results/s.h5\n"));
  EXPECT_THAT(folder.files(), ElementsAre("results/s.h5", "s.json"));
}

TEST_F(RunTest, writes_the_file_or_into_the_folder_that_out_names) {
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--out", "new/deep/x.h5"}).code, 0);
  fs::create_directory(folder / "there");
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--out", "there"}).code, 0);
  EXPECT_THAT(folder.files(), ElementsAre("new/deep/x.h5", "s.json", "there/s.h5"));
}

TEST_F(RunTest, says_when_no_query_arrived_in_the_window) {
  folder.write("late.csv", "timestamp\n5000\n");
  const Outcome done =
      tideline(folder, {"run", "s.json", "--no-results", "--set", "/workload/0/source=csv", "--set", "/workload/0/params/file=late.csv",
                        "--set", "/workload/1/params/rate_qps=1e-9", "--set", "/measure/duration_s=10"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.err, HasSubstr("warning: no query arrived in the measured window, which begins at 1 s and lasts 10 s"));
}

TEST_F(RunTest, says_when_a_trace_ends_long_before_the_window) {
  folder.write("t.csv", "timestamp\n0\n1\n2\n");
  const Outcome done = tideline(folder, {"run", "s.json", "--trace", "cameras=t.csv", "--no-results"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(done.err, HasSubstr("the trace of \"cameras\" ended at 2 s, long before the measured window, at 31 s"));
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--no-results"}).err, "");
}

TEST_F(RunTest, writes_the_same_bytes_wherever_it_is_called) {
  Json s = Json::parse(small_scenario);
  folder.write("a/cat.json", s["catalog"].dump());
  s["catalog"] = "cat.json";
  folder.write("a/s.json", s.dump());
  const Folder elsewhere;
  ASSERT_EQ(tideline(folder, {"run", "a/s.json", "--out", "x.h5"}).code, 0);
  ASSERT_EQ(tideline(elsewhere, {"run", (folder / "a/s.json").string(), "--out", "x.h5"}).code, 0);
  EXPECT_TRUE(read_file(folder / "x.h5") == read_file(elsewhere / "x.h5"));
}

TEST_F(RunTest, refuses_a_series_that_memory_cannot_hold) {
  const Outcome done = tideline(folder, {"run", "s.json", "--set", "/measure/sample_s=0.001", "--set", "/measure/duration_s=1e5"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("/measure/sample_s: makes a series of"));
}

TEST_F(RunTest, says_what_was_asked_for_and_fits_nowhere) {
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results", "--set",
                                         R"(/policies/autoscaling={"name": "fixed", "params": {"instances": ["big@core=50"]}})"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, testing::ContainsRegex("warning: at the end [0-9]+ more instances of .big. were asked for than fit anywhere"));
}

TEST_F(RunTest, refuses_a_results_file_beside_no_results) {
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results", "--out", "x.h5"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("--out and --no-results contradict each other"));
}

TEST_F(RunTest, shows_several_scenarios_side_by_side) {
  folder.write("t.json", small_scenario);
  const Outcome done = tideline(folder, {"run", "s.json", "t.json", "--out", "both"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(folder.files(), ElementsAre("both/s.h5", "both/t.h5", "s.json", "t.json"));
  const std::string head = done.out.substr(0, done.out.find('\n'));
  EXPECT_THAT(head, testing::ContainsRegex(" s +t"));
}

TEST_F(RunTest, checks_all_scenarios_before_the_first_runs) {
  folder.write("t.json", "{}");
  const Outcome done = tideline(folder, {"run", "s.json", "t.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "t.json"));
  // What only shows when the parts are put together counts too.
  std::string text = small_scenario;
  text.replace(text.find("\"per_device\": 1"), 15, "\"per_device\": 9");
  folder.write("t.json", text);
  EXPECT_EQ(tideline(folder, {"run", "s.json", "t.json"}).code, 2);
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "t.json"));
}

TEST_F(RunTest, shows_what_ran_before_a_scenario_failed) {
  folder.write("wrong.csv", "timestamp\n1\n2\nthree\n");
  folder.write("t.json", R"({"extends": "s.json", "workload": [{"name": "cameras", "source": "csv", "params": {"file": "wrong.csv"}}]})");
  const Outcome done = tideline(folder, {"run", "s.json", "t.json", "--out", "both", "--timing", "times.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("wrong.csv"));
  EXPECT_THAT(done.out, HasSubstr("SLO attainment"));
  EXPECT_THAT(done.out, HasSubstr("results: both/s.h5\n"));
  EXPECT_THAT(folder.files(), ElementsAre("both/s.h5", "s.json", "t.json", "times.json", "wrong.csv"));
  EXPECT_TRUE(Json::parse(read_file(folder / "times.json")).contains("s"));
}

TEST_F(RunTest, json_summary_is_one_object_with_stable_names) {
  const Outcome done = tideline(folder, {"run", "s.json", "--summary", "json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json all = Json::parse(done.out);
  ASSERT_TRUE(all.is_object());
  const Json& total = all.at("total");
  for (const char* name : {"queries_arrived", "queries_served", "queries_dropped", "queries_late", "queries_rejected", "queries_lost",
                           "queries_unfinished", "queries_delayed_by_load", "cold_starts", "evictions"}) {
    ASSERT_TRUE(total.contains(name)) << name;
    EXPECT_TRUE(total[name].is_number_unsigned()) << name;
  }
  for (const char* name : {"throughput_qps", "goodput_qps", "slo_attainment", "slo_attainment_worst_hour", "accuracy_weighted_attainment",
                           "effective_accuracy", "accuracy_floor_attainment", "cost_cap_attainment", "accuracy_drop_max", "latency_mean_s",
                           "latency_p50_s", "latency_p99_s", "wait_mean_s", "cost_usd", "cost_attributed_usd", "energy_j"}) {
    ASSERT_TRUE(total.contains(name)) << name;
    EXPECT_TRUE(total[name].is_number() || total[name].is_null()) << name;
  }
  for (const char* cause : {"rejected", "no_feasible_variant", "dropped", "lost", "unfinished", "load", "queue", "network", "service"})
    EXPECT_TRUE(total.at("misses").contains(cause)) << cause;
  EXPECT_EQ(all.at("audit").at("passed"), true);
  EXPECT_GT(total["queries_arrived"], 500);
  EXPECT_EQ(all.at("classes").size(), 3U);
  EXPECT_EQ(all.at("tasks").size(), 2U);
  EXPECT_EQ(all.at("variants").size(), 3U);
}

TEST_F(RunTest, same_scenario_and_seed_give_the_same_bytes) {
  for (const char* name : {"a.h5", "b.h5"}) ASSERT_EQ(tideline(folder, {"run", "s.json", "--records", "queries", "--out", name}).code, 0);
  ASSERT_EQ(tideline(folder, {"run", "s.json", "--records", "queries", "--seed", "2", "--out", "c.h5"}).code, 0);
  EXPECT_TRUE(read_file(folder / "a.h5") == read_file(folder / "b.h5"));
  EXPECT_FALSE(read_file(folder / "a.h5") == read_file(folder / "c.h5"));
}

TEST_F(RunTest, options_that_only_look_on_change_no_result) {
  const Json plain = summary();
  EXPECT_EQ(summary({"--seed", "1"}), plain);
  EXPECT_EQ(summary({"--timing", "t.json", "--quiet"}), plain);
  EXPECT_NE(summary({"--seed", "2"}), plain);
}

TEST_F(RunTest, timing_goes_to_a_file_of_its_own) {
  ASSERT_EQ(tideline(folder, {"run", "s.json", "--no-results", "--timing", "t.json"}).code, 0);
  const Json t = Json::parse(read_file(folder / "t.json"));
  EXPECT_GT(t.at("s").at("run_s"), 0.0);
  EXPECT_GT(t.at("s").at("queries"), 500);
  EXPECT_GT(t.at("s").at("events"), 500);
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "t.json"));
}

TEST_F(RunTest, results_can_be_read_with_h5py) {
  if (run_command(folder, {TIDELINE_PYTHON, "-c", "import h5py"}).code != 0) GTEST_SKIP() << "there is no h5py for " << TIDELINE_PYTHON;
  const Outcome ran = tideline(folder, {"run", "s.json", "--summary", "json", "--records", "queries", "--seed", "7", "--out", "x.h5"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  folder.write("read.py", R"py(
import json, h5py
with h5py.File("x.h5", "r") as f:
    queries = f["queries"]
    print(json.dumps({
        "groups": sorted(f),
        "seed": int(f["run"].attrs["seed"]),
        "configuration": json.loads(f["run/configuration"][()]),
        "arrived": int(f["summary/total/queries_arrived"][0]),
        "latency": float(f["summary/total/latency_mean_s"][0]),
        "unit": f["summary/total/latency_mean_s"].attrs["unit"],
        "classes": [n.decode() for n in f["summary/classes/name"]],
        "passed": bool(f["audit"].attrs["passed"]),
        "queries": len(queries["serial"]),
        "mean": float(sum(queries[part][:] for part in ("network", "load", "queue", "service"))[queries["ending"][:] == 0].mean() * 1e-9),
        "series": len(next(iter(f["series"].values()))),
    }))
)py");
  const Outcome read = run_command(folder, {TIDELINE_PYTHON, "read.py"});
  ASSERT_EQ(read.code, 0) << read.err;
  const Json file = Json::parse(read.out), printed = Json::parse(ran.out);
  EXPECT_EQ(file["seed"], 7);
  EXPECT_EQ(file["configuration"]["seed"], 7);
  EXPECT_EQ(file["configuration"]["policies"]["admission"]["name"], "accept_all");
  EXPECT_EQ(file["arrived"], printed["total"]["queries_arrived"]);
  EXPECT_EQ(file["latency"], printed["total"]["latency_mean_s"]);
  EXPECT_EQ(file["unit"], "s");
  EXPECT_EQ(file["classes"], (Json{"fast", "good", "finders"}));
  EXPECT_EQ(file["passed"], true);
  EXPECT_EQ(file["queries"], printed["total"]["queries_arrived"]);
  EXPECT_NEAR(file["mean"].get<double>(), printed["total"]["latency_mean_s"].get<double>(), 1e-9);
  EXPECT_GE(file["series"], 30);
}

TEST_F(RunTest, an_interrupt_leaves_an_incomplete_file) {
  for (const int number : {SIGINT, SIGTERM}) {
    const Folder own;
    own.write("s.json", small_scenario);
    Process run(own.path(), {TIDELINE_PROGRAM, "run", "s.json", "--set", "/measure/duration_s=4e6"});
    for (int k = 0; k < 1000 && !fs::exists(own / "results/s.h5.part"); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run.signal(number);
    const Outcome done = run.wait();
    EXPECT_EQ(done.code, 130) << done.err;
    EXPECT_THAT(done.out, HasSubstr("interrupted: results/s.incomplete.h5\n"));
    EXPECT_THAT(done.err, testing::Not(HasSubstr("audit")));
    EXPECT_THAT(own.files(), ElementsAre("results/s.incomplete.h5", "s.json"));
  }
}

TEST_F(RunTest, an_interrupt_ends_all_scenarios) {
  folder.write("t.json", small_scenario);
  Process run(folder.path(), {TIDELINE_PROGRAM, "run", "s.json", "t.json", "--set", "/measure/duration_s=4e6"});
  for (int k = 0; k < 1000 && !fs::exists(folder / "results/s.h5.part"); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  run.signal(SIGINT);
  EXPECT_EQ(run.wait().code, 130);
  EXPECT_THAT(folder.files(), ElementsAre("results/s.incomplete.h5", "s.json", "t.json"));
}

TEST_F(RunTest, of_little_output_is_quiet_on_standard_error) {
  const Outcome done = tideline(folder, {"run", "s.json", "--quiet", "--no-results"});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.err, "");
}

// --- --set ---

TEST_F(RunTest, set_reaches_numbers_elements_and_names) {
  const auto arrived = [](const Json& s) { return s.at("total").at("queries_arrived").get<double>(); };
  const double plain = arrived(summary());
  EXPECT_NEAR(arrived(summary({"--set", "/load=3"})), 3 * plain, 0.2 * 3 * plain);
  EXPECT_NEAR(arrived(summary({"--set", "/workload/0/params/rate_qps=200"})), 205.0 * 30, 205 * 6);
  EXPECT_EQ(summary({"--set", "/workload/cameras/params/rate_qps=200"}), summary({"--set", "/workload/0/params/rate_qps=200"}));
  EXPECT_EQ(summary({"--set", "/measure/duration_s=\"60s\""}), summary({"--set", "/measure/duration_s=60"}));
  EXPECT_EQ(summary({"--set", "/measure/duration_s=60s"}), summary({"--set", "/measure/duration_s=60"}));
}

TEST_F(RunTest, the_last_set_wins) { EXPECT_EQ(summary({"--set", "/load=3", "--set", "/load=1"}), summary({"--set", "/load=1"})); }

TEST_F(RunTest, set_takes_values_with_commas) {
  const Json s = summary({"--set", R"(/initial=[{"variant":"little","pool":"cpus","count":1},{"variant":"big","pool":"gpus","count":1}])"});
  EXPECT_NE(s, summary());
}

TEST_F(RunTest, naming_a_policy_replaces_it_whole) {
  // cheapest_feasible has a margin in the file, which accuracy_max has too: it must not be inherited.
  const Json named = summary({"--set", "/policies/selection/name=accuracy_max"});
  EXPECT_EQ(named, summary({"--set", "/policies/selection=accuracy_max"}));
  EXPECT_EQ(named, summary({"--set", R"(/policies/selection={"name": "accuracy_max"})"}));
  EXPECT_NE(named, summary());
  const Json both = summary({"--set", "/policies/selection=accuracy_max", "--set", "/policies/selection/params/margin=0.5"});
  EXPECT_EQ(both, summary({"--set", R"(/policies/selection={"name": "accuracy_max", "params": {"margin": 0.5}})"}));
}

TEST_F(RunTest, parameters_of_a_policy_in_short_form_can_be_set) {
  const Outcome done =
      tideline(folder, {"validate", "s.json", "--set", "/policies/dispatch=power_of_d", "--set", "/policies/dispatch/params/d=3"});
  EXPECT_EQ(done.code, 0) << done.err;
}

TEST_F(RunTest, naming_a_source_replaces_its_parameters) {
  for (const char* entry : {"0", "cameras"}) {
    const Outcome done = tideline(folder, {"validate", "s.json", "--set", "/workload/" + std::string(entry) + "/source=diurnal"});
    EXPECT_EQ(done.code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr("mean_qps"));
    EXPECT_THAT(done.err, testing::Not(HasSubstr("rate_qps")));
  }
  EXPECT_EQ(
      tideline(folder, {"validate", "s.json", "--set", "/workload/0/source=diurnal", "--set", R"(/workload/0/params={"mean_qps": 2})"})
          .code,
      0);
}

// --- policies of one's own ---

/// Starts more than there is.
class Greedy final : public BatchingPolicy {
 public:
  using Params = NoParams;
  Greedy(const Params&, const Setup&) {}
  Batch form(InstanceId, const LineView& line, ClusterView) override { return {0, static_cast<std::uint32_t>(line.size()) + 1, never, 0}; }
};

TEST_F(RunTest, a_policy_that_breaks_its_interface_ends_the_run_with_4) {
  const std::string file = (folder / "s.json").string(), out = (folder / "x.h5").string();
  const std::vector<const char*> words{"own", "run", file.c_str(), "--set", "/policies/batching=greedy", "--out", out.c_str()};
  testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(words.size()), words.data(), {define<Greedy>("greedy", "Takes too much.")});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, 4) << text;
  EXPECT_THAT(text, HasSubstr("greedy"));
  EXPECT_THAT(text, HasSubstr("batching"));
  EXPECT_THAT(folder.files(), ElementsAre("s.json"));
}

/// Throws what a policy may be made to throw by a library.
template <bool is_exception>
class Thrower final : public BatchingPolicy {
 public:
  using Params = NoParams;
  Thrower(const Params&, const Setup&) {}
  Batch form(InstanceId, const LineView&, ClusterView) override {
    if (is_exception) throw std::runtime_error("own trouble");
    throw 7;
  }
};

TEST_F(RunTest, a_policy_that_throws_ends_the_run_with_4_and_leaves_nothing) {
  const std::string file = (folder / "s.json").string(), out = (folder / "x.h5").string();
  for (const char* name : {"thrower", "odd_thrower"}) {
    const std::string set = std::string("/policies/batching=") + name;
    const std::vector<const char*> words{"own", "run", file.c_str(), "--set", set.c_str(), "--out", out.c_str()};
    testing::internal::CaptureStderr();
    const int code = run_program(static_cast<int>(words.size()), words.data(),
                                 {define<Thrower<true>>("thrower", "Throws."), define<Thrower<false>>("odd_thrower", "Throws 7.")});
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(code, 4) << text;
    EXPECT_THAT(text, HasSubstr("a policy threw"));
    EXPECT_THAT(folder.files(), ElementsAre("s.json"));
  }
}

TEST_F(RunTest, own_policy_with_the_name_of_a_built_in_one_exits_4) {
  const std::vector<const char*> words{"own", "policies"};
  testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(words.size()), words.data(), {define<Greedy>("timeout", "Takes too much.")});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "tideline: two policies are named 'timeout'\n");
  EXPECT_EQ(code, 4);
}

}  // namespace
}  // namespace tideline
