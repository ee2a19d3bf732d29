#!/usr/bin/env python3
"""Tables and figures of studies/edge_core.md, of the sweeps in a folder: scripts/study.sh calls it.

  scripts/study_edge_core.py results/study_edge_core
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plot_run  # first: it says what is missing where matplotlib or pandas are
import matplotlib.pyplot as pyplot
import numpy
import tideline_results as tr
from plot_run import COLOURS, GREY, STYLE

OUTAGE = (180, 240)
AGES = (0.5, 2, 10)
CONTROLS = (("central_old", "central, old"), ("central_compensated", "central, old, compensated"), ("per_site", "per site"), ("gossip", "gossip"))


def interval(values, factor=1.0, digits=2):
    """Mean and half of the 95 % interval over replications, by Student's t."""
    values = values.dropna() * factor
    if values.empty:
        return "-"
    mean, half = tr.mean_interval(values)
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def table(sweep, classes, outage):
    rows = ["| setup | SLO attainment, % | effective accuracy | realised accuracy | p99, ms | cost, $/h | answers at their floor, % | messages, /s | age of view, mean / p99, s |",
            "|---|---|---|---|---|---|---|---|---|"]
    for setup, of in sweep[sweep["outage"] == outage].groupby("setup", observed=True, sort=False):
        seconds = 300
        ages = "-" if of["view_age_mean_s"].isna().all() else f"{of['view_age_mean_s'].mean():.2f} / {of['view_age_p99_s'].mean():.1f}"
        rows.append(f"| {setup} | {interval(of['slo_attainment'], 100, 3)} | {interval(of['effective_accuracy'], 1, 4)} | "
                    f"{interval(of['realised_accuracy'], 1, 4)} | {interval(of['latency_p99_s'], 1000, 1)} | "
                    f"{interval(of['cost_usd'], 3600 / seconds, 3)} | {of['accuracy_floor_attainment'].mean() * 100:.1f} | "
                    f"{of['control_messages'].mean() / seconds:.1f} | {ages} |")
    accurate = classes[(classes["outage"] == outage) & (classes["name"] == "accurate")]
    rows += ["", "| setup | class `accurate`: SLO attainment, % | realised accuracy | at the floor of 0.75, % |", "|---|---|---|---|"]
    for setup, of in accurate.groupby("setup", observed=True, sort=False):
        if setup in ("edge_only", "core_only", "cascade", "central_compensated_2s", "gossip_2s"):
            rows.append(f"| {setup} | {interval(of['slo_attainment'], 100, 2)} | {interval(of['realised_accuracy'], 1, 4)} | "
                        f"{of['accuracy_floor_attainment'].mean() * 100:.1f} |")
    return rows


def thresholds_table(sweep):
    rows = ["| control | threshold | SLO attainment, % | realised accuracy | p99, ms | cost, $/h |", "|---|---|---|---|---|---|"]
    axis = sweep.attrs["axes"][1]
    for (control, threshold), of in sweep.groupby(["control", axis], observed=True, sort=False):
        rows.append(f"| {control} | {threshold:g} | {interval(of['slo_attainment'], 100, 3)} | {interval(of['realised_accuracy'], 1, 4)} | "
                    f"{interval(of['latency_p99_s'], 1000, 1)} | {interval(of['cost_usd'], 12, 3)} |")
    return rows


def draw_ages(sweep, path):
    """Attainment and accuracy against the age of views."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    none = sweep[sweep["outage"] == "none"]
    for panel, metric, factor, text in ((panels[0], "slo_attainment", 100, "SLO attainment (%)"), (panels[1], "realised_accuracy", 1, "Realised accuracy")):
        fresh = none[none["setup"] == "cascade"][metric].mean() * factor
        panel.axhline(fresh, color=GREY, linestyle=":", label="central, fresh")
        for k, (name, label) in enumerate(CONTROLS):
            means, halves = zip(*(tr.mean_interval(none[none["setup"] == f"{name}_{age:g}s"][metric] * factor) for age in AGES))
            panel.errorbar(AGES, means, halves, marker="osD^"[k], color=COLOURS[k], capsize=3, label=label)
        panel.set_xscale("log")
        panel.set_xticks(AGES, [f"{a:g}" for a in AGES])
        panel.minorticks_off()
        panel.set_xlabel("Time between two views (s)")
        panel.set_title(text)
    panels[0].legend()
    figure.savefig(path, dpi=90)


def draw_outage(folder, sweep, path):
    """What is answered within its SLO while north is cut off, over time, mean over replications."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for k, setup in enumerate(("edge_only", "core_only", "cascade", "per_site_2s", "gossip_2s")):
        tasks = sweep[(sweep["outage"] == "north") & (sweep["setup"] == setup)]["task"]
        series = [tr.load(folder / "tasks" / f"{task:06d}.h5").series for task in tasks]
        time = series[0]["time_s"] - 2.5
        attained = numpy.mean([s["on_time"] / (s["on_time"] + s["missed"]) for s in series], axis=0) * 100
        accuracy = numpy.mean([s["effective_accuracy"] for s in series], axis=0)
        style = {"color": COLOURS[k], "label": setup, "linestyle": ("-", "-", "-", "--", ":")[k]}
        panels[0].plot(time, attained, **style)
        panels[1].plot(time, accuracy, **style)
    for panel, text in zip(panels, ("Answered within the SLO (%)", "Effective accuracy")):
        panel.axvspan(*OUTAGE, color="#eeeeee")
        panel.set_xlim(120, 300)
        panel.set_xlabel("Time (s); grey: north is cut off")
        panel.set_title(text)
    panels[0].legend(loc="lower left")
    figure.savefig(path, dpi=90)


def draw_thresholds(sweep, thresholds, path):
    """What accuracy costs: cascades by their threshold, edge and core alone."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    axis = thresholds.attrs["axes"][1]
    for panel, metric, factor, text in ((panels[0], "cost_usd", 12, "Cost (USD an hour)"), (panels[1], "latency_p99_s", 1000, "Latency p99 (ms)")):
        for k, (control, of) in enumerate(thresholds.groupby("control", observed=True, sort=False)):
            mean = of.groupby(axis)[[metric, "realised_accuracy"]].mean()
            panel.plot(mean[metric] * factor, mean["realised_accuracy"], marker="osD"[k], color=COLOURS[k], label=control)
            if k == 0:
                for threshold, row in mean.iterrows():
                    panel.annotate(f"{threshold:g}" if threshold <= 1 else "always", (row[metric] * factor, row["realised_accuracy"]), fontsize=8,
                                   textcoords="offset points", xytext=(4, -11))
        for k, setup in enumerate(("edge_only", "core_only")):
            of = sweep[(sweep["outage"] == "none") & (sweep["setup"] == setup)]
            panel.plot(of[metric].mean() * factor, of["realised_accuracy"].mean(), marker="*P"[k], markersize=11, linestyle="none", color=COLOURS[3 + k], label=setup)
        panel.set_xlabel(text)
        panel.set_title("Realised accuracy")
    panels[0].legend(loc="center left")
    figure.savefig(path, dpi=90)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    out = pathlib.Path(sys.argv[1])
    sweep, classes = tr.load_sweep(out / "sweep"), tr.load_sweep(out / "sweep", "classes")
    thresholds = tr.load_sweep(out / "thresholds")
    rows = ["Without an outage:", "", *table(sweep, classes, "none"), "", "North cut off for a minute of five:", "", *table(sweep, classes, "north"),
            "", "Thresholds, without an outage:", "", *thresholds_table(thresholds)]
    (out / "tables.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pyplot.rc_context(STYLE):
        draw_ages(sweep, out / "edge_core_ages.png")
        draw_outage(out / "sweep", sweep, out / "edge_core_outage.png")
        draw_thresholds(sweep, thresholds, out / "edge_core_thresholds.png")
    print(f"tables and figures: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
