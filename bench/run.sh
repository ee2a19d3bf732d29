#!/usr/bin/env bash
# Builds the release program and measures it: speed against the yardstick, memory, instructions. Options go to bench/measure.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ "${1:-}" != "--help" && "${1:-}" != "-h" ]]; then
  cmake --preset release > /dev/null
  cmake --build --preset release --target tideline
fi
exec python3 bench/measure.py "$@"
