"""What the benchmarks of bench/hot_path.cpp cost in instructions, counted by valgrind's callgrind.

The program runs twice, with so many rounds of each benchmark and with more, and only the difference counts: the start,
and the first round, which makes what the later ones use again, are in both.

Counted are the instructions of our own code and, apart from them, those of the libraries. So a change of ours shows
although most of `verify` is SHA-256, and a second signature check, or an allocation, still shows in the other number.
A new version of a library moves that one alone.
"""

import collections
import re
import subprocess

from support.gateway import BINARY
from support.polling import PATIENCE
from support.process import clean_environment

PROGRAM = BINARY.with_name("hot_path")
FEW, MANY = 50, 550
TIMEOUT = 120 * PATIENCE

# OpenSSL and the C library choose code by what the processor can do, and valgrind shows them most of the real one. So
# that every machine counts the same, they are told of a processor that can do no more than it must.
PLAIN_PROCESSOR = {
    "OPENSSL_ia32cap": "0:0",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join("-" + feature for feature in (
        "SSSE3", "SSE4_1", "SSE4_2", "AVX", "AVX2", "AVX_Fast_Unaligned_Load", "AVX512F", "AVX512BW", "AVX512VL",
        "BMI1", "BMI2", "LZCNT", "MOVBE", "RTM", "ERMS", "FSRM")),
}


def instructions_per_round(folder):
    """A map of benchmarks to {"own": ..., "libraries": ...}."""
    few, many = (_count(rounds, folder / f"{rounds}-rounds") for rounds in (FEW, MANY))
    return {
        benchmark: {kind: (many[benchmark][kind] - count) / (MANY - FEW) for kind, count in counts.items()}
        for benchmark, counts in few.items()
    }


def _count(rounds, profile):
    """What so many rounds of each benchmark cost, and making what the benchmark works on."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--dump-before=*HotPath::HotPath*",
         PROGRAM, f"--rounds={rounds}"],
        env=clean_environment(PLAIN_PROCESSOR), cwd=profile.parent, capture_output=True, text=True, timeout=TIMEOUT,
        check=False)
    assert done.returncode == 0, done.stderr
    benchmarks = re.findall(rf"^(\w+)/iterations:{rounds} ", done.stdout, re.MULTILINE)
    # The first part is the start of the program, the last has no number.
    parts = [profile.with_name(f"{profile.name}.{part}") for part in range(2, len(benchmarks) + 1)] + [profile]
    assert not profile.with_name(f"{profile.name}.{len(benchmarks) + 1}").exists(), "a part that is no benchmark's"
    return {benchmark: _by_owner(part) for benchmark, part in zip(benchmarks, parts, strict=True)}


def _by_owner(part):
    by_object = _by_object(part.read_text().splitlines())
    own = by_object.pop(str(PROGRAM))
    return {"own": own, "libraries": sum(by_object.values())}


def _by_object(lines):
    """The instructions that each object file executed, by a profile in callgrind's format.

    A line of cost is `position cost`, and belongs to the last `ob=`; the one behind `calls=` is what that call cost in
    all, which the called function's own lines say too. A name stands once, `(7) name`, and from then on is `(7)`.
    """
    names, costs = {}, collections.Counter()
    current, is_of_call = None, False
    for line in lines:
        key, _, value = line.partition("=")
        if key in ("ob", "cob"):
            number, _, name = value.partition(" ")
            names.setdefault(number, name)
            current = names[number] if key == "ob" else current
        elif key == "calls":
            is_of_call = True
        elif re.match(r"[-+*\d]", line):
            if not is_of_call:
                costs[current] += int(line.split()[1])
            is_of_call = False
    return costs
