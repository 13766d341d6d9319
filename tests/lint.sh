#!/usr/bin/env bash
# The checks that need no running program. Each names its steps and fails by itself:
#
#   tests/lint.sh [format|shell|tidy]...     all of them when none is named
#
# `tidy` needs build/release/compile_commands.json; `cmake --preset release` makes it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Files of the project, new ones included, that match the patterns. Ones deleted but still known to git are left out.
files() {
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}

format() {
  files 'src/*.[ch]pp' 'include/*.[ch]pp' 'tests/*.[ch]pp' 'bench/*.[ch]pp' 'cmake/*.[ch]pp' |
    xargs --no-run-if-empty clang-format --dry-run -Werror
}

shell() {
  { files '*.sh'; files .ci/run; } | xargs --no-run-if-empty shellcheck
}

# One file. Warning flags that only g++ knows are no finding.
tidy_one() {
  local output
  if output=$(clang-tidy --quiet -p build/release --extra-arg=-Wno-unknown-warning-option "$1" 2>&1); then
    return 0
  fi
  printf '%s\n' "clang-tidy: $1" "$output"
  return 1
}

tidy() {
  if [ ! -f build/release/compile_commands.json ]; then
    echo "clang-tidy: no build/release/compile_commands.json; run cmake --preset release" >&2
    return 1
  fi
  files 'src/*.cpp' | xargs --no-run-if-empty -P "$(nproc)" -n 1 bash "$0" tidy_one
}

# Called by `tidy`, in parallel, with a file.
if [ "${1:-}" = tidy_one ]; then
  tidy_one "$2"
  exit
fi

[ $# -gt 0 ] || set -- format shell tidy
for check in "$@"; do
  case $check in
    format | shell | tidy) "$check" ;;
    *)
      echo "usage: $0 [format|shell|tidy]..." >&2
      exit 2
      ;;
  esac
done
