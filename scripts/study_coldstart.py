#!/usr/bin/env python3
"""Tables and figure of studies/coldstart.md, of the sweep in a folder: scripts/study.sh calls it.

  scripts/study_coldstart.py results/study_coldstart
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plot_run  # first: it says what is missing where matplotlib or pandas are
import matplotlib.pyplot as pyplot
import numpy
import tideline_results as tr
from plot_run import COLOURS, STYLE

BEGIN, END = 3 * 3600, 27 * 3600  # the measured window
GB_HOUR = 1e9 * 3600


def memory_times(path):
    """GB-hours in the window that instances held: while they loaded, and while they were loaded."""
    rows = tr.load(path).instances
    started = rows["started_s"].to_numpy()
    stopped = rows["stopped_s"].fillna(END).to_numpy()
    warm = numpy.minimum(rows["warm_s"].fillna(END).to_numpy(), stopped)
    memory = rows["memory_bytes" if "memory_bytes" in rows else "memory"].to_numpy()

    def inside(begin, end):
        return float((memory * numpy.clip(numpy.minimum(end, END) - numpy.maximum(begin, BEGIN), 0, None)).sum() / GB_HOUR)

    return inside(started, warm), inside(warm, stopped)


def interval(values, factor=1.0, digits=1):
    mean, half = tr.mean_interval(values * factor)
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def table(sweep):
    rows = ["| keep-alive | eviction | cold starts, % | idle warm, GB h | loading, GB h | loads from store / disk / host | evictions | in time (2 s), % | p99, s |",
            "|---|---|---|---|---|---|---|---|---|"]
    for (keep, full), of in sweep.groupby(["keep", "full"], observed=True, sort=False):
        sources = " / ".join(f"{of[f'loads_by_source_{s}'].mean():.0f}" for s in ("store", "disk", "host"))
        rows.append(f"| {keep} | {full} | {interval(of['cold_share'], 100)} | {interval(of['idle'], 1, 0)} | {interval(of['loading'], 1, 0)} | {sources} | "
                    f"{of['evictions'].mean():.0f} | {interval(of['slo_attainment'], 100)} | {interval(of['latency_p99_s'], 1)} |")
    return rows


def draw(sweep, path):
    """Cold starts against idle memory time: a point for each keep-alive time."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for panel, devices, title in ((panels[0], "four", "Four devices of 16 GB"), (panels[1], "one", "One device of 64 GB")):
        for k, full in enumerate(("lru", "gdsf")):
            of = sweep[(sweep["devices"] == devices) & (sweep["full"] == full)]
            mean = of.groupby("keep", observed=True, sort=False)[["idle", "cold_share"]].mean()
            kept = mean.drop("preload")
            panel.plot(kept["idle"], kept["cold_share"] * 100, marker="os"[k], color=COLOURS[k], label=f"keep-alive, {full.upper()}")
            panel.plot(*mean.loc["preload"] * (1, 100), marker="*D"[k], markersize=10, linestyle="none", color=COLOURS[k], label=f"preload, {full.upper()}")
            if full == "lru":
                for keep, row in kept.iterrows():
                    if keep in ("0s", "10s", "1min", "5min", "10min"):
                        panel.annotate(keep, (row["idle"], row["cold_share"] * 100), fontsize=8, textcoords="offset points", xytext=(5, 4))
        panel.set_xlabel("Loaded and idle (GB hours a day)")
        panel.set_title(title)
        panel.set_ylim(0)
    panels[0].set_ylabel("Cold starts (% of queries)")
    panels[1].legend()
    figure.savefig(path, dpi=90)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    out = pathlib.Path(sys.argv[1])
    sweep = tr.load_sweep(out / "sweep")
    times = [memory_times(out / "sweep" / "tasks" / f"{task:06d}.h5") for task in sweep["task"]]
    sweep["loading"], warm = [t[0] for t in times], numpy.array([t[1] for t in times])
    # An instance that is loaded and runs no batch is idle; the time it runs one is what it was paid for without being idle: cost less idle cost.
    price = numpy.where(sweep["devices"] == "one", 4 / 64, 1 / 16)  # USD for a GB and an hour
    running = (sweep["cost_usd"] - sweep["cost_idle_usd"]) / price
    sweep["idle"] = warm - running
    sweep["cold_share"] = sweep["cold_starts"] / sweep["queries_arrived"]
    gap = (sweep["idle"] + sweep["loading"] - sweep["cost_idle_usd"] / price).abs().max()
    if gap > 1e-3:
        print(f"study_coldstart.py: instances and costs differ by {gap:g} GB h", file=sys.stderr)
        return 1
    rows = []
    for devices, title in (("four", "Four devices of 16 GB"), ("one", "One device of 64 GB")):
        rows += [title, "", *table(sweep[sweep["devices"] == devices]), ""]
    (out / "tables.md").write_text("\n".join(rows), encoding="utf-8")
    with pyplot.rc_context(STYLE):
        draw(sweep, out / "coldstart.png")
    print(f"table and figure: {out}; instances and costs agree to {gap:.1e} GB h")
    return 0


if __name__ == "__main__":
    sys.exit(main())
