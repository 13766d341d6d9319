"""The comparison's own C++ programs: compiled into build/bench when they are missing or older than their source."""

import subprocess
from pathlib import Path

_SOURCES = Path(__file__).resolve().parent
BUILD = _SOURCES.parent / "build/bench"
_PROGRAMS = ("floor_relay", "open_loop")


def program(name):
    return BUILD / name


def compile_all():
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in _PROGRAMS:
        source, binary = _SOURCES / f"{name}.cpp", program(name)
        if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["g++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-o", binary, source], check=True)
