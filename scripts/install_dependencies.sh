#!/usr/bin/env bash
# Installs the Debian packages that building, testing and the demo need. Says first what is missing; does nothing if nothing is.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/install_dependencies.sh [--tests] [--dataset] [--dry-run]

Installs what is missing of the packages that iddpm is built with (Debian 12 or 13; uses sudo when not root).
  --tests     also what the tests and kernel benchmarks need
  --dataset   also Fashion-MNIST (dataset-fashion-mnist), which the demo trains on
  --dry-run   only say what would be installed
EOF
}

packages=(g++ cmake ninja-build pkg-config libtorch-dev libdnnl-dev libhwy-dev libgloo-dev libcli11-dev
          nlohmann-json3-dev libfmt-dev libpng-dev libjpeg62-turbo-dev libwebp-dev libtiff-dev libgif-dev zlib1g-dev
          libzip-dev libssl-dev libonnx-dev
          libpango1.0-dev fonts-dejavu-core fonts-droid-fallback)
dry_run=false
for argument in "$@"; do
  case $argument in
    --tests) packages+=(libgtest-dev libbenchmark-dev) ;;
    --dataset) packages+=(dataset-fashion-mnist) ;;
    --dry-run) dry_run=true ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install_dependencies.sh: unknown option '$argument'; see --help" >&2; exit 2 ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "This system has no apt-get. Install the equivalents of these Debian packages, then use --no-install:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
if $dry_run; then
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Not root and no sudo: install these packages as root, then use --no-install." >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
install() { "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; }
if ! { "${as_root[@]}" apt-get update && install; } >"$log" 2>&1; then
  echo "Installing failed; the end of what apt-get said:" >&2
  tail -n 20 "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
