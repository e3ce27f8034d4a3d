#!/bin/bash
# Downloads Oxford's 102 flowers.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: flowers102.sh FOLDER

Downloads the 102 Category Flower Dataset (8,189 colour photographs; 330 MB) from its authors' page,
https://www.robots.ox.ac.uk/~vgg/data/flowers/102, checks its MD5, and unpacks it into FOLDER/jpg. If Python 3 has SciPy,
which reads the file of labels, a table FOLDER/labels.csv of the classes (1 to 102) is written too.

Example:
  scripts/datasets/flowers102.sh data/flowers102
  iddpm train --data data/flowers102/jpg --csv data/flowers102/labels.csv --image-size 64
TEXT
}

parse_arguments 1 1 "$@"
need tar gzip
folder=$1
mkdir -p -- "$folder"
source=https://www.robots.ox.ac.uk/~vgg/data/flowers/102
download $source/102flowers.tgz "$folder/102flowers.tgz" 52808999861908f626f3c1f4e79d11fa
tar --extract --gzip --no-same-owner --file "$folder/102flowers.tgz" --directory "$folder"
if ! python3 -c 'import scipy.io' 2>/dev/null; then
  echo "Without Python's SciPy (on Debian: apt install python3-scipy) there are no labels." >&2
  use_it "$folder/jpg"
  exit
fi
download $source/imagelabels.mat "$folder/imagelabels.mat" e0620be6f572b9609742df49c70aed4d
python3 - "$folder/imagelabels.mat" >"$folder/labels.csv" <<'PYTHON'
import sys

import scipy.io

print("file,label")
for number, label in enumerate(scipy.io.loadmat(sys.argv[1])["labels"].ravel(), start=1):
    print(f"image_{number:05d}.jpg,{label}")
PYTHON
use_it "$folder/jpg" --csv "$folder/labels.csv"
