#!/usr/bin/env bash
# Makes a bare Debian root by debootstrap and runs the README's test command in it: what a fresh machine would see.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

usage() {
  cat <<'END'
Usage: scripts/test_in_root.sh trixie|bookworm [--keep] [--root DIR] [--mirror URL] [TEST OPTION ...]

Makes a bare root of Debian 13 (trixie) or 12 (bookworm), copies the tracked files of this working tree into it and runs
scripts/test.sh there, which installs packages, builds and tests. Needs root rights (chroot, mounts), debootstrap and 6 GB.
  --keep         keep the root afterwards: the next run only copies and builds what has changed
  --root DIR     where the root is (default: build/roots/RELEASE)
  --mirror URL   where packages come from (default: the mirror of Debian that this machine's apt uses)
Other options go to scripts/test.sh, for example: scripts/test_in_root.sh trixie --keep -L parity
END
}

fail() {
  echo "test_in_root.sh: $1" >&2
  exit "${2:-1}"
}

release=
keep=false
root=
mirror=
options=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --keep) keep=true ;;
    --root | --mirror)
      [ $# -ge 2 ] || fail "$1 needs a value" 2
      case $1 in --root) root=$2 ;; --mirror) mirror=$2 ;; esac
      shift
      ;;
    trixie | bookworm) [ -z "$release" ] && release=$1 || options+=("$1") ;;
    *) [ -n "$release" ] || fail "expected trixie or bookworm first, got '$1'; see --help" 2; options+=("$1") ;;
  esac
  shift
done
[ -n "$release" ] || fail "expected trixie or bookworm; see --help" 2

[ "$(id -u)" -eq 0 ] || fail "chroot and mounts need root rights: run it as root, for example by sudo"
for program in debootstrap apt-config git unshare; do
  command -v "$program" >/dev/null || fail "needs $program, which is not installed (apt-get install debootstrap git util-linux)"
done
unshare --mount --pid --fork true || fail "this system allows no mount namespaces, even to root (a container without CAP_SYS_ADMIN?)"

root=$(realpath -m -- "${root:-$(dirname "$0")/../build/roots/$release}")
cd "$(dirname "$0")/.."
if [ -z "$mirror" ]; then
  # shellcheck disable=SC2016  # apt fills in $(...)
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' "Created-By: Packages" |
    awk '$1 == "Debian" && $2 == "Debian" && $3 == "main" && !found++ { print $4 }')
  [ -n "$mirror" ] || fail "this machine's apt knows no mirror of Debian (run apt-get update first, or give --mirror URL)"
fi

# A root of ours names its release in a file; anything else is left alone.
mark=$root/etc/iddpm-root
if [ -e "$root" ] && [ -n "$(ls -A -- "$root")" ]; then
  [ -f "$mark" ] || fail "$root is there and no root that this script made: remove it or name another by --root"
  [ "$(cat "$mark")" = "$release" ] || fail "$root is a root of $(cat "$mark"), not of $release: name another by --root"
fi

child=
clean_up() {
  status=$?
  trap - EXIT
  if [ -n "$child" ]; then
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  # Mounts lived in the child's namespace and went with it, so that no folder of the host is below the root.
  if ! $keep || [ ! -e "$root/etc/iddpm-root-ready" ]; then rm -rf --one-file-system -- "$root"; fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# separately COMMAND...: in namespaces of its own, so that its mounts and processes end with it, however it ends.
separately() {
  unshare --mount --pid --fork --kill-child "$@" &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

# apt's words for how packages are fetched: proxies, certificates, what is checked.
fetching() {
  apt-config dump | grep -E '^Acquire::(https?|Check|Retries|ForceIPv|Languages|GzipIndexes)' | grep -v 'Proxy-Auto-Detect' || true
}

if [ ! -e "$root/etc/iddpm-root-ready" ]; then
  echo "Making a bare root of $release in $root"
  rm -rf --one-file-system -- "$root"
  mkdir -p "$root/etc"
  echo "$release" >"$mark"
  eval "$(apt-config shell proxy Acquire::http::Proxy secure_proxy Acquire::https::Proxy)"
  if [ -n "${proxy:-}" ]; then export http_proxy=$proxy; fi
  if [ -n "${secure_proxy:-}" ]; then export https_proxy=$secure_proxy; fi
  included=()
  case $mirror in https:*) included=(--include=ca-certificates) ;; esac
  log=$(mktemp)
  if ! separately debootstrap --variant=minbase "${included[@]}" "$release" "$root" "$mirror" >"$log" 2>&1; then
    tail -n 20 "$log" "$root/debootstrap/debootstrap.log" >&2 || true
    fail "debootstrap of $release from $mirror failed"
  fi
  rm -f "$log"
  fetching >"$root/etc/apt/apt.conf.d/99host"
  if [ -d /etc/apt/auth.conf.d ]; then cp -a /etc/apt/auth.conf.d/. "$root/etc/apt/auth.conf.d/"; fi
  if [ ${#included[@]} -gt 0 ]; then cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; fi
  touch "$root/etc/iddpm-root-ready"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

# Tracked files as they lie here, times kept so that only what changed is built again; what is gone here goes there.
tree=$root/root/iddpm
mkdir -p "$tree"
git -c safe.directory='*' ls-files -z | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done | sort -z >"$tree.files.new"
if [ -e "$tree.files" ]; then
  comm -z -23 "$tree.files" "$tree.files.new" | (cd "$tree" && xargs -0 -r rm -f --)
fi
tar -c --null -T "$tree.files.new" | tar -x --no-same-owner -C "$tree"
mv "$tree.files.new" "$tree.files"

echo "Running scripts/test.sh in it"
# shellcheck disable=SC2016  # expanded by the inner shell
separately bash -euc '
  root=$1; shift
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    chroot "$root" /root/iddpm/scripts/test.sh "$@"
' bash "$root" "${options[@]}"
