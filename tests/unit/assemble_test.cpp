// Assembling a scenario: where the instances go that it lists as loaded at the start.
#include "src/assemble.h"

#include "tests/support/program.h"
#include "tests/support/run_scenario.h"

#include <gmock/gmock.h>

namespace tideline {
namespace {

using namespace test;

/// Three devices of 1000 bytes in pool "a", a node that is off at first, and one in pool "b".
constexpr const char* scenario = R"json({
  "schema": 1,
  "catalog": {
    "tasks": [ { "name": "t", "metric": "top-1", "kind": "hit_rate" } ],
    "hardware": [ { "name": "gpu", "kind": "gpu", "memory_bytes": 1000 } ],
    "variants": [
      { "name": "v100", "task": "t", "hardware": "gpu", "accuracy": 0.5, "memory_bytes": 100, "profile": { "latency_s": { "1": 0.01 } } },
      { "name": "v200", "task": "t", "hardware": "gpu", "accuracy": 0.6, "memory_bytes": 200, "profile": { "latency_s": { "1": 0.01 } } },
      { "name": "v500", "task": "t", "hardware": "gpu", "accuracy": 0.7, "memory_bytes": 500, "profile": { "latency_s": { "1": 0.01 } } },
      { "name": "v600", "task": "t", "hardware": "gpu", "accuracy": 0.8, "memory_bytes": 600, "profile": { "latency_s": { "1": 0.01 } } }
    ]
  },
  "cluster": {
    "sites": [ { "name": "s" } ],
    "pools": [
      { "name": "a", "site": "s", "hardware": "gpu", "count": 3, "max": 4 },
      { "name": "b", "site": "s", "hardware": "gpu", "count": 1 }
    ]
  },
  "workload": [ { "task": "t", "source": "poisson", "params": { "rate_qps": 1 } } ],
  "measure": { "duration_s": 1 }
})json";

/// Devices of the instances, in the order of their start.
std::vector<std::size_t> devices_of(const std::string& initial) {
  struct Starts final : Recorder {
    std::vector<InstanceId> list;
    void instance_started(InstanceId i, StartCause cause, Time) override {
      if (cause == StartCause::initial) list.push_back(i);
    }
  } starts;
  const Folder folder;
  folder.write("s.json", scenario);
  const Run run = assemble(read_scenario((folder / "s.json").string(), as_layers({"/initial=" + initial}), builtin_registry()),
                           [&](const Scenario&, const World&) { return std::vector<Recorder*>{&starts}; });
  run.simulation->run();
  std::vector<std::size_t> out;
  for (const InstanceId i : starts.list) out.push_back(run.simulation->cluster().row(i).device.index());
  return out;
}

TEST(InitialInstances, go_where_fewest_are_and_there_is_room_and_who_had_none_for_one_variant_is_asked_for_the_next) {
  EXPECT_THAT(devices_of(R"([ { "variant": "v600", "pool": "a", "count": 1 }, { "variant": "v200", "pool": "a", "count": 4 },
                              { "variant": "v500", "pool": "a", "count": 2 }, { "variant": "v100", "pool": "a", "count": 1 } ])"),
              testing::ElementsAre(0, 1, 2, 0, 1, 2, 1, 0));
}

TEST(InitialInstances, are_so_many_on_each_device_that_is_there_at_first) {
  EXPECT_THAT(devices_of(R"([ { "variant": "v200", "pool": "a", "per_device": 2 }, { "variant": "v100", "pool": "b", "per_device": 1 },
                              { "variant": "v100", "pool": "a", "per_device": 1 } ])"),
              testing::ElementsAre(0, 1, 2, 0, 1, 2, 4, 0, 1, 2));
}

TEST(InitialInstances, fill_one_device_after_the_others_are_full) {
  EXPECT_THAT(devices_of(R"([ { "variant": "v600", "pool": "a", "count": 2 }, { "variant": "v500", "pool": "a", "count": 2 } ])"),
              testing::ElementsAre(0, 1, 2, 2));
}

}  // namespace
}  // namespace tideline
