#!/usr/bin/env python3
"""Plots a comparison: for each metric the differences of the alternatives from the baseline, with their intervals.

  scripts/plot_compare.py results/compare.json --out effects.pdf
  scripts/plot_compare.py results/compare.json --metric slo_attainment latency_p99_s cost_usd --relative --out effects.png

Colours are verdicts of `tideline compare`: better, worse, different (of a metric of which neither more nor less is better), or none shown.
Ground of another shade: differences within the margin of equivalence, where the comparison has one.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plot_run  # first: it says what is missing where matplotlib or pandas are
import matplotlib.lines as lines
import matplotlib.pyplot as pyplot
import matplotlib.ticker as ticker
import numpy
import tideline_results
from plot_run import GREY, STYLE, TEXT
from plot_sweep import scale, words

VERDICTS = {"better": ("#009E73", "o"), "worse": ("#D55E00", "s"), "different": ("#0072B2", "D")}
OTHER = ("#777777", "o")


def names_of(effects, axes):
    """Names of the alternatives; without the axis where there is one only."""
    labels = list(effects["alternative"].cat.categories)
    front = f"{axes[0]}=" if len(axes) == 1 else ""
    return {text: text.removeprefix(front) for text in labels}


def draw(effects, values, metrics, relative):
    names = names_of(effects, [c for c in values.columns if c not in ("alternative", "metric", "replication", "value")])
    baseline = effects.attrs["baseline"]
    against = set(effects["against"])
    alternatives = [a for a in effects["alternative"].cat.categories if a not in against]
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    height = 0.36 * len(alternatives) + 1.4
    figure, panels = pyplot.subplots(rows, columns, figsize=(1.9 + 3.9 * columns, height * rows + 0.9), sharey=True, squeeze=False)
    for axis in panels.flat[len(metrics):]:
        axis.set_visible(False)
    for axis, metric in zip(panels.flat, metrics):
        table = effects[effects["metric"] == metric]
        base = table["baseline_mean"].iloc[0]  # with several conditions that of the first
        largest = table[["difference", "low", "high"]].abs().max().max()
        factor, unit = scale(metric, largest if numpy.isfinite(largest) else 0)
        if relative:
            factor, unit = (100 / abs(base), "%") if base else (numpy.nan, "%")
        elif unit == "%":
            unit = "percentage points"
        margin = factor * table["margin"].max()
        if numpy.isfinite(margin) and margin > 0:
            axis.axvspan(-margin, margin, color="#ececec", zorder=0, linewidth=0)
        axis.axvline(0, color=TEXT, linewidth=1, zorder=1)
        ends = [0.0]
        for row in table.itertuples():
            if relative:  # each condition has a baseline of its own
                factor = 100 / abs(row.baseline_mean) if row.baseline_mean else numpy.nan
            if not numpy.isfinite(row.difference) or not numpy.isfinite(factor):
                continue
            colour, marker = VERDICTS.get(row.verdict, OTHER)
            y = alternatives.index(row.alternative)
            if numpy.isfinite(row.low) and numpy.isfinite(row.high):
                axis.errorbar(factor * row.difference, y, xerr=[[factor * (row.difference - row.low)], [factor * (row.high - row.difference)]], color=colour, marker=marker,
                              markersize=5, elinewidth=1.8, capsize=3)
                ends += [factor * row.low, factor * row.high]
            else:
                axis.plot(factor * row.difference, y, color=colour, marker=marker, markersize=5, linestyle="none", markerfacecolor="white")
            ends.append(factor * row.difference)
        low, high = min(ends), max(ends)
        room = 0.08 * (high - low) or 1
        axis.set_xlim(low - room, high + room)
        axis.xaxis.set_major_locator(ticker.MaxNLocator(5))
        better = table["better"].iloc[0]
        axis.set_title(words(metric), fontsize=11)
        base_factor, base_unit = scale(metric, abs(base))
        axis.set_xlabel(unit + {"higher": " (more is better)", "lower": " (less is better)"}.get(better, "") +
                        (f"\nbaseline {base_factor * base:.4g}" + (f" {base_unit}" if base_unit else "") if len(against) == 1 else ""), fontsize=9.5)
        axis.set_yticks(range(len(alternatives)), [names[a] for a in alternatives])
        axis.set_ylim(len(alternatives) - 0.5, -0.5)
        axis.grid(axis="y", visible=False)
    drawn = effects[effects["metric"].isin(metrics)]
    verdicts = [v for v in VERDICTS if (drawn["verdict"] == v).any()]
    handles = [lines.Line2D([], [], color=VERDICTS[v][0], marker=VERDICTS[v][1], linewidth=1.8, markersize=5) for v in verdicts]
    if (~drawn["verdict"].isin(VERDICTS)).any():
        handles.append(lines.Line2D([], [], color=OTHER[0], marker=OTHER[1], linewidth=1.8, markersize=5))
        verdicts.append("no difference shown")
    top = figure.get_figheight()
    figure.suptitle(f"{effects.attrs['scenario']['name']}: differences from {names.get(baseline, baseline)}", x=0.01, y=1 - 0.08 / top, ha="left", va="top", fontsize=13, fontweight="bold")
    figure.legend(handles, verdicts, loc="upper left", ncol=len(handles), frameon=False, bbox_to_anchor=(0, 1 - 0.3 / top), columnspacing=1.3)
    figure.text(0.99, 0.05 / top, f"{effects.attrs['replications']} replications  ·  {100 * effects.attrs['confidence']:g} % intervals  ·  correction: {effects.attrs['correction']}",
                ha="right", va="bottom", fontsize=9, color=GREY)
    figure.tight_layout(rect=(0, 0.22 / top, 1, 1 - 0.55 / top), h_pad=1.2, w_pad=1.5)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", metavar="COMPARE.json")
    parser.add_argument("--out", required=True, metavar="PLOT.pdf|png|svg")
    parser.add_argument("--metric", nargs="+", metavar="NAME", help="which (default: all of the comparison)")
    parser.add_argument("--relative", action="store_true", help="in percent of the baseline")
    args = parser.parse_args()
    if pathlib.Path(args.out).suffix not in (".png", ".pdf", ".svg"):
        parser.error(f"--out {args.out}: expected a file that ends in .pdf, .png or .svg")
    try:
        effects, values = tideline_results.load_compare(args.comparison)
        known = [m for m in effects["metric"].cat.categories if (effects["metric"] == m).any()]
        metrics = args.metric or known
        for metric in metrics:
            if metric not in known:
                parser.error(f"no metric of the comparison is called {metric}; there are {', '.join(known)}")
        if not metrics:
            raise tideline_results.ResultsError(f"{args.comparison}: has no differences: there is the baseline only")
        with pyplot.rc_context(STYLE):
            draw(effects, values, metrics, args.relative).savefig(args.out, dpi=130)
    except (tideline_results.ResultsError, OSError) as error:
        sys.exit(f"plot_compare.py: {error}")
    print(args.out)


if __name__ == "__main__":
    main()
