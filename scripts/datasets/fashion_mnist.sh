#!/bin/bash
# Installs Debian's package of Fashion-MNIST.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: fashion_mnist.sh [FOLDER]

Installs the Debian package dataset-fashion-mnist (70,000 grey images 28x28 of 10 kinds of clothes; 30 MB; MIT licence),
which lies in /usr/share/datasets/fashion-mnist; with FOLDER, links it there too. Uses sudo unless run by root. The
package manager checks what it downloads. On other systems, get the four files from
https://github.com/zalandoresearch/fashion-mnist and put them into a folder whose name contains "fashion", which gives
the classes their names.

Example:
  scripts/datasets/fashion_mnist.sh
  iddpm train --preset fashion-mnist --data /usr/share/datasets/fashion-mnist
TEXT
}

parse_arguments 0 1 "$@"
installed=/usr/share/datasets/fashion-mnist
if [[ ! -d $installed ]]; then
  need apt-get
  as_root=()
  if ((EUID != 0)); then
    need sudo
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get install --yes --no-install-recommends dataset-fashion-mnist
fi
folder=${1:-$installed}
if (($# == 1)); then
  [[ ! -e $folder ]] || fail "$folder is already there"
  mkdir -p -- "$(dirname -- "$folder")"
  ln --symbolic -- "$installed" "$folder"
fi
use_it "$folder" --preset fashion-mnist
