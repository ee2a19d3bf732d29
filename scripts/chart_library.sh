#!/usr/bin/env bash
# Writes src/report/uplot.js, the chart library of reports, from its npm package.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=1.6.32
sha256=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d
file=src/report/uplot.js

usage() {
  cat <<EOF
Usage: scripts/chart_library.sh [--version N.N.N] [--check] [--help]

Fetches uPlot ${version} with npm and writes it, its style sheet and its licence to ${file} as one script. Needs npm and a registry;
nothing else does: the file is checked in.
  --version  another version, to move to it: then change the version and the checksum in this script too
  --check    write nothing; fail if the file is not what would be written
Exit status: 0 done, 1 --check and the file differs, 2 usage, 3 npm or the package is missing, or is not the one expected.
EOF
}

check=0 wanted=$version
while (($# > 0)); do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --check) check=1 ;;
    --version)
      if (($# < 2)); then echo "chart_library.sh: --version needs a number" >&2; exit 2; fi
      wanted=$2
      shift
      ;;
    *) echo "chart_library.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
  shift
done

command -v npm > /dev/null || { echo "chart_library.sh: npm is missing" >&2; exit 3; }
folder=$(mktemp -d)
trap 'rm -r -- "$folder"' EXIT

(cd "$folder" && npm pack --silent "uplot@$wanted" > /dev/null) || { echo "chart_library.sh: npm cannot fetch uplot@$wanted" >&2; exit 3; }
package=$folder/uplot-$wanted.tgz
found=$(sha256sum "$package" | cut -d' ' -f1)
if [[ $wanted == "$version" && $found != "$sha256" ]]; then
  echo "chart_library.sh: uplot@$wanted has the checksum $found, not $sha256" >&2
  exit 3
fi
tar -xzf "$package" -C "$folder"

new=$folder/uplot.js
{
  echo "// uPlot $wanted, written by scripts/chart_library.sh from its npm package (SHA-256 $found)."
  echo "/*!"
  cat "$folder/package/LICENSE"
  echo "*/"
  # Its own first line is a comment that says less than ours.
  grep -v '^/\*!.*\*/$' "$folder/package/dist/uPlot.iife.min.js"
  printf 'uPlot.css = %s;\n' "$(node -p 'JSON.stringify(require("fs").readFileSync(process.argv[1], "utf8").trim())' "$folder/package/dist/uPlot.min.css")"
} > "$new"
if LC_ALL=C grep -q $'[^ -~\t]' "$new" || grep -qi '</script' "$new"; then
  echo "chart_library.sh: this version cannot stand in a page as it is" >&2
  exit 3
fi

if ((check)); then
  cmp -- "$new" "$file" || { echo "chart_library.sh: $file is not fresh: run scripts/chart_library.sh" >&2; exit 1; }
  exit 0
fi
cp -- "$new" "$file"
echo "wrote $file ($(wc -c < "$file") bytes)"
