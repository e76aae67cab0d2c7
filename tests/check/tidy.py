#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy with /.clang-tidy over every source of src/ and cmd/, as the build compiles it.

    tidy.py SOURCE_DIR BUILD_DIR

Two to three minutes on two cores: the analyser follows every path of every function.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from common import c_files, finish, tool

# The compilers see to their own warnings, and gcc has flags that clang does not know. Fortified
# string functions would hide the plain ones from the analyser.
KEPT = re.compile(r"-(I|D(?!_FORTIFY_SOURCE)|U(?!_FORTIFY_SOURCE)|std=)")


def arguments_of(entry):
    kept, given = ["clang"], iter(shlex.split(entry["command"])[1:])
    for argument in given:
        if argument in ("-isystem", "-I", "-D", "-U"):
            kept += [argument, next(given)]
        elif KEPT.match(argument):
            kept.append(argument)
    return [*kept, "-c", entry["file"]]


def read_commands(build, sources):
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path in sources:
            commands[path] = {"directory": entry["directory"], "file": str(path),
                              "arguments": arguments_of(entry)}
    return commands


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    program = tool("clang-tidy-14", "clang-tidy-14")
    sources = set(c_files(root, ("src", "cmd"), (".c",)))
    commands = read_commands(build, sources)
    faults = [f"{path}: the build does not compile it; run cmake again"
              for path in sorted(sources - commands.keys())]

    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "compile_commands.json").write_text(json.dumps([*commands.values()]))

        def check(path):
            run = subprocess.run([program, "-p", folder, "--quiet", "--warnings-as-errors=*",
                                  f"--config-file={root}/.clang-tidy",
                                  f"--header-filter=^{re.escape(str(root))}/(include|src|cmd)/",
                                  path], capture_output=True, text=True)
            return run.stdout + run.stderr if run.returncode != 0 else None

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            faults += [said for said in pool.map(check, sorted(commands)) if said is not None]
    finish(faults, len(commands), "sources under clang-tidy")


main()
