#!/usr/bin/env python3
"""Plots a trace: its rate over time, the hours of its days, how it varies, and who asks.

  scripts/plot_trace.py traces/samples/formats/servegen --out servegen.png
  scripts/plot_trace.py twitter.txt --param gaps=missing --program build/release/tideline --out twitter.png

What is read is read by `tideline trace stats`, with its parameters.
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

DAY = 86400
PICTURES = [".png", ".pdf", ".svg"]
BINS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, DAY]
UNITS = [(3 * DAY, DAY, "days"), (3 * 3600, 3600, "hours"), (300, 60, "minutes"), (0, 1, "seconds")]


def stop(code, message):
    print(f"plot_trace.py: {message}", file=sys.stderr)
    sys.exit(code)


def statistics(program, arguments, bins=None):
    command = [program, "trace", "stats", *arguments, "--json"]
    if bins:
        command += ["--bins", str(bins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr.rstrip() or f"plot_trace.py: {command[0]} failed", file=sys.stderr)
        sys.exit(done.returncode if done.returncode > 0 else 1)
    return json.loads(done.stdout)


def import_what_draws():
    """Once it is known that something is to be drawn: --help needs none of it."""
    global COLOURS, GREY, ORANGE, STYLE, TEXT, numpy, pyplot
    from plot_run import COLOURS, GREY, ORANGE, STYLE, TEXT  # first: it says what is missing where matplotlib or pandas are
    import matplotlib.pyplot as pyplot
    import numpy


def digits(x):
    if x is None:
        return "-"
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}"


def over_time(axis, s):
    bin_s = s["bins"]["bin_s"]
    rate = numpy.array([numpy.nan if q is None else q / bin_s for q in s["bins"]["queries"]])
    span = len(rate) * bin_s
    factor, unit = next((f, u) for least, f, u in UNITS if span >= least)
    axis.step(numpy.arange(len(rate)) * bin_s / factor, rate, where="post", color=COLOURS[0], linewidth=0.9)
    for start in numpy.flatnonzero(numpy.isnan(rate)):
        axis.axvspan(start * bin_s / factor, (start + 1) * bin_s / factor, color="#ececec", linewidth=0, zorder=0)
    axis.set(title=f"Rate, in bins of {bin_s:g} s", xlabel=unit, ylabel="queries/s", xlim=(0, span / factor), ylim=(0, None))
    return rate


def by_hour(axis, s, rate):
    bin_s = s["bins"]["bin_s"]
    hours = ((s["bins"]["first_s"] + (numpy.arange(len(rate)) + 0.5) * bin_s) % DAY / 3600).astype(int)
    middle, low, high = (numpy.full(24, numpy.nan) for _ in range(3))
    for hour in range(24):
        here = rate[(hours == hour) & ~numpy.isnan(rate)]
        if here.size:
            low[hour], middle[hour], high[hour] = numpy.quantile(here, [0.1, 0.5, 0.9])
    axis.fill_between(numpy.arange(24) + 0.5, low, high, color=COLOURS[0], alpha=0.18, linewidth=0)
    axis.plot(numpy.arange(24) + 0.5, middle, color=COLOURS[0], marker="o", markersize=3.5)
    axis.set(title="By hour of the day", xlabel="hour (median; shade: 10 to 90 %)", ylabel="queries/s", xlim=(0, 24), ylim=(0, None))
    axis.set_xticks(range(0, 25, 4))


def variation(axis, s):
    points = [(b["bin_s"], b["dispersion"]) for b in (s["second"], s["minute"], s["series"], s["hour"]) if b["dispersion"]]
    axis.axhline(1, color=GREY, linewidth=1)
    if points:
        axis.loglog(*zip(*sorted(set(points))), color=ORANGE, marker="o")
        for x, y in points:
            axis.annotate(digits(y), (x, y), textcoords="offset points", xytext=(0, 7), ha="center", fontsize=9, color=TEXT)
        axis.set_ylim(min(0.5, min(y for _, y in points) / 2), 4 * max(y for _, y in points))
        axis.set_xlim(min(x for x, _ in points) / 2, 2 * max(x for x, _ in points))
    axis.set(title="Dispersion of counts (Poisson: 1)", xlabel="bin, s", ylabel="variance / mean")


def keys(axis, s):
    shares = [(k["name"] or "(none)", k["share"]) for k in s["keys"][:10]]
    if not shares:
        axis.axis("off")
        axis.text(0, 0.9, "The trace has no keys.", transform=axis.transAxes, color=GREY, va="top")
        return
    names = [name if len(name) < 18 else name[:15] + "..." for name, _ in shares]
    axis.barh(range(len(shares)), [100 * share for _, share in shares], color=COLOURS[2], height=0.7)
    axis.set_yticks(range(len(shares)), names, fontsize=9)
    axis.invert_yaxis()
    zipf = "" if s["zipf_exponent"] is None else f", Zipf {s['zipf_exponent']:.2f}"
    axis.set(title=f"{'First ' if len(s['keys']) > 10 else ''}{len(shares)} of {len(s['keys'])} keys{zipf}", xlabel="% of queries")
    axis.grid(axis="y", visible=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="files of one trace, or a folder")
    parser.add_argument("--out", required=True, help="picture to write: .png, .pdf, .svg")
    parser.add_argument("--format", help="format of the files")
    parser.add_argument("--unit", help="unit of times that are numbers")
    parser.add_argument("--param", action="append", default=[], help="a parameter of source trace, NAME=VALUE")
    parser.add_argument("--bin", type=float, help="length of a bin in seconds (default: what gives some hundreds)")
    parser.add_argument("--program", default=shutil.which("tideline") or "build/release/tideline", help="the program tideline")
    given = parser.parse_args()
    out = pathlib.Path(given.out)
    if out.suffix.lower() not in PICTURES:
        stop(2, f"--out {out}: expected a name that ends in {', '.join(PICTURES)}")
    if out.is_dir() or not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        stop(3, f"cannot write {out}: " + ("it is a folder" if out.is_dir() else f"{out.parent} is no folder that can be written"))
    import_what_draws()
    if not shutil.which(given.program):
        sys.exit(f"plot_trace.py: no program {given.program}: --program says where it is")
    arguments = list(given.files)
    for name in ("format", "unit"):
        if getattr(given, name):
            arguments += [f"--{name}", getattr(given, name)]
    for word in given.param:
        arguments += ["--param", word]
    first = statistics(given.program, arguments)
    own = first["series"]["bin_s"] if first["minute"]["dispersion"] is None else 1
    wanted = max(own, first["span_s"] / 700)
    s = statistics(given.program, arguments, given.bin or next((b for b in BINS if b >= wanted), math.ceil(wanted)))
    if not s["bins"]["queries"]:  # a last bin that the trace does not fill is none
        stop(2, f"the trace of {first['span_s']:g} s fills no bin of {s['bins']['bin_s']:g} s: --bin gives a shorter one")

    pyplot.rcParams.update(STYLE)
    figure = pyplot.figure(figsize=(12, 7.4))
    grid = figure.add_gridspec(2, 3, height_ratios=[1.15, 1])
    rate = over_time(figure.add_subplot(grid[0, :]), s)
    by_hour(figure.add_subplot(grid[1, 0]), s, rate)
    variation(figure.add_subplot(grid[1, 1]), s)
    keys(figure.add_subplot(grid[1, 2]), s)
    figure.suptitle(f"{' '.join(pathlib.Path(f).name for f in given.files[:3])}{' ...' if len(given.files) > 3 else ''}: {s['format']}", x=0.01,
                    ha="left", fontsize=14, fontweight="bold")
    foot = [f"{digits(s['queries'])} queries", f"{digits(s['rate_qps'])}/s", f"peak/mean per minute {digits(s['minute']['peak_to_mean'])}",
            f"per hour {digits(s['hour']['peak_to_mean'])}", f"CV of gaps {digits(s['gap_cv'])}",
            f"autocorrelation at 1 h {digits(s['autocorrelation_1h'])}", f"at 24 h {digits(s['autocorrelation_24h'])}"]
    if s["missing_s"]:
        foot.append(f"not recorded: {digits(s['missing_s'])} s (grey)")
    figure.text(0.01, 0.008, "; ".join(foot), fontsize=9.5, color=TEXT)
    figure.tight_layout(rect=(0, 0.025, 1, 0.97))
    try:
        figure.savefig(out, dpi=110)
    except OSError as error:
        stop(3, f"cannot write {out}: {error.strerror or error}")
    print(out)


if __name__ == "__main__":
    main()
