#!/usr/bin/env python3
"""Plots runs over time: load, latency, accuracy, instances, cost, cold starts and evictions.

  scripts/plot_run.py results/quickstart.h5 --out day.png
  scripts/plot_run.py results/quickstart.h5 results/quickstart_fixed.h5 --out both.pdf

One run shows all of its parts; several are drawn over each other, a colour each. Samples are those of the file (`sample_s` of the scenario);
where there are more than --points of them, neighbours are put together, as the foot of the figure says: counts are added, all else is the
mean (of percentiles too). Grey: outside the measured window.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.lines as lines
    import matplotlib.pyplot as pyplot
    import matplotlib.ticker as ticker
    import numpy
    import pandas
    import tideline_results
except ModuleNotFoundError as missing:
    sys.exit(f"plot_run.py: {sys.executable} has no {missing.name}: install h5py, pandas and matplotlib for it, or try /usr/bin/python3 {sys.argv[0]}")

# Okabe and Ito's, which the colour-blind can tell apart, without those too light for a line.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000"]
ORANGE, GREY, TEXT = "#E69F00", "#8c8c8c", "#333333"
STYLE = {
    "font.size": 11, "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.labelsize": 11,
    "legend.fontsize": 9.5, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7, "axes.axisbelow": True, "pdf.fonttype": 42, "svg.fonttype": "none",
}
COUNTS = ("arrived", "served", "good", "cold_starts", "evictions")


class Samples:
    """What the panels show of one run."""

    def __init__(self, path, points):
        self.run = tideline_results.load(path)
        s = self.run.series
        if len(s) < 2:
            raise tideline_results.ResultsError(f"{path}: has fewer than two samples over time: set /measure/sample_s lower")
        self.together = -(-len(s) // points)
        self.sample = float(numpy.diff(s["time_s"]).max())
        bins = numpy.arange(len(s)) // self.together
        served = s["served"].to_numpy(float)
        of_answers = [c for c in s.columns if c.startswith(("latency_", "effective_", "accuracy_"))]
        mean = s.groupby(bins).mean()
        # Means over answers, so that a sample without any counts for nothing.
        weights = numpy.maximum(pandas.Series(served).groupby(bins).sum().to_numpy(), numpy.finfo(float).tiny)
        for column in of_answers:
            sums = (s[column].fillna(0) * served).groupby(bins).sum().to_numpy()
            mean[column] = numpy.where(weights >= 1, sums / weights, numpy.nan)
        for column in COUNTS:
            mean[column] = s[column].groupby(bins).sum()
        for column in ("time_s", "cost_usd"):
            mean[column] = s[column].groupby(bins).last()
        self.s = mean
        self.end = mean["time_s"].to_numpy()
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


def span_text(seconds):
    unit, name = next(((u, n) for u, n in ((3600, "h"), (60, "min"), (1, "s")) if seconds >= u), (1e-3, "ms"))
    return f"{seconds / unit:.4g} {name}"


def steps(values):
    """Values of intervals for `step="pre"`, which wants one for the begin of the first too."""
    return numpy.append(values[:1], values)


def draw(runs, names):
    span = max(r.end[-1] for r in runs)
    unit, unit_name = time_unit(span)
    single = len(runs) == 1
    figure, axes = pyplot.subplots(3, 2, figsize=(13, 9.2), sharex=True)
    load, latency, accuracy, instances, cost, events = axes.flat
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(runs))]
    for k, (r, colour) in enumerate(zip(runs, colours)):
        t = r.end / unit
        begin = (r.end - r.interval) / unit
        # What holds for an interval is drawn from its begin to its end.
        edges = numpy.append(begin[0], t)
        front = {"color": colour, "linewidth": 1.6}
        # The first ones are thicker: goodput is often the same.
        goodput = {"color": colour, "linewidth": 1.6 + 1.2 * min(len(runs) - 1 - k, 3)}

        first = k == 0
        # Runs that are worth comparing have the same arrivals: the area is drawn as often, but looks like one.
        load.fill_between(edges, steps(r.rate("arrived")), color="#dcdcdc", linewidth=0, step="pre", label="arrivals" if first else None,
                          zorder=1)
        load.step(edges, steps(r.rate("good")), where="pre", **goodput, label="goodput" if first else None)

        p50, p95, p99 = (1e3 * r.s[f"latency_p{p}_s"].to_numpy() for p in (50, 95, 99))
        if single:
            latency.fill_between(t, p50, p99, color=colour, alpha=0.15, linewidth=0)
            latency.plot(t, p99, color=colour, linewidth=0.8, label="p99")
            latency.plot(t, p95, color=colour, linewidth=1.2, linestyle=(0, (4, 1.5)), label="p95")
            latency.plot(t, p50, color=colour, linewidth=2.2, label="p50")
        else:
            latency.plot(t, p99, **front, label="p99" if first else None)
            latency.plot(t, p50, color=colour, linewidth=1.2, linestyle=(0, (1, 1.2)), label="p50" if first else None)

        accuracy.plot(t, r.s["effective_accuracy"], **front, label="effective" if first else None)
        floor = r.s["accuracy_floor"].to_numpy()
        if numpy.nanmax(floor, initial=0) > 0 and first:  # that of the others is the same, or nearly
            accuracy.plot(t, floor, color=GREY, linewidth=1.4, linestyle="--", label="mean floor")

        warm, starting, draining = (r.s[f"instances_{phase}"].to_numpy() for phase in ("warm", "starting", "draining"))
        if single:
            instances.stackplot(edges, steps(warm), steps(starting), steps(draining), step="pre", labels=["warm", "loading", "draining"],
                                colors=[colour, ORANGE, GREY], linewidth=0)
        else:
            instances.step(edges, steps(warm + starting + draining), where="pre", **front)

        cost.step(edges, steps(r.cost_per_hour()), where="pre", **front)

        for column, shade, style, name in (("cold_starts", colour, "-", "cold starts"),
                                           ("evictions", COLOURS[1] if single else colour, "--", "evictions")):
            values = numpy.cumsum(r.s[column].to_numpy())
            events.step(edges, numpy.append(0, values), where="post", color=shade, linewidth=1.6, linestyle=style,
                        clip_on=False, label=name if first else None)

    shade_outside(axes, runs, unit, span)
    titles = {load: ("Load", "queries/s"), latency: ("Latency of answers", "ms"),
              accuracy: ("Accuracy of answers", "relative to best of task" if relative(runs) else "accuracy"),
              instances: ("Instances" if single else "Instances, in all phases", "instances"),
              cost: ("Cost", "USD per hour"), events: ("Cold starts, evictions so far", "count")}
    for axis, (title, label) in titles.items():
        axis.set_title(title)
        axis.set_ylabel(label)
        axis.set_xlim(0, span / unit)
        axis.margins(y=0.08)
    for axis in (load, instances, cost, events):
        axis.set_ylim(0, 1.08 * axis.dataLim.ymax if axis.dataLim.ymax > 0 else 1)
    latency.set_yscale("log")
    slo_lines(latency, runs)
    latency.yaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))
    latency.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    latency.yaxis.set_minor_locator(ticker.NullLocator())
    for axis in (instances, events):
        axis.yaxis.set_major_locator(ticker.MaxNLocator(6, integer=True))
    if unit_name == "hours" and span / unit <= 48:
        axes[2][0].xaxis.set_major_locator(ticker.MultipleLocator(4 if span / unit > 12 else 1))
    for axis in axes[2]:
        axis.set_xlabel(f"time ({unit_name})")
    for axis in axes.flat:
        handles, labels = axis.get_legend_handles_labels()
        if not single:  # colours are those of runs: what a line means shows in how it is drawn
            handles = [lines.Line2D([], [], color=TEXT, linewidth=h.get_linewidth(), linestyle=h.get_linestyle())
                       if isinstance(h, lines.Line2D) and h.get_color() in colours else h for h in handles]
        if labels:  # beside the title, where it hides nothing
            axis.legend(handles, labels, frameon=False, loc="lower right", bbox_to_anchor=(1.01, 0.98), ncol=len(labels),
                        columnspacing=1.2, handlelength=1.8, borderaxespad=0.2)
    figure.align_ylabels()
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
                axis.axvspan(a / unit, b / unit, color="#efefef", zorder=0, linewidth=0)


def slo_lines(axis, runs):
    """SLOs of the classes, named at the right, where there are few enough to tell apart."""
    slos = {}
    for r in runs:
        for row in r.run.names("classes").itertuples():
            if row.slo > 0:
                slos.setdefault(row.slo * 1e-6, {})[row.name] = True
    if not slos or len(slos) > 4:
        return
    low, high = axis.get_ylim()
    high = max(high, 1.25 * max(slos))
    axis.set_ylim(low, high)
    least = 0
    for slo in sorted(slos):
        axis.axhline(slo, color=TEXT, linewidth=1, linestyle=(0, (6, 3)))
        place = numpy.log(slo / low) / numpy.log(high / low)
        least = max(place, least)
        names = list(slos[slo])
        label = ", ".join(names[:2]) + (", …" if len(names) > 2 else "")
        axis.annotate(f"SLO {span_text(slo * 1e-3)}\n{label}", (1, least), xycoords="axes fraction", xytext=(5, 0), textcoords="offset points",
                      ha="left", va="center", fontsize=9, linespacing=1.1, color=TEXT)
        least += 0.15  # names of neighbours do not touch


def head(figure, runs, names, colours, single):
    widest = max(runs, key=lambda r: r.sample * r.together)
    point = f"a point: {span_text(widest.sample * widest.together)}"
    if widest.together > 1:
        point += f", {widest.together} samples together (counts added, all else their mean)"
    figure.text(0.99, 0.008, point, ha="right", va="bottom", fontsize=9, color=GREY)
    if single:
        figure.suptitle(names[0], x=0.055, y=0.985, ha="left", fontsize=15, fontweight="bold")
        figure.text(0.055, 0.952, runs[0].headline(), ha="left", va="top", fontsize=12, color=TEXT)
        figure.tight_layout(rect=(0, 0.02, 1, 0.945), h_pad=1.2, w_pad=2)
        return
    line = 0.026
    right = 0.1 + 0.0088 * max(len(name) for name in names)
    for k, (r, name, colour) in enumerate(zip(runs, names, colours)):
        y = 0.985 - line * k
        figure.add_artist(lines.Line2D([0.055, 0.08], [y - 0.011, y - 0.011], color=colour, linewidth=3))
        figure.text(0.09, y, name, ha="left", va="top", fontsize=12, fontweight="bold")
        figure.text(right, y, r.headline(), ha="left", va="top", fontsize=12, color=TEXT)
    figure.tight_layout(rect=(0, 0.02, 1, 0.985 - line * len(runs)), h_pad=1.2, w_pad=2)


def at_least_two(text):
    number = int(text)
    if number < 2:
        raise ValueError
    return number


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="RESULT.h5")
    parser.add_argument("--out", required=True, metavar="PLOT.png|pdf|svg")
    parser.add_argument("--points", type=at_least_two, default=288, metavar="N", help="most points of a line (default 288: five minutes of a day)")
    args = parser.parse_args()
    if pathlib.Path(args.out).suffix not in (".png", ".pdf", ".svg"):
        parser.error(f"--out {args.out}: expected a file that ends in .png, .pdf or .svg")
    try:
        runs = [Samples(path, args.points) for path in args.results]
        names = [r.name() for r in runs]
        if len(set(names)) < len(names):
            names = [f"{name} ({r.run.path.stem})" for name, r in zip(names, runs)]
        with pyplot.rc_context(STYLE):
            draw(runs, names).savefig(args.out, dpi=130)
    except (tideline_results.ResultsError, OSError) as error:
        sys.exit(f"plot_run.py: {error}")
    print(args.out)


if __name__ == "__main__":
    main()
