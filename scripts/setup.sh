#!/usr/bin/env bash
# Installs what building and testing need on Debian 12 and Ubuntu 24.04.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config git python3
  libboost-dev libeigen3-dev nlohmann-json3-dev libcxxopts-dev libhdf5-dev zlib1g-dev coinor-libcbc-dev libdnnl-dev
  libgtest-dev libgmock-dev librapidcheck-dev
  clang-format parallel zstd python3-h5py python3-pandas python3-matplotlib python3-jsonschema hdf5-tools
)

usage() {
  cat <<EOF
Usage: scripts/setup.sh [--help]

Installs with apt what building and testing need, and nothing else; does nothing, without network, when all of it is there:
  ${packages[*]}

Not installed, and not needed: a browser (package chromium, 350 MB). With it the test cli.report also looks at the pages of
\`tideline report\`; without it that part is skipped.

The environment variable TIDELINE_SKIP_SETUP=1 makes this script do nothing, for systems where these were installed in
another way.
Exit status: 0 all is there, 2 usage, 3 this script cannot install here (the message says what to do).
EOF
}

for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    *) echo "setup.sh: unknown option '$argument'; see --help" >&2; exit 2 ;;
  esac
done

if [[ ${TIDELINE_SKIP_SETUP:-0} == 1 ]]; then exit 0; fi

if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
  cat >&2 <<'EOF'
setup.sh: there is no apt here. Install these in the way of this system, then set TIDELINE_SKIP_SETUP=1:
  a C++20 compiler (GCC 12 or Clang 14, or later), CMake 3.25, Ninja, pkg-config, git, Python 3
  Boost 1.74 headers, Eigen 3.4, nlohmann-json 3.10, cxxopts, HDF5 1.10 (C library), zlib 1.2, CBC 2.10 (COIN-OR), or later
  for real kernels, not required: oneDNN 2.6; on a GPU: CUDA 12 with nvcc, and cuDNN
  for the tests: GoogleTest with GoogleMock, RapidCheck, HDF5 command line tools, GNU parallel, zstd, clang-format 14; of Python h5py, pandas, Matplotlib and jsonschema
EOF
  exit 3
fi

installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2> /dev/null | grep -qx installed; }

missing=()
for package in "${packages[@]}"; do
  if installed "$package" || { [[ $package == clang-format ]] && installed clang-format-14; }; then continue; fi
  missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "setup.sh: all ${#packages[@]} packages are there"
  exit 0
fi

# The formatting check wants version 14, which is not the default on systems later than Debian 12.
prefer_clang_format_14() {
  local i
  for i in "${!missing[@]}"; do
    if [[ ${missing[i]} == clang-format && -n $(apt-cache show clang-format-14 2> /dev/null) ]]; then missing[i]=clang-format-14; fi
  done
}
prefer_clang_format_14

as_root=()
if [[ $(id -u) != 0 ]]; then
  if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    as_root=(sudo -n)
  else
    echo "setup.sh: installing needs root, and sudo would ask for a password. Run this, then try again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 3
  fi
fi

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" < /dev/null; }

echo "setup.sh: installing ${missing[*]}"
apt update || echo "setup.sh: apt-get update failed; trying with the package lists that are there" >&2
# Again: only now may the package lists be there.
prefer_clang_format_14
apt install -y --no-install-recommends "${missing[@]}"
