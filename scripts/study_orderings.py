#!/usr/bin/env python3
"""Runs, tables and figure of studies/orderings.md, in a folder: scripts/study.sh calls it.

  scripts/study_orderings.py --program build/release/tideline --jobs 2 results/study_orderings
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import plot_run  # first: it says what is missing where matplotlib or pandas are
import matplotlib.pyplot as pyplot
import numpy
from plot_run import COLOURS, STYLE

SEEDS = (1, 2, 3)
HARDWARE = ("jetson_nano", "core_i7", "a40")
RATES = (2, 8, 30, 120, 500, 2000)
SLOS = (0.025, 0.05, 0.1, 0.25, 0.5)


class Runs:
    """Summaries by name; what is there already is not run again."""

    def __init__(self, program, out, jobs):
        self.program, self.out = program, out
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.waiting = {}

    def start(self, name, *words):
        path = self.out / f"{name}.json"
        if name not in self.waiting:
            self.waiting[name] = self.pool.submit(self._read, path, words)

    def _read(self, path, words):
        if not path.exists():
            done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{path.stem}: {done.stderr}")
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(done.stdout)
            part.rename(path)
        summary = json.loads(path.read_text())
        if not summary["audit"]["passed"]:
            raise RuntimeError(f"{path}: the audit failed")
        return summary["total"]

    def __getitem__(self, name):
        return self.waiting[name].result()

    def mean(self, name, metric):
        return float(numpy.mean([self[f"{name}/{seed}"][metric] for seed in SEEDS]))

    def seeds(self, name, scenario, *words, seeds=SEEDS):
        for seed in seeds:
            self.start(f"{name}/{seed}", "run", ROOT / "scenarios" / scenario, "--seed", seed, *words, "--no-results", "--quiet", "--summary", "json")


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def percent(x, digits=2):
    return f"{100 * x:.{digits}f}"


# --- batching ---

ARRIVALS = {"regular": {"source": "gamma", "cv": 0.05}, "Poisson": {"source": "gamma", "cv": 1}, "bursty": {"source": "gamma", "cv": 20**0.5}}
BATCHING = {"no drops": "timeout,timeout_s=0", "`aimd`": "aimd,target_s=12ms", "`slo_aware`": "slo_aware", "`early_drop`": "early_drop",
            "`proteus_batching`": "proteus_batching"}


def batching(runs):
    for name, policy in BATCHING.items():
        for arrivals, law in ARRIVALS.items():
            for rate in (450, 600, 800, 1200):
                source = json.dumps([{"name": "w", "task": "t", "source": law["source"], "params": {"rate_qps": rate, "cv": law["cv"]},
                                      "classes": [{"latency_slo_s": 0.024}]}])
                runs.seeds(f"batching/{name.strip('`')}_{arrivals}_{rate}", "orderings/batching.json", "--policy", f"batching={policy}", "--set",
                           f"/workload={source}")

    def write():
        lines = []
        for rate in (450, 600, 800, 1200):
            lines += [f"At {rate} queries a second, in time, %:", ""]
            lines += table(("arrivals", *BATCHING), [
                (arrivals, *(percent(runs.mean(f"batching/{name.strip('`')}_{arrivals}_{rate}", "slo_attainment")) for name in BATCHING))
                for arrivals in ARRIVALS])
        return lines

    return write


# --- eviction ---

KEEPING = {"TTL of ten minutes, then LRU": ("600s", "lru"), "LRU": ("1e9s", "lru"), "GDSF": ("1e9s", "greedy_dual_size_frequency")}


def eviction(runs):
    for name, (keep, full) in KEEPING.items():
        runs.seeds(f"eviction/{name}", "coldstart/keep_alive.json", "--policy", f"coldstart=fixed_keep_alive,keep_alive_s={keep}", "--policy",
                   f"eviction={full}")

    def write():
        def cell(name, metric, digits):
            return f"{runs.mean(f'eviction/{name}', metric):.{digits}f}"

        return table(("what is kept", "cold starts", "loads", "mean wait, s", "p99, s"),
                     [(name, cell(name, "cold_starts", 0), cell(name, "loads", 0), cell(name, "wait_mean_s", 2), cell(name, "latency_p99_s", 1))
                      for name in KEEPING])

    return write


# --- autoscaling ---

TARGET = 0.99
SPIKES = '/workload=[{"name":"w","task":"t","source":"mmpp","params":{"rates_qps":[20,80],"stays_s":[14400,300]},"classes":[{"latency_slo_s":0.5}]}]'
SCALING = {
    "static peak": {n: ("--policy", "autoscaling=fixed", "--set", f'/initial=[{{"variant":"v","pool":"gpus","count":{n}}}]')
                    for n in (5, 6, 7, 8)},
    "reactive": {u: ("--policy", f"autoscaling=target_utilization,target={u},interval_s=60") for u in (0.95, 0.9, 0.85, 0.8, 0.7)},
    "predictive": {u: ("--policy", f"autoscaling=predictive,method=holt_winters,interval_s=300,utilization={u}")
                   for u in (1, 0.95, 0.9, 0.85)},
}


def autoscaling(runs):
    for name, settings in SCALING.items():
        for setting, words in settings.items():
            runs.seeds(f"scaling/{name}_{setting}", "orderings/scaling.json", *words)
            runs.seeds(f"spikes/{name}_{setting}", "orderings/scaling.json", *words, "--set", SPIKES)

    def write():
        rows = []
        for name, settings in SCALING.items():
            meets = [s for s in settings if runs.mean(f"scaling/{name}_{s}", "slo_attainment") >= TARGET]
            if not meets:
                rows.append((name, "none of those tried", "", "", "", ""))
                continue
            best = min(meets, key=lambda s: runs.mean(f"scaling/{name}_{s}", "cost_usd"))
            day, spikes = f"scaling/{name}_{best}", f"spikes/{name}_{best}"
            rows.append((name, best, percent(runs.mean(day, "slo_attainment")), f"{runs.mean(day, 'cost_usd'):.1f}",
                         percent(runs.mean(spikes, "slo_attainment")), f"{runs.mean(spikes, 'cost_usd'):.1f}"))
        return table(("autoscaling", "instances or utilization", "day: in time, %", "day: cost, USD", "spikes: in time, %", "spikes: cost, USD"), rows)

    return write


# --- accuracy scaling ---

LOADS = (0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4)
FLOORS = {"most accurate only": ("--set", "/workload/photos/classes/photos/accuracy_floor=0.81"), "accuracy scaling": ()}


def accuracy(runs):
    for name, words in FLOORS.items():
        for load in LOADS:
            runs.seeds(f"accuracy/{name}_{load}", "orderings/accuracy.json", *words, "--load", load)

    def write():
        rows = [(f"{1000 * load:.0f}", *(text for name in FLOORS for text in (
            percent(runs.mean(f"accuracy/{name}_{load}", "slo_attainment")), f"{runs.mean(f'accuracy/{name}_{load}', 'goodput_qps'):.0f}",
            f"{runs.mean(f'accuracy/{name}_{load}', 'effective_accuracy'):.4f}"))) for load in LOADS]
        return table(("queries/s", *(f"{name}: {column}" for name in FLOORS for column in ("in time, %", "goodput, 1/s", "accuracy"))), rows)

    return write


# --- dispatch with an old view ---

DISPATCH = ("join_shortest_queue", "power_of_d", "random")
AGES = (0, 1, 5, 10)


def dispatch(runs):
    for policy in DISPATCH:
        for age in AGES:
            words = ("--set", "/control=null") if age == 0 else ("--set", f"/control/snapshot_s={age}")
            runs.seeds(f"dispatch/{policy}_{age}", "theory/stale_view.json", "--policy", f"dispatch={policy}", *words, "--set",
                       "/measure/duration_s=100000")

    def write():
        return table(("renewed every, service times", *(f"`{p}`" for p in DISPATCH)),
                     [("always fresh" if age == 0 else age, *(f"{runs.mean(f'dispatch/{p}_{age}', 'latency_mean_s'):.2f}" for p in DISPATCH))
                      for age in AGES])

    return write


# --- which variant is best ---


def variants_of(hardware):
    text = (ROOT / "scenarios/catalogs/vision.json").read_text()
    found = re.findall(r'"name": "([^"]+)", "task": "detect-voc", "hardware": "([^"]+)".*?"accuracy": ([0-9.]+)', text, re.S)
    return {name: float(a) for name, h, a in found if h == hardware}


def best_variant(runs):
    for hardware in HARDWARE:
        for variant in variants_of(hardware):
            for rate in RATES:
                for slo in SLOS:
                    runs.seeds(f"variants/{variant}_{rate}_{slo}", "orderings/variants.json", "--set", f"/cluster/pools/devices/hardware={hardware}", "--set",
                               f'/policies/selection/params/variants=["{variant}"]', "--set",
                               f'/initial=[{{"variant":"{variant}","pool":"devices","per_device":1}}]', "--set", f"/workload/0/params/rate_qps={rate}",
                               "--set", f"/workload/0/classes/0/latency_slo_s={slo}", seeds=(1,))

    def write():
        figure, panels = pyplot.subplots(1, len(HARDWARE), figsize=(11, 3.6), layout="constrained", sharey=True)
        wins, names = {}, {}
        for panel, hardware in zip(panels, HARDWARE):
            variants = variants_of(hardware)
            grid, labels = numpy.full((len(SLOS), len(RATES)), numpy.nan), {}
            for x, rate in enumerate(RATES):
                for y, slo in enumerate(SLOS):
                    worth = {v: runs[f"variants/{v}_{rate}_{slo}/1"]["accuracy_weighted_attainment"] or 0 for v in variants}
                    best = max(worth, key=worth.get)
                    if worth[best] < 0.01:
                        continue
                    grid[y, x] = variants[best]
                    labels[x, y] = f"{variants[best]:.2f}"
                    wins.setdefault(hardware, {}).setdefault(best, []).append((rate, slo))
            image = panel.imshow(grid, origin="lower", aspect="auto", cmap="viridis", vmin=0.4, vmax=0.75)
            for (x, y), label in labels.items():
                panel.text(x, y, label, ha="center", va="center", fontsize=8, color="white" if float(label) < 0.6 else "black")
            panel.set_xticks(range(len(RATES)), RATES)
            panel.set_yticks(range(len(SLOS)), [f"{1000 * s:.0f}" for s in SLOS])
            panel.grid(False)
            panel.set_title(hardware)
            panel.set_xlabel("Queries a second")
        panels[0].set_ylabel("SLO (ms)")
        figure.colorbar(image, ax=panels, label="Accuracy of the best variant")
        figure.savefig(runs.out / "orderings_variants.png", dpi=90)
        rows = [(hardware, len(variants_of(hardware)), len(won), sum(map(len, won.values())),
                 f"`{max(won, key=lambda v: len(won[v]))}`, {max(map(len, won.values()))}") for hardware, won in wins.items()]
        return table(("hardware", "variants", "best somewhere", "cells in which anything is in time", "best most often, in cells"), rows)

    return write


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build/release/tideline", type=pathlib.Path)
    parser.add_argument("--jobs", default=2, type=int)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pyplot.rcParams.update(STYLE)
    runs = Runs(arguments.program, arguments.out, arguments.jobs)
    parts = {"Batching": batching, "Eviction": eviction, "Autoscaling": autoscaling, "Accuracy scaling": accuracy, "Old views": dispatch,
             "The best variant": best_variant}
    writers = {title: part(runs) for title, part in parts.items()}
    lines = []
    try:
        for title, write in writers.items():
            lines += [f"## {title}", "", *write()]
    except RuntimeError as fault:
        runs.pool.shutdown(cancel_futures=True)
        sys.exit(f"study_orderings.py: {fault}")
    (arguments.out / "tables.md").write_text("\n".join(lines))
    print(arguments.out / "tables.md")


if __name__ == "__main__":
    main()
