#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shellcheck over every shell script: whatever starts with a shebang of sh or bash.

    shell.py SOURCE_DIR
"""
import re
import subprocess
import sys

from common import finish, tool, tree_files

SHEBANG = re.compile(rb"#!.*\b(ba|da)?sh\b")


def is_script(path):
    with path.open("rb") as file:
        return SHEBANG.match(file.readline(200)) is not None


def main():
    program = tool("shellcheck", "shellcheck")
    scripts = [path for path in tree_files(sys.argv[1]) if is_script(path)]
    faults = []
    if scripts:
        run = subprocess.run([program, "--external-sources", *scripts], capture_output=True, text=True)
        faults = [run.stdout + run.stderr] if run.returncode != 0 else []
    finish(faults, len(scripts), "scripts under shellcheck")


main()
