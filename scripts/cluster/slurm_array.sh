#!/usr/bin/env bash
# Submits a sweep as a Slurm job array, one task of the sweep per array task, and merges when all are done.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/cluster/slurm_array.sh SWEEP.json DIR [OPTION OF SWEEP]... [-- OPTION OF SBATCH]...

Submits every task of the sweep that is not finished in DIR as a job array, and a job that merges after them. DIR must be on a file system
that all nodes see. TIDELINE names the program (default: build/release/tideline); AT_ONCE limits how many tasks run at a time.
  scripts/cluster/slurm_array.sh scenarios/sweeps/selection_by_load.json /shared/by_load -- --time=10 --mem=2G
  AT_ONCE=50 scripts/cluster/slurm_array.sh big.json /shared/big --records queries -- --partition=short
Prints the ids of the array and of the merge job; what the tasks print is in DIR-logs.
EOF
}

if [[ ${1:-} == --help || ${1:-} == -h ]]; then usage; exit 0; fi
if (($# < 2)); then usage >&2; exit 2; fi
command -v sbatch > /dev/null || { echo "slurm_array.sh: there is no sbatch here: this is for machines with Slurm" >&2; exit 3; }

tideline=$(realpath "${TIDELINE:-build/release/tideline}")
sweep=$1 folder=$2
shift 2
of_sweep=()
while (($# > 0)) && [[ $1 != -- ]]; do of_sweep+=("$1"); shift; done
if (($# > 0)); then shift; fi

# The list is the same wherever it is read; finished tasks end at once, so that the script may simply be run again.
count=$("$tideline" sweep "$sweep" "${of_sweep[@]}" --list | wc -l)
logs=${folder%/}-logs
mkdir -p "$logs"
limit=${AT_ONCE:+%$AT_ONCE}
printf -v command '%q ' "$tideline" sweep "$sweep" "${of_sweep[@]}" --out "$folder" --quiet
array=$(sbatch --parsable --job-name=tideline --ntasks=1 --cpus-per-task=1 --array="0-$((count - 1))$limit" \
  --output="$logs/%a.log" "$@" --wrap "$command --task \$SLURM_ARRAY_TASK_ID")
array=${array%%;*}
printf -v merge '%q ' "$tideline" merge "$folder"
after=$(sbatch --parsable --job-name=tideline-merge --ntasks=1 --dependency="afterany:$array" --output="$logs/merge.log" "$@" \
  --wrap "$merge")
echo "$array ${after%%;*}"
