#!/usr/bin/env python3
"""Measures build/release/tideline. Times are CPU times of whole processes, alternating with a yardstick: quote ratios, not seconds.

  bench/run.sh                         all of the below but the long run
  bench/run.sh --yardstick FOLDER      folder with the sources of the yardstick (cluster.cpp; default ../shared/yardstick)
  bench/run.sh --only speed|memory|instructions|traces
  bench/run.sh --long                  memory at 1e8 queries, and of a trace of 1e8 rows, too
  bench/run.sh --accept                write the instructions per query to bench/baseline.json
Exit status 1 where instructions per query are more than 10 % above bench/baseline.json.
"""
import argparse
import gzip
import json
import os
import pathlib
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/tideline"
SIZES = {"small": ["--nodes", "16", "--per-node", "1", "--models", "4"], "large": []}


def run(command):
    """CPU seconds and peak memory in MiB of a process, and what it printed."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"{' '.join(map(str, command))}: failed with status {status}")
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read()


def tideline(size, queries, *more):
    rate = 2e7 / json.loads((ROOT / f"bench/{size}.json").read_text())["measure"]["duration_s"]
    return [PROGRAM, "run", ROOT / f"bench/{size}.json", "--no-results", "--quiet", "--summary", "json",
            "--set", f"/measure/duration_s={queries / rate}", *more]


def speed(folder, pairs, queries):
    yard = ROOT / "build/yardstick"
    if not (folder / "cluster.cpp").exists():
        print(f"speed: no yardstick in {folder}: left out (--yardstick FOLDER)")
        return
    subprocess.run(["g++", "-std=c++20", "-O3", "-march=x86-64-v3", "-w", "-o", yard, folder / "cluster.cpp"], check=True)
    for size, options in SIZES.items():
        ratios, ours, theirs = [], [], []
        _, _, text = run(tideline(size, queries))
        total = json.loads(text)["total"]
        for _ in range(pairs):
            cpu, _, _ = run(tideline(size, queries))
            _, _, text = run([yard, *options, "--rho", "0.5", "--queue", "heap4", "--requests", str(int(queries))])
            other = float(re.search(r"ns_per_request=([0-9.]+)", text).group(1))
            ours.append(cpu * 1e9 / total["queries_arrived"])
            theirs.append(other)
            ratios.append(other / ours[-1])
        print(f"speed {size}: {statistics.median(ours):.0f} ns a query, yardstick {statistics.median(theirs):.0f} ns; "
              f"ratio of rates {statistics.median(ratios):.3f} (median of {pairs} pairs, {min(ratios):.3f} to {max(ratios):.3f}); "
              f"SLO attainment {total['slo_attainment']:.4f}, {total['batch_mean']:.2f} items a batch")


def memory(long):
    for size in SIZES:
        peaks = []
        for queries in (1e6, 1e7, 1e8) if long else (1e6, 1e7):
            _, peak, _ = run(tideline(size, queries))
            peaks.append(peak)
            print(f"memory {size}: {peak:.1f} MiB at {queries:.0e} queries")
        print(f"memory {size}: grows by {100 * (peaks[-1] / peaks[0] - 1):.1f} %")


def write_trace(path, rows, header, line):
    """A trace of a Poisson process of 50 a second, of 37 tasks by turns; counts: of each second."""
    draw = random.Random(1)
    at = 0.0
    opened = gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else open(path, "w", encoding="ascii", buffering=1 << 20)
    with opened as out:
        out.write(header)
        for k in range(rows):
            at += draw.expovariate(50)
            out.write(line(at, k))


def stamp(at):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_700_000_000 + int(at))) + f".{int(at % 1 * 1e7):07d}"


TRACES = {
    "csv": ("trace.csv", "timestamp,task,tokens\n", lambda at, k: f"{at:.6f},model{k % 37},{k % 1000}\n"),
    "csv, gzip": ("trace.csv.gz", "timestamp,task,tokens\n", lambda at, k: f"{at:.6f},model{k % 37},{k % 1000}\n"),
    "jsonl": ("trace.jsonl", "",
              lambda at, k: f'{{"timestamp": {at:.6f}, "task": "model{k % 37}", "tokens": {k % 1000}, "hash_ids": [1, 2, 3, 4]}}\n'),
    "azure_llm": ("trace.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n", lambda at, k: f"{stamp(at)},{k % 4000},{k % 300}\n"),
    "burstgpt": ("trace.csv", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
                 lambda at, k: f"{at:.3f},ChatGPT,{k % 900},{k % 300 + 1},{k % 900 + k % 300 + 1},Conversation log\n"),
    "counts": ("trace.csv", "second,count\n", lambda at, k: f"{k},{int(at * 1e6) % 90}\n"),
}


def traces(long):
    """What `tideline trace stats` costs a row, without what starting costs, beside reading its lines with `wc -l`, in pairs. Its statistics
    are about a third of it. A row of counts is a second of queries."""
    for name, (file, header, line) in TRACES.items():
        sizes = (200_000, 2_000_000) + ((100_000_000,) if long and name == "csv" else ())
        unit = ["--unit", "s"] if name in ("csv", "csv, gzip", "jsonl") else []
        costs = []
        for rows in sizes:
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / file
                write_trace(path, rows, header, line)
                plain = ["sh", "-c", f"zcat {path} | wc -l"] if file.endswith(".gz") else ["wc", "-l", path]
                pairs = [(run([PROGRAM, "trace", "stats", path, *unit, "--json"]), run(plain)) for _ in range(3)]
            costs.append((rows, min(ours[0] for ours, _ in pairs), max(ours[1] for ours, _ in pairs), min(other[0] for _, other in pairs)))
        (few, start, _, start_plain), (many, cpu, peak, plain_cpu) = costs[0], costs[-1]
        row, lines = (cpu - start) / (many - few), (plain_cpu - start_plain) / (many - few)
        print(f"traces {name}: {row * 1e9:.0f} ns a row, {1 / row / 1e6:.1f} million rows/s, {row / max(lines, 1e-10):.1f} times as long as "
              f"{'zcat | wc -l' if file.endswith('.gz') else 'wc -l'}; {peak:.1f} MiB at {many:.0e} rows", flush=True)


def instructions(accept):
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is not installed: left out")
        return 0
    measured = {}
    for size in SIZES:
        counts = []
        for queries in (1e5, 3e5):  # the difference leaves out what starting costs
            with tempfile.TemporaryDirectory() as folder:
                out = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *map(str, tideline(size, queries))],
                                     capture_output=True, text=True, check=True)
            refs = int(re.search(r"refs:\s+([0-9,]+)", out.stderr).group(1).replace(",", ""))
            counts.append((refs, json.loads(out.stdout)["total"]["queries_arrived"]))
        measured[size] = round((counts[1][0] - counts[0][0]) / (counts[1][1] - counts[0][1]), 1)
        print(f"instructions {size}: {measured[size]} a query")
    path = ROOT / "bench/baseline.json"
    if accept:
        path.write_text(json.dumps({"instructions_per_query": measured}, indent=2) + "\n")
        print(f"wrote {path}")
        return 0
    if not path.exists():
        print("instructions: no bench/baseline.json yet (--accept)")
        return 0
    worse = 0
    for size, value in json.loads(path.read_text())["instructions_per_query"].items():
        change = measured[size] / value - 1
        print(f"instructions {size}: {100 * change:+.1f} % against the baseline of {value}" + ("  TOO MANY" if change > 0.10 else ""))
        worse |= change > 0.10
    return int(worse)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", type=pathlib.Path, default=ROOT.parent / "shared/yardstick")
    parser.add_argument("--only", choices=["speed", "memory", "instructions", "traces"])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--queries", type=float, default=2e7)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--accept", action="store_true")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = 0
    if args.only in (None, "speed"):
        speed(args.yardstick.resolve(), args.pairs, args.queries)
    if args.only in (None, "memory"):
        memory(args.long)
    if args.only in (None, "traces"):
        traces(args.long)
    if args.only in (None, "instructions"):
        status = instructions(args.accept)
    sys.exit(status)


if __name__ == "__main__":
    main()
