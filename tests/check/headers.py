#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every face compiles on its own, under gcc and clang, and clang understands its comments.

    headers.py SOURCE_DIR
"""
import pathlib
import subprocess
import sys

from common import finish, tool

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Werror", "-Wall", "-Wextra", "-Wpedantic",
         "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wstrict-prototypes", "-Wundef"]
COMPILERS = [[tool("gcc", "gcc")], [tool("clang", "clang"), "-Wdocumentation"]]


def compile_alone(compiler, include, name):
    # Twice, so that a header without its guard is found; limits.h declares nothing by itself.
    unit = f"#include <plimsoll/{name}>\n" * 2 + "extern int unit;\n"
    run = subprocess.run([*compiler, *FLAGS, "-I", include, "-x", "c", "-"], input=unit,
                         capture_output=True, text=True)
    return run.stderr.strip() if run.returncode != 0 else None


def main():
    include = pathlib.Path(sys.argv[1]) / "include"
    headers = sorted((include / "plimsoll").glob("*.h"))
    faults = [f"{header.name}, {pathlib.Path(compiler[0]).name}:\n{said}"
              for header in headers for compiler in COMPILERS
              if (said := compile_alone(compiler, include, header.name)) is not None]
    finish(faults, len(headers), "headers under gcc and clang")


main()
