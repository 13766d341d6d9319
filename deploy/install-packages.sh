#!/bin/sh
# Installs the Debian 12 packages that Sidegate needs, as root or through sudo. What is there already is left alone, and
# apt is asked nothing when nothing is missing.
#
#   deploy/install-packages.sh [build|test|bench]
#
# build   to compile the program
# test    build, and what tests/run.sh uses beside it
# bench   what the benchmarks compare with
set -eu

# GoogleTest is here because configuring the project looks for it, whichever target is built afterwards.
build='git g++ cmake ninja-build ccache pkg-config
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libyaml-cpp-dev libspdlog-dev libfmt-dev
  prometheus-cpp-dev libcivetweb-dev libcurl4-openssl-dev zlib1g-dev libcli11-dev libgtest-dev libgmock-dev'
tests='clang clang-format clang-tidy libclang-rt-14-dev shellcheck valgrind libbenchmark-dev
  curl nginx-light gunicorn prometheus
  python3 python3-pytest python3-django python3-djangorestframework python3-djangorestframework-simplejwt
  python3-flask python3-requests python3-jwt python3-cryptography python3-yaml python3-jsonschema'
bench='haproxy nginx-light wrk g++ openssl'

# Any Node.js will do, and not every one comes from Debian.
command -v node >/dev/null && command -v npm >/dev/null || tests="$tests nodejs npm"

case "${1:-build}" in
  build) wanted=$build ;;
  test) wanted="$build $tests" ;;
  bench) wanted=$bench ;;
  *)
    echo "usage: $0 [build|test|bench]" >&2
    exit 2
    ;;
esac

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $wanted; do
  is_installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "packages: all installed"
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  echo "packages missing:$missing" >&2
  echo "run $0 as root, or install sudo" >&2
  exit 1
fi

# sudo drops the environment, so what apt should see is named on its command line.
apt() {
  # A machine that has just started may be looking for updates, which locks dpkg.
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
}

apt_twice() {
  apt "$@" || {
    echo "packages: apt-get $1 failed, trying once more" >&2
    sleep 3
    apt "$@"
  }
}

echo "packages: installing$missing"
apt_twice update
# shellcheck disable=SC2086  # one word a package
apt_twice install --no-install-recommends $missing

# Debian starts a server that it installs; these are only wanted as programs. One that was there before is left running.
for package in $missing; do
  case $package in
    nginx-light) server=nginx ;;
    haproxy | prometheus) server=$package ;;
    *) continue ;;
  esac
  $as_root service "$server" stop >/dev/null 2>&1 || true
done
