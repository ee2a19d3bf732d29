// tideline bound: what it says of a run.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace tideline {
namespace {

using namespace test;
using Json = nlohmann::json;
using ::testing::HasSubstr;

Json bound_of(const std::vector<std::string>& options = {}) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  std::vector<std::string> words{"bound", "s.json", "--json"};
  words.insert(words.end(), options.begin(), options.end());
  const Outcome done = tideline(folder, words);
  EXPECT_EQ(done.code, 0) << done.err;
  return Json::parse(done.out);
}

TEST(Bound, says_what_share_was_reached) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const Outcome done = tideline(folder, {"bound", "s.json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("answers in time"));
  EXPECT_THAT(done.out, HasSubstr("No policy exceeds the bounds"));
}

TEST(Bound, is_of_the_arrivals_and_not_of_the_policy) {
  const Json one = bound_of(), other = bound_of({"--policy", "selection=accuracy_max"});
  EXPECT_EQ(one.at("queries_with_slo"), other.at("queries_with_slo"));
  for (const char* name : {"on_time", "worth"}) {
    EXPECT_EQ(one.at(name).at("upper_bound"), other.at(name).at("upper_bound"));
    for (const Json& run : {one, other}) {
      EXPECT_LE(run.at(name).at("reached").get<double>(), run.at(name).at("upper_bound").get<double>() * (1 + 1e-12));
      EXPECT_GT(run.at(name).at("share").get<double>(), 0.2);
    }
  }
  EXPECT_NE(one.at("worth").at("reached"), other.at("worth").at("reached"));
}

TEST(Bound, nothing_costs_less_than_the_bound) {
  for (const char* billing : {"nodes", "held"})
    for (const char* load : {"1", "10"}) {
      const Json cost = bound_of({"--set", std::string("/billing=") + billing, "--load", load}).at("cost_usd");
      EXPECT_GT(cost.at("lower_bound").get<double>(), 0);
      EXPECT_LE(cost.at("lower_bound").get<double>(), cost.at("reached").get<double>());
    }
}

TEST(Bound, of_an_overload_is_below_what_arrived) {
  const Json over = bound_of({"--load", "40"});
  EXPECT_LT(over.at("on_time").at("upper_bound").get<double>(), 0.8 * over.at("queries_with_slo").get<double>());
  // The longer the windows, the looser.
  const Json loose = bound_of({"--load", "40", "--window", "5s"});
  EXPECT_GE(loose.at("on_time").at("upper_bound").get<double>(), over.at("on_time").at("upper_bound").get<double>());
}

TEST(Bound, refuses_a_window_that_is_none) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  EXPECT_EQ(tideline(folder, {"bound", "s.json", "--window", "soon"}).code, 2);
  EXPECT_EQ(tideline(folder, {"bound", "s.json", "s.json"}).code, 2);
  EXPECT_EQ(tideline(folder, {"bound", "nothing.json"}).code, 3);
}

}  // namespace
}  // namespace tideline
