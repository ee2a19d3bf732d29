#!/usr/bin/env bash
# Makes the numbers, tables and figures of a study.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/study.sh STUDY [--program FILE] [--out DIR] [--jobs N]

  edge_core   both sweeps of edge and core (scenarios/sweeps/edge_core*.json), compared, for studies/edge_core.md:
                tables.md, edge_core_*.png   its tables and figures
                compare.txt      each setup against the cascade with a fresh view, as `tideline compare` prints it
                information.txt  the cascade with confidences that know less
                sweep/, thresholds/  all runs, a results file each
  coldstart   the sweep of keep-alive times and evictions (scenarios/sweeps/coldstart.json), for studies/coldstart.md:
                tables.md, coldstart.png, sweep/
  systems_day the day of the quickstart under every system of scenarios/systems, for studies/systems_day.md:
                tables.md, and SYSTEM.json, the summary of each
  drift       the sweep of drift rates (scenarios/sweeps/drift.json), for studies/drift.md:
                tables.md, sweep/
  orderings   the orderings that publications report, each in a set-up of its own (scenarios/orderings), for studies/orderings.md:
                tables.md, orderings_variants.png, and the summary of each run

  --program FILE  the program (default: build/release/tideline)
  --out DIR       default: results/study_STUDY
  --jobs N        runs at a time (default: 2)
Runs that are there already are not made again.
EOF
}
refuse() { echo "study.sh: $1; see --help" >&2; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$root/build/release/tideline
study=
out=
jobs=2
while (($#)); do
  case $1 in
    --program | --out | --jobs)
      (($# > 1)) || refuse "$1 needs a value"
      case $1 in --program) program=$2 ;; --out) out=$2 ;; --jobs) jobs=$2 ;; esac
      shift 2 ;;
    --help | -h) usage; exit 0 ;;
    edge_core | coldstart | systems_day | drift | orderings) study=$1; shift ;;
    *) refuse "unknown study or option '$1'" ;;
  esac
done
[[ -n $study ]] || refuse "which study: edge_core, coldstart, systems_day, drift or orderings?"
out=${out:-$root/results/study_$study}
python=/usr/bin/python3
[[ -x $python ]] || python=python3

sweep() {
  local name=$1 to=$2
  shift 2
  "$program" sweep "$root/scenarios/sweeps/$name.json" --jobs "$jobs" --quiet --resume --out "$out/$to" "$@"
}

edge_core() {
  sweep edge_core sweep
  sweep edge_core_thresholds thresholds
  "$program" compare "$out/sweep" --baseline cascade --metric 1-slo_attainment --metric realised_accuracy --metric latency_p99_s \
    --metric cost_usd --quiet >"$out/compare.txt"
  # What hangs on how much a confidence knows: the task's `information`, which is assumed.
  local information catalogs=()
  for information in 0.2 0.5 0.8; do
    catalogs+=("$out/information_$information.json")
    sed "s/\"name\": \"classify-imagenet\",/& \"information\": $information,/" "$root/scenarios/catalogs/vision.json" >"${catalogs[-1]}"
  done
  "$program" compare "$root/scenarios/edge_core/cascade.json" --set '/environment=[]' --baseline "${catalogs[-1]}" \
    --axis "/catalog=${catalogs[0]},${catalogs[1]},${catalogs[2]}" \
    --metric realised_accuracy --metric cost_usd --max-replications 5 --jobs "$jobs" --quiet >"$out/information.txt"
}

systems_day() {
  local file system
  mkdir -p "$out"
  for file in "$root"/scenarios/systems/*.json; do
    system=$(basename "$file" .json)
    # It has no variants of its own: the scenario has to name them.
    [[ $system == fixed_variant || -s $out/$system.json ]] && continue
    echo "$system" >&2
    "$program" run "$root/scenarios/quickstart.json" --system "$system" --no-results --quiet --summary json >"$out/$system.part"
    mv "$out/$system.part" "$out/$system.json"
  done
}

coldstart() { sweep coldstart sweep --records instances; }

drift() { sweep drift sweep; }
# It makes its runs itself.
orderings() { exec "$python" "$root/scripts/study_orderings.py" --program "$program" --jobs "$jobs" "$out"; }

"$study"
"$python" "$root/scripts/study_$study.py" "$out"
