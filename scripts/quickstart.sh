#!/usr/bin/env bash
# Builds the program and replays a day under three sets of policies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: scripts/quickstart.sh [--help]

Installs what is missing (scripts/setup.sh), builds build/release/tideline and replays a day under three sets of policies with it, which
prints one table and writes one results file a scenario to results/quickstart/.
EOF
}

for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    *) echo "quickstart.sh: unknown option '$argument'; see --help" >&2; exit 2 ;;
  esac
done

bash scripts/setup.sh
cmake --preset release
cmake --build --preset release --target tideline
build/release/tideline run scenarios/quickstart.json scenarios/quickstart_fixed.json scenarios/quickstart_persist.json \
  --out results/quickstart
