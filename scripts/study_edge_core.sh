#!/usr/bin/env bash
# Makes the numbers, tables and figures of studies/edge_core.md.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/study_edge_core.sh [--program FILE] [--out DIR] [--jobs N]

Runs both sweeps of edge and core (scenarios/sweeps/edge_core*.json), compares them, and writes to DIR
  tables.md               the tables of studies/edge_core.md
  compare.txt             each setup against the cascade with a fresh view, as `tideline compare` prints it
  information.txt         the cascade with confidences that know less
  edge_core_*.png         its figures
  sweep/, thresholds/     all runs, a results file each

  --program FILE  the program (default: build/release/tideline)
  --out DIR       default: results/study_edge_core
  --jobs N        runs at a time (default: 2)
EOF
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$root/build/release/tideline
out=$root/results/study_edge_core
jobs=2
while (($#)); do
  case $1 in
    --program | --out | --jobs)
      (($# > 1)) || { echo "study_edge_core.sh: $1 needs a value" >&2; exit 2; }
      case $1 in --program) program=$2 ;; --out) out=$2 ;; --jobs) jobs=$2 ;; esac
      shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "study_edge_core.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done
python=/usr/bin/python3
[[ -x $python ]] || python=python3

"$program" sweep "$root/scenarios/sweeps/edge_core.json" --jobs "$jobs" --quiet --resume --out "$out/sweep"
"$program" sweep "$root/scenarios/sweeps/edge_core_thresholds.json" --jobs "$jobs" --quiet --resume --out "$out/thresholds"
"$program" compare "$out/sweep" --baseline cascade --metric 1-slo_attainment --metric realised_accuracy --metric latency_p99_s \
  --metric cost_usd --quiet >"$out/compare.txt"

# What hangs on how much a confidence knows: the task's `information`, which is assumed.
for information in 0.2 0.5 0.8; do
  sed "s/\"name\": \"classify-imagenet\",/& \"information\": $information,/" "$root/scenarios/catalogs/vision.json" >"$out/information_$information.json"
done
"$program" compare "$root/scenarios/edge_core/cascade.json" --set '/environment=[]' --baseline "$out/information_0.8.json" \
  --axis "/catalog=$out/information_0.2.json,$out/information_0.5.json,$out/information_0.8.json" \
  --metric realised_accuracy --metric cost_usd --max-replications 5 --jobs "$jobs" --quiet >"$out/information.txt"
"$python" "$root/scripts/study_edge_core.py" "$out"
