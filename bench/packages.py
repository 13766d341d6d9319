"""What a comparison needs of Debian, installed where it is missing and may be."""

import os
import shutil
import subprocess
import sys

_PACKAGES = {"haproxy": "haproxy", "nginx": "nginx-light", "wrk": "wrk", "g++": "g++", "openssl": "openssl",
             "taskset": "util-linux"}


def install_what_is_missing():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [package for program, package in _PACKAGES.items() if not shutil.which(program)]
    if not missing:
        return
    become_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    print(f"installing {', '.join(missing)}", file=sys.stderr)
    for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        subprocess.run([*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *command], check=True,
                       stdout=sys.stderr, timeout=300)
