#!/usr/bin/env bash
# Builds the program with GCC and with Clang and compares their results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/compare_compilers.sh [--jobs N] [--help]

Builds the program, optimised, with g++ in build/release-gcc and with clang++ in build/release-clang (the environment variables GXX and
CLANGXX name others; scripts/setup.sh does not install Clang), runs tests/golden/scenarios with both and compares the summaries: counts
and texts exactly, other numbers to a relative 1e-9. Prints the largest relative difference of each scenario.
  --jobs N   compile at most N files at once
Exit status: 0 they agree, 1 they differ, 2 usage, 3 a compiler is missing, a build or a run failed.
USAGE
}

jobs=()
while (($# > 0)); do
  case $1 in
    --jobs)
      if [[ ! ${2:-} =~ ^[1-9][0-9]*$ ]]; then echo "compare_compilers.sh: --jobs needs a number; see --help" >&2; exit 2; fi
      jobs=(--parallel "$2")
      shift 2
      ;;
    --help | -h) usage; exit 0 ;;
    *) echo "compare_compilers.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done

# Each compiler in a folder of its own; without LTO, for which Clang would need a linker of its own.
build() {
  local folder=$1 compiler=$2
  if ! command -v "$compiler" > /dev/null; then echo "compare_compilers.sh: there is no $compiler" >&2; return 3; fi
  cmake -G Ninja -S . -B "build/$folder" -DCMAKE_BUILD_TYPE=Release -DTIDELINE_TESTS=OFF -DCMAKE_CXX_COMPILER="$compiler" || return 3
  cmake --build "build/$folder" --target tideline "${jobs[@]}" || return 3
}
build release-gcc "${GXX:-g++}"
build release-clang "${CLANGXX:-clang++}"

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for folder in release-gcc release-clang; do
  mkdir "$new/$folder"
  for scenario in tests/golden/scenarios/*.json; do
    "build/$folder/tideline" run "$scenario" --summary json --no-results --quiet > "$new/$folder/$(basename "$scenario")" || exit 3
  done
done

python3 - "$new" <<'PYTHON'
import json
import sys
from pathlib import Path


def differences(where, a, b):
    """Yields (where, relative difference) for all reals, and infinity for all else that differs."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from differences(f"{where}/{key}", a[key], b[key])
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for k, pair in enumerate(zip(a, b)):
            yield from differences(f"{where}/{k}", *pair)
    elif isinstance(a, float) and isinstance(b, float):
        scale = max(abs(a), abs(b))
        # Differences of sums that cancel have no relative size.
        yield where, abs(a - b) / scale if scale > 1e-12 else 0.0
    else:
        yield where, 0.0 if type(a) is type(b) and a == b else float("inf")


def summary(path):
    value = json.loads(path.read_text(encoding="utf-8"))
    del value["audit"]["checks"]  # texts for people
    return value


code = 0
for path in sorted(Path(sys.argv[1], "release-gcc").iterdir()):
    found = list(differences("", summary(path), summary(Path(sys.argv[1], "release-clang", path.name))))
    where, largest = max(found, key=lambda d: d[1])
    print(f"{path.stem}: {len(found)} values, largest relative difference {largest:.2g}" + (f" at {where}" if largest > 0 else ""))
    if largest > 1e-9:
        code = 1
sys.exit(code)
PYTHON
