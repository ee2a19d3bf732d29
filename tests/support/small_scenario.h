// A scenario that says most of what one can say, in a few lines, and runs in some milliseconds: what tests of the program start from.
#pragma once

namespace tideline::test {

inline constexpr const char* small_scenario = R"json({
  "schema": 1,
  "about": "Two sites, two tasks.",
  "catalog": {
    "name": "small",
    "tasks": [
      { "name": "see", "metric": "top-1", "kind": "hit_rate" },
      { "name": "find", "metric": "mAP", "kind": "score" }
    ],
    "hardware": [
      { "name": "gpu", "kind": "gpu", "memory_bytes": 1000, "price_per_hour_usd": 1, "idle_watts": 10, "busy_watts": 100 },
      { "name": "cpu", "kind": "cpu", "sharing": "partitioned", "cores": 4, "memory_bytes": 1000, "price_per_hour_usd": 0.1 }
    ],
    "variants": [
      { "name": "big", "task": "see", "hardware": "gpu", "accuracy": 0.8, "memory_bytes": 600,
        "profile": { "latency_s": { "1": 0.02, "2": 0.03, "4": 0.05 } },
        "load": { "first_run_s": 0.5 } },
      { "name": "little", "task": "see", "hardware": "cpu", "accuracy": 0.6, "memory_bytes": 200, "instance_cores": 2,
        "profile": { "latency_s": { "1": 0.03 } },
        "load": { "first_run_s": 0.2 } },
      { "name": "finder", "task": "find", "hardware": "gpu", "accuracy": 0.5, "memory_bytes": 500,
        "profile": { "latency_s": { "1": 0.01 } },
        "load": { "first_run_s": 0.3 } }
    ]
  },
  "cluster": {
    "sites": [ { "name": "edge" }, { "name": "core" } ],
    "links": [ { "from": "edge", "to": "core", "delay_s": 0.005, "bandwidth_bytes_per_s": 1e9 } ],
    "pools": [
      { "name": "gpus", "site": "core", "hardware": "gpu", "count": 2 },
      { "name": "cpus", "site": "edge", "hardware": "cpu", "count": 1 }
    ]
  },
  "workload": [
    { "name": "cameras", "task": "see", "origin": "edge", "payload_bytes": 1000, "source": "poisson", "params": { "rate_qps": 20 },
      "classes": [
        { "name": "fast", "share": 0.8, "latency_slo_s": 0.1, "accuracy_floor": 0.5 },
        { "name": "good", "share": 0.2, "latency_slo_s": 0.5, "accuracy_floor": 0.7 }
      ] },
    { "name": "finders", "task": "find", "source": "poisson", "params": { "rate_qps": 5 }, "classes": [ { "latency_slo_s": 0.2 } ] }
  ],
  "policies": {
    "selection": { "name": "cheapest_feasible", "params": { "margin": 0.1 } },
    "dispatch": "least_expected_latency",
    "batching": "slo_aware",
    "coldstart": { "name": "fixed_keep_alive", "params": { "keep_alive_s": 10 } },
    "eviction": "lru"
  },
  "initial": [ { "variant": "little", "pool": "cpus", "per_device": 1 } ],
  "measure": { "warmup_s": 1, "duration_s": 30, "drain_s": 10, "sample_s": 1 },
  "seed": 1
}
)json";

}  // namespace tideline::test
