// sweep and merge: what runs, what is skipped, what becomes of failures, kills and changed inputs.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace tideline {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class SweepTest : public testing::Test {
 protected:
  SweepTest() {
    folder.write("s.json", small_scenario);
    folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "replications": 2, "axes": [
  { "axis": "selection", "values": [ "cheapest_feasible", "accuracy_max" ] },
  { "axis": "load", "values": [ 0.5, 1, 2 ] } ] })");
  }

  Outcome sweep(Words words) const {
    words.insert(words.begin(), {"sweep", "sweep.json"});
    return tideline(folder, words);
  }
  std::string table(const std::string& dir) const {
    const Outcome merged = tideline(folder, {"merge", dir});
    EXPECT_EQ(merged.code, 0) << merged.err;
    return read_file(folder / dir / "table.csv");
  }
  std::string refusal(const std::string& text) const {
    folder.write("wrong.json", text);
    const Outcome done = tideline(folder, {"sweep", "wrong.json", "--list"});
    EXPECT_EQ(done.code, 2) << done.out << done.err;
    EXPECT_EQ(done.out, "");
    return done.err;
  }

  const Folder folder;
};

TEST_F(SweepTest, another_sweep_is_not_written_over) {
  ASSERT_EQ(sweep({"--out", "a"}).code, 0);
  folder.write("other.json", R"({ "schema": 1, "scenario": "s.json", "axes": [ { "axis": "load", "values": [ 1, 2 ] } ] })");
  const std::string before = read_file(folder / "a" / "manifest.json");
  const Outcome done = tideline(folder, {"sweep", "other.json", "--resume", "--out", "a"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, testing::HasSubstr("holds another sweep, \"sweep\" of 12 tasks"));
  EXPECT_EQ(read_file(folder / "a" / "manifest.json"), before);
}

TEST_F(SweepTest, a_task_whose_results_file_is_gone_runs_again) {
  ASSERT_EQ(sweep({"--out", "a"}).code, 0);
  const std::string before = table("a");
  fs::remove(folder / "a" / "tasks" / "000003.h5");
  fs::remove(folder / "a" / "tasks" / "000005.json");
  fs::create_directory(folder / "a" / "tasks" / "000005.json.d");
  const Outcome done = sweep({"--out", "a", "--resume"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, testing::HasSubstr("12 of 12 tasks finished (10 of them before)"));
  EXPECT_TRUE(fs::exists(folder / "a" / "tasks" / "000003.h5"));
  EXPECT_EQ(table("a"), before);
}

TEST_F(SweepTest, every_point_has_its_replications_in_one_table) {
  const Outcome done = sweep({"--out", "a"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("12 of 12 tasks finished (0 of them before), 0 failed"));
  const std::string csv = table("a");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 13);
  EXPECT_THAT(csv, HasSubstr("task,replication,seed,selection,load,queries_arrived,"));
  EXPECT_THAT(csv, HasSubstr("\n2,0,1,cheapest_feasible,1,"));
  EXPECT_THAT(csv, HasSubstr(",accuracy_max,2,"));
  for (const char* file : {"a/tasks/000000.h5", "a/tasks/000011.json", "a/table.h5"}) EXPECT_TRUE(fs::exists(folder / file)) << file;
  // A task is the run that one makes by hand.
  const Outcome alone =
      tideline(folder, {"run", "s.json", "--policy", "selection=accuracy_max", "--load", "2", "--no-results", "--summary", "json"});
  const Json task = Json::parse(read_file(folder / "a/tasks/000010.json"));
  EXPECT_EQ(task["summary"], Json::parse(alone.out));
}

TEST_F(SweepTest, results_depend_neither_on_threads_nor_on_who_runs_the_tasks) {
  ASSERT_EQ(sweep({"--out", "one", "--jobs", "1"}).code, 0);
  ASSERT_EQ(sweep({"--out", "three", "--jobs", "3"}).code, 0);
  for (const char* shard : {"1/3", "0/3", "2/3"}) ASSERT_EQ(sweep({"--out", "shards", "--shard", shard}).code, 0);
  for (int k = 11; k >= 0; --k) ASSERT_EQ(sweep({"--out", "tasks", "--task", std::to_string(k)}).code, 0);
  for (const char* other : {"three", "shards", "tasks"}) {
    EXPECT_EQ(table("one"), table(other));
    for (const char* file : {"tasks/000003.h5", "tasks/000009.h5", "tasks/000007.json", "manifest.json"})
      EXPECT_TRUE(read_file(folder / "one" / file) == read_file(folder / other / file)) << other << " " << file;
  }
}

TEST_F(SweepTest, finished_tasks_are_skipped_and_those_whose_inputs_changed_run_again) {
  ASSERT_EQ(sweep({"--out", "a"}).code, 0);
  EXPECT_THAT(sweep({"--out", "a"}).err, HasSubstr("--resume"));
  EXPECT_EQ(sweep({"--out", "a"}).code, 2);
  const auto before = fs::last_write_time(folder / "a/tasks/000004.h5");
  fs::remove(folder / "a/tasks/000007.json");
  folder.write("a/tasks/000008.json", "{ \"task\": 8, \"ke");  // cut off
  Outcome again = sweep({"--out", "a", "--resume"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("12 of 12 tasks finished (10 of them before)"));
  EXPECT_EQ(fs::last_write_time(folder / "a/tasks/000004.h5"), before);

  std::string text = small_scenario;
  const std::string old = "\"accuracy\": 0.6";
  folder.write("s.json", text.replace(text.find(old), old.size(), "\"accuracy\": 0.61"));
  again = sweep({"--out", "a", "--resume"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, AllOf(HasSubstr("s.json changed"), HasSubstr("12 finished tasks are run again")));
  EXPECT_THAT(again.out, HasSubstr("(0 of them before)"));
}

TEST_F(SweepTest, a_file_that_one_value_names_concerns_the_tasks_of_that_value_only) {
  folder.write("more.json", R"({ "load": 1.5 })");
  folder.write("less.json", R"({ "load": 0.5 })");
  folder.write("sweep.json",
               R"({ "schema": 1, "scenario": "s.json", "axes": [ { "axis": "with", "values": [ "more.json", "less.json" ] } ] })");
  ASSERT_EQ(sweep({"--out", "a"}).code, 0);
  folder.write("less.json", R"({ "load": 0.6 })");
  const Outcome again = sweep({"--out", "a", "--resume"});
  EXPECT_THAT(again.err, HasSubstr("less.json changed"));
  EXPECT_THAT(again.out, HasSubstr("2 of 2 tasks finished (1 of them before)"));
}

TEST_F(SweepTest, a_task_that_fails_is_reported_and_the_others_go_on) {
  // What is wrong in a row of a trace shows only when the run gets there.
  folder.write("good.csv", "timestamp\n0\n1\n2\n");
  folder.write("bad.csv", "timestamp\n0\n2\n1\n");
  folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "axes": [
  { "axis": "trace", "values": [ "cameras=bad.csv", "cameras=good.csv" ] } ] })");
  const Outcome done = sweep({"--out", "a"});
  EXPECT_EQ(done.code, 1) << done.err;
  EXPECT_THAT(done.out, HasSubstr("1 of 2 tasks finished (0 of them before), 1 failed"));
  EXPECT_THAT(done.err, AllOf(HasSubstr("task 0 (trace=cameras=bad.csv) failed"), HasSubstr("bad.csv")));
  EXPECT_FALSE(fs::exists(folder / "a/tasks/000000.h5"));
  const Outcome merged = tideline(folder, {"merge", "a"});
  EXPECT_EQ(merged.code, 1);
  EXPECT_THAT(merged.err, HasSubstr("1 tasks failed"));
  // Once it is mended it runs again, and only it.
  folder.write("bad.csv", "timestamp\n0\n1\n2\n");
  EXPECT_THAT(sweep({"--out", "a", "--resume"}).out, HasSubstr("2 of 2 tasks finished (1 of them before), 0 failed"));
}

TEST_F(SweepTest, a_value_that_is_wrong_is_found_before_anything_runs) {
  folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "axes": [
  { "axis": "/catalog/variants/big/accuracy", "values": [ 0.8, 1.8 ] } ] })");
  EXPECT_EQ(sweep({"--out", "a"}).code, 2);
  EXPECT_FALSE(fs::exists(folder / "a/tasks"));
}

TEST_F(SweepTest, alternatives_zip_and_exclude_choose_the_points) {
  folder.write("part.json", R"({ "seed": 7 })");
  folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "set": { "/measure/duration_s": 5 }, "combine": "zip", "axes": [
  { "axis": "setup", "alternatives": [ { "name": "small", "load": 0.5, "with": "part.json" },
                                       { "name": "large", "policy": [ "dispatch=random" ], "set": { "/cluster/pools/gpus/count": 3 } } ] },
  { "axis": "/measure/drain_s", "range": [ 10, 20, 10 ] } ] })");
  EXPECT_EQ(sweep({"--list"}).out,
            "0\tsetup=small /measure/drain_s=10\treplication=0\tseed=7\n"
            "1\tsetup=large /measure/drain_s=20\treplication=0\tseed=7\n");
  folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "seed": 3, "axes": [
  { "axis": "selection", "values": [ "cheapest_feasible", "accuracy_max" ] }, { "axis": "load", "values": [ 1, 2, 3 ] } ],
  "exclude": [ { "selection": "accuracy_max", "load": [ 1, 3 ] } ] })");
  const std::string listed = sweep({"--list"}).out;
  EXPECT_EQ(std::count(listed.begin(), listed.end(), '\n'), 4);
  EXPECT_THAT(listed, AllOf(HasSubstr("3\tselection=accuracy_max load=2\treplication=0\tseed=3"), Not(HasSubstr("accuracy_max load=1"))));
}

TEST_F(SweepTest, what_is_wrong_is_said_with_its_place_and_nothing_is_written) {
  const auto sweep_of = [](const std::string& rest) { return R"({ "schema": 1, "scenario": "s.json", )" + rest + " }"; };
  EXPECT_THAT(refusal(sweep_of(R"("axes": [])")), HasSubstr("at least one axis"));
  EXPECT_THAT(refusal(sweep_of(R"("axess": [])")), HasSubstr("axes"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "selektion", "values": [ "a" ] } ])")), HasSubstr("selection"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load", "values": [] } ])")), HasSubstr("has no values"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load" } ])")), HasSubstr("one of \"values\""));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load", "range": [ 1, 2 ] } ])")), HasSubstr("three numbers"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load", "values": [ 1 ] } ], "replications": 0)")), HasSubstr("replications"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load", "values": [ 1, 2 ] } ], "exclude": [ { "lod": 1 } ])")),
              HasSubstr("\"load\""));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load", "values": [ 1, 2 ] } ], "exclude": [ { "load": 3 } ])")),
              HasSubstr("no value"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "load", "values": [ 1, 2 ] } ], "exclude": [ { "load": [ 1, 2 ] } ])")),
              HasSubstr("leaves no point"));
  EXPECT_THAT(refusal(sweep_of(R"("axes": [ { "axis": "/cluster/pools/none/count", "values": [ 1 ] } ])")),
              HasSubstr("/cluster/pools/none"));
  folder.write("wrong.json", R"({ "schema": 1, "scenario": "t.json", "axes": [ { "axis": "load", "values": [ 1 ] } ] })");
  EXPECT_EQ(tideline(folder, {"sweep", "wrong.json"}).code, 3);
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_EQ(sweep({"--task", "12"}).code, 2);
  EXPECT_EQ(sweep({"--task", "x"}).code, 2);
  EXPECT_EQ(sweep({"--shard", "3/3"}).code, 2);
  EXPECT_EQ(sweep({"--jobs", "0"}).code, 2);
  folder.write("full/other", "x");
  EXPECT_THAT(sweep({"--out", "full"}).err, HasSubstr("holds no sweep"));
  EXPECT_EQ(tideline(folder, {"merge", "full"}).code, 2);
  folder.write("full/manifest.json", R"({ "format": "tideline-sweep", "version": 99 })");
  EXPECT_THAT(tideline(folder, {"merge", "full"}).err, HasSubstr("another version"));
  fs::create_directory(folder / "closed");
  fs::permissions(folder / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  if (geteuid() != 0) {  // root may write everywhere
    EXPECT_EQ(sweep({"--out", "closed/a"}).code, 3);
  }
  EXPECT_FALSE(fs::exists(folder / "results"));
}

TEST_F(SweepTest, twenty_kills_and_a_resume_end_in_the_table_of_an_undisturbed_sweep) {
  folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "replications": 4, "set": { "/measure/duration_s": 300 }, "axes": [
  { "axis": "load", "values": [ 1, 2, 3 ] } ] })");
  ASSERT_EQ(sweep({"--out", "whole"}).code, 0);
  std::mt19937 random(3);
  std::uniform_int_distribution<int> when(5, 120);
  int killed = 0;
  for (int k = 0; k < 20; ++k) {
    Process run(folder.path(), {TIDELINE_PROGRAM, "sweep", "sweep.json", "--out", "cut", "--resume", "--quiet"});
    std::this_thread::sleep_for(std::chrono::milliseconds(when(random)));
    run.signal(SIGKILL);
    killed += run.wait().code == -SIGKILL ? 1 : 0;
    // So that there is always something left to kill.
    if (k % 4 == 3) {
      std::error_code ignored;
      fs::remove(folder / "cut/tasks/000002.json", ignored);
      fs::remove(folder / "cut/tasks/000010.json", ignored);
    }
  }
  EXPECT_GE(killed, 5);
  const Outcome last = sweep({"--out", "cut", "--resume"});
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(table("whole"), table("cut"));
  EXPECT_TRUE(read_file(folder / "whole/table.h5") == read_file(folder / "cut/table.h5"));
}

TEST_F(SweepTest, an_interrupted_sweep_leaves_whole_tasks_only_and_goes_on) {
  folder.write(
      "sweep.json",
      R"({ "schema": 1, "scenario": "s.json", "set": { "/measure/duration_s": 4e6 }, "axes": [ { "axis": "load", "values": [ 1, 2 ] } ] })");
  Process run(folder.path(), {TIDELINE_PROGRAM, "sweep", "sweep.json", "--out", "a", "--jobs", "1"});
  while (!fs::exists(folder / "a/tasks/000000.h5.part")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  run.signal(SIGINT);
  const Outcome done = run.wait();
  EXPECT_EQ(done.code, 130);
  EXPECT_THAT(done.out, HasSubstr("0 of 2 tasks finished"));
  EXPECT_EQ(folder.files().size(), 3U);  // the scenario, the sweep and its manifest
}

}  // namespace
}  // namespace tideline
