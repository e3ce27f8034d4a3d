#!/bin/bash
# Unpacks a copy of CelebA-HQ that the user has.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: celeba_hq.sh ARCHIVE FOLDER

CelebA-HQ (30,000 faces) may be used for research only and must be asked for: see
https://github.com/switchablenorms/CelebAMask-HQ and https://github.com/tkarras/progressive_growing_of_gans. ARCHIVE is
the .zip, .tar or .tar.gz file of images you got; it is unpacked into FOLDER. There is no checksum here, for copies
differ in size and format.

Example:
  scripts/datasets/celeba_hq.sh downloads/CelebAMask-HQ.zip data/celeba-hq
  iddpm train --data data/celeba-hq/CelebAMask-HQ/CelebA-HQ-img --image-size 64
TEXT
}

parse_arguments 2 2 "$@"
archive=$1
folder=$2
[[ -f $archive ]] || fail "there is no file $archive"
mkdir -p -- "$folder"
case $archive in
  *.zip)
    need unzip
    unzip -q -n "$archive" -d "$folder"
    ;;
  *.tar | *.tar.gz | *.tgz)
    need tar
    tar --extract --no-same-owner --file "$archive" --directory "$folder"
    ;;
  *) fail "$archive: expected a .zip, .tar or .tar.gz file" ;;
esac
use_it "$folder" --labels none
