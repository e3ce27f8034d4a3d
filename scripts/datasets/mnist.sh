#!/bin/bash
# Downloads MNIST.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: mnist.sh FOLDER

Downloads MNIST (70,000 grey images 28x28 of 10 digits; 12 MB) into FOLDER. Its authors' page no longer serves it
reliably, so the copy that PyTorch keeps is taken, and checked against the MD5 sums of the original files.

Example:
  scripts/datasets/mnist.sh data/mnist
  iddpm train --preset fashion-mnist --data data/mnist
TEXT
}

parse_arguments 1 1 "$@"
folder=$1
mkdir -p -- "$folder"
source=https://ossci-datasets.s3.amazonaws.com/mnist
while read -r file md5; do
  download "$source/$file" "$folder/$file" "$md5"
done <<'FILES'
train-images-idx3-ubyte.gz f68b3c2dcbeaaa9fbdd348bbdeb94873
train-labels-idx1-ubyte.gz d53e105ee54ea40749a09fcbcd1e9432
t10k-images-idx3-ubyte.gz 9fb629c4189551a2d022fa330f9573f3
t10k-labels-idx1-ubyte.gz ec29112dd5afa0611ce80d1b7f02629c
FILES
use_it "$folder"
