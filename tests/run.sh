#!/usr/bin/env bash
# The one test command. It installs what is missing, builds, runs everything there is, and ends with the line
# `N passed, M failed`; the exit status is 0 only when M is 0.
#
#   tests/run.sh [--only lint|unit|e2e|performance|asan|tsan]...
#
# lint          clang-format, shellcheck, clang-tidy
# unit          the release build's unit tests
# e2e           the end-to-end tests against the release build
# performance   what the release build's hot path costs in system calls and instructions: docs/performance.md
# asan          unit and end-to-end tests under AddressSanitizer and UndefinedBehaviorSanitizer
# tsan          the unit tests of the rooms that have threads, under ThreadSanitizer
#
# A step that breaks (a build, a crash, a sanitizer's report) counts as one failure, and what depends on it is not run.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
exec </dev/null

python=/usr/bin/python3 # Debian's, which has Debian's modules; another may stand before it on PATH
threaded_rooms='telemetry net web origin authority revocation proxy admin app'
jobs=$(nproc)
results=$PWD/build/results
passed=0
failed=0
skipped=0

# A fresh clone of the same sources finds what another one compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1:quarantine_size_mb=16 # its fake stack ignores alignas
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1:halt_on_error=1
export PYTHONDONTWRITEBYTECODE=1

header() {
  printf '\n== %s\n' "$*"
}

fail() {
  failed=$((failed + 1))
  printf 'FAILED: %s\n' "$*"
}

# Runs a step that counts as one test.
check() {
  local name=$1 started=$SECONDS
  shift
  header "$name"
  if "$@"; then
    passed=$((passed + 1))
    echo "passed, $((SECONDS - started)) s"
  else
    fail "$name, $((SECONDS - started)) s"
  fi
}

configure() {
  cmake --preset "$1" >"$results/configure-$1.log" 2>&1 && return
  cat "$results/configure-$1.log"
  return 1
}

# build PRESET TARGET...: says nothing of the files that compiled, everything of those that did not.
build() {
  local preset=$1 started=$SECONDS log=$results/build-$1.log
  shift
  header "build $preset: $*"
  if configure "$preset" && cmake --build --preset "$preset" --parallel "$jobs" --target "$@" -- -k 0 >"$log" 2>&1; then
    echo "built, $((SECONDS - started)) s"
    return
  fi
  if [ -f "$log" ]; then
    grep -vE '^\[[0-9]+/[0-9]+\] |^ccache ' "$log"
  fi
  fail "build $preset, $((SECONDS - started)) s"
  return 1
}

# tally gtest|junit FILE: adds the counts of a result file. A file that cannot be read is a failure of the run itself.
tally() {
  local counts p f s
  if ! counts=$("$python" - "$@" <<'PYTHON'
import json, sys
import xml.etree.ElementTree as xml

kind, path = sys.argv[1:]
if kind == "gtest":
    cases = [case for suite in json.load(open(path))["testsuites"] for case in suite["testsuite"]]
    failed = sum(1 for case in cases if case.get("failures"))
    skipped = sum(1 for case in cases if case["result"] != "COMPLETED" and not case.get("failures"))
else:
    cases = list(xml.parse(path).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    failed = len(bad)
    skipped = sum(1 for case in cases if case not in bad and case.find("skipped") is not None)
print(len(cases) - failed - skipped, failed, skipped)
PYTHON
  ); then
    fail "no result in ${2#"$PWD"/}"
    return 1
  fi
  read -r p f s <<<"$counts"
  passed=$((passed + p))
  failed=$((failed + f))
  skipped=$((skipped + s))
  [ "$f" = 0 ] # told to the caller, who compares it with the exit status
}

# The sanitizers want their shadow memory at fixed places, which address space randomisation may take on newer kernels.
steady=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  steady=(setarch "$(uname -m)" -R)
fi

# unit_tests PRESET ROOM...: the rooms' test programs.
unit_tests() {
  local preset=$1 room
  shift
  for room in "$@"; do
    unit_test "$preset" "$room"
  done
}

# In as many parts at a time as there are processors, since most of them wait for something.
unit_test() {
  local preset=$1 room=$2 started=$SECONDS part result status
  local -a running=() statuses=()
  header "$preset: $room tests"
  for ((part = 0; part < jobs; ++part)); do
    result=$results/$preset-$room-$part.json
    rm -f "$result"
    GTEST_TOTAL_SHARDS=$jobs GTEST_SHARD_INDEX=$part timeout --kill-after=10 900 "${steady[@]}" \
      "build/$preset/${room}_tests" --gtest_brief=1 --gtest_output="json:$result" &
    running+=("$!")
  done
  for part in "${!running[@]}"; do
    status=0
    wait "${running[part]}" || status=$?
    statuses+=("$status")
  done
  for part in "${!running[@]}"; do
    if tally gtest "$results/$preset-$room-$part.json" && [ "${statuses[part]}" != 0 ]; then
      fail "$preset: $room tests ended with status ${statuses[part]}"
    fi
  done
  echo "$((SECONDS - started)) s"
}

# python_tests PRESET PATIENCE PATTERN...: the files and folders of each pattern by themselves, all patterns at a time,
# since the tests mostly wait. PATIENCE times the usual waits.
python_tests() {
  local preset=$1 patience=$2 started=$SECONDS pattern part place status
  local -a running=() patterns=() files
  shift 2
  for pattern in "$@"; do
    part=$results/$preset-python-${#running[@]}
    mapfile -t files < <(compgen -G "$pattern" | sort)
    rm -f "$part.xml"
    # The binary's own limit on the whole; every test has its own besides.
    SIDEGATE_BINARY=$PWD/build/$preset/sidegate SIDEGATE_TEST_PATIENCE=$patience timeout --kill-after=10 1800 \
      "${steady[@]}" "$python" -m pytest -q --junitxml="$part.xml" -c tests/pytest.ini "${files[@]}" >"$part.log" 2>&1 &
    running+=("$!")
    patterns+=("$pattern")
  done
  for place in "${!running[@]}"; do
    part=$results/$preset-python-$place status=0
    wait "${running[place]}" || status=$?
    header "$preset: ${patterns[place]}"
    cat "$part.log"
    if tally junit "$part.xml" && [ "$status" != 0 ]; then
      fail "$preset: ${patterns[place]}: pytest ended with status $status"
    fi
    echo "$((SECONDS - started)) s"
  done
}

# e2e PRESET PATIENCE: in parts that take about as long as each other.
e2e() {
  python_tests "$1" "$2" 'tests/e2e/test_[a-q]*.py' 'tests/e2e/test_[r-z]*.py' tests/wire tests/security
}

# The rooms, of those named (all when none is), that have tests.
rooms_with_tests() {
  local folder room
  for folder in tests/*/; do
    room=$(basename "$folder")
    if [ -d "src/$room" ] && compgen -G "tests/$room/*.cpp" >/dev/null; then
      if [ $# = 0 ] || [[ " $* " == *" $room "* ]]; then
        echo "$room"
      fi
    fi
  done
}

run_lint() {
  check "lint: clang-format" tests/lint.sh format
  check "lint: shellcheck" tests/lint.sh shell
  if configure release; then
    check "lint: clang-tidy" tests/lint.sh tidy
  else
    fail "lint: the release build cannot be configured"
  fi
}

run_unit() {
  local rooms
  mapfile -t rooms < <(rooms_with_tests)
  build release unit_tests sidegate && unit_tests release "${rooms[@]}"
}

run_e2e() {
  build release sidegate && e2e release 1
}

run_performance() {
  build release guards && python_tests release 1 tests/performance
}

run_asan() {
  local rooms
  mapfile -t rooms < <(rooms_with_tests)
  build asan unit_tests sidegate || return
  unit_tests asan "${rooms[@]}"
  e2e asan 4
}

run_tsan() {
  local rooms
  # shellcheck disable=SC2086  # one word a room
  mapfile -t rooms < <(rooms_with_tests $threaded_rooms)
  if [ ${#rooms[@]} = 0 ]; then
    fail "no room with threads has tests"
    return
  fi
  build tsan "${rooms[@]/%/_tests}" && unit_tests tsan "${rooms[@]}"
}

parts=()
while [ $# -gt 0 ]; do
  case "$1 ${2:-}" in
    "--only lint" | "--only unit" | "--only e2e" | "--only performance" | "--only asan" | "--only tsan")
      parts+=("$2")
      shift 2
      ;;
    *)
      echo "usage: $0 [--only lint|unit|e2e|performance|asan|tsan]..." >&2
      exit 2
      ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(lint unit e2e performance asan tsan)

# The peers that are no packages of Debian's.
install_node_peers() {
  local peer
  for peer in websocket_service jose_tools oidc_provider; do
    # npm writes that file last.
    [ -f "tests/peers/$peer/node_modules/.package-lock.json" ] ||
      npm ci --prefix "tests/peers/$peer" --no-audit --no-fund ||
      npm ci --prefix "tests/peers/$peer" --no-audit --no-fund || return
  done
}

mkdir -p "$results"
header packages
if deploy/install-packages.sh test && install_node_peers; then
  for part in "${parts[@]}"; do
    "run_$part"
  done
else
  fail "the packages cannot be installed"
fi

printf '\n%s s in all' "$SECONDS"
[ "$skipped" = 0 ] || printf ', %s skipped' "$skipped"
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
