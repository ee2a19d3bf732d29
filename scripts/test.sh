#!/usr/bin/env bash
# Sets up, builds and runs the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: scripts/test.sh [--preset NAME] [--label LABEL] [--help]

Installs what is missing (scripts/setup.sh), configures and builds a preset, and runs its tests with ctest.
  --preset NAME   preset of CMakePresets.json (default: check); it is built in build/NAME
  --label LABEL   only tests whose label matches (ctest -L): fast, unit, model, policies, theory, golden, cli
Fails when a test fails and when no test ran. A new build folder is configured for one build of everything (TIDELINE_BULK), with
ccache when it is installed; a folder that is there is used as it was configured.
EOF
}

preset=check
label=
while (($# > 0)); do
  case $1 in
    --preset | --label)
      if [[ -z ${2:-} ]]; then echo "test.sh: $1 needs a value; see --help" >&2; exit 2; fi
      if [[ $1 == --preset ]]; then preset=$2; else label=$2; fi
      shift 2
      ;;
    --help | -h) usage; exit 0 ;;
    *) echo "test.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done

bash scripts/setup.sh
if [[ -z ${CMAKE_CXX_COMPILER_LAUNCHER:-} ]] && command -v ccache > /dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
# A new folder is built as a whole at once; one that is there keeps what it was configured with.
bulk=()
if [[ ! -e build/$preset/CMakeCache.txt ]]; then bulk=(-DTIDELINE_BULK=ON); fi
cmake --preset "$preset" "${bulk[@]}"
cmake --build --preset "$preset"

selection=()
if [[ -n $label ]]; then selection=(-L "$label"); fi
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$(nproc)" "${selection[@]}"
