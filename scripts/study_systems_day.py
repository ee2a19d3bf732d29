#!/usr/bin/env python3
"""The table of studies/systems_day.md, of the summaries in a folder: scripts/study.sh calls it.

  scripts/study_systems_day.py results/study_systems_day
"""
import json
import pathlib
import sys

COLUMNS = (("in time, %", "slo_attainment", 100, 2), ("goodput, queries/s", "goodput_qps", 1, 2), ("accuracy", "effective_accuracy", 1, 3),
           ("floors met, %", "accuracy_floor_attainment", 100, 1), ("p99, s", "latency_p99_s", 1, 3), ("cost, USD", "cost_usd", 1, 2),
           ("cold starts", "cold_starts", 1, 0), ("loads", "loads", 1, 0))


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    rows = ["| system | " + " | ".join(c[0] for c in COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for path in sorted(folder.glob("*.json")):
        summary = json.loads(path.read_text())
        if not summary["audit"]["passed"]:
            sys.exit(f"{path}: the audit failed")
        cells = [summary["total"][key] for _, key, _, _ in COLUMNS]
        rows.append(f"| `{path.stem}` | " + " | ".join("" if cell is None else f"{cell * factor:.{digits}f}" for cell, (_, _, factor, digits) in
                                                      zip(cells, COLUMNS)) + " |")
    (folder / "tables.md").write_text("\n".join(rows) + "\n")
    print(folder / "tables.md")


if __name__ == "__main__":
    main()
