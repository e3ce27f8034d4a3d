#!/bin/bash
# Downloads Twemoji's pictures and sorts them by category.
set -euo pipefail
# shellcheck source=scripts/datasets/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: emoji.sh FOLDER [SIZE]

Downloads the package emoji-datasource-twitter 16.0.0 (62 MB) with npm, checks it against the
SHA-512 that the registry states, and writes its 1,906 colour pictures, 64x64 with transparency, to FOLDER/train and
(every tenth) FOLDER/test, in a sub-folder for each of nine categories (activities, animals-and-nature, ...). Variations
of skin tone are left out. The pictures are Twemoji's: Copyright Twitter, Inc. and other contributors, licensed under
CC-BY 4.0 (https://creativecommons.org/licenses/by/4.0/), which asks whoever shows them to say so. SIZE is the size to
train at, in the command that is printed (default 32). Needs npm and Python 3.

Example:
  scripts/datasets/emoji.sh data/emoji 16
  iddpm train --data data/emoji --image-size 16
TEXT
}

parse_arguments 1 2 "$@"
need python3 npm
folder=$1
size=${2:-32}
[[ $size =~ ^[1-9][0-9]{0,3}$ ]] || fail "expected a size in pixels such as 32, got $size"
mkdir -p -- "$folder"
archive=$folder/emoji-datasource-twitter-16.0.0.tgz
sha512=ec5fae0ae1c7fbb427adcd793f9b676ef2a483d13ab65ce2e0c9d3dae5b54653
sha512+=78a4b613cdae9c3ff76cb487d20ccb698c52d6b997b05a0f2305bb8bd9ec842d
if [[ ! -f $archive ]]; then
  (cd -- "$folder" && npm pack --silent emoji-datasource-twitter@16.0.0 >/dev/null) || fail "npm could not download the package"
fi
checksum_matches "$archive" $sha512 || fail "$archive has the wrong checksum; delete it and run this again"
python3 - "$archive" "$folder" <<'PYTHON'
import collections
import json
import pathlib
import sys
import tarfile

archive, folder = sys.argv[1], pathlib.Path(sys.argv[2])
pictures = {}
with tarfile.open(archive) as files:
    for file in files:
        path = pathlib.PurePosixPath(file.name)
        if str(path.parent) == "package/img/twitter/64":
            pictures[path.name] = files.extractfile(file).read()
        elif str(path) == "package/emoji.json":
            emoji = json.load(files.extractfile(file))

counts = collections.Counter()
for entry in sorted(emoji, key=lambda entry: entry["sort_order"]):
    category = entry["category"].lower().replace(" & ", "-and-")
    if category == "component" or not entry["has_img_twitter"]:  # components: swatches of skin tones
        continue
    split = "test" if counts[category] % 10 == 9 else "train"
    (folder / split / category).mkdir(parents=True, exist_ok=True)
    (folder / split / category / entry["image"]).write_bytes(pictures[entry["image"]])
    counts[category] += 1
for category, count in sorted(counts.items()):
    print(f"{count:5} {category}")
PYTHON
echo "Artwork: Twemoji, Copyright Twitter, Inc. and other contributors, CC-BY 4.0."
use_it "$folder" --image-size "$size"
