// tideline inspect --steady: batch means and MSER-5 of one long run, held against M/M/1.
#include "tests/support/program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace tideline {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::json;

const std::string mm1 = TIDELINE_SOURCE_DIR "/scenarios/theory/mm1.json";

class SteadyTest : public testing::Test {
 protected:
  void run(std::vector<std::string> more) {
    more.insert(more.begin(), {"run", mm1, "--set", "/workload/0/params/rate_qps=0.5", "--set", "/measure/duration_s=200000", "--set",
                               "/measure/sample_s=500", "--quiet", "--out", "x.h5"});
    const Outcome done = tideline(folder, more);
    ASSERT_EQ(done.code, 0) << done.err;
  }
  Json steady(const std::string& column) {
    const Outcome done = tideline(folder, {"inspect", "x.h5", "--steady", column, "--confidence", "0.99", "--json"});
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out, nullptr, false);
  }
  Folder folder;
};

TEST_F(SteadyTest, intervals_cover_the_means_of_an_mm1_queue) {
  run({"--records", "queries"});
  // At half load of service of mean 1 s: 2 s in the system, 1 s of waiting, one query in the system.
  for (const auto& [column, mean] :
       {std::pair{"latency_s", 2.0}, {"wait_s", 1.0}, {"service_s", 1.0}, {"in_flight", 1.0}, {"devices_busy", 0.5}}) {
    const Json s = steady(column);
    EXPECT_TRUE(s["trusted"].get<bool>()) << column;
    EXPECT_LT(s["low"].get<double>(), mean) << column;
    EXPECT_GT(s["high"].get<double>(), mean) << column;
    EXPECT_LT(s["high"].get<double>() - s["low"].get<double>(), 0.5 * mean) << column;
    EXPECT_TRUE(s["mser5"]["settled"].get<bool>()) << column;
  }
  EXPECT_EQ(steady("latency_s")["batches"], 20);
  const Outcome text = tideline(folder, {"inspect", "x.h5", "--steady", "latency_s"});
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("answers within the window"), HasSubstr("MSER-5"), HasSubstr("95 % interval ["), HasSubstr("long enough")));
}

TEST_F(SteadyTest, a_run_that_is_too_short_says_so) {
  run({"--set", "/workload/0/params/rate_qps=0.95", "--set", "/measure/duration_s=2000", "--records", "queries"});
  const Outcome text = tideline(folder, {"inspect", "x.h5", "--steady", "wait_s"});
  EXPECT_THAT(text.out, AllOf(HasSubstr("too short"), HasSubstr("run longer")));
  EXPECT_THAT(tideline(folder, {"inspect", "x.h5", "--steady", "in_flight"}).out, HasSubstr("fewer than 160 samples"));
}

TEST_F(SteadyTest, refuses_what_has_no_steady_state) {
  run({});
  const auto refused = [&](const std::string& column) {
    const Outcome done = tideline(folder, {"inspect", "x.h5", "--steady", column});
    EXPECT_EQ(done.code, 2);
    return done.err;
  };
  EXPECT_THAT(refused("latency_s"), HasSubstr("run it with --records queries"));
  EXPECT_THAT(refused("in_fligt"), HasSubstr("did you mean \"in_flight\"?"));
  EXPECT_THAT(refused("cost_usd"), HasSubstr("expected latency_s"));
  ASSERT_EQ(tideline(folder, {"run", TIDELINE_SOURCE_DIR "/scenarios/quickstart.json", "--set", "/measure/duration_s=600", "--quiet",
                              "--out", "x.h5"})
                .code,
            0);
  EXPECT_THAT(refused("in_flight"), HasSubstr("\"diurnal\", which follows the day"));
}

}  // namespace
}  // namespace tideline
