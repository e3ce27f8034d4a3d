#!/usr/bin/env bash
# What starting costs: the program beside programs of one line that link to LibTorch, each in turn, processor milliseconds.
set -euo pipefail

if [ $# -lt 1 ] || [ "$1" = --help ]; then
  echo "Usage: benchmarks/start_up.sh IDDPM [ROUNDS=9]     (needs gcc and perf; prints the least of the rounds)"
  exit 2
fi
iddpm=$(realpath -- "$1")
rounds=${2:-9}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo 'int main(void) { return 0; }' >returns.c
printf '#include <unistd.h>\nint main(void) { _exit(0); }\n' >leaves.c
gcc returns.c -o bare
for program in returns leaves; do gcc $program.c -o $program -Wl,--no-as-needed -ltorch_cpu -lc10; done

names=("iddpm --version" "the same, every symbol bound at the start" "nothing, linked to LibTorch" "the same, ended by _exit" "nothing")
commands=("$iddpm --version" "env LD_BIND_NOW=1 $iddpm --version" ./returns ./leaves ./bare)
least=()
for ((round = 0; round < rounds; ++round)); do
  for i in "${!commands[@]}"; do
    # shellcheck disable=SC2086  # a command of several words
    time=$(perf stat -x , -e task-clock -o times -- ${commands[i]} >/dev/null && awk -F , '/task-clock/ {print $1}' times)
    least[i]=$(awk -v a="${least[i]:-1e9}" -v b="$time" 'BEGIN {print a < b ? a : b}')
  done
done
for i in "${!commands[@]}"; do printf '%8.1f ms  %s\n' "${least[i]}" "${names[i]}"; done
ldd "$iddpm" | wc -l | sed 's/$/ libraries/'
LD_DEBUG=statistics "$iddpm" --version 2>&1 | grep -E 'final number of relocations:|relative relocations' | sed 's/^ *[0-9]*: *//'
