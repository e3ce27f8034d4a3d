#!/bin/bash
# Downloads CIFAR-10 (binary version).
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: cifar10.sh FOLDER

Downloads the binary version of CIFAR-10 (60,000 colour images 32x32 of 10 classes; 162 MB) from its authors' page,
https://www.cs.toronto.edu/~kriz/cifar.html, checks it against the MD5 given there, and unpacks it into
FOLDER/cifar-10-batches-bin.

Example:
  scripts/datasets/cifar10.sh data
  iddpm train --preset cifar10 --data data/cifar-10-batches-bin
TEXT
}

parse_arguments 1 1 "$@"
need tar gzip
folder=$1
mkdir -p -- "$folder"
archive=$folder/cifar-10-binary.tar.gz
download https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz "$archive" c32a1d4ab5d03f1284b67883e8d87530
tar --extract --gzip --no-same-owner --file "$archive" --directory "$folder"
use_it "$folder/cifar-10-batches-bin"
