#!/usr/bin/env bash
# Checks that the C++ sources are laid out as .clang-format says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: scripts/check_format.sh [--fix] [--help]

Checks the tracked *.h and *.cpp files with clang-format 14; other versions lay out some code differently.
  --fix   rewrite the files instead
Exit status: 0 all is well, 1 a file differs, 2 usage, 3 there is no clang-format 14.
EOF
}

mode=(--dry-run --Werror)
for argument in "$@"; do
  case $argument in
    --fix) mode=(-i) ;;
    --help | -h) usage; exit 0 ;;
    *) echo "check_format.sh: unknown option '$argument'; see --help" >&2; exit 2 ;;
  esac
done

formatter=
for name in clang-format-14 clang-format; do
  if command -v "$name" > /dev/null && [[ $("$name" --version) == *"version 14."* ]]; then formatter=$name; break; fi
done
if [[ -z $formatter ]]; then
  echo "check_format.sh: clang-format 14 is needed (package clang-format-14; on Debian 12 also clang-format)" >&2
  exit 3
fi

files=()
while IFS= read -r -d '' file; do
  # A file may be deleted and not yet committed.
  if [[ -f $file ]]; then files+=("$file"); fi
done < <(git ls-files -z -- '*.h' '*.cpp')
if ((${#files[@]} == 0)); then echo "check_format.sh: there are no tracked *.h or *.cpp files" >&2; exit 1; fi

if ! "$formatter" "${mode[@]}" --style=file "${files[@]}"; then
  echo "check_format.sh: run scripts/check_format.sh --fix" >&2
  exit 1
fi
echo "check_format.sh: ${#files[@]} files"
