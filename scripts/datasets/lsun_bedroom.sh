#!/bin/bash
# Downloads LSUN's bedrooms and unpacks them into a folder of images.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: lsun_bedroom.sh FOLDER [LMDB]

Downloads LSUN's bedrooms (3,033,042 colour images whose shorter side is 256; 43 GB) from their authors' address,
http://dl.yf.io/lsun/scenes, and writes the WebP images they are stored as, unchanged, to FOLDER/bedroom_train. With
LMDB, takes this folder (bedroom_train_lmdb, already downloaded and unpacked) instead. There is no checksum here, for
none is published. Needs Python 3 with the module lmdb, and as much room again as the download.

Example:
  scripts/datasets/lsun_bedroom.sh data/lsun
  iddpm train --preset lsun-bedroom --data data/lsun/bedroom_train
TEXT
}

parse_arguments 1 2 "$@"
need_python_module lmdb python3-lmdb
folder=$1
lmdb=${2:-$folder/bedroom_train_lmdb}
mkdir -p -- "$folder"
if (($# == 1)) && [[ ! -d $lmdb ]]; then
  need unzip
  download http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip "$folder/bedroom_train_lmdb.zip"
  unzip -q "$folder/bedroom_train_lmdb.zip" -d "$folder"
fi
[[ -d $lmdb ]] || fail "there is no folder $lmdb"
mkdir -p -- "$folder/bedroom_train"
python3 - "$lmdb" "$folder/bedroom_train" <<'PYTHON'
import pathlib
import sys

import lmdb

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with lmdb.open(source, readonly=True, lock=False, readahead=False) as environment:
    with environment.begin() as transaction:
        for number, (_, image) in enumerate(transaction.cursor()):
            (folder / f"bedroom_{number:07d}.webp").write_bytes(image)
PYTHON
use_it "$folder/bedroom_train"
