#!/usr/bin/env bash
# Builds the Debian packages, installs them on a bare root of Debian made by debootstrap, and uses them there: the
# program, a C program that is compiled there, the Python module.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

usage() {
  cat <<'END'
Usage: scripts/test_packages.sh [--build DIR] [--release bookworm|trixie] [--root DIR] [--keep] [--mirror URL]

Needs root rights (chroot, mounts), debootstrap, dpkg-dev and 4 GB. The packages are for this machine's release of Debian.
  --build DIR      a build folder that is configured and built (default: builds build/packages)
  --release NAME   the release of the root (default: this machine's)
  --root DIR       where the root is made (default: build/roots/packages)
  --keep           keep the root afterwards, and begin with what is there
  --mirror URL     where packages come from (default: the mirror of Debian that this machine's apt uses)
END
}

fail() {
  echo "test_packages.sh: $1" >&2
  exit "${2:-1}"
}

build=
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
root=
keep=false
mirror=
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --keep) keep=true ;;
    --build | --release | --root | --mirror)
      [ $# -ge 2 ] || fail "$1 needs a value" 2
      case $1 in --build) build=$2 ;; --release) release=$2 ;; --root) root=$2 ;; --mirror) mirror=$2 ;; esac
      shift
      ;;
    *) fail "unknown option '$1'; see --help" 2 ;;
  esac
  shift
done

[ "$(id -u)" -eq 0 ] || fail "chroot and mounts need root rights: run it as root, for example by sudo"
for program in debootstrap apt-get cpack dpkg-shlibdeps dpkg-deb unshare; do
  command -v "$program" >/dev/null || fail "needs $program (apt-get install debootstrap cmake dpkg-dev util-linux)"
done
[ -n "$release" ] || fail "this system names no release of Debian; give --release"
if [ -n "$build" ]; then build=$(realpath -e -- "$build"); fi
root=$(realpath -m -- "${root:-$(dirname "$0")/../build/roots/packages}")
cd "$(dirname "$0")/.."
if [ -z "$mirror" ]; then
  # shellcheck disable=SC2016  # apt fills in $(...)
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' "Created-By: Packages" |
    awk '$1 == "Debian" && $2 == "Debian" && $3 == "main" && !found++ { print $4 }')
  [ -n "$mirror" ] || fail "this machine's apt knows no mirror of Debian (run apt-get update first, or give --mirror URL)"
fi

if [ -z "$build" ]; then
  build=$PWD/build/packages
  cmake --preset release -B "$build" -DCMAKE_INSTALL_PREFIX=/usr -DIDDPM_UNITY_BUILD=ON -DIDDPM_BUILD_TESTS=OFF \
    -DIDDPM_BUILD_EXAMPLES=OFF >/dev/null
  cmake --build "$build"
fi
packages=$build/debian-packages
rm -rf "$packages"
if ! (cd "$build" && cpack -G DEB -B "$packages") >"$build/cpack.log" 2>&1; then
  cat "$build/cpack.log" >&2
  fail "cpack failed"
fi
for package in "$packages"/*.deb; do
  echo "$(basename "$package"): $(dpkg-deb --field "$package" Depends)"
done

mark=$root/etc/iddpm-packages-root
if [ -e "$root" ] && [ -n "$(ls -A -- "$root")" ]; then
  [ -f "$mark" ] || fail "$root is there and no root that this script made: remove it or name another by --root"
fi
clean_up() {
  status=$?
  # Mounts lived in namespaces of their own and went with them.
  if ! $keep; then rm -rf --one-file-system -- "$root"; fi
  exit "$status"
}
trap clean_up EXIT

separately() { unshare --mount --pid --fork --kill-child "$@"; }

if ! [ -e "$mark" ] || ! $keep; then
  echo "Making a bare root of $release in $root"
  rm -rf --one-file-system -- "$root"
  mkdir -p "$root"
  included=()
  case $mirror in https:*) included=(--include=ca-certificates) ;; esac
  eval "$(apt-config shell proxy Acquire::http::Proxy secure_proxy Acquire::https::Proxy)"
  if [ -n "${proxy:-}" ]; then export http_proxy=$proxy; fi
  if [ -n "${secure_proxy:-}" ]; then export https_proxy=$secure_proxy; fi
  mkdir -p "$root/etc"
  echo "$release" >"$mark"
  if ! separately debootstrap --variant=minbase "${included[@]}" "$release" "$root" "$mirror" >"$build/debootstrap.log" 2>&1; then
    tail -n 20 "$build/debootstrap.log" >&2
    fail "debootstrap of $release from $mirror failed"
  fi
  # apt's words for how packages are fetched: proxies, certificates, what is checked.
  apt-config dump | grep -E '^Acquire::(https?|Check|Retries|ForceIPv|Languages|GzipIndexes)' |
    grep -v 'Proxy-Auto-Detect' >"$root/etc/apt/apt.conf.d/99host" || true
  if [ -d /etc/apt/auth.conf.d ]; then cp -a /etc/apt/auth.conf.d/. "$root/etc/apt/auth.conf.d/"; fi
  if [ ${#included[@]} -gt 0 ]; then cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; fi
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
rm -rf "$root/root/test"
mkdir -p "$root/root/test/packages"
cp "$packages"/*.deb "$root/root/test/packages/"
rm -f "$root"/root/test/packages/libiddpm++-dev*  # the C++ library is what the test `install` uses
cp -r tests/cli/data/run_of_format_2 "$root/root/test/run"
cp examples/sample_from_c.c examples/sample_by_ctypes.py "$root/root/test/"

cat >"$root/root/test/use.sh" <<'END'
set -euo pipefail
cd /root/test
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends "$@" >apt.log 2>&1 || { tail -n 20 apt.log >&2; exit 1; }; }
apt-get update >/dev/null
echo "Installing the packages and what they depend on"
install ./packages/*.deb
echo "The program"
iddpm --version
iddpm sample run --count 4 --steps 5 --threads 1 --out drawn
test -s drawn/grid.png
test -s /usr/share/man/man1/iddpm-sample.1 -o -s /usr/share/man/man1/iddpm-sample.1.gz
echo "A C program"
install gcc libc6-dev pkg-config
# shellcheck disable=SC2046  # several words
gcc -std=c99 -Wall -Wextra -pedantic -Werror sample_from_c.c -o sample_from_c $(pkg-config --cflags --libs iddpm)
./sample_from_c run 3
test -s sample_from_c_2.pgm
echo "Python"
python3 sample_by_ctypes.py libiddpm.so.0.1 run
python3 -c 'import iddpm; images = iddpm.open("run").sample(3, steps=4); print(images.shape, images.dtype)'
echo "Everything is removed again"
dpkg --purge python3-iddpm libiddpm-dev libiddpm0.1 iddpm >/dev/null
test ! -e /usr/bin/iddpm -a ! -e /usr/lib/python3/dist-packages/iddpm
END
# shellcheck disable=SC2016  # expanded by the inner shell
separately bash -euc '
  root=$1
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    chroot "$root" bash /root/test/use.sh
' bash "$root"
echo "The packages were installed on a bare root of $release and used there"
