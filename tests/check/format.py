#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file looks as .clang-format says; `clang-format-14 -i FILE` makes it so.

    format.py SOURCE_DIR
"""
import re
import subprocess
import sys

from common import c_files, finish, tool


def main():
    # Versions disagree about the same style, so one is named.
    program = tool("clang-format-14", "clang-format-14")
    files = c_files(sys.argv[1])
    faults = []
    if files:
        run = subprocess.run([program, "--dry-run", "-Werror", *files], capture_output=True,
                             text=True)
        off = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.M)))
        faults = [f"{path}: run {program} -i on it" for path in off]
        if run.returncode != 0 and not off:
            faults = [run.stderr]
    finish(faults, len(files), "C files under clang-format")


main()
