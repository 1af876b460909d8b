# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the lists are for the scripts that source this
# lib.sh: what the scripts share: finding or installing what is needed, and building. Sourced, never run.

set -euo pipefail
CALLER=$PWD # what a user names is meant from there
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What a build and a run need, and what one lock's check and all tests need beside that, as Debian calls it.
RUN_PACKAGES=(gcc g++ git pkg-config meson ninja-build libhwloc-dev libbenchmark-dev libjansson-dev
  libboost-context-dev
  python3 python3-pandas python3-matplotlib python3-scipy libjs-chart.js)
PEER_PACKAGES=(libck-dev libnsync-dev libabsl-dev libtbb-dev) # a build does without those that are not there
CHECK_PACKAGES=(binutils relacy-dev)
TEST_PACKAGES=("${CHECK_PACKAGES[@]}" clang clang-format "libclang-rt-14-dev|libclang-rt-dev" shellcheck flake8 mypy
  libbenchmark-tools python3-selenium chromium chromium-driver parallel openssh-server golang-go libjemalloc2)
RUST_PACKAGES=(cargo librust-parking-lot-dev)
DEEP_PACKAGES=(slurm-wlm munge)
if [[ $(uname -m) == x86_64 ]]; then # elsewhere they are called otherwise, and the tests for other machines are skipped
  TEST_PACKAGES+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
    qemu-user-static)
fi

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "${0##*/}: $*"
  exit 2
}

# from_caller PATH: prints it as seen from the folder in which the script was called; nothing of nothing.
from_caller() { [[ -z $1 ]] || (cd "$CALLER" && realpath -m -- "$1"); }

# lock_builds: from now on no other installs for, builds in or deletes the folders of this checkout's build/, until
# unlock_builds or the script's end.
lock_builds() {
  mkdir -p build
  exec {builds_lock}>build/.lock
  flock -n "$builds_lock" && return
  say "another script builds in this checkout; waiting for it"
  flock "$builds_lock"
}

unlock_builds() { exec {builds_lock}>&-; }

# results_of CONSOLE: prints the folder of the run that wrote this console or JSON; nothing if there is none.
results_of() {
  local folder
  folder=$(sed -n 's/^results: //p' "$1" | tail -n 1)
  [[ -n $folder ]] || folder=$("$(python_with json)" -c '
import json, sys
print(json.load(open(sys.argv[1]))["context"]["lockbench_results"])' "$1" 2>/dev/null) || true
  printf '%s' "$folder"
}

# python_with MODULE...: prints the path of an interpreter that has these modules. The first python3 on the PATH may be
# one without the system's packages.
python_with() {
  local python imports
  imports="import $(IFS=,; printf '%s' "$*")"
  for python in /usr/bin/python3 python3 python; do
    if command -v "$python" >/dev/null && "$python" -c "$imports" 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
  fail "no Python with the modules: $*; scripts/bench installs them, or install python3-pandas python3-matplotlib python3-scipy"
}

# run_python VERB MODULE... -- ARGUMENT...: becomes that verb of scripts/py, in the folder from which the script was called.
run_python() {
  local program=$PWD/scripts/py/verb.py verb=$1 python
  local -a modules=()
  shift
  while [[ $1 != -- ]]; do
    modules+=("$1")
    shift
  done
  shift
  python=$(python_with "${modules[@]}")
  cd "$CALLER"
  exec "$python" "$program" "$verb" "$@"
}

is_installed() { [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == "install ok installed" ]]; }

# missing_packages PACKAGE...: prints those that are not installed; of A|B the first that apt knows.
missing_packages() {
  local package alternative
  for package in "$@"; do
    for alternative in ${package//|/ }; do
      is_installed "$alternative" && continue 2
    done
    printf '%s\n' "${package%%|*}"
  done
}

# Elsewhere than on Debian the names differ, so what counts is whether the tools are there.
has_tools_of_run() {
  local tool
  for tool in cc c++ git pkg-config meson ninja; do command -v "$tool" >/dev/null || return 1; done
  pkg-config --exists hwloc benchmark jansson && (python_with pandas matplotlib scipy >/dev/null 2>&1)
}

# install_packages PACKAGE...: installs what is missing through apt, or says what to install and stops.
install_packages() {
  local -a missing as_root=()
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    has_tools_of_run && return
    fail "this is not Debian or Ubuntu; please install (Debian's names): ${*//|/ or }"
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "not root and no sudo; please install: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -q -o DPkg::Lock::Timeout=600 && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -q -o DPkg::Lock::Timeout=600 --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install: ${missing[*]} (whole log: $log)"
  fi
  rm -f "$log"
}

# install_peers: installs what is missing of PEER_PACKAGES, if apt knows it; whatever fails, a peer is only left out.
install_peers() {
  local package
  local -a missing=()
  command -v apt-cache >/dev/null || return 0
  for package in $(missing_packages "${PEER_PACKAGES[@]}"); do
    if apt-cache show "$package" >/dev/null 2>&1; then missing+=("$package"); fi
  done
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
    say "without these packages the peers in them are left out: ${missing[*]}"
    return
  fi
  (install_packages "${missing[@]}") || return 0
  forget_builds
}

# install_rust: what the peer parking_lot needs. A build from before is made anew if it lacks the peer.
install_rust() {
  local lockbench=build/release/bench/lockbench
  command -v apt-get >/dev/null || fail "--with-rust installs Debian's packages: ${RUST_PACKAGES[*]}; elsewhere install cargo and the crate, as locks/peers/parking_lot/meson.build finds it"
  install_packages "${RUST_PACKAGES[@]}"
  if [[ -x $lockbench ]] && ! "$lockbench" list | grep -q '^parking_lot '; then forget_builds; fi
}

# forget_builds: a build remembers what it has not found.
forget_builds() {
  local configured
  for configured in build/*/build.ninja; do
    [[ ! -f $configured ]] || rm -rf "${configured%/*}"
  done
}

# configure DIR [MESON OPTION...]: once.
configure() {
  local dir=$1 log=$1.log
  shift
  mkdir -p build
  [[ ! -f $dir/build.ninja ]] || return 0
  say "configuring $dir"
  meson setup "$dir" "$@" >"$log" 2>&1 && return
  rm -rf "$dir"
  tail -n 20 "$log" >&2
  fail "meson could not configure $dir (whole log: $log)"
}

# build DIR "TARGETS" [MESON OPTION...]: configures once, then builds what changed of the targets (all: every one).
build() {
  local dir=$1 log=$1.log
  local -a wanted
  read -ra wanted <<<"$2"
  shift 2
  configure "$dir" "$@"
  if ! ninja -C "$dir" "${wanted[@]}" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "$dir could not be built (whole log: $log)"
  fi
}

# own_lockbench: sets `lockbench` to a program with the libraries that it preloads. In a checkout that is a copy, which
# stays as it is when the next script builds; where the scripts are installed, it is the installed one.
own_lockbench() {
  local own
  if [[ ! -f meson.build ]]; then
    lockbench=$(realpath -m "$PWD/../../bin/lockbench")
    [[ -x $lockbench ]] || lockbench=$(command -v lockbench) || fail "no program lockbench beside these scripts or on the PATH"
    return
  fi
  lock_builds
  install_packages "${RUN_PACKAGES[@]}"
  build build/release "bench/lockbench preload" --buildtype=release
  own=$(mktemp -d "$PWD/build/run.XXXXXX")
  # shellcheck disable=SC2064 # what it is now
  trap "rm -rf '$own'" EXIT
  mkdir -p "$own"/{bench,src/preload}
  cp build/release/bench/lockbench "$own/bench"
  cp build/release/src/preload/lockbench-preload-*.so "$own/src/preload"
  unlock_builds
  lockbench=$own/bench/lockbench
}
