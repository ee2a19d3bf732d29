// tideline explain: what it says of scenarios, and its exit codes.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace tideline {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

const std::string scenarios = std::string(TIDELINE_SOURCE_DIR) + "/scenarios/";

Json explained(const std::string& path, const std::vector<std::string>& options = {}, int code = 0) {
  const Folder folder;
  std::vector<std::string> words{"explain", path, "--json"};
  words.insert(words.end(), options.begin(), options.end());
  const Outcome done = tideline(folder, words);
  EXPECT_EQ(done.code, code) << done.err;
  return Json::parse(done.out);
}

TEST(Explain, says_that_the_quickstart_can_work) {
  const Folder folder;
  const Outcome done = tideline(folder, {"explain", scenarios + "quickstart.json"});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.err, "");
  for (const char* part : {"\nWho can be served", "\nCapacity", "\nDevices", "\nCold starts", "\nLinks", "\nData", "\nLook at"})
    EXPECT_THAT(done.out, HasSubstr(part));
  EXPECT_THAT(done.out, Not(HasSubstr("\nImpossible")));
  EXPECT_THAT(folder.files(), IsEmpty());
}

TEST(Explain, names_the_class_that_nobody_can_serve_and_the_reason) {
  const Folder folder;
  const Outcome done =
      tideline(folder, {"explain", scenarios + "quickstart.json", "--set", "/workload/cameras/classes/interactive/latency_slo_s=\"1ms\""});
  EXPECT_EQ(done.code, 1);
  const auto impossible = done.out.find("\nImpossible\n");
  ASSERT_NE(impossible, std::string::npos);
  EXPECT_THAT(done.out.substr(impossible),
              HasSubstr("class cameras/interactive has no feasible variant: 0 of 27 meet the SLO of 1.000 ms; the fastest takes 1.750 ms "
                        "(yolo6l-d33w25_192@core_i7 on core_i7 at edge); would do: an SLO of 2.520 ms"));
  EXPECT_THAT(done.out.substr(impossible), Not(HasSubstr("photos")));
}

TEST(Explain, names_the_accuracy_within_reach) {
  const Json all = explained(scenarios + "quickstart.json", {"--set", "/workload/photos/classes/photos/accuracy_floor=0.95"}, 1);
  EXPECT_EQ(all["feasible"], false);
  ASSERT_EQ(all["impossible"].size(), 1U);
  EXPECT_THAT(all["impossible"][0].get<std::string>(), HasSubstr("the best within reach is 0.8100"));
  const Json& photos = all["classes"][2];
  EXPECT_EQ(photos["name"], "photos");
  EXPECT_EQ(photos["verdict"], "impossible");
  ASSERT_EQ(photos["hindrances"].size(), 2U);  // hardware, and
  EXPECT_EQ(photos["hindrances"][1]["constraint"], "accuracy_floor");
  EXPECT_DOUBLE_EQ(photos["hindrances"][1]["relaxed"], 0.81);
}

TEST(Explain, knows_the_load_of_a_queue) {
  // 10.2 queries a second of a second each at 12 servers.
  const Json all = explained(scenarios + "theory/mmc.json");
  const Json& w = all["classes"][0];
  EXPECT_NEAR(w["offered_qps"]["mean"], 10.2, 1e-9);
  EXPECT_DOUBLE_EQ(w["alone_qps"], 12);
  EXPECT_NEAR(w["utilisation_at_least"]["mean"], 0.85, 1e-12);
  EXPECT_EQ(w["verdict"], "tight");
  EXPECT_NEAR(all["together"][0]["utilisation_at_least"]["peak"], 0.85, 1e-12);
  EXPECT_NEAR(all["devices"][0]["utilisation_only_here"]["mean"], 0.85, 1e-12);

  const Json over = explained(scenarios + "theory/mmc.json", {"--set", "/cluster/pools/servers/count=10", "--set", "/initial=cold"});
  EXPECT_EQ(over["classes"][0]["verdict"], "impossible");
  EXPECT_THAT(over["impossible"].dump(), HasSubstr("102.00 %"));
}

TEST(Explain, a_daily_source_peaks_at_its_hour) {
  const Json all = explained(scenarios + "quickstart.json");
  // photos: 6 a second; highest four times the lowest is 1.6 times the mean. The highest five minutes are a little below.
  const Json& rate = all["classes"][2]["offered_qps"];
  EXPECT_NEAR(rate["mean"], 6, 1e-9);
  EXPECT_NEAR(rate["peak"], 9.6, 1e-3);
  EXPECT_LT(rate["peak"], 9.6);
}

TEST(Explain, the_bench_is_loaded_at_most_as_it_was_made) {
  const Json all = explained(std::string(TIDELINE_SOURCE_DIR) + "/bench/large.json");
  EXPECT_EQ(all["classes"].size(), 100U);
  EXPECT_EQ(all["devices"][0]["devices"], 10000);
  // It was made for a load of 0.5 with all four variants of a task; the fastest alone do with less.
  EXPECT_GT(all["together"].back()["utilisation_at_least"]["mean"], 0.1);
  EXPECT_LT(all["together"].back()["utilisation_at_least"]["mean"], 0.5);
}

TEST(Explain, reads_the_rates_of_a_trace_of_counts) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  folder.write("counts.csv", "minute,count\n0,600\n5,1200\n9,600\n");
  const std::vector<std::string> options{
      "--set", "/workload/finders/source=counts",
      "--set", "/workload/finders/params={\"file\":\"" + (folder / "counts.csv").string() + "\",\"bin_s\":60}",
      "--set", "/measure={\"warmup_s\":30,\"duration_s\":600,\"drain_s\":1}"};
  const Json all = explained((folder / "s.json").string(), options);
  // From 0:30 to 10:30: half of the first bin and the rest; in halves of 300 s.
  const Json& rate = all["classes"][2]["offered_qps"];
  EXPECT_NEAR(rate["mean"], (300 + 1200 + 600) / 600.0, 1e-9);
  EXPECT_NEAR(rate["peak"], (600 + 600) / 300.0, 1e-9);
}

TEST(Explain, leaves_out_tasks_that_a_trace_does_not_name) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  folder.write("rows.csv", "timestamp,task,bytes,items\n0,see,100,1\n1,see,300,2\n2,see,500,1\n40,find,1,1\n");
  const Json all = explained(
      (folder / "s.json").string(),
      {"--set", "/workload=[{\"name\":\"all\",\"source\":\"csv\",\"params\":{\"file\":\"" + (folder / "rows.csv").string() + "\"}}]"});
  ASSERT_EQ(all["classes"].size(), 1U);
  EXPECT_EQ(all["classes"][0]["task"], "see");
  EXPECT_NEAR(all["classes"][0]["offered_qps"]["mean"], 2 / 30.0, 1e-12);  // the first is before the window
  EXPECT_NEAR(all["links"][0]["forward_bytes_per_s"]["mean"], 800 / 30.0, 1e-9);
}

TEST(Explain, a_wrong_scenario_is_refused) {
  const Folder folder;
  folder.write("s.json", "{ \"schema\": 1 }");
  EXPECT_EQ(tideline(folder, {"explain", "s.json"}).code, 2);
  EXPECT_EQ(tideline(folder, {"explain", "nothing.json"}).code, 3);
  folder.write("s.json", small_scenario);
  EXPECT_EQ(tideline(folder, {"explain", "s.json", "s.json"}).code, 2);
  EXPECT_EQ(tideline(folder, {"explain", "s.json", "--seed", "x"}).code, 2);
  // What only shows when the parts are put together.
  const Outcome done = tideline(folder, {"explain", "s.json", "--set", "/initial/0/per_device=9"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("fit on the devices"));
}

}  // namespace
}  // namespace tideline
