#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every ceiling of limits.h holds somewhere and has a test that names it.

    limits.py SOURCE_DIR
"""
import pathlib
import re
import sys

from common import c_files, finish

DEFINE = re.compile(r"^#define (PLIMSOLL_\w+)", re.M)


def words(files):
    return set(re.findall(r"\w+", "\n".join(path.read_text() for path in files)))


def main():
    root = pathlib.Path(sys.argv[1])
    names = DEFINE.findall((root / "include/plimsoll/limits.h").read_text())
    used = words(c_files(root, ("src", "cmd")))
    tested = words([*c_files(root, ("tests/unit",)), root / "tests/command/test_command.py"])
    faults = [f"limits.h: {name} is used nowhere in src/ or cmd/" for name in names
              if name not in used]
    faults += [f"limits.h: {name} is named by no test in tests/unit/ or tests/command/" for name in names
               if name not in tested]
    finish(faults, len(names), "limits")


main()
