#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test but the slow ones.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/test.sh [--no-install] [--all] [CTEST OPTION ...]

Installs missing Debian packages, builds into build/release and runs the tests (3 minutes of tests on 2 cores).
  --no-install   don't install packages
  --all          the slow tests too
Other options go to ctest, for example: scripts/test.sh -L parity
EOF
}

install=true
filter=(-LE slow)
options=()
for argument in "$@"; do
  case $argument in
    --no-install) install=false ;;
    --all) filter=() ;;
    -h | --help) usage; exit 0 ;;
    *) options+=("$argument") ;;
  esac
done

cd "$(dirname "$0")/.."
if $install; then scripts/install_dependencies.sh --tests --dataset; fi
scripts/build.sh release -DIDDPM_BUILD_TESTS=ON -DIDDPM_BUILD_BENCHMARKS=ON -DIDDPM_WARNINGS_AS_ERRORS=ON
exec ctest --test-dir build/release --output-on-failure "${filter[@]}" "${options[@]}"
