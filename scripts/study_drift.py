#!/usr/bin/env python3
"""Table of studies/drift.md, of the sweep in a folder: scripts/study.sh calls it.

  scripts/study_drift.py results/study_drift
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tideline_results as tr


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    out = pathlib.Path(sys.argv[1])
    sweep = tr.load_sweep(out / "sweep")
    sweep["hit"] = 100 * (1 - sweep["cold_starts"] / sweep["queries_arrived"])
    names = {"lru": "LRU", "static": "static top 9", "ranked": "ranked top 9"}
    rows = ["| two ranks swap every | " + " | ".join(names.values()) + " | LRU less static |", "|" + "---|" * (len(names) + 2)]
    loses = None
    for swap, of in sweep.groupby("swap", observed=True, sort=False):
        hits = {keep: of[of["keep"] == keep].set_index("replication")["hit"] for keep in names}
        mean, half = tr.mean_interval(hits["lru"] - hits["static"])  # the same queries meet both
        if loses is None and mean - half > 0:
            loses = swap
        cells = " | ".join("{:.1f} ± {:.1f}".format(*tr.mean_interval(h)) for h in hits.values())
        rows.append(f"| {swap} | {cells} | {mean:+.1f} ± {half:.1f} |")
    (out / "tables.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    print("\n".join(rows))
    print("LRU never beats the static choice" if loses is None else f"the static choice loses to LRU from a swap every {loses} on")
    print(f"table: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
