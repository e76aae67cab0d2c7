#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing is left for later in the sources: an issue is the place for that.

    unfinished.py SOURCE_DIR
"""
import pathlib
import re
import sys

from common import finish, tree_files

FOLDERS = ("src", "cmd", "include", "tests", "charts", "manifests")
MARK = re.compile(rb"\b(TODO|FIXME|XXX|HACK)\b")


def main():
    root = pathlib.Path(sys.argv[1])
    files = [path for path in tree_files(sys.argv[1])
             if path.relative_to(root).parts[0] in FOLDERS
             and path.name != pathlib.Path(__file__).name]
    faults = [f"{path}:{number}: {line.decode(errors='replace').strip()}"
              for path in files
              for number, line in enumerate(path.read_bytes().split(b"\n"), 1) if MARK.search(line)]
    finish(faults, len(files), "files without a mark for later")


main()
