// tideline rerun: the run of a results file again, wherever one stands.
#include "src/hdf5_id.h"
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <thread>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* trace = "second,count\n0,30\n1,20\n2,40\n3,30\n4,20\n";

/// Overwrites the first value of a dataset of unsigned integers.
void set_first(const fs::path& file, const char* dataset, std::uint64_t value) {
  const Hdf5Id f(H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  const Hdf5Id d(H5Dopen2(f, dataset, H5P_DEFAULT), H5Dclose), space(H5Dget_space(d), H5Sclose);
  const hsize_t start = 0, count = 1;
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr);
  const Hdf5Id memory(H5Screate_simple(1, &count, nullptr), H5Sclose);
  ASSERT_GE(H5Dwrite(d, H5T_NATIVE_UINT64, memory, space, H5P_DEFAULT, &value), 0);
}

/// Puts another attribute of /run in place of one.
void set_attribute(const fs::path& file, const char* name, hid_t type, const void* value) {
  const Hdf5Id f(H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose), group(H5Gopen2(f, "/run", H5P_DEFAULT), H5Gclose);
  const Hdf5Id space(H5Screate(H5S_SCALAR), H5Sclose);
  ASSERT_GE(H5Adelete(group, name), 0);
  const Hdf5Id a(H5Acreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  ASSERT_GE(H5Awrite(a, type, value), 0);
}

class RerunTest : public testing::Test {
 protected:
  RerunTest() {
    folder.write("s.json", small_scenario);
    // The same with files beside it: a catalog and a trace.
    Json scenario = Json::parse(small_scenario);
    folder.write("study/catalogs/c.json", scenario["catalog"].dump());
    folder.write("study/traces/counts.csv", trace);
    scenario["catalog"] = "../catalogs/c.json";
    scenario["workload"][0]["source"] = "counts";
    scenario["workload"][0]["params"] = {{"file", "../traces/counts.csv"}};
    folder.write("study/scenarios/filed.json", scenario.dump());
    fs::create_directory(folder / "elsewhere");
  }
  void run(std::vector<std::string> words) {
    words.insert(words.begin(), "run");
    words.emplace_back("--quiet");
    const Outcome done = tideline(folder, words);
    ASSERT_EQ(done.code, 0) << done.err;
  }
  Outcome rerun(std::vector<std::string> words) {
    words.insert(words.begin(), "rerun");
    return tideline(folder, words);
  }
  /// The same in another current folder.
  Outcome rerun_elsewhere(const std::string& file) { return Process(folder / "elsewhere", {TIDELINE_PROGRAM, "rerun", file}).wait(); }
  Folder folder;
};

TEST_F(RerunTest, of_a_sweep_looks_at_its_summaries_too) {
  folder.write("sweep.json", R"({ "schema": 1, "scenario": "s.json", "axes": [ { "axis": "load", "values": [ 1, 2 ] } ] })");
  ASSERT_EQ(tideline(folder, {"sweep", "sweep.json", "--out", "a", "--quiet"}).code, 0);
  Json task = Json::parse(read_file(folder / "a" / "tasks" / "000001.json"));
  task["summary"]["total"]["latency_mean_s"] = 7.0;
  folder.write("a/tasks/000001.json", task.dump());
  const Outcome done = rerun({"a"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("/total/latency_mean_s: was 7"));
  EXPECT_THAT(done.out, HasSubstr("1 of 2 reproduced"));
}

TEST_F(RerunTest, reproduces_what_layers_made) {
  run({"s.json", "--seed", "7", "--load", "1.5", "--policy", "dispatch=power_of_d,d=2", "--records", "all", "--out", "r/x.h5"});
  const auto before = folder.files();
  const Outcome done = rerun({"r/x.h5"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "r/x.h5: reproduced\n");
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(folder.files(), before);
}

TEST_F(RerunTest, finds_catalog_and_traces_from_another_folder) {
  run({"study/scenarios/filed.json", "--out", "study/results/x.h5"});
  EXPECT_EQ(rerun_elsewhere("../study/results/x.h5").out, "../study/results/x.h5: reproduced\n");
  // And where everything was moved together, or the results file alone.
  fs::rename(folder / "study", folder / "moved");
  const Outcome moved = rerun_elsewhere("../moved/results/x.h5");
  EXPECT_EQ(moved.code, 0) << moved.out << moved.err;
  fs::rename(folder / "moved", folder / "study");
  fs::rename(folder / "study/results/x.h5", folder / "x.h5");
  EXPECT_EQ(rerun_elsewhere("../x.h5").code, 0);
}

TEST_F(RerunTest, says_which_file_changed_or_is_missing) {
  run({"study/scenarios/filed.json", "--out", "x.h5"});
  folder.write("study/traces/counts.csv", std::string(trace) + "5,10\n");
  const Outcome changed = rerun({"x.h5"});
  EXPECT_EQ(changed.code, 1);
  EXPECT_THAT(changed.out, StartsWith("x.h5: not reproduced: trace cameras: "));
  EXPECT_THAT(changed.out, HasSubstr("study/traces/counts.csv changed: its hash was "));
  fs::remove(folder / "study/catalogs/c.json");
  const Outcome missing = rerun({"x.h5"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("the catalog of its run, "));
  EXPECT_THAT(missing.err, HasSubstr("study/catalogs/c.json, is not there any more"));
}

TEST_F(RerunTest, shows_the_first_difference) {
  run({"s.json", "--out", "x.h5"});
  set_first(folder / "x.h5", "/series/served", 1000);
  const Outcome series = rerun({"x.h5"});
  EXPECT_EQ(series.code, 1);
  EXPECT_THAT(series.out, StartsWith("x.h5: not reproduced: /series/served, row 0 (1 s): was 1000, is "));
  set_first(folder / "x.h5", "/summary/total/cold_starts", 4711);
  EXPECT_THAT(rerun({"x.h5"}).out, StartsWith("x.h5: not reproduced: /summary/total/cold_starts, row 0: was 4711, is "));
}

TEST_F(RerunTest, another_version_is_said_and_another_schema_refused) {
  run({"s.json", "--out", "x.h5"});
  const Hdf5Id text(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(text, H5T_VARIABLE);
  H5Tset_cset(text, H5T_CSET_UTF8);
  const char* version = "tideline 0.0.9";
  set_attribute(folder / "x.h5", "program_version", text, &version);
  const Outcome older = rerun({"x.h5"});
  EXPECT_EQ(older.code, 0);
  EXPECT_THAT(older.err, HasSubstr("x.h5: it was written by tideline 0.0.9, this is tideline "));
  EXPECT_EQ(rerun({"x.h5", "--quiet"}).err, "");
  const std::uint64_t schema = 99;
  set_attribute(folder / "x.h5", "schema_version", H5T_NATIVE_UINT64, &schema);
  const Outcome newer = rerun({"x.h5"});
  EXPECT_EQ(newer.code, 2);
  EXPECT_THAT(newer.err, HasSubstr("was written by a newer tideline (schema 99; this one reads "));
}

TEST_F(RerunTest, refuses_what_is_not_a_whole_run) {
  run({"s.json", "--out", "x.h5"});
  const std::string whole = read_file(folder / "x.h5");
  folder.write("cut.h5", whole.substr(0, whole.size() / 2));
  folder.write("text.h5", "no results");
  Process endless(folder.path(), {TIDELINE_PROGRAM, "run", "s.json", "--set", "/measure/duration_s=4e6", "--quiet", "--out", "long.h5"});
  for (int k = 0; k < 6000 && !fs::exists(folder / "long.h5.part"); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  endless.signal(SIGINT);
  ASSERT_EQ(endless.wait().code, 130);
  const auto before = folder.files();
  struct Case {
    std::vector<std::string> words;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {{}, 2, "expected one results file"},       {{"x.h5", "x.h5"}, 2, "expected one results file"},
      {{"none.h5"}, 3, "there is no such file"},  {{"text.h5"}, 2, "is not an HDF5 file"},
      {{"cut.h5"}, 3, "cannot read 'cut.h5'"},    {{"long.incomplete.h5"}, 2, "its run was interrupted or killed"},
      {{"elsewhere"}, 2, "has no manifest.json"}, {{"x.h5", "--jobs", "0"}, 2, "--jobs 0"}};
  for (const Case& c : cases) {
    const Outcome done = rerun(c.words);
    EXPECT_EQ(done.code, c.code) << done.err;
    EXPECT_THAT(done.err, StartsWith("tideline: "));
    EXPECT_THAT(done.err, HasSubstr(c.says));
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
    EXPECT_EQ(folder.files(), before);
  }
}

class RerunSweepTest : public RerunTest {
 protected:
  RerunSweepTest() {
    folder.write("sweep.json", R"({"schema": 1, "scenario": "study/scenarios/filed.json",
      "set": {"/measure/duration_s": 5}, "axes": [{"axis": "selection", "values": ["cheapest_feasible", "accuracy_max"]}], "replications": 2})");
  }
  void sweep(std::vector<std::string> words) {
    words.insert(words.begin(), {"sweep", "sweep.json", "--quiet"});
    const Outcome done = tideline(folder, words);
    ASSERT_EQ(done.code, 0) << done.err;
  }
};

TEST_F(RerunSweepTest, runs_all_finished_tasks_again) {
  sweep({"--out", "study/sweep"});
  EXPECT_EQ(rerun_elsewhere("../study/sweep").out, "sweep: 4 of 4 reproduced\n");
  set_first(folder / "study/sweep/tasks/000002.h5", "/summary/total/cold_starts", 4711);
  const Outcome one = rerun({"study/sweep", "--jobs", "2"});
  EXPECT_EQ(one.code, 1);
  EXPECT_THAT(one.out, StartsWith("task 2 selection=accuracy_max: not reproduced: /summary/total/cold_starts, row 0: was 4711"));
  EXPECT_THAT(one.out, HasSubstr("sweep: 3 of 4 reproduced\n"));
}

TEST_F(RerunSweepTest, without_results_files_by_its_sweep_file) {
  sweep({"--out", "study/sweep", "--no-results", "--load", "0.5"});
  EXPECT_EQ(rerun({"study/sweep"}).out, "sweep: 4 of 4 reproduced\n");
  const fs::path task = folder / "study/sweep/tasks/000001.json";
  Json json = Json::parse(read_file(task));
  json["summary"]["total"]["cold_starts"] = 4711;
  folder.write("study/sweep/tasks/000001.json", json.dump());
  const Outcome one = rerun({"study/sweep"});
  EXPECT_EQ(one.code, 1);
  EXPECT_THAT(one.out, HasSubstr("task 1 selection=cheapest_feasible: not reproduced: /total/cold_starts: was 4711, is "));
  // Its paths are those of the folder in which it was run.
  const Outcome elsewhere = rerun_elsewhere("../study/sweep");
  EXPECT_EQ(elsewhere.code, 3);
  EXPECT_THAT(elsewhere.err, HasSubstr("sweep.json is not there"));
  folder.write("study/traces/counts.csv", std::string(trace) + "5,10\n");
  const Outcome changed = rerun({"study/sweep"});
  EXPECT_EQ(changed.code, 1);
  EXPECT_THAT(changed.out, HasSubstr("counts.csv changed"));
  EXPECT_THAT(changed.out, HasSubstr("sweep: 0 of 4 reproduced\n"));
}

}  // namespace
}  // namespace tideline
