#!/usr/bin/env bash
# The main job from nothing: install, build, train a model on Fashion-MNIST, sample from it, measure it, show the report.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/demo.sh [--minutes N] [--no-install] [--run FOLDER] [--seed S]

On a fresh Debian 12 machine this installs what is missing, builds iddpm, trains a class-conditional diffusion model on
Fashion-MNIST (60,000 images of clothes), draws samples of every class and measures its likelihood.
  --minutes N    time for training (default 10; decimals allowed)
  --no-install   don't install packages
  --run FOLDER   where the run goes (default: runs/demo, or runs/demo-2 ... if that is taken)
  --seed S       another model
EOF
}

minutes=10
install=true
run=
seed=0
while [ $# -gt 0 ]; do
  case $1 in
    --minutes | --run | --seed)
      if [ $# -lt 2 ]; then echo "demo.sh: $1 needs a value" >&2; exit 2; fi
      case $1 in --minutes) minutes=$2 ;; --run) run=$2 ;; --seed) seed=$2 ;; esac
      shift
      ;;
    --no-install) install=false ;;
    -h | --help) usage; exit 0 ;;
    *) echo "demo.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
  shift
done

start=$PWD
cd "$(dirname "$0")/.."
if $install; then scripts/install_dependencies.sh --dataset; fi
scripts/build.sh release -DIDDPM_BUILD_TESTS=OFF -DIDDPM_BUILD_EXAMPLES=OFF
iddpm=$PWD/build/release/bin/iddpm
data=/usr/share/datasets/fashion-mnist

if [ -z "$run" ]; then
  run=$PWD/runs/demo
  number=2
  while [ -e "$run" ]; do run=$PWD/runs/demo-$number; number=$((number + 1)); done
else
  case $run in /*) ;; *) run=$start/$run ;; esac
fi

"$iddpm" train --data "$data" --preset fashion-mnist --minutes "$minutes" --seed "$seed" --run "$run"
"$iddpm" sample "$run" --count 100 --seed "$seed" --by-class --out "$run/samples/final"
"$iddpm" evaluate "$run" --data "$data" --split test --count 200 --steps 200 --json-file "$run/evaluation.json"
"$iddpm" report "$run"
