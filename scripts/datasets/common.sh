# What the scripts of this folder share; sourced by them, not run.
# Each defines `usage` before it calls `parse_arguments`.

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# parse_arguments SMALLEST LARGEST ARGUMENT...: answers --help, refuses unknown options and wrong numbers of arguments.
parse_arguments() {
  local smallest=$1 largest=$2 argument
  shift 2
  for argument in "$@"; do
    case $argument in
      -h | --help)
        usage
        exit 0
        ;;
      -*) fail "unknown option $argument; see --help" ;;
    esac
  done
  if (($# < smallest || $# > largest)); then
    usage >&2
    exit 2
  fi
}

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || fail "the program $program is missing; install it first"
  done
}

# need_python_module MODULE PACKAGE
need_python_module() {
  need python3
  python3 -c "import $1" 2>/dev/null || fail "Python's module $1 is missing; install it, on Debian: apt install $2"
}

# checksum_matches FILE CHECKSUM: CHECKSUM is an MD5, or a SHA-512 if it is as long as one.
checksum_matches() {
  local program=md5sum
  ((${#2} != 128)) || program=sha512sum
  need $program
  [[ $($program <"$1") == "$2  -" ]]
}

# download URL FILE [CHECKSUM]: goes on with an interrupted download; keeps a file that is already there and whole.
download() {
  local url=$1 file=$2 checksum=${3:-}
  need curl
  if [[ -f $file ]]; then
    if [[ -z $checksum ]] || checksum_matches "$file" "$checksum"; then
      return
    fi
    fail "$file is there, but its checksum is wrong; delete it and run this again"
  fi
  curl --fail --location --retry 3 --continue-at - --output "$file.part" "$url" || fail "could not download $url"
  if [[ -n $checksum ]] && ! checksum_matches "$file.part" "$checksum"; then
    rm -- "$file.part"
    fail "what came from $url has the wrong checksum"
  fi
  mv -- "$file.part" "$file"
}

# use_it PATH [OPTION...]: says how to train on the data.
use_it() { printf 'Ready. Train with: iddpm train --data %s\n' "$*"; }
