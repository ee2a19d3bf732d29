#!/usr/bin/env python3
"""Plots a sweep: metrics against an axis, with 95 % intervals over replications, or what accuracy, latency and cost are to be had together.

  scripts/plot_sweep.py results/selection_by_load --out attainment.pdf
  scripts/plot_sweep.py results/selection_by_load --metric latency_p99_s cost_usd --against load --lines selection --out two.png
  scripts/plot_sweep.py results/day --metric slo_attainment --of interactive --against load --where target=0.8 --out interactive.pdf
  scripts/plot_sweep.py results/selection_by_load --pareto --out pareto.pdf

A panel for each metric and a line for each value of a second axis. Axes that are neither need one value by --where. Numbers are joined by
lines, names stand side by side. With --pareto full markers are points that no other one beats: as good in all three metrics, and better in one.
A sweep that is not complete is plotted as far as it goes, as the foot of the figure says.
"""
import argparse
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plot_run  # first: it says what is missing where matplotlib or pandas are
import matplotlib.pyplot as pyplot
import matplotlib.ticker as ticker
import numpy
import pandas
import tideline_results
from plot_run import COLOURS, GREY, STYLE, TEXT

MARKERS = "osD^vPX*"
CONFIDENCE = 0.95
WORDS = {"slo": "SLO", "qps": "", "usd": "", "s": "", "j": ""}
HIGHER = ("attainment", "effective_accuracy", "realised_accuracy", "throughput", "goodput", "served", "on_time")


class Usage(Exception):
    """The command line does not fit the sweep."""


def words(metric):
    """latency_p99_s is Latency p99."""
    text = " ".join(filter(None, (WORDS.get(w, w) for w in metric.split("_"))))
    return text[:1].upper() + text[1:]


def scale(metric, largest):
    """Factor and unit in which a metric with such values is drawn."""
    if metric.endswith("_s"):
        return next(((f, u) for f, u, least in ((1, "s", 10), (1e3, "ms", 1e-3)) if largest >= least), (1e6, "µs"))
    if metric.endswith("_j"):
        return next(((f, u) for f, u, least in ((1e-6, "MJ", 1e6), (1e-3, "kJ", 1e3)) if largest >= least), (1, "J"))
    if any(part in metric for part in ("attainment", "utilization", "share")):
        return 100, "%"
    return 1, {"usd": "USD", "qps": "1/s"}.get(metric.rsplit("_", 1)[-1], "")


def label(metric, unit):
    return words(metric) + (f" ({unit})" if unit else "")


def is_better_higher(metric):
    return any(part in metric for part in HIGHER)


def read(folder, of):
    """The sweep, of all queries or of a class or task."""
    if of is None:
        return tideline_results.load_sweep(folder)
    known = []
    for rows in ("classes", "tasks"):
        sweep = tideline_results.load_sweep(folder, rows)
        if "name" in sweep:
            known += sweep["name"].dropna().unique().tolist()
            if of in known:
                return sweep[(sweep["name"] == of) | (sweep["state"] != "done")]
    raise Usage(f"--of {of}: the sweep has no class and no task of this name; it has {', '.join(known) or 'none'}")


def metrics_of(sweep):
    axes = set(sweep.attrs["axes"])
    return [c for c in sweep.columns if c not in axes | {"task", "replication", "seed", "state", "error"} and pandas.api.types.is_numeric_dtype(sweep[c])]


def values_of(sweep, axis):
    """In the order in which they are drawn."""
    column = sweep[axis]
    return list(column.cat.categories) if isinstance(column.dtype, pandas.CategoricalDtype) else sorted(column.unique())


def value_text(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_numeric(sweep, axis):
    return not isinstance(sweep[axis].dtype, pandas.CategoricalDtype)


def where(sweep, settings):
    """The tasks where axes have the values that were asked for."""
    fixed = {}
    for setting in settings:
        axis, equals, text = setting.partition("=")
        if not equals or axis not in sweep.attrs["axes"]:
            raise Usage(f"--where {setting}: expected AXIS=VALUE with an axis of {', '.join(sweep.attrs['axes'])}")
        known = values_of(sweep, axis)
        value = next((v for v in known if value_text(v) == text or (isinstance(v, float) and is_number(text) and v == float(text))), None)
        if value is None:
            raise Usage(f"--where {setting}: {axis} has the values {', '.join(map(value_text, known))}")
        fixed[axis] = value
        sweep = sweep[sweep[axis] == value]
    return sweep, fixed


def is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def choose_axes(sweep, fixed, against, lines):
    """The axis across, and the one that has a line for each value, or None."""
    free = [a for a in sweep.attrs["axes"] if a not in fixed]
    for name, axis in (("--against", against), ("--lines", lines)):
        if axis not in (None, "none") and axis not in free:
            raise Usage(f"{name} {axis}: expected an axis that --where does not fix: {', '.join(free) or 'there is none'}")
    if not free:
        raise Usage("--where fixes all axes: there is none left to plot against")
    several = [a for a in free if len(values_of(sweep, a)) > 1] or free
    if against is None:
        against = next((a for a in several if is_numeric(sweep, a) and a != lines), None) or next((a for a in several if a != lines), free[0])
    if lines is None:
        lines = next((a for a in several if a != against), None)
    if lines == "none":
        lines = None
    for axis in free:
        known = values_of(sweep, axis)
        if axis not in (against, lines) and len(known) > 1:
            raise Usage(f"the sweep has more axes: add --where {axis}=VALUE, one of {', '.join(map(value_text, known))}")
    return against, lines


def estimate(sweep, by, metric):
    """Mean and half of the interval by the values of axes."""
    rows = []
    for key, group in sweep.groupby(by if len(by) > 1 else by[0], observed=True, sort=False):
        mean, half = tideline_results.mean_interval(group[metric], CONFIDENCE)
        if math.isfinite(mean):
            rows.append((*(key if isinstance(key, tuple) else (key,)), mean, half))
    return pandas.DataFrame(rows, columns=[*by, "mean", "half"])


def colours_of(sweep, lines, shown):
    """A colour for each value: by kind, or from dark to light where there are many numbers."""
    if lines and is_numeric(sweep, lines) and len(shown) > 4:
        return [pyplot.get_cmap("viridis")(0.9 * k / (len(shown) - 1)) for k in range(len(shown))], True
    return [COLOURS[k % len(COLOURS)] for k in range(len(shown))], False


def draw_metrics(sweep, metrics, against, lines):
    numeric = is_numeric(sweep, against) and len(values_of(sweep, against)) > 1
    across = values_of(sweep, against)
    columns = min(len(metrics), 2)
    figure, axes = pyplot.subplots(-(-len(metrics) // columns), columns, figsize=(6.6 * columns, 4.6 * -(-len(metrics) // columns)), squeeze=False)
    for axis in axes.flat[len(metrics):]:
        axis.set_visible(False)
    shown = [v for v in (values_of(sweep, lines) if lines else [None]) if lines is None or (sweep[lines] == v).any()]
    colours, ramp = colours_of(sweep, lines, shown)
    for axis, metric in zip(axes.flat, metrics):
        table = estimate(sweep, [against, *([lines] if lines else [])], metric)
        factor, unit = scale(metric, table["mean"].abs().max() if len(table) else 0)
        for k, value in enumerate(shown):
            rows = table if lines is None else table[table[lines] == value]
            if numeric:
                rows = rows.sort_values(against)
                x = rows[against].to_numpy(float)
            else:  # beside each other
                x = numpy.array([across.index(v) for v in rows[against]], float) + (k - (len(shown) - 1) / 2) * min(0.14, 0.7 / len(shown))
            axis.errorbar(x, factor * rows["mean"], yerr=numpy.nan_to_num(factor * rows["half"].to_numpy(float)), color=colours[k], marker=MARKERS[k % len(MARKERS)],
                          markersize=5, linewidth=1.6, elinewidth=1.3, capsize=3, linestyle="none" if not numeric else "--" if k >= len(COLOURS) and not ramp else "-",
                          label=None if lines is None else value_text(value))
        axis.set_ylabel(label(metric, unit))
        axis.set_xlabel(against)
        if not numeric:
            axis.set_xticks(range(len(across)), [value_text(v) for v in across], rotation=20 if sum(len(value_text(v)) for v in across) > 45 else 0,
                            ha="right" if sum(len(value_text(v)) for v in across) > 45 else "center")
            axis.set_xlim(-0.6, len(across) - 0.4)
            axis.grid(axis="x", visible=False)
        elif min(across) > 0 and max(across) / min(across) >= 50:
            axis.set_xscale("log")
            round_ticks(axis.xaxis)
        means = table["mean"]
        if len(means) and means.min() > 0 and means.max() / means.min() > 50:
            axis.set_yscale("log")
            round_ticks(axis.yaxis)
    head_legend(figure, axes.flat[0], lines)
    return figure


def round_ticks(axis):
    """1, 2 and 5 of each power of ten on a logarithmic axis, as plain numbers."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if high / low < 1e4 else (1,)))
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))


def head_legend(figure, axis, title):
    """Names of lines above all panels, in as many columns as fit."""
    handles, names = axis.get_legend_handles_labels()
    height, above = figure.get_figheight(), 0.1
    if names:
        columns = max(1, min(len(names), int(figure.get_figwidth() / (0.65 + 0.095 * max(map(len, names))))))
        figure.legend(handles, names, title=title, loc="upper left", ncol=columns, frameon=False, bbox_to_anchor=(0, 1.0), columnspacing=1.4, alignment="left")
        above = 0.42 + 0.22 * -(-len(names) // columns)
    figure.tight_layout(rect=(0, 0.17 / height, 1, 1 - above / height), h_pad=1.6, w_pad=2)


def front_of(table, metrics):
    """Which rows no other one beats."""
    signed = numpy.column_stack([table[m] * (1 if is_better_higher(m) else -1) for m in metrics])
    return numpy.array([not ((signed >= row).all(axis=1) & (signed > row).any(axis=1)).any() for row in signed], bool)


def draw_pareto(sweep, metrics, lines):
    axes_ = sweep.attrs["axes"]
    table = sweep[sweep["state"] == "done"].groupby(axes_, observed=True)[metrics].mean().dropna().reset_index() if axes_ else \
        sweep[metrics].mean().to_frame().T
    if table.empty:
        raise Usage("no point of the sweep has all of " + ", ".join(metrics))
    front = front_of(table, metrics)
    if lines is None and axes_:
        lines = next((a for a in axes_ if not is_numeric(sweep, a)), axes_[0])
    if lines == "none":
        lines = None
    shown = [v for v in (values_of(sweep, lines) if lines else [None]) if lines is None or (table[lines] == v).any()]
    colours, _ = colours_of(sweep, lines, shown)
    quality, latency, cost = metrics
    figure, panels = pyplot.subplots(1, 2, figsize=(13.2, 5), sharey=True)
    qf, qu = scale(quality, table[quality].abs().max())
    for axis, metric in zip(panels, (cost, latency)):
        factor, unit = scale(metric, table[metric].abs().max())
        for k, value in enumerate(shown):
            of_it = numpy.ones(len(table), bool) if lines is None else (table[lines] == value).to_numpy()
            colour, marker = colours[k], MARKERS[k % len(MARKERS)]
            x, y = factor * table[metric], qf * table[quality]
            axis.scatter(x[of_it & ~front], y[of_it & ~front], s=26, facecolors="none", edgecolors=colour, marker=marker, linewidths=1, alpha=0.75)
            axis.scatter(x[of_it & front], y[of_it & front], s=58, color=colour, marker=marker, edgecolors="white", linewidths=0.8, zorder=3)
            axis.scatter([], [], s=40, color=colour, marker=marker, label=None if lines is None else value_text(value))
        axis.set_xlabel(label(metric, unit))
        positive = table[metric].min() > 0
        if positive and table[metric].max() / table[metric].min() > 30:
            axis.set_xscale("log")
            round_ticks(axis.xaxis)
    panels[0].set_ylabel(label(quality, qu))
    head_legend(figure, panels[0], lines)
    figure.text(0.01, 0.008, f"full: not beaten in {words(quality).lower()}, {words(latency).lower()} and {words(cost).lower()} together "
                             f"({front.sum()} of {len(front)})", ha="left", va="bottom", fontsize=9, color=TEXT)
    return figure


def foot(figure, sweep, fixed, of, what):
    done = sweep[sweep["state"] == "done"]
    per_point = done.groupby(sweep.attrs["axes"], observed=True)["replication"].nunique() if sweep.attrs["axes"] else pandas.Series([done["replication"].nunique()])
    parts = [sweep.attrs["name"], *([of] if of else []), *(f"{axis} {value_text(v)}" for axis, v in fixed.items())]
    if len(per_point):
        low, high = per_point.min(), per_point.max()
        parts.append(f"{low if low == high else f'{low} to {high}'} replications" if high > 1 else "one replication")
        if high > 1:
            parts.append(what)
    tasks = sweep.drop_duplicates("task")
    if (tasks["state"] != "done").any():
        parts.append(f"not complete: {(tasks['state'] == 'done').sum()} of {len(tasks)} tasks")
    figure.text(0.99, 0.008, "  ·  ".join(parts), ha="right", va="bottom", fontsize=9, color=GREY)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", metavar="SWEEP_DIR")
    parser.add_argument("--out", required=True, metavar="PLOT.pdf|png|svg")
    parser.add_argument("--metric", nargs="+", default=None, metavar="NAME", help="what to plot (default slo_attainment)")
    parser.add_argument("--against", metavar="AXIS", help="axis across (default: the first of numbers)")
    parser.add_argument("--lines", metavar="AXIS", help="axis with a line for each value, or none (default: the next one)")
    parser.add_argument("--where", action="append", default=[], metavar="AXIS=VALUE", help="only these tasks; may be repeated")
    parser.add_argument("--of", metavar="NAME", help="of the queries of this class or task only")
    parser.add_argument("--pareto", action="store_true", help="plot three metrics against each other")
    parser.add_argument("--pareto-metrics", nargs=3, default=["effective_accuracy", "latency_p99_s", "cost_usd"], metavar=("QUALITY", "LATENCY", "COST"),
                        help="which (default effective_accuracy latency_p99_s cost_usd)")
    args = parser.parse_args()
    if pathlib.Path(args.out).suffix not in (".png", ".pdf", ".svg"):
        parser.error(f"--out {args.out}: expected a file that ends in .pdf, .png or .svg")
    try:
        sweep = read(args.sweep, args.of)
        sweep, fixed = where(sweep, args.where)
        if not (sweep["state"] == "done").any():
            raise Usage("no task of it is done: there is nothing to plot")
        wanted = args.pareto_metrics if args.pareto else args.metric or ["slo_attainment"]
        for metric in wanted:
            if metric not in metrics_of(sweep):
                raise Usage(f"no metric is called {metric}; there are {', '.join(metrics_of(sweep))}")
        with pyplot.rc_context(STYLE):
            if args.pareto:
                figure = draw_pareto(sweep, wanted, args.lines)
            else:
                figure = draw_metrics(sweep, wanted, *choose_axes(sweep, fixed, args.against, args.lines))
            foot(figure, sweep, fixed, args.of, "means" if args.pareto else f"{100 * CONFIDENCE:g} % intervals")
            figure.savefig(args.out, dpi=130)
    except Usage as error:
        parser.error(str(error))
    except (tideline_results.ResultsError, OSError) as error:
        sys.exit(f"plot_sweep.py: {error}")
    print(args.out)


if __name__ == "__main__":
    main()
