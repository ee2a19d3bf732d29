#!/usr/bin/env bash
# Makes the numbers, the table and the figure of studies/coldstart.md.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/study_coldstart.sh [--program FILE] [--out DIR] [--jobs N]

Runs the sweep of keep-alive times and evictions (scenarios/sweeps/coldstart.json) and writes to DIR
  tables.md        the tables of studies/coldstart.md
  coldstart.png    its figure
  sweep/           all runs, a results file each

  --program FILE  the program (default: build/release/tideline)
  --out DIR       default: results/study_coldstart
  --jobs N        runs at a time (default: 2)
EOF
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$root/build/release/tideline
out=$root/results/study_coldstart
jobs=2
while (($#)); do
  case $1 in
    --program | --out | --jobs)
      (($# > 1)) || { echo "study_coldstart.sh: $1 needs a value" >&2; exit 2; }
      case $1 in --program) program=$2 ;; --out) out=$2 ;; --jobs) jobs=$2 ;; esac
      shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "study_coldstart.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done
python=/usr/bin/python3
[[ -x $python ]] || python=python3

"$program" sweep "$root/scenarios/sweeps/coldstart.json" --jobs "$jobs" --records instances --quiet --resume --out "$out/sweep"
"$python" "$root/scripts/study_coldstart.py" "$out"
