// What verbs write: never over what they read, whole or not at all, and found out before the work whether it can be written.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

namespace tideline {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class OutputsTest : public testing::Test {
 protected:
  OutputsTest() { folder.write("s.json", small_scenario); }
  void run(std::vector<std::string> options) {
    options.insert(options.begin(), {"run", "s.json"});
    const Outcome done = tideline(folder, options);
    ASSERT_EQ(done.code, 0) << done.err;
  }
  /// What these words would write over is refused, and stays; no other file appears.
  void expect_refused(const std::vector<std::string>& words, const std::string& input) {
    const std::string before = read_file(folder / input);
    const auto files = folder.files();
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 2) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr("it is an input")) << testing::PrintToString(words);
    EXPECT_TRUE(read_file(folder / input) == before) << testing::PrintToString(words);
    EXPECT_EQ(folder.files(), files);
  }
  Folder folder;
};

// --- timeline ---

TEST_F(OutputsTest, a_timeline_is_not_drawn_over_its_run) {
  run({"--records", "all", "--out", "x.h5"});
  fs::create_symlink("x.h5", folder / "link.json");
  fs::create_hard_link(folder / "x.h5", folder / "hard.json");
  for (const char* out : {"x.h5", "./x.h5", "link.json", "hard.json"}) expect_refused({"timeline", "x.h5", "--out", out}, "x.h5");
  expect_refused({"timeline", "link.json", "--out", "x.h5"}, "x.h5");
}

TEST_F(OutputsTest, a_timeline_that_fails_leaves_the_old_one) {
  run({"--records", "all", "--out", "x.h5"});
  run({"--out", "plain.h5"});
  folder.write("t.json", "old");
  EXPECT_EQ(tideline(folder, {"timeline", "plain.h5", "--out", "t.json"}).code, 2);
  EXPECT_EQ(tideline(folder, {"timeline", "none.h5", "--out", "t.json"}).code, 3);
  const Outcome full = tideline(folder, {"timeline", "x.h5", "--out", "t.json"}, 10'000);
  EXPECT_EQ(full.code, 3);
  EXPECT_THAT(full.err, HasSubstr("cannot write t.json: File too large"));
  EXPECT_EQ(tideline(folder, {"timeline", "x.h5", "--out", "s.json/t.json"}).code, 3);
  EXPECT_EQ(read_file(folder / "t.json"), "old");
  EXPECT_THAT(folder.files(), ElementsAre("plain.h5", "s.json", "t.json", "x.h5"));
  EXPECT_EQ(tideline(folder, {"timeline", "x.h5", "--out", "new/t.json"}).code, 0);
  EXPECT_THAT(folder.files(), Contains("new/t.json"));
}

TEST_F(OutputsTest, an_interrupted_timeline_leaves_the_old_one) {
  run({"--records", "all", "--set", "/measure/duration_s=20000", "--out", "x.h5"});
  folder.write("t.json", "old");
  const auto part = [&] {
    for (const auto& name : folder.files())
      if (name.ends_with(".part")) return true;
    return false;
  };
  for (const int number : {SIGINT, SIGTERM}) {
    Process drawing(folder.path(), {TIDELINE_PROGRAM, "timeline", "x.h5", "--out", "t.json"});
    for (int k = 0; k < 10'000 && !part(); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    drawing.signal(number);
    const Outcome done = drawing.wait();
    EXPECT_EQ(done.code, 130) << done.out << done.err;
    EXPECT_THAT(done.err, HasSubstr("interrupted: nothing was written"));
    EXPECT_EQ(read_file(folder / "t.json"), "old");
    EXPECT_THAT(folder.files(), ElementsAre("s.json", "t.json", "x.h5"));
  }
}

// --- other verbs ---

TEST_F(OutputsTest, a_run_writes_over_nothing_that_it_reads) {
  folder.write("trace.h5", "timestamp\n1\n2\n");
  folder.write("top.json", "{}");
  folder.write("d/a.json", small_scenario);
  fs::create_symlink("s.json", folder / "link.h5");
  expect_refused({"run", "s.json", "--timing", "s.json"}, "s.json");
  expect_refused({"run", "s.json", "--timing", "./d/../s.json"}, "s.json");
  expect_refused({"run", "s.json", "--out", "link.h5"}, "s.json");
  expect_refused({"run", "s.json", "--timing", "top.json", "--with", "top.json"}, "top.json");
  expect_refused({"run", "s.json", "d/a.json", "--timing", "d/a.json"}, "d/a.json");
  const std::vector<std::string> traced{
      "run", "s.json", "--quiet", "--set", "/workload/0/source=csv", "--set", "/workload/0/params/file=trace.h5"};
  auto words = traced;
  words.insert(words.end(), {"--out", "trace.h5"});
  expect_refused(words, "trace.h5");
  words = traced;
  words.insert(words.end(), {"--no-results", "--timing", "trace.h5"});
  expect_refused(words, "trace.h5");
  const Outcome both = tideline(folder, {"run", "s.json", "--out", "x.h5", "--timing", "./x.h5"});
  EXPECT_EQ(both.code, 2);
  EXPECT_THAT(both.err, HasSubstr("--timing ./x.h5: the results are written to it"));
}

TEST_F(OutputsTest, a_run_finds_out_first_whether_it_can_write) {
  fs::create_directory(folder / "folder");
  // Far longer than the test may take.
  const std::vector<std::string> endless{"run", "s.json", "--set", "/measure/duration_s=1e9"};
  const auto fails = [&](std::vector<std::string> more, const std::string& says) {
    more.insert(more.begin(), endless.begin(), endless.end());
    const Outcome done = tideline(folder, more);
    EXPECT_EQ(done.code, 3);
    EXPECT_THAT(done.err, HasSubstr(says));
  };
  fails({"--timing", "folder"}, "cannot write folder: it is a folder");
  fails({"--timing", "s.json/t.json"}, "cannot write s.json/t.json: Not a directory");
  fails({"--timing", "/proc/t.json"}, "cannot write /proc/t.json: ");
  fails({"--out", "s.json/x.h5"}, "cannot write s.json/x.h5: Not a directory");
  if (geteuid() != 0) {
    fs::permissions(folder / "folder", fs::perms::owner_read | fs::perms::owner_exec);
    fails({"--timing", "folder/t.json"}, "cannot write folder/t.json: Permission denied");
  }
  EXPECT_THAT(folder.files(), ElementsAre("s.json"));
}

TEST_F(OutputsTest, no_other_verb_writes_over_its_input) {
  folder.write("t.csv", "a,b\n1,2\n");
  folder.write("p.csv", "a,b\n1,2\n");
  fs::create_hard_link(folder / "t.csv", folder / "hard.json");
  for (const char* out : {"t.csv", "./p.csv", "hard.json"})
    expect_refused({"import", "yolobench", "t.csv", "--params", "p.csv", "--out", out}, out);
  expect_refused({"compare", "s.json", "--axis", "load=1,2", "--out", "s.json"}, "s.json");
  folder.write("top.json", "{}");
  expect_refused({"compare", "s.json", "--axis", "with=top.json,s.json", "--out", "top.json"}, "top.json");
  expect_refused({"capacity", "s.json", "--at-least", "slo_attainment=0.9", "--out", "./s.json"}, "s.json");
  run({"--out", "x.h5"});
  fs::create_symlink("x.h5", folder / "page.html");
  expect_refused({"report", "x.h5", "--out", "page.html"}, "x.h5");
  folder.write("sweep.json", R"({"schema": 1, "scenario": "s.json", "axes": [{"axis": "load", "values": [1, 2]}]})");
  ASSERT_EQ(tideline(folder, {"sweep", "sweep.json", "--out", "sw", "--quiet"}).code, 0);
  expect_refused({"merge", "sw", "--out", "sw/tasks/000000"}, "sw/tasks/000000.json");
  expect_refused({"compare", "sw", "--out", "sw/manifest.json"}, "sw/manifest.json");
  expect_refused({"compare", "sw", "--out", "sw/tasks/000000.json"}, "sw/tasks/000000.json");
}

}  // namespace
}  // namespace tideline
