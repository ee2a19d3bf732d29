// tideline pack, and tideline rerun of what came out of it: elsewhere, with nothing of the folder in which the results were made.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace tideline {
namespace {

using namespace test;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class PackTest : public testing::Test {
 protected:
  PackTest() {
    Json scenario = Json::parse(small_scenario);
    folder.write("study/catalogs/c.json", scenario["catalog"].dump());
    folder.write("study/traces/counts.csv", "second,count\n0,30\n1,20\n2,40\n3,30\n4,20\n");
    scenario["catalog"] = "../catalogs/c.json";
    scenario["workload"][0]["source"] = "counts";
    scenario["workload"][0]["params"] = {{"file", "../traces/counts.csv"}};
    folder.write("study/scenarios/filed.json", scenario.dump());
    folder.write("study/sweeps/loads.json",
                 R"({"schema": 1, "scenario": "../scenarios/filed.json", "axes": [{"axis": "load", "values": [1, 0.5]}]})");
    fs::create_directory(folder / "elsewhere");
  }
  /// In the folder of the study; standard output.
  std::string make(std::vector<std::string> words) {
    words.insert(words.begin(), TIDELINE_PROGRAM);
    const Outcome done = Process(folder / "study", words).wait();
    EXPECT_EQ(done.code, 0) << words[1] << ": " << done.err;
    return done.out;
  }
  Outcome pack(std::vector<std::string> words) {
    words.insert(words.begin(), {TIDELINE_PROGRAM, "pack"});
    return Process(folder / "study", words).wait();
  }
  void make_run() { make({"run", "scenarios/filed.json", "--quiet", "--out", "r/run.h5"}); }
  /// Unpacks into elsewhere/, and takes away what it was made from.
  void unpack(const std::string& archive) {
    ASSERT_EQ(Process(folder / "elsewhere", {"tar", "--extract", "--file", (folder / "study" / archive).string()}).wait().code, 0);
    fs::rename(folder / "study", folder / "gone");
  }
  Outcome run_script(const std::string& name) { return Process(folder / "elsewhere", {"./" + name + "/run.sh"}).wait(); }
  std::string text_of(const std::string& path) { return read_file(folder / path); }
  Folder folder;
};

TEST_F(PackTest, everything_is_reproduced_elsewhere) {
  make_run();
  make({"compare", "scenarios/filed.json", "--axis", "load=1,0.5", "--max-replications", "2", "--quiet", "--out", "r/compare.json"});
  make({"capacity", "scenarios/filed.json", "--at-most", "utilization=0.04", "--replications", "1", "--tolerance", "0.3", "--to", "1",
        "--from", "0.25", "--quiet", "--out", "r/capacity.json"});
  make({"sweep", "sweeps/loads.json", "--quiet", "--out", "r/with_files"});
  make({"sweep", "sweeps/loads.json", "--quiet", "--no-results", "--out", "r/summaries"});
  make({"merge", "r/with_files", "--quiet"});
  const Outcome packed = pack({"r", "--out", "all.tar.zst"});
  ASSERT_EQ(packed.code, 0) << packed.err;
  EXPECT_THAT(packed.out, HasSubstr("all.tar.zst: 5 results, 4 inputs, "));
  unpack("all.tar.zst");
  const Outcome done = run_script("all");
  EXPECT_EQ(done.code, 0) << done.out << done.err;
  EXPECT_THAT(done.out, EndsWith("\n7 of 7 reproduced\n"));
  EXPECT_THAT(text_of("elsewhere/all/expected.csv"),
              AllOf(HasSubstr("r/run.h5,,queries_arrived,"), HasSubstr("r/summaries,task 1,latency_mean_s,"),
                    HasSubstr("r/capacity.json,base,capacity,")));
  EXPECT_THAT(text_of("elsewhere/all/pack.json"), Not(HasSubstr(folder.path().string())));
  // What was run can be read, and run.
  EXPECT_EQ(Process(folder / "elsewhere", {TIDELINE_PROGRAM, "run", "all/scenarios/r/run.json", "--quiet", "--no-results"}).wait().code, 0);
}

TEST_F(PackTest, a_result_that_is_not_reproduced_fails_and_is_counted) {
  make_run();
  make({"compare", "scenarios/filed.json", "--axis", "load=1,0.5", "--max-replications", "2", "--quiet", "--out", "compare.json"});
  ASSERT_EQ(pack({"r/run.h5", "compare.json", "--out", "a.tar.gz", "--no-program", "--quiet"}).code, 0);
  unpack("a.tar.gz");
  Json json = Json::parse(text_of("elsewhere/a/results/compare.json"));
  json["alternatives"][0]["metrics"]["latency_mean_s"]["values"][0] = 17.5;
  folder.write("elsewhere/a/results/compare.json", json.dump());
  const Outcome done = Process(folder / "elsewhere", {TIDELINE_PROGRAM, "rerun", "a"}).wait();
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, AllOf(HasSubstr("compare.json: not reproduced: /alternatives/"), HasSubstr("was 17.5, is "),
                              EndsWith("\n1 of 2 reproduced\n")));
}

TEST_F(PackTest, nothing_outside_of_it_is_looked_at) {
  make_run();
  ASSERT_EQ(pack({"r/run.h5", "--out", "a.tar", "--no-program"}).code, 0);
  ASSERT_EQ(Process(folder / "elsewhere", {"tar", "--extract", "--file", (folder / "study/a.tar").string()}).wait().code, 0);
  // What it was made from still lies where it lay, but the pack is damaged.
  folder.write("elsewhere/a/inputs/traces/counts.csv", "second,count\n0,31\n");
  const Outcome done = Process(folder / "elsewhere", {TIDELINE_PROGRAM, "rerun", "a"}).wait();
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("counts.csv changed: its hash was "));
}

TEST_F(PackTest, the_same_results_make_the_same_archive) {
  make_run();
  ASSERT_EQ(pack({"r/run.h5", "--out", "one.tar.zst", "--no-program"}).code, 0);
  const std::string one = text_of("study/one.tar.zst");
  fs::last_write_time(folder / "study/r/run.h5", fs::file_time_type::clock::now() - std::chrono::hours(5));
  ASSERT_EQ(pack({"./r/run.h5", "--out", "one.tar.zst", "--no-program"}).code, 0);
  EXPECT_EQ(text_of("study/one.tar.zst"), one);
}

TEST_F(PackTest, what_is_left_out_is_asked_for_by_name_and_hash) {
  make_run();
  ASSERT_EQ(pack({"r/run.h5", "--out", "a.tar", "--no-program", "--leave-out", "traces/counts.csv=https://example.org/counts.csv"}).code,
            0);
  unpack("a.tar");
  EXPECT_FALSE(fs::exists(folder / "elsewhere/a/program"));
  const auto again = [&] { return Process(folder / "elsewhere", {TIDELINE_PROGRAM, "rerun", "a"}).wait(); };
  const Outcome missing = again();
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, AllOf(HasSubstr("inputs/traces/counts.csv, hash "), HasSubstr("from https://example.org/counts.csv")));
  EXPECT_THAT(text_of("elsewhere/a/README.md"), HasSubstr("https://example.org/counts.csv"));
  folder.write("elsewhere/a/inputs/traces/counts.csv", "second,count\n0,31\n");
  const Outcome other = again();
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.out, HasSubstr("counts.csv changed: its hash was "));
  fs::copy_file(folder / "gone/traces/counts.csv", folder / "elsewhere/a/inputs/traces/counts.csv", fs::copy_options::overwrite_existing);
  EXPECT_THAT(again().out, EndsWith("1 of 1 reproduced\n"));
}

TEST_F(PackTest, refuses_what_could_not_be_made_again_and_writes_nothing) {
  make_run();
  make({"compare", "scenarios/filed.json", "--axis", "load=1,0.5", "--max-replications", "2", "--quiet", "--out", "compare.json"});
  make({"sweep", "sweeps/loads.json", "--quiet", "--out", "sweep"});
  make({"compare", "sweep", "--quiet", "--out", "of_sweep.json"});
  fs::create_directory(folder / "study/r2");
  fs::copy_file(folder / "study/r/run.h5", folder / "study/r2/run.h5");
  const std::string catalog = (folder / "study/catalogs/c.json").string();
  make({"compare", "scenarios/filed.json", "--axis", "load=1,0.5", "--set", "/catalog=\"" + catalog + "\"", "--max-replications", "2",
        "--quiet", "--out", "absolute.json"});
  const auto refused = [&](const std::vector<std::string>& words, int code) {
    const auto before = folder.files();
    const Outcome done = pack(words);
    EXPECT_EQ(done.code, code) << done.err;
    EXPECT_EQ(folder.files(), before);
    return done.err;
  };
  EXPECT_THAT(refused({"r/run.h5"}, 2), HasSubstr("--out is missing"));
  EXPECT_THAT(refused({"r/run.h5", "--out", "a.zip"}, 2), HasSubstr("expected a name that ends in .tar.zst"));
  EXPECT_THAT(refused({"nowhere", "--out", "a.tar"}, 3), HasSubstr("there is no such file or folder"));
  EXPECT_THAT(refused({"traces", "--out", "a.tar"}, 2), HasSubstr("and holds none"));
  EXPECT_THAT(refused({"scenarios/filed.json", "--out", "a.tar"}, 2), HasSubstr("it is no results file"));
  EXPECT_THAT(refused({"r/run.h5", "r2/run.h5", "--out", "a.tar"}, 2), HasSubstr("two results are called run.h5"));
  EXPECT_THAT(refused({"of_sweep.json", "--out", "a.tar"}, 2), HasSubstr("is made again from that sweep"));
  EXPECT_THAT(refused({"absolute.json", "--out", "a.tar"}, 2), HasSubstr("by an absolute path"));
  EXPECT_THAT(refused({"r/run.h5", "--out", "a.tar", "--leave-out", "sweeps/loads.json"}, 2), HasSubstr("no result was made from it"));
  EXPECT_THAT(refused({"r/run.h5", "--out", "r/run.h5/a.tar"}, 3), Not(HasSubstr("bug")));
  folder.write("study/traces/counts.csv", "second,count\n0,3\n");
  for (const char* result : {"r/run.h5", "compare.json", "sweep"})
    EXPECT_THAT(refused({result, "--out", "a.tar"}, 2), AllOf(HasSubstr("counts.csv"), HasSubstr("run it again before it is packed")));
}

TEST_F(PackTest, a_comparison_and_a_capacity_are_made_again_where_they_were_made) {
  make({"compare", "scenarios/filed.json", "--axis", "load=1,0.5", "--max-replications", "2", "--quiet", "--out", "compare.json"});
  const auto again = [&](const std::string& where) {
    return Process(folder / where, {TIDELINE_PROGRAM, "rerun", (folder / "study/compare.json").string()}).wait();
  };
  EXPECT_THAT(again("study").out, EndsWith("compare.json: reproduced\n"));
  const Outcome astray = again("elsewhere");
  EXPECT_EQ(astray.code, 3);
  EXPECT_THAT(astray.err, HasSubstr("paths are relative to the folder in which the command was run"));
  folder.write("study/traces/counts.csv", "second,count\n0,3\n");
  const Outcome changed = again("study");
  EXPECT_EQ(changed.code, 1);
  EXPECT_THAT(changed.out, HasSubstr("not reproduced: "));
  EXPECT_THAT(changed.out, HasSubstr("counts.csv changed"));
}

}  // namespace
}  // namespace tideline
