#!/usr/bin/env bash
# Configures and builds a preset, quietly: progress on a terminal, the compiler's words only when something is wrong.
set -euo pipefail

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  echo "Usage: scripts/build.sh [PRESET=release] [CMAKE OPTION ...]"
  echo "Configures and builds into build/PRESET. A second run builds only what changed."
  echo "Sources are compiled in groups, which halves a first build; who changes them often is better served by"
  echo "  scripts/build.sh release -DIDDPM_UNITY_BUILD=OFF"
  exit 0
fi
cd "$(dirname "$0")/.."
preset=${1:-release}
[ $# -gt 0 ] && shift

# A compiler on these headers takes up to 1.5 GB: no more jobs than memory allows.
memory_gib=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo 2>/dev/null || echo 4)
jobs=$(nproc 2>/dev/null || echo 2)
if [ "$jobs" -gt $((memory_gib * 2 / 3 + 1)) ]; then jobs=$((memory_gib * 2 / 3 + 1)); fi

mkdir -p "build/$preset"
log=build/$preset/build.log
echo "Configuring (build/$preset)"
if ! cmake --preset "$preset" -DIDDPM_UNITY_BUILD=ON "$@" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
echo "Building with $jobs jobs; the first build takes some minutes"
if [ -t 1 ]; then
  cmake --build --preset "$preset" -j "$jobs"
elif ! cmake --build --preset "$preset" -j "$jobs" >"$log" 2>&1; then
  grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)' "$log" >&2
  exit 1
fi
