#!/usr/bin/env bash
# Accepts the results of the golden scenarios as they are now.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/accept_golden.sh [--dry-run] [--program FILE] [NAME...] [--help]

Runs tests/golden/scenarios/NAME.json (default: all of them), shows how the summaries differ from those accepted before, and
writes them to tests/golden/expected/NAME.json. Look at the differences before you commit them.
  --dry-run        only show the differences
  --program FILE   the program to run (default: build/check/tideline)
Exit status: 0 done, 1 --dry-run and something differs, 2 usage, 3 the program is missing or a run failed; nothing is then written.
USAGE
}

dry=
program=build/check/tideline
names=()
while (($# > 0)); do
  case $1 in
    --dry-run) dry=1; shift ;;
    --program)
      if [[ -z ${2:-} ]]; then echo "accept_golden.sh: --program needs a value; see --help" >&2; exit 2; fi
      program=$2
      shift 2
      ;;
    --help | -h) usage; exit 0 ;;
    -*) echo "accept_golden.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
    *) names+=("$1"); shift ;;
  esac
done
if [[ ! -x $program ]]; then echo "accept_golden.sh: there is no program $program; build it first: scripts/test.sh" >&2; exit 3; fi

golden=tests/golden
all=0
if ((${#names[@]} == 0)); then
  all=1
  for file in "$golden"/scenarios/*.json; do names+=("$(basename "$file" .json)"); done
fi
for name in "${names[@]}"; do
  if [[ ! -f $golden/scenarios/$name.json ]]; then echo "accept_golden.sh: there is no scenario $golden/scenarios/$name.json" >&2; exit 2; fi
done

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for name in "${names[@]}"; do
  if ! "$program" run "$golden/scenarios/$name.json" --summary json --no-results --quiet > "$new/$name.json"; then
    echo "accept_golden.sh: the run of $name failed; nothing was written" >&2
    exit 3
  fi
done

changed=0
for name in "${names[@]}"; do
  old=$golden/expected/$name.json
  if [[ ! -f $old ]]; then
    echo "$name: is new"
  elif ! diff --unified=0 --label "$name, accepted" --label "$name, now" "$old" "$new/$name.json"; then
    :
  else
    continue
  fi
  changed=$((changed + 1))
  if [[ -z $dry ]]; then
    mkdir -p "$golden/expected"
    cp "$new/$name.json" "$old"
  fi
done
# What is expected of a scenario that is gone goes too.
if ((all)); then
  for old in "$golden"/expected/*.json; do
    if [[ ! -f $old || -f $golden/scenarios/$(basename "$old") ]]; then continue; fi
    echo "$(basename "$old" .json): its scenario is gone"
    changed=$((changed + 1))
    if [[ -z $dry ]]; then rm "$old"; fi
  done
fi
if [[ -n $dry ]]; then
  echo "accept_golden.sh: $changed of ${#names[@]} differ"
  if ((changed > 0)); then exit 1; fi
  exit 0
fi
echo "accept_golden.sh: accepted $changed changes of ${#names[@]} scenarios"
if ((changed > 0)); then echo "accept_golden.sh: commit them with a first line that starts with \"results:\", and add a line to CHANGES.md"; fi
