#!/usr/bin/env python3
"""Writes bench/small.json and bench/large.json: the instances, tasks, popularity and service times of a bare prototype of a serving
cluster (its own generator: xoshiro256++ seeded by splitmix64), as scenarios, so that both can be timed on the same work.

  bench/generate.py            writes both
  bench/generate.py --help
"""
import argparse
import json
import pathlib

MASK = (1 << 64) - 1


class Xoshiro:
    """xoshiro256++, seeded by splitmix64."""

    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = seed
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.s.append(z ^ (z >> 31))

    def uniform(self):
        s = self.s
        rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
        r = (rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return (r >> 11) * 2.0**-53


def scenario(nodes, per_node, tasks, rho, queries, batch=8, seed=1):
    draw = Xoshiro(seed + 1)
    popularity = [(m + 1) ** -0.9 for m in range(tasks)]
    total = sum(popularity)
    popularity = [p / total for p in popularity]
    variants = []
    for m in range(tasks):
        scale = 0.5 + draw.uniform()
        for k in range(4):
            base, per_item = 0.020 * scale / (k + 1), 0.006 * scale / (k + 1)
            draw.uniform()  # its load time, which no run of this scenario needs
            variants.append((m, k, base, per_item))
    instances = nodes * per_node
    count = [0] * (4 * tasks)
    placed = 0
    for m in range(tasks):
        for k in range(max(1, int(popularity[m] * instances))):
            if placed < instances:
                count[4 * m + k % 4] += 1
                placed += 1
    m = 0
    while placed < instances:
        count[4 * m + placed % 4] += 1
        placed += 1
        m = (m + 1) % tasks
    capacity = sum(count[4 * m + k] * batch / (base + per_item * batch) for m, k, base, per_item in variants)
    rate = rho * capacity
    return {
        "schema": 1,
        "about": f"{instances} instances, each on a device of its own, {tasks} tasks of 4 variants, load {rho}; made by bench/generate.py.",
        "catalog": {
            "name": "bench",
            "tasks": [{"name": f"t{m}", "metric": "mAP", "kind": "score"} for m in range(tasks)],
            "hardware": [{"name": "device", "kind": "gpu", "memory_bytes": 1000000, "price_per_hour_usd": 1}],
            "variants": [
                {
                    "name": f"t{m}v{k}", "task": f"t{m}", "hardware": "device", "accuracy": round(0.9 - 0.05 * k, 2), "memory_bytes": 1000,
                    "max_batch": batch, "profile": {"affine": {"base_s": round(base, 9), "per_item_s": round(per_item, 9)}},
                    "service": {"law": "quantiles", "points": [[0, 0.9], [1, 1.1]]},
                }
                for m, k, base, per_item in variants
            ],
        },
        "cluster": {"sites": [{"name": "here"}], "pools": [{"name": "devices", "site": "here", "hardware": "device", "count": instances}]},
        "workload": [
            {
                "task": f"t{m}", "source": "poisson", "params": {"rate_qps": round(rate * popularity[m], 6)},
                "classes": [{"latency_slo_s": 0.2}],
            }
            for m in range(tasks)
        ],
        "policies": {
            "selection": "infaas", "dispatch": "least_expected_latency", "batching": "slo_aware", "autoscaling": "fixed",
            "coldstart": {"name": "fixed_keep_alive", "params": {"keep_alive_s": 1e9}},
        },
        "initial": [{"variant": f"t{v // 4}v{v % 4}", "pool": "devices", "count": n} for v, n in enumerate(count) if n > 0],
        "measure": {"duration_s": round(queries / rate, 6), "drain_s": 60, "sample_s": round(queries / rate / 100, 6)},
        "seed": 1,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    folder = pathlib.Path(__file__).resolve().parent
    for name, nodes, per_node, tasks in (("small", 16, 1, 4), ("large", 1000, 10, 100)):
        text = json.dumps(scenario(nodes, per_node, tasks, 0.5, 2e7), indent=1)
        (folder / f"{name}.json").write_text(text + "\n")
        print(f"wrote {folder / name}.json")


if __name__ == "__main__":
    main()
