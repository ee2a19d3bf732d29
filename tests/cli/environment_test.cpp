// "environment" in scenario files: money, carbon, files that are replayed, and what is refused.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace tideline {
namespace {

using namespace test;
using Json = nlohmann::json;

/// One node of 3600 USD an hour and 100 to 200 W, an hour long, nothing asked.
std::string idle_hour(const std::string& more, const std::string& cluster = {}, const std::string& pool = {}) {
  return R"({ "schema": 1,
  "catalog": { "name": "c", "tasks": [ { "name": "t", "metric": "top-1", "kind": "hit_rate" } ],
    "hardware": [ { "name": "h", "kind": "gpu", "memory_bytes": "1GiB", "price_per_hour_usd": 3600, "idle_watts": 100, "busy_watts": 200 } ],
    "variants": [ { "name": "v", "task": "t", "hardware": "h", "accuracy": 0.7, "memory_bytes": 1, "profile": { "latency_s": { "1": 0.1 } } } ] },
  "cluster": { )" +
         cluster + R"( "sites": [ { "name": "s", "carbon_g_per_kwh": 400 } ], "pools": [ { "name": "p", "site": "s", "hardware": "h")" +
         pool +
         R"( } ] },
  "workload": [ { "name": "w", "task": "t", "source": "poisson", "params": { "rate_qps": 1e-6 } } ],
  "initial": "cold", "measure": { "warmup_s": 600, "duration_s": 3600, "drain_s": 0 }, )" +
         more + R"( "seed": 1 })";
}

Json total_of(const std::string& scenario, const std::string& csv = {}) {
  const Folder folder;
  folder.write("s.json", scenario);
  if (!csv.empty()) folder.write("replay.csv", csv);
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results", "--quiet", "--summary", "json"});
  EXPECT_EQ(done.code, 0) << done.err;
  const Json out = Json::parse(done.out);
  EXPECT_TRUE(out["audit"]["passed"].get<bool>()) << done.out;
  return out["total"];
}

TEST(Environment, prices_and_carbon_are_paid_as_they_were_at_the_time) {
  const Json plain = total_of(idle_hour(""));
  EXPECT_NEAR(plain["cost_usd"].get<double>(), 3600, 1e-6);
  EXPECT_NEAR(plain["energy_j"].get<double>(), 100 * 3600, 1e-6);
  EXPECT_NEAR(plain["carbon_g"].get<double>(), 0.1 * 400, 1e-9);
  // Before the window; a quarter of it; beyond its end.
  const Json dear = total_of(idle_hour(R"("environment": [
    { "change": "price", "pool": "p", "at_s": 0, "for_s": 1000, "factor": 2 },
    { "change": "price", "pool": "p", "at_s": 1500, "for_s": 900, "factor": 3 },
    { "change": "price", "pool": "p", "at_s": 4100, "factor": 0.5 },
    { "change": "carbon", "site": "s", "at_s": 2400, "for_s": 1800, "g_per_kwh": 0 } ],)"));
  EXPECT_NEAR(dear["cost_usd"].get<double>(), 3600 + 400 + 2 * 900 - 0.5 * 100, 1e-6);
  EXPECT_NEAR(dear["carbon_g"].get<double>(), 0.1 * 400 / 2, 1e-9);
}

TEST(Environment, a_replayed_file_says_what_holds_until_when) {
  const std::string csv =
      "time_s,target,factor\n0,price:p,2\n900,carbon:s,0\n1000,price:p,1\n1500,price:p,3\n2400,price:p,1\n2700,carbon:s,800\n4100,price:p,"
      "0.5\n";
  const Json t = total_of(idle_hour(R"("environment": [ { "change": "replay", "file": "replay.csv" } ],)"), csv);
  EXPECT_NEAR(t["cost_usd"].get<double>(), 3600 + 400 + 2 * 900 - 0.5 * 100, 1e-6);
  EXPECT_NEAR(t["carbon_g"].get<double>(), 0.1 * (300 * 400 + 1500 * 800) / 3600, 1e-9);
}

TEST(Environment, a_bought_node_costs_its_share_of_a_life_and_its_power) {
  const Json t = total_of(idle_hour("", "", R"(, "purchase_usd": 8766, "lifetime_s": 31557600, "utilization": 0.5, "usd_per_kwh": 0.3)"));
  EXPECT_NEAR(t["cost_usd"].get<double>(), 2 + 0.2 * 0.3, 1e-9);
}

TEST(Environment, what_comes_by_chance_comes_as_often_and_as_long_as_said) {
  // Up 100 s, dear for 50 s in the mean: a third of the time; other seeds, other times.
  double sum = 0;
  for (int seed = 1; seed <= 20; ++seed) {
    const std::string text =
        idle_hour(R"("environment": [ { "change": "price", "pool": "p", "mean_every_s": 100, "mean_for_s": 50, "factor": 4 } ],)");
    const std::string with_seed = text.substr(0, text.rfind("\"seed\"")) + "\"seed\": " + std::to_string(seed) + " }";
    sum += total_of(with_seed)["cost_usd"].get<double>();
  }
  // 480 cycles: the share's standard deviation is about 1/3 x 2/3 x sqrt(2 / 480).
  EXPECT_NEAR((sum / 20 - 3600) / (3 * 3600), 1.0 / 3, 4 * 2.0 / 9 * std::sqrt(2.0 / 480));
}

TEST(Environment, nodes_are_billed_in_whole_units) {
  // On for 25 minutes of the window, twice; with the first boundary at 600 s the node was on for 10 minutes before.
  const Json t = total_of(idle_hour(R"("environment": [
    { "change": "failure", "pool": "p", "at_s": 1500, "for_s": 600 } , { "change": "failure", "pool": "p", "at_s": 3000 } ],)",
                                    R"("billing_granularity_s": 3600, )"));
  EXPECT_NEAR(t["cost_usd"].get<double>(), (1500 - 600) + (3600 - 1500) + 900 + (3600 - 900), 1e-6);
}

TEST(Environment, of_files_that_are_wrong_says_where) {
  const auto says = [](const std::string& csv) {
    const Folder folder;
    folder.write("s.json", idle_hour(R"("environment": [ { "change": "replay", "file": "replay.csv" } ],)"));
    folder.write("replay.csv", csv);
    const Outcome done = tideline(folder, {"validate", "s.json"});
    EXPECT_EQ(done.code, 2) << csv;
    return done.err;
  };
  EXPECT_THAT(says("time,target,factor\n"), testing::HasSubstr("replay.csv:1: expected the header time_s,target,factor"));
  EXPECT_THAT(says(""), testing::HasSubstr("replay.csv:1: is empty: expected the header"));
  EXPECT_THAT(says("# nothing\n\n"), testing::HasSubstr("is empty: expected the header"));
  EXPECT_THAT(says("time_s,target,factor\n"), testing::HasSubstr("has no rows"));
  EXPECT_THAT(says("time_s,target,factor\n1,price:p,2\n1,carbon:s,2\n1.0,price:p,2\n"),
              testing::HasSubstr("replay.csv:4: row 2 has a factor for price:p at the same time"));
  EXPECT_THAT(says("time_s,target,factor\n1,slowdown:p/0,2\n1,slowdown:p/00,2\n"),
              testing::HasSubstr("replay.csv:3: row 2 has a factor for slowdown:p/00 at the same time"));
  EXPECT_THAT(says("time_s,target,factor\n1,price:q,2\n"), testing::HasSubstr("replay.csv:2: unknown pool \"q\""));
  EXPECT_THAT(says("time_s,target,factor\n1,slowdown:p/7,2\n"), testing::HasSubstr("has nodes 0 to 0"));
  EXPECT_THAT(says("time_s,target,factor\n5,price:p,2\n1,price:p,2\n"), testing::HasSubstr("replay.csv:3: times have to rise"));
  EXPECT_THAT(says("time_s,target,factor\n1,price:p,-2\n"), testing::HasSubstr("factor has to be 0 to 1e6"));
  EXPECT_THAT(says("time_s,target,factor\n1,link:s-t,0\n"), testing::HasSubstr("no link \"s-t\""));
  EXPECT_THAT(says("time_s,target,factor\n1,weather:s,0\n"), testing::HasSubstr("unknown target"));
}

TEST(Environment, refuses_what_cannot_be) {
  const auto says = [](const std::string& change) {
    const Folder folder;
    folder.write("s.json", idle_hour("\"environment\": [ " + change + " ],"));
    const Outcome done = tideline(folder, {"validate", "s.json"});
    EXPECT_EQ(done.code, 2) << change;
    return done.err;
  };
  EXPECT_THAT(says(R"({ "change": "reclaim", "pool": "p", "at_s": 10, "for_s": 100 }, { "change": "reclaim", "pool": "p", "at_s": 50 })"),
              testing::HasSubstr("/environment/1: overlaps an earlier failure, or reclaim"));
  EXPECT_THAT(says(R"({ "change": "price", "pool": "p", "factor": 2 })"), testing::HasSubstr("needs either at_s"));
  EXPECT_THAT(says(R"({ "change": "price", "pool": "p", "factor": 2, "at_s": 1, "mean_every_s": 5, "mean_for_s": 5 })"),
              testing::HasSubstr("needs either at_s"));
  EXPECT_THAT(says(R"({ "change": "failure", "pool": "p", "mean_every_s": 5, "mean_for_s": 5 })"), testing::HasSubstr("are \"failures\""));
  EXPECT_THAT(says(R"({ "change": "capacity", "pool": "p", "at_s": 10, "count": 5 })"), testing::HasSubstr("has 1 to 1 nodes"));
  EXPECT_THAT(says(R"({ "change": "surge", "at_s": 10, "factor": 2 })"), testing::HasSubstr("needs for_s"));
  EXPECT_THAT(says(R"({ "change": "surge", "at_s": 10, "for_s": 5, "entry": "x", "factor": 2 })"),
              testing::HasSubstr("unknown entry of the workload"));
  EXPECT_THAT(says(R"({ "change": "taken", "pool": "p", "at_s": 10 })"), testing::HasSubstr("takes nothing"));
  EXPECT_THAT(says(R"({ "change": "accuracy", "variant": "u", "at_s": 10, "by": -0.1 })"), testing::HasSubstr("unknown variant"));
}

}  // namespace
}  // namespace tideline
