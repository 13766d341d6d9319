#!/bin/sh
# Builds Sidegate and runs its demo: a gateway, an Auth Service and an upstream on loopback, and what to try on them.
#
#   deploy/demo.sh [--port N]
set -eu

cd "$(dirname "$0")/.."
deploy/install-packages.sh build
cmake --preset release
cmake --build --preset release --target sidegate
exec build/release/sidegate demo "$@"
