#!/usr/bin/env bash
# Fuzzes the readers of files with libFuzzer, under AddressSanitizer and UndefinedBehaviorSanitizer.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/fuzz.sh SECONDS [TARGET ...]

Builds the fuzzers (preset fuzz; Debian: clang libclang-rt-dev libomp-dev) and runs each of the targets, or all, for so many seconds of one processor. Inputs that reach
something new are kept in build/fuzz/corpus/TARGET and begin the next run; executions and time add up over the runs (build/fuzz/runs.tsv).
A target stops at its first finding: the input is then in build/fuzz/findings/TARGET. Prints one table of all that was run so far.

  scripts/fuzz.sh 0           only the table
  scripts/fuzz.sh 60 png gif  a minute each

Repeat a finding with build/fuzz/bin/fuzz_TARGET FILE, and make it small with -minimize_crash=1 -runs=100000 FILE.
EOF
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '' | *[!0-9]*) usage >&2; exit 2 ;;
esac
seconds=$1
shift
cd "$(dirname "$0")/.."
folder=build/fuzz
runs=$folder/runs.tsv
all_targets=$(basename -s .cpp -a fuzz/targets/*.cpp)
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets <<<"$all_targets"
for target in "${targets[@]}"; do
  [ -e "fuzz/targets/$target.cpp" ] || { echo "No target '$target'; there are:" $all_targets >&2; exit 2; }
done

# What an input may cost: 512 MiB at a time, 1 GiB in all, 10 seconds.
limits=(-malloc_limit_mb=512 -rss_limit_mb=1024 -timeout=10 -max_len=65536)
export UBSAN_OPTIONS=print_stacktrace=1

run_target() {
  local target=$1 corpus=$folder/corpus/$1 findings=$folder/findings/$1 log=$folder/logs/$1.log
  mkdir -p "$corpus" "$findings" "$folder/logs"
  echo "$target: $seconds s" >&2
  # What processes of the subshell cost: minutes and seconds, of the program and of the system.
  (
    "$folder/bin/fuzz_$target" "$corpus" "$folder/seeds/$target" "${limits[@]}" -max_total_time="$seconds" \
      -print_final_stats=1 -artifact_prefix="$findings/" >"$log" 2>&1 || echo "  a finding: $log" >&2
    times >"$log.times"
  )
  local executions coverage processor_seconds
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
  processor_seconds=$(tail -1 "$log.times" | tr 'ms' '  ' | awk '{print 60 * ($1 + $3) + $2 + $4}')
  printf '%s\t%s\t%s\t%s\n' "$target" "${executions:-0}" "$processor_seconds" "${coverage:-0}" >>"$runs"
}

if [ "$seconds" -gt 0 ]; then
  mkdir -p $folder
  if [ -z "${IDDPM_FUZZERS_BUILT:-}" ]; then
    cmake --preset fuzz >$folder/build.log && cmake --build --preset fuzz >>$folder/build.log || { tail -40 $folder/build.log >&2; exit 1; }
  fi
  rm -rf $folder/seeds
  $folder/bin/fuzz_seeds $folder/seeds
  # The readers' files, in memory where there is such a folder.
  TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" iddpm-fuzz.XXXXXX)
  export TMPDIR
  trap 'rm -rf "$TMPDIR"' EXIT
  for target in "${targets[@]}"; do run_target "$target"; done
fi

[ -e $runs ] || { echo "Nothing was run yet." >&2; exit 1; }
echo "| target | executions | processor minutes | edges reached | inputs kept | findings |"
echo "|---|---|---|---|---|---|"
awk -F'\t' '{n[$1] += $2; m[$1] += $3 / 60; if ($4 > c[$1]) c[$1] = $4}
  END {for (k in n) printf "%s\t%d\t%.1f\t%d\n", k, n[k], m[k], c[k]}' $runs | sort |
  while IFS=$'\t' read -r target executions minutes edges; do
    echo "| $target | $executions | $minutes | $edges | $(find $folder/corpus/$target -type f | wc -l) | $(find $folder/findings/$target -type f | wc -l) |"
  done
