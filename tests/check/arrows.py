#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources to the module arrows that CMakeLists.txt declares.

    arrows.py SOURCE_DIR ARROWS_TXT

A module reaches another only through <plimsoll/FACE.h> of a module it lists under USES; a quoted include
stays in its own folder; every face belongs to exactly one module; the arrows have no cycle.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def read_arrows(path):
    uses, owner = {}, {}
    for line in path.read_text().splitlines():
        who, faces, used = (part.strip() for part in line.split("|"))
        kind, name = who.split()
        key = name if kind == "module" else f"cmd/{name}"
        uses[key] = set(used.split())
        for face in faces.split():
            if face in owner:
                sys.exit(f"face {face}.h belongs to both {owner[face]} and {key}")
            owner[face] = key
    return uses, owner


def check_file(path, me, folder, uses, owner):
    for quote, target in INCLUDE.findall(path.read_text()):
        if quote == '"':
            if "/" in target or not (folder / target).exists():
                yield f'{path}: "{target}" leaves its folder'
        elif target.startswith("plimsoll/"):
            face = target.removeprefix("plimsoll/").removesuffix(".h")
            to = owner.get(face)
            if to is None:
                yield f"{path}: <{target}> belongs to no module in CMakeLists.txt"
            elif to != me and to not in uses[me]:
                yield f"{path}: {me} may not use {to} (<{target}>)"


def check_cycles(uses):
    done, path = set(), []

    def visit(module):
        if module in path:
            sys.exit("arrows run in a circle: " + " → ".join(path[path.index(module):] + [module]))
        if module in done:
            return
        path.append(module)
        for other in uses.get(module, ()):
            visit(other)
        path.pop()
        done.add(module)

    for module in uses:
        visit(module)


def main():
    root, arrows = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    uses, owner = read_arrows(arrows)
    check_cycles(uses)
    faults, files = [], 0
    for header in sorted((root / "include/plimsoll").glob("*.h")):
        files += 1
        me = owner.get(header.stem)
        if me is None:
            faults.append(f"{header}: belongs to no module in CMakeLists.txt")
        else:
            faults += check_file(header, me, header.parent, uses, owner)
    for me in uses:
        folder = root / me if me.startswith("cmd/") else root / "src" / me
        for source in sorted(folder.glob("*.[ch]")):
            files += 1
            faults += check_file(source, me, folder, uses, owner)
    print("\n".join(faults) or f"{files} files follow the arrows")
    sys.exit(1 if faults else 0)


main()
