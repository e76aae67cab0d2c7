#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The release binary carries what cmake/Flags.cmake asks for; a flag can get lost on the way.

    hardening.py SOURCE_DIR BINARY...
"""
import re
import subprocess
import sys

from common import c_files, finish, tool

ASSERT = re.compile(r"^(?!.*static_assert).*\bassert\(", re.M)


def read_elf(binary):
    readelf = tool("readelf", "binutils")
    return subprocess.run([readelf, "--wide", "--file-header", "--program-headers", "--dynamic",
                           "--dyn-syms", binary],
                          check=True, capture_output=True, text=True).stdout


def expectations(asserts):
    """What is held, and how readelf says so."""
    yield "position independent", r"Flags:.*\bPIE\b"
    yield "all symbols bound at start", r"\(FLAGS\)\s+BIND_NOW"
    yield "relocations read-only afterwards", r"^\s*GNU_RELRO\s"
    yield "stack not executable", r"^\s*GNU_STACK\s(?:\s*0x\w+)+\s+RW\s"
    yield "stack protector", r"\b__stack_chk_fail\b"
    yield "fortified vsnprintf", r"\b__vsnprintf_chk\b"
    if asserts:
        yield "assertions kept", r"\b__assert_fail\b"


def refusals():
    yield "writable and executable memory", r"^\s*LOAD\s(?:\s*0x\w+)+\s+RWE\s"
    yield "relocations in the code", r"\(TEXTREL\)"
    yield "a library path of the build machine", r"\((RPATH|RUNPATH)\)"


def main():
    root, *binaries = sys.argv[1:]
    asserts = any(ASSERT.search(path.read_text()) for path in c_files(root, ("src", "cmd")))
    wanted = list(expectations(asserts))
    unwanted = list(refusals())
    faults = []
    for binary in binaries:
        elf = read_elf(binary)
        faults += [f"{binary}: {name} is missing (readelf: {sign})" for name, sign in wanted
                   if not re.search(sign, elf, re.M)]
        faults += [f"{binary} has {name} (readelf: {sign})" for name, sign in unwanted
                   if re.search(sign, elf, re.M)]
    finish(faults, len(binaries) * (len(wanted) + len(unwanted)), "properties of the release binaries")


main()
