#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file begins with its licence; scripts and CMake files have it at the top.

    spdx.py SOURCE_DIR
"""
import sys

from common import finish, tree_files

LICENCE = "SPDX-License-Identifier: Apache-2.0"


def is_ours(path):
    return path.suffix in (".c", ".h", ".py", ".sh", ".cmake") or path.name == "CMakeLists.txt"


def has_licence(path):
    lines = path.read_text().splitlines()
    if path.suffix in (".c", ".h"):
        return lines[:1] == [f"/* {LICENCE} */"]
    return f"# {LICENCE}" in lines[:2]


def main():
    files = [path for path in tree_files(sys.argv[1]) if is_ours(path)]
    faults = [f"{path}: does not begin with {LICENCE}" for path in files if not has_licence(path)]
    finish(faults, len(files), "files with their licence")


main()
