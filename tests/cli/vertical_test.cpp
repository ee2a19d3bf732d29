// Cores of instances, ways of queries and early exits, as scenario files say them.
#include "tests/support/program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace tideline {
namespace {

using namespace test;
using Json = nlohmann::json;
using testing::HasSubstr;

/// A processor of four cores at "far", 10 ms from the clients' site "near"; "exit" is half of "whole". `{initial}` and the rest as said.
std::string scenario(const std::string& more, const std::string& cluster = {}, const std::string& site = {},
                     const std::string& resumes = R"("resumes": "exit", )") {
  return R"({ "schema": 1, )" + more + R"(
  "catalog": { "name": "c", "tasks": [ { "name": "t", "metric": "top-1", "kind": "hit_rate" } ],
    "hardware": [ { "name": "cpu", "kind": "cpu", "sharing": "partitioned", "cores": 4, "memory_bytes": "1GiB" } ],
    "variants": [
      { "name": "exit", "task": "t", "hardware": "cpu", "accuracy": 0.6, "memory_bytes": 1, "resolution": 100, "pre_s": 0.01,
        "profile": { "cores": { "1": { "1": 0.05 }, "2": { "1": 0.03 } } } },
      { "name": "whole", "task": "t", "hardware": "cpu", "accuracy": 0.7, "memory_bytes": 1, "resolution": 100, "pre_s": 0.01, )" +
         resumes + R"(
        "profile": { "cores": { "1": { "1": 0.1 }, "2": { "1": 0.06 } } } } ] },
  "cluster": { )" +
         cluster + R"( "sites": [ { "name": "near")" + site + R"( }, { "name": "far" } ],
    "links": [ { "from": "near", "to": "far", "delay_s": 0.01, "bandwidth_bytes_per_s": 1e6 } ],
    "pools": [ { "name": "p", "site": "far", "hardware": "cpu" } ] },
  "workload": [ { "name": "w", "task": "t", "source": "poisson", "params": { "rate_qps": 0.01 }, "payload_bytes": 100000, "answer_bytes": 1000,
                  "classes": [ { "pin": { "variant": "whole" } } ] } ],
  "measure": { "duration_s": 3600 } })";
}

Json total_of(const std::string& text) {
  const Folder folder;
  folder.write("s.json", text);
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results", "--quiet", "--summary", "json"});
  EXPECT_EQ(done.code, 0) << done.err;
  const Json out = Json::parse(done.out);
  EXPECT_TRUE(out["audit"]["passed"].get<bool>()) << done.out;
  return out["total"];
}

std::string refused(const std::string& text) {
  const Folder folder;
  folder.write("s.json", text);
  const Outcome done = tideline(folder, {"validate", "s.json"});
  EXPECT_EQ(done.code, 2) << done.out;
  return done.err;
}

const std::string loaded = R"("initial": [ { "variant": "whole", "pool": "p", "count": 1 } ],)";

TEST(Cores, of_initial_instances_are_those_that_the_scenario_says) {
  EXPECT_NEAR(total_of(scenario(loaded))["service_mean_s"].get<double>(), 0.11, 1e-9);
  EXPECT_NEAR(
      total_of(scenario(R"("initial": [ { "variant": "whole", "pool": "p", "count": 2, "cores": 2 } ],)"))["service_mean_s"].get<double>(),
      0.07, 1e-9);
}

TEST(Cores, that_the_profile_has_not_or_that_contradict_are_refused) {
  EXPECT_THAT(refused(scenario(R"("initial": [ { "variant": "whole", "pool": "p", "count": 1, "cores": 3 } ],)")),
              HasSubstr(R"(/initial/0/cores: variant "whole" is profiled with 1, 2 cores)"));
  EXPECT_THAT(refused(scenario(R"("initial": [ { "variant": "whole", "pool": "p", "count": 1 },
                                               { "variant": "whole", "pool": "p", "count": 1, "cores": 2 } ],)")),
              HasSubstr("/initial/1/cores: the instances of a variant at one site start with the same number of cores"));
}

// There and back 20 ms, 101,000 bytes at 1 MB/s.
TEST(Ways, of_queries_take_what_the_cluster_says) {
  const auto network = [](const std::string& cluster, const std::string& site = {}) {
    return total_of(scenario(loaded, cluster, site))["network_mean_s"].get<double>();
  };
  EXPECT_NEAR(network(""), 0.121, 1e-6);
  // A window of 14,600 bytes takes 14.6 ms of a round trip of 20; twice as much fills it.
  EXPECT_NEAR(network(R"("transport": "new_connection",)"), 0.121 + 0.02 + 0.0054, 1e-6);
  EXPECT_NEAR(network(R"("payload": "resized",)"), 0.02 + 0.031 + 0.01, 1e-6);
  EXPECT_NEAR(network(R"("payload": "resized", "bytes_per_pixel": 2,)"), 0.02 + 0.061 + 0.01, 1e-6);
  EXPECT_NEAR(network("", R"(, "access_delay_s": 0.004, "access_bytes_per_s": 2e6)"), 0.121 + 0.008 + 0.0505, 1e-6);
}

TEST(EarlyExits, are_resumed_by_the_rest_of_the_network_on_their_device) {
  const std::string cascade =
      R"("policies": { "selection": { "name": "cascade", "params": { "stages": ["exit", "whole"], "thresholds": [1], "skip_late": false } } },
    "initial": [ { "variant": "exit", "pool": "p", "count": 1 }, { "variant": "whole", "pool": "p", "count": 1 } ],)";
  std::string text = scenario(cascade), other = scenario(cascade, {}, {}, {});
  for (std::string* s : {&text, &other})
    s->erase(s->find(R"(,
                  "classes")"),
             std::string(R"(,
                  "classes": [ { "pin": { "variant": "whole" } } ])")
                 .size());
  EXPECT_NEAR(total_of(text)["service_mean_s"].get<double>(), 0.11, 1e-6);
  EXPECT_NEAR(total_of(other)["service_mean_s"].get<double>(), 0.06 + 0.11, 1e-6);
}

TEST(EarlyExits, of_what_is_no_part_are_refused) {
  EXPECT_THAT(refused(scenario(loaded, {}, {}, R"("resumes": "exot", )")),
              HasSubstr(R"(/catalog/variants/1/resumes: unknown variant "exot"; did you mean "exit"?)"));
  EXPECT_THAT(refused(scenario(loaded, {}, {}, R"("resumes": "whole", )")),
              HasSubstr(R"(/catalog/variants/1/resumes: "whole" takes no less time than the whole network)"));
}

}  // namespace
}  // namespace tideline
