#!/bin/bash
# Turns the downsampled ImageNet's .npz batches into folders of images.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: imagenet64.sh BATCHES FOLDER

ImageNet may be downloaded only by people who have agreed to its terms: sign in at https://image-net.org/download-images
and get "Imagenet64" in npz format. BATCHES is the folder with the unpacked files train_data_batch_1.npz to
train_data_batch_10.npz and val_data.npz (or some of them). They become PNG files in FOLDER/train and FOLDER/val, in a
sub-folder for each class, named by its number (0001 to 1000, the batches' own order): 1,281,167 and 50,000 files.
There are no checksums here, for none are published with the files. Needs Python 3 with NumPy.

Example:
  scripts/datasets/imagenet64.sh downloads/Imagenet64 data/imagenet64
  iddpm train --preset imagenet64-cond --data data/imagenet64 --labels folders
TEXT
}

parse_arguments 2 2 "$@"
need_python_module numpy python3-numpy
batches=$1
folder=$2
[[ -d $batches ]] || fail "there is no folder $batches"
shopt -s nullglob
train=("$batches"/train_data_batch_*.npz)
val=("$batches"/val_data.npz)
[[ -f ${val[0]} ]] || val=()
((${#train[@]} + ${#val[@]} > 0)) || fail "$batches holds no train_data_batch_*.npz or val_data.npz; see --help"
program=$(dirname "${BASH_SOURCE[0]}")/npz_to_png.py
for batch in "${train[@]}"; do python3 "$program" "$batch" "$folder/train"; done
for batch in "${val[@]}"; do python3 "$program" "$batch" "$folder/val"; done
use_it "$folder"
