// Real mode and its comparison with simulated runs, with networks small enough for a second of a test. What is checked is that all works
// together and that nothing is hidden; how near simulated runs come is a matter of a quiet machine (scenarios/real/README.md).
#include "tests/support/networks.h"
#include "tests/support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>
#include <vector>

namespace tideline::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// One CPU device, and a network of a few milliseconds on it.
json scenario() {
  return json::parse(R"({
    "schema": 1,
    "catalog": {
      "name": "tiny",
      "tasks": [ { "name": "detect", "metric": "mAP", "kind": "score" } ],
      "hardware": [ { "name": "here", "kind": "cpu", "sharing": "exclusive", "memory_bytes": "1GB" } ],
      "variants": [ { "name": "n64", "task": "detect", "hardware": "here", "accuracy": 0.3, "resolution": 64,
        "max_batch": 4, "artefact_bytes": 1000000, "memory_bytes": 10000000,
        "profile": { "latency_s": { "1": 0.004, "4": 0.016 } },
        "load": { "first_run_s": 0.02 },
        "kernel": { "depth": 0.33, "width": 0.125, "resolution": 64, "backend": "eigen" } } ]
    },
    "cluster": { "sites": [ { "name": "edge" } ], "pools": [ { "name": "cpu", "site": "edge", "hardware": "here", "count": 1 } ] },
    "workload": [ { "name": "cameras", "task": "detect", "origin": "edge", "source": "poisson", "params": { "rate_qps": 50 },
      "classes": [ { "name": "all", "latency_slo_s": 0.5 } ] } ],
    "policies": { "coldstart": { "name": "fixed_keep_alive", "params": { "keep_alive_s": 1000 } } },
    "initial": [ { "variant": "n64", "pool": "cpu", "per_device": 1 } ],
    "measure": { "duration_s": 1.5, "drain_s": 5 }
  })");
}

TEST(Real, run_answers_by_kernels_and_passes_the_same_audit) {
  TIDELINE_NEEDS_TWO_CORES();
  const Folder folder;
  folder.write("s.json", scenario().dump());
  const Outcome done = tideline(folder, {"run", "s.json", "--mode", "real", "--out", "r.h5", "--summary", "json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const json j = json::parse(done.out);
  EXPECT_EQ(j["mode"], "real");
  EXPECT_EQ(j["audit"]["passed"], true) << j["audit"];
  EXPECT_GT(j["total"]["queries_served"], 20);
  EXPECT_GT(j["real"]["kernels"].size(), 0U);
  EXPECT_EQ(j["real"]["failed_batches"], 0);
  EXPECT_EQ(j["real"]["loads"].size(), 1U);
  EXPECT_EQ(j["real"]["loads"][0]["before_start"], true);
  EXPECT_GT(j["real"]["loads"][0]["took_s"], 0);
  EXPECT_GT(j["real"]["dispatch"]["count"], 10);
  EXPECT_GT(j["real"]["resident_bytes_max"], 100000);
  std::uint64_t batches = 0;
  for (const auto& k : j["real"]["kernels"])
    batches += k["alone"]["count"].get<std::uint64_t>() + k["beside"]["count"].get<std::uint64_t>();
  EXPECT_EQ(batches, j["real"]["dispatch"]["count"]) << "every batch ran a kernel";
  EXPECT_THAT(tideline(folder, {"inspect", "r.h5"}).out, HasSubstr("real"));
  const Outcome again = tideline(folder, {"rerun", "r.h5"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("was run for real"));
}

TEST(Real, loads_and_evictions_are_done_where_a_run_starts_cold) {
  TIDELINE_NEEDS_TWO_CORES();
  const Folder folder;
  json s = scenario();
  s["initial"] = "cold";
  s["policies"]["coldstart"]["params"]["keep_alive_s"] = 0.02;
  s["workload"][0]["params"]["rate_qps"] = 8;
  folder.write("s.json", s.dump());
  const Outcome done = tideline(folder, {"run", "s.json", "--mode", "real", "--no-results", "--summary", "json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const json j = json::parse(done.out);
  EXPECT_EQ(j["audit"]["passed"], true) << j["audit"];
  EXPECT_GT(j["total"]["loads"], 1) << "what idles is given up, and loaded again";
  EXPECT_GE(j["real"]["loads"].size(), 2U);
  EXPECT_EQ(j["real"]["failed_loads"], 0);
}

TEST(Real, run_ends_cleanly_when_it_is_interrupted) {
  TIDELINE_NEEDS_TWO_CORES();
  const Folder folder;
  json s = scenario();
  s["measure"]["duration_s"] = 600;
  folder.write("s.json", s.dump());
  Process run(folder.path(), {TIDELINE_PROGRAM, "run", "s.json", "--mode", "real", "--out", "r.h5", "--quiet"});
  std::this_thread::sleep_for(std::chrono::seconds(2));
  run.signal(SIGINT);
  const Outcome done = run.wait();
  EXPECT_EQ(done.code, 130) << done.err;
  EXPECT_THAT(done.out, HasSubstr("r.incomplete.h5"));
  EXPECT_THAT(done.out, HasSubstr("passed"));
}

TEST(Real, what_cannot_run_is_refused_before_anything_does) {
  const Folder folder;
  const auto run = [&](const json& s, const std::vector<std::string>& more = {}) {
    folder.write("s.json", s.dump());
    std::vector<std::string> words{"run", "s.json", "--mode", "real", "--no-results"};
    words.insert(words.end(), more.begin(), more.end());
    return tideline(folder, words);
  };
  json s = scenario();
  s["catalog"]["variants"][0].erase("kernel");
  Outcome done = run(s);
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("variant 'n64' names no \"kernel\""));
  EXPECT_THAT(done.err, HasSubstr("tideline profile"));

  done = run(scenario(), {"--load", "500"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("100 times the work"));

  done = run(scenario(), {"--set", "/cluster/pools/cpu/count=2000"});
  EXPECT_EQ(done.code, 3);
  EXPECT_THAT(done.err, HasSubstr("cores and the event loop one"));

  s = scenario();
  s["environment"] = json::array({{{"change", "slowdown"}, {"at_s", 0}, {"for_s", 1}, {"pool", "cpu"}, {"factor", 2}}});
  done = run(s);
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_THAT(done.err, HasSubstr("slowdown"));

  done = run(scenario(), {"--mode", "reel"});
  EXPECT_EQ(done.code, 2);
}

TEST(Fidelity, reports_both_modes_band_by_band_and_fits_a_catalog) {
  TIDELINE_NEEDS_TWO_CORES();
  const Folder folder;
  folder.write("s.json", scenario().dump());
  const Outcome done = tideline(folder, {"fidelity", "s.json", "--bands", "0.2,0.4", "--replications", "2", "--duration", "1", "--out",
                                         "report", "--fit", "fitted.json", "--quiet"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("latency_p99_s"));
  EXPECT_EQ(read_file(folder / "report.md"), done.out.substr(0, done.out.find("\nwritten:")));
  const json j = json::parse(read_file(folder / "report.json"));
  ASSERT_EQ(j["bands"].size(), 2U);
  EXPECT_NEAR(j["offered_share"], 50 * 0.004, 1e-9);
  for (const auto& b : j["bands"]) {
    EXPECT_NEAR(b["load"].get<double>() * j["offered_share"].get<double>(), b["band"], 1e-9);
    EXPECT_GT(b["pairs"]["queries"], 5) << "the same arrivals in both modes";
    const auto& m = b["metrics"]["latency_mean_s"];
    EXPECT_GT(m["real"], 0);
    EXPECT_NEAR(m["error"].get<double>(), m["simulated"].get<double>() - m["real"].get<double>(), 1e-12);
    EXPECT_EQ(m["interval"].size(), 2U);
    const auto& t = m["with_times_seen"];
    EXPECT_NEAR(t["error"].get<double>(), t["simulated"].get<double>() - m["real"].get<double>(), 1e-12);
    EXPECT_NE(t["simulated"], m["simulated"]) << "the profile is a made-up one: kernels take something else";
    EXPECT_EQ(b["reports"].size(), 2U);
  }
  // The fitted catalog says what the kernels took; the scenario runs with it.
  const json fitted = json::parse(read_file(folder / "fitted.json"));
  const double one = fitted["variants"][0]["profile"]["latency_s"]["1"];
  EXPECT_NE(one, 0.004);
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--no-results", "--set", "/catalog=fitted.json"}).code, 0);
}

TEST(Fidelity, measures_the_networks_before_each_pair_of_runs) {
  TIDELINE_NEEDS_TWO_CORES();
  const Folder folder;
  folder.write("s.json", scenario().dump());
  const Outcome done = tideline(folder, {"fidelity", "s.json", "--profile=0.05", "--bands", "0.3", "--replications", "2", "--duration",
                                         "0.5", "--out", "report", "--quiet"});
  ASSERT_EQ(done.code, 0) << done.err;
  const json j = json::parse(read_file(folder / "report.json"));
  std::vector<double> profiles;
  for (const auto& report : j["bands"][0]["reports"])
    for (const auto& k : report["kernels"])
      if (k["items"] == 1) profiles.push_back(k["profile_s"]);
  ASSERT_EQ(profiles.size(), 2U);
  EXPECT_NE(profiles[0], 0.004) << "what the scenario's catalog says";
  EXPECT_NE(profiles[0], profiles[1]);
  EXPECT_THAT(tideline(folder, {"fidelity", "s.json", "--profile=0"}).err, HasSubstr("--profile: expected seconds above 0"));
}

TEST(Fidelity, refuses_bands_and_files_that_make_no_sense) {
  const Folder folder;
  folder.write("s.json", scenario().dump());
  EXPECT_THAT(tideline(folder, {"fidelity", "s.json", "--bands", "0.5,x"}).err, HasSubstr("\"x\" is none"));
  EXPECT_EQ(tideline(folder, {"fidelity", "s.json", "--bands", "0"}).code, 2);
  EXPECT_EQ(tideline(folder, {"fidelity", "s.json", "--replications", "0"}).code, 2);
  EXPECT_EQ(tideline(folder, {"fidelity"}).code, 2);
  json named = scenario();
  folder.write("c.json", named["catalog"].dump());
  named["catalog"] = "c.json";
  folder.write("named.json", named.dump());
  const Outcome over = tideline(folder, {"fidelity", "named.json", "--set", "/catalog/hardware/here/memory_bytes=2GB", "--fit", "c.json"});
  EXPECT_EQ(over.code, 2);
  EXPECT_THAT(over.err, HasSubstr("c.json: it is an input"));
}

}  // namespace
}  // namespace tideline::test
