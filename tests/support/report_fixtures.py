"""Sweeps and comparisons as `tideline sweep` and `tideline compare` leave them, made up from one real summary with noise."""
import copy
import itertools
import json
import math
import random

PROGRAM = "tideline 0.1.0 (0123456789ab)"


def clip(x):
    return min(1.0, max(0.0, x))


def noisy_summary(base, random_, load, greed, target):
    """A summary as `base`, at another load, of a policy that pays more for accuracy (`greed` 0 to 1) and runs devices fuller (`target`)."""
    s = copy.deepcopy(base)
    busy = clip(load * (0.25 + 0.2 * greed) / (1.1 - 0.5 * target))
    slow = 1 / (1.05 - min(busy, 0.95))
    for row in [s["total"], *s["classes"], *s["tasks"]]:
        n = round(row["queries_arrived"] * load * random_.gauss(1, 0.004))
        row["queries_arrived"] = row["queries_with_slo"] = n
        missed = clip(0.0004 * slow**2.4 * (1 + greed) * random_.lognormvariate(0, 0.08))
        row["queries_missed"] = round(n * missed)
        row["queries_on_time"] = n - row["queries_missed"]
        row["queries_dropped"] = round(0.6 * row["queries_missed"])
        row["queries_served"] = n - row["queries_dropped"]
        row["queries_late"] = row["queries_missed"] - row["queries_dropped"]
        row["slo_attainment"] = row["queries_on_time"] / n if n else None
        row["slo_attainment_worst_hour"] = clip(1 - 4 * missed)
        row["effective_accuracy"] = clip(row["effective_accuracy"] * (0.86 + 0.14 * greed) - 0.02 * busy**3 + random_.gauss(0, 0.0015))
        row["realised_accuracy"] = clip(row["effective_accuracy"] + random_.gauss(0, 0.001))
        row["accuracy_weighted_attainment"] = row["slo_attainment"] * row["effective_accuracy"]
        row["accuracy_floor_attainment"] = clip(0.8 + 0.25 * greed + random_.gauss(0, 0.004))
        row["throughput_qps"] = row["queries_served"] / 86400
        row["goodput_qps"] = row["queries_on_time"] / 86400 * row["accuracy_floor_attainment"]
        for name in ("mean", "p50", "p90", "p95", "p99", "max"):
            row[f"latency_{name}_s"] *= (0.8 + 0.5 * greed) * slow ** (1.6 if name in ("p99", "max") else 1) * random_.lognormvariate(0, 0.03)
        row["cold_starts"] = round(row["cold_starts"] * slow * (1.4 - target) * random_.lognormvariate(0, 0.1))
        row["misses"]["dropped"], row["misses"]["queue"] = row["queries_dropped"], row["queries_late"]
        row["misses"]["service"] = 0
    t = s["total"]
    t["cost_usd"] *= (0.5 + 0.6 * load) * (0.7 + 0.9 * greed**2) * (1.25 - 0.5 * target) * random_.lognormvariate(0, 0.02)
    t["energy_j"] *= (0.8 + 0.3 * load) * random_.lognormvariate(0, 0.01)
    t["utilization"] = clip(busy * random_.gauss(1, 0.01))
    return s


GREED = {"infaas": 0.55, "accuracy_max": 1.0, "cheapest_feasible": 0.0, "fastest": 0.2, "random_feasible": 0.4}


def write_sweep(folder, base, loads=10, targets=("0.4", "0.6", "0.8", "0.95"), selections=tuple(GREED), replications=5, seed=1,
                failed=(), missing=(), stale=(), not_audited=()):
    """A sweep in `folder`; of the tasks that are named some failed, are missing, are of an older sweep or have books that do not balance."""
    random_ = random.Random(seed)
    axes = {"selection": list(selections), "load": [f"{0.25 * (k + 1):g}" for k in range(loads)], "target": list(targets)}
    axes = {name: values for name, values in axes.items() if values}
    tasks = []
    (folder / "tasks").mkdir(parents=True)
    for number, (*point, replication) in enumerate(itertools.product(*axes.values(), range(replications))):
        point = dict(zip(axes, point))
        task = {"task": number, "point": point, "replication": replication, "seed": replication + 1, "key": f"{number:016x}"}
        tasks.append(task)
        left = {"task": number, "key": task["key"] if number not in stale else "f" * 16}
        if number in missing:
            continue
        if number in failed:
            left["error"] = "the scenario does not fit: /cluster/pools/0: <no> memory & no \"cores\""
        else:
            summary = noisy_summary(base, random_, float(point.get("load", 1)), GREED.get(point["selection"], 0.5), float(point.get("target", 0.5)))
            if number in not_audited:
                summary["audit"]["passed"] = summary["audit"]["checks"][0]["passed"] = False
            left |= {"point": point, "replication": replication, "seed": replication + 1, "results": f"{number:06d}.h5", "summary": summary}
        (folder / "tasks" / f"{number:06d}.json").write_text(json.dumps(left), encoding="utf-8")
    manifest = {"format": "tideline-sweep", "version": 1, "program": PROGRAM, "name": "selection_by_load", "scenario": "scenarios/quickstart.json",
                "axes": [{"name": name, "values": values} for name, values in axes.items()], "replications": replications, "tasks": tasks}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


METRICS = [("slo_attainment", "1", "higher"), ("effective_accuracy", "1", "higher"), ("accuracy_floor_attainment", "1", "higher"),
           ("latency_mean_s", "s", "lower"), ("latency_p50_s", "s", "lower"), ("latency_p99_s", "s", "lower"), ("goodput_qps", "1/s", "higher"),
           ("cost_usd", "USD", "lower"), ("cold_starts", "1", "lower"), ("utilization", "1", "neither")]


def write_comparison(file, base, replications=12, seed=1):
    """A comparison of five selections, of which one is the baseline once more and one has no value of a metric."""
    random_ = random.Random(seed)
    greeds = {"selection=infaas": 0.55, "selection=infaas,copy": 0.55, "selection=accuracy_max": 1.0, "selection=cheapest_feasible": 0.0,
              "selection=fastest": 0.2}
    rows = {label: [noisy_summary(base, random_, 1, greed, 0.5)["total"] for _ in range(replications)] for label, greed in greeds.items()}
    rows["selection=infaas,copy"] = copy.deepcopy(rows["selection=infaas"])
    for row in rows["selection=fastest"]:
        row["accuracy_floor_attainment"] = None
    for k, row in enumerate(rows["selection=cheapest_feasible"]):
        row["cost_usd"] = rows["selection=infaas"][k]["cost_usd"] * random_.gauss(1, 0.01)
    baseline = "selection=infaas"

    def mean(values):
        values = [v for v in values if v is not None]
        return sum(values) / len(values) if values else None

    effects = []
    for label in list(rows)[1:]:
        for name, _, better in METRICS:
            pairs = [(a[name], b[name]) for a, b in zip(rows[baseline], rows[label]) if a[name] is not None and b[name] is not None]
            effect = {"alternative": label, "metric": name, "baseline_mean": mean([r[name] for r in rows[baseline]]),
                      "mean": mean([r[name] for r in rows[label]]), "difference": None, "relative": None, "low": None, "high": None, "p": None,
                      "p_adjusted": None, "verdict": "no interval", "smallest_difference": None, "margin": None}
            if pairs:
                d = [b - a for a, b in pairs]
                center = sum(d) / len(d)
                half = 2.201 * math.sqrt(sum((x - center) ** 2 for x in d) / (len(d) - 1) / len(d))
                low, high = center - half, center + half
                p = math.erfc(abs(center) / (half / 2.201) / math.sqrt(2)) if half > 0 else 1.0
                margin = 0.01 * abs(effect["baseline_mean"])
                verdict = "identical" if not any(d) else "no difference shown" if low <= 0 <= high else "different" if better == "neither" else \
                    "better" if (center > 0) == (better == "higher") else "worse"
                if verdict == "no difference shown" and -margin < low and high < margin:
                    verdict = "equivalent"
                effect |= {"difference": center, "relative": center / effect["baseline_mean"] if effect["baseline_mean"] else None,
                           "low": low, "high": high, "p": p, "p_adjusted": min(1, 4 * p), "verdict": verdict, "margin": margin,
                           "smallest_difference": 1.3 * half}
            effects.append(effect)
    comparison = {
        "format": "tideline-compare", "version": 1, "program": PROGRAM,
        "scenario": {"name": "quickstart", "file": "scenarios/quickstart.json", "seed": 1},
        "axes": [{"name": "selection", "values": ["infaas", "infaas,copy", "accuracy_max", "cheapest_feasible", "fastest"]}],
        "baseline": baseline, "replication": {"kind": "seeds", "text": "a new seed each: all alternatives meet the same queries"},
        "replications": replications, "confidence": 0.95, "correction": "holm",
        "alternatives": [{"label": label, "point": {"selection": label.split("=")[1]},
                          "metrics": {name: {"mean": mean([r[name] for r in list_]), "values": [r[name] for r in list_]} for name, _, _ in METRICS},
                          "notes": ["saturated: the queue grows until the end"] if label.endswith("accuracy_max") else []}
                         for label, list_ in rows.items()],
        "metrics": [{"name": name, "unit": unit, "better": better} for name, unit, better in METRICS],
        "effects": effects, "warnings": ["12 replications tell apart differences above 1 % only"],
        "text": ["Intervals of 95 %, of paired differences.", "p-values are adjusted with Holm's method over 40 effects."]}
    file.write_text(json.dumps(comparison), encoding="utf-8")
    return comparison
