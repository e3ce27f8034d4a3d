#!/bin/bash
# Downloads CIFAR-100 (binary version).
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: cifar100.sh FOLDER

Downloads the binary version of CIFAR-100 (60,000 colour images 32x32 of 100 classes; 161 MB) from its authors' page,
https://www.cs.toronto.edu/~kriz/cifar.html, checks it against the MD5 given there, and unpacks it into
FOLDER/cifar-100-binary. The fine classes are used.

Example:
  scripts/datasets/cifar100.sh data
  iddpm train --data data/cifar-100-binary
TEXT
}

parse_arguments 1 1 "$@"
need tar gzip
folder=$1
mkdir -p -- "$folder"
archive=$folder/cifar-100-binary.tar.gz
download https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz "$archive" 03b5dce01913d631647c71ecec9e9cb8
tar --extract --gzip --no-same-owner --file "$archive" --directory "$folder"
use_it "$folder/cifar-100-binary"
