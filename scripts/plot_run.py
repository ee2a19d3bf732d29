#!/usr/bin/env python3
"""Plots runs over time: load, latency, accuracy, instances, cost, loads and evictions.

  scripts/plot_run.py results/quickstart.h5 --out day.png
  scripts/plot_run.py results/quickstart.h5 results/quickstart_fixed.h5 --out both.pdf

One run shows all of its parts; several are drawn over each other, a colour each. Samples are those of the file (`sample_s` of the scenario);
each count is of the interval before its time. Grey: outside the measured window.
"""
import argparse
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.lines as lines
import matplotlib.pyplot as pyplot
import matplotlib.ticker as ticker
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tideline_results

COLOURS = ["#2166ac", "#d6604d", "#1b7837", "#762a83", "#b8860b", "#4d4d4d"]
GREY = "#8c8c8c"


class Samples:
    """What the panels show of one run."""

    def __init__(self, path):
        self.run = tideline_results.load(path)
        s = self.run.series
        if len(s) < 2:
            raise tideline_results.ResultsError(f"{path}: has fewer than two samples over time: set /measure/sample_s lower")
        self.s = s
        self.end = s["time_s"].to_numpy()
        self.interval = numpy.diff(self.end, prepend=0.0)

    def rate(self, column):
        return self.s[column].to_numpy() / self.interval

    def cost_per_hour(self):
        return numpy.diff(self.s["cost_usd"].to_numpy(), prepend=0.0) / self.interval * 3600

    def headline(self):
        t = self.run.summary
        parts = [f"{int(t['queries_arrived']):,} queries"]
        if t["queries_with_slo"] > 0:
            parts.append(f"SLO attainment {100 * t['slo_attainment']:.2f} %")
        if t["queries_served"] > 0:
            parts += [f"p99 {1e3 * t['latency_p99_s']:.3g} ms", f"accuracy {t['effective_accuracy']:.3f}"]
        return "  ·  ".join([*parts, f"${t['cost_usd']:.2f}"])

    def name(self):
        return f"{self.run.facts['scenario']}, seed {self.run.facts['seed']}"


def time_unit(seconds):
    """Divisor and name of the unit that such a span is best read in."""
    for unit, name, least in ((86400, "days", 4 * 86400), (3600, "hours", 2 * 3600), (60, "minutes", 600)):
        if seconds >= least:
            return unit, name
    return 1, "seconds"


def draw(runs, names):
    span = max(r.end[-1] for r in runs)
    unit, unit_name = time_unit(span)
    single = len(runs) == 1
    figure, axes = pyplot.subplots(3, 2, figsize=(13, 9), sharex=True)
    load, latency, accuracy, instances, cost, events = axes.flat
    colours = [COLOURS[0]] if single else [COLOURS[k % len(COLOURS)] for k in range(len(runs))]
    for k, (r, colour) in enumerate(zip(runs, colours)):
        t = r.end / unit
        begin = (r.end - r.interval) / unit
        front = {"color": colour, "linewidth": 1.1 if single else 0.9}

        first = k == 0
        # Runs that are worth comparing have the same arrivals: the area is drawn as often, but looks like one.
        load.fill_between(t, r.rate("arrived"), color="#d9d9d9", linewidth=0, step="pre", label="arrivals" if first else None, zorder=1)
        load.plot(t, r.rate("good"), **front, label="goodput" if first else None)

        p50, p95, p99 = (1e3 * r.s[f"latency_p{p}_s"].to_numpy() for p in (50, 95, 99))
        if single:
            latency.fill_between(t, p50, p99, color=colour, alpha=0.15, linewidth=0, label="p50 to p99")
            latency.plot(t, p95, color=colour, linewidth=0.7, alpha=0.6, label="p95")
            latency.plot(t, p50, **front, label="p50")
        else:
            latency.plot(t, p99, **front, label="p99" if first else None)
            latency.plot(t, p50, color=colour, linewidth=0.8, linestyle=":", label="p50" if first else None)

        accuracy.plot(t, r.s["effective_accuracy"], **front, label="effective" if first else None)
        floor = r.s["accuracy_floor"].to_numpy()
        if numpy.nanmax(floor, initial=0) > 0:
            accuracy.plot(t, floor, color=GREY if single else colour, linewidth=0.8, linestyle="--", label="mean floor" if first else None)

        warm, starting, draining = (r.s[f"instances_{phase}"].to_numpy() for phase in ("warm", "starting", "draining"))
        if single:
            instances.stackplot(t, warm, starting, draining, step="pre", labels=["warm", "loading", "draining"],
                                colors=[colour, COLOURS[4], GREY], alpha=0.75, linewidth=0)
        else:
            instances.step(t, warm + starting + draining, where="pre", **front)

        cost.plot(t, r.cost_per_hour(), **front)

        for column, shade, name in (("cold_starts", colour, "cold starts"), ("evictions", "black" if single else colour, "evictions")):
            values = numpy.cumsum(r.s[column].to_numpy())
            style = "-" if column == "cold_starts" else "--"
            events.step(numpy.append(begin[0], t), numpy.append(0, values), where="post", color=shade, linewidth=1.1, linestyle=style,
                        label=name if first else None)

    shade_outside(axes, runs, unit, span)
    slo_lines(latency, runs)
    titles = {load: ("Load", "queries/s"), latency: ("Latency of answers", "ms"),
              accuracy: ("Accuracy" + (" (of the best of each task)" if relative(runs) else ""), "accuracy"),
              instances: ("Instances" if single else "Instances: loading, warm and draining", "instances"),
              cost: ("Cost", "USD/h"), events: ("Cold starts and evictions since the start", "count")}
    for axis, (title, label) in titles.items():
        axis.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axis.set_ylabel(label)
        axis.grid(True, color="#e4e4e4", linewidth=0.6)
        axis.set_axisbelow(True)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        axis.set_xlim(0, span / unit)
    for axis in (load, instances, cost, events):
        axis.set_ylim(bottom=0)
    latency.set_yscale("log")
    latency.yaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))
    latency.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    latency.yaxis.set_minor_formatter(ticker.NullFormatter())
    for axis in (instances, events):
        axis.yaxis.set_major_locator(ticker.MaxNLocator(6, integer=True))
    if unit_name == "hours" and span / unit <= 48:
        axes[2][0].xaxis.set_major_locator(ticker.MultipleLocator(4 if span / unit > 12 else 1))
    for axis in axes[2]:
        axis.set_xlabel(f"time ({unit_name})")
    for axis in axes.flat:
        handles, labels = axis.get_legend_handles_labels()
        if not single:  # colours are those of runs: what a line means shows in how it is drawn
            handles = [lines.Line2D([], [], color="#333333", linewidth=h.get_linewidth(), linestyle=h.get_linestyle())
                       if isinstance(h, lines.Line2D) and h.get_color() in colours else h for h in handles]
        if labels:  # beside the title, where it hides nothing
            axis.legend(handles, labels, fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.01, 0.97), ncol=len(labels), columnspacing=1.2,
                        handlelength=1.6, borderaxespad=0.2)
    head(figure, runs, names, colours, single)
    return figure


def relative(runs):
    """Whether accuracies are relative: there is more than one task."""
    return any(len(r.run.tasks) > 1 for r in runs)


def shade_outside(axes, runs, unit, span):
    begins, ends = zip(*(r.run.window for r in runs))
    if len(set(begins)) > 1 or len(set(ends)) > 1:
        return
    for axis in axes.flat:
        for a, b in ((0, begins[0]), (ends[0], span)):
            if b - a > 1e-9:
                axis.axvspan(a / unit, b / unit, color="#f2f2f2", zorder=0, linewidth=0)


def slo_lines(axis, runs):
    """SLOs of the classes, where there are few enough to tell apart."""
    slos = sorted({slo * 1e-6 for r in runs for slo in r.run.names("classes")["slo"] if slo > 0})
    if not slos or len(slos) > 4:
        return
    for slo in slos:
        axis.axhline(slo, color="#b2182b", linewidth=0.8, linestyle=(0, (5, 3)), label="SLO" if slo == slos[0] else None)


def head(figure, runs, names, colours, single):
    if single:
        figure.suptitle(names[0], x=0.055, y=0.985, ha="left", fontsize=13, fontweight="bold")
        figure.text(0.055, 0.953, runs[0].headline(), ha="left", va="top", fontsize=10, color="#333333")
        figure.tight_layout(rect=(0, 0, 1, 0.945))
        return
    for k, (r, name, colour) in enumerate(zip(runs, names, colours)):
        y = 0.985 - 0.022 * k
        figure.text(0.055, y, "━", ha="left", va="top", fontsize=11, color=colour, fontweight="bold")
        figure.text(0.08, y, name, ha="left", va="top", fontsize=10, fontweight="bold")
        figure.text(0.32, y, r.headline(), ha="left", va="top", fontsize=10, color="#333333")
    figure.tight_layout(rect=(0, 0, 1, 0.98 - 0.022 * len(runs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="RESULT.h5")
    parser.add_argument("--out", required=True, metavar="PLOT.png|pdf|svg")
    args = parser.parse_args()
    if pathlib.Path(args.out).suffix not in (".png", ".pdf", ".svg"):
        parser.error(f"--out {args.out}: expected a file that ends in .png, .pdf or .svg")
    try:
        runs = [Samples(path) for path in args.results]
        names = [r.name() for r in runs]
        if len(set(names)) < len(names):
            names = [f"{name} ({r.run.path.stem})" for name, r in zip(names, runs)]
        draw(runs, names).savefig(args.out, dpi=110)
    except (tideline_results.ResultsError, OSError) as error:
        sys.exit(f"plot_run.py: {error}")
    print(args.out)


if __name__ == "__main__":
    main()
