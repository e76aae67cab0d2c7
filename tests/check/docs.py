#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documentation names is there: the target of every link, every value of the chart, every flag of a
program that a command gives, every file below the root, every script, and Plimsoll's own words in the table
of symptoms.

    docs.py SOURCE_DIR PLIMSOLL PLIMSOLL_AGENT KUBECTL_PLIMSOLL
"""
import json
import pathlib
import re
import subprocess
import sys

from common import c_files, finish, tree_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
SET = re.compile(r"--set(?:-string|-json|-file)?[ =]([A-Za-z0-9_.]+)=")
FLAG = re.compile(r"(?<=\s)(--?[a-z][a-z-]*)")
COMMAND = re.compile(r"\b(kubectl plimsoll|plimsoll-agent|plimsoll)((?: [a-z][a-z-]*)?)(?= |$)")
NAMED = re.compile(r"(?<![\w/])(?:scripts|docs|manifests|charts|tests|certs|include)/[\w./-]+\b")
# What a command or a build makes, and what stands for any.
MADE = re.compile(r"certs/(ca|tls|client)\.(crt|key)$|/FILE$")
# They look like values of the chart.
FILES = ("tls.crt", "tls.key")
# Of the first column of the symptoms, what others say: Kubernetes, TLS, and keys.
OTHERS = ("plimsoll.dev/", "schedulerName:", "inject:", "denied the request", "x509:", "context deadline exceeded",
          "ErrImagePull", "RuntimeClass \"nvidia\" not found", "ContainerCreating", "no runtime for", "plimsoll",
          "caBundle", "helm install")


def slug(heading):
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return text.replace(" ", "-")


def anchors(text):
    return {slug(line.lstrip("#")) for line in prose(text).splitlines() if re.match(r"#+ ", line)}


def prose(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def commands(text):
    """Lines of code blocks, continued ones joined and without their comments, and spans."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.M | re.S)
    joined = "\n".join(blocks).replace("\\\n", " ")
    lines = [re.sub(r"\s#\s.*", "", line) for line in joined.splitlines()]
    return lines + SPAN.findall(prose(text))


class Programs:
    """What each takes, as its --help says."""

    def __init__(self, plimsoll, agent, plugin):
        self.paths = {"plimsoll": plimsoll, "plimsoll-agent": agent, "kubectl plimsoll": plugin}
        self.known = {}

    def flags(self, program, verb):
        words = [self.paths[program], *([verb] if verb else []), "--help"]
        if tuple(words) not in self.known:
            done = subprocess.run(words, capture_output=True, text=True)
            said = done.stdout + done.stderr if done.returncode == 0 else None
            self.known[tuple(words)] = said and {*re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", said), "--help"}
        return self.known[tuple(words)]


# kubectl's own go on to it (docs/kubectl.md).
PASSED_ON = {"--context", "--kubeconfig", "--as", "-n", "-A"}


def check_flags(programs, line):
    """@return what is wrong with the command"""
    found = COMMAND.match(line) or re.search(r"(?:^|[;&|] ?)" + COMMAND.pattern, line)
    if not found or "=" in line[:found.end(1)]:
        return
    program, verb = found.group(1), found.group(2).strip()
    known = programs.flags(program, verb)
    if known is None:
        yield f"{program} has no command {verb}"
        return
    rest = re.split(r"[|;&>]", line[found.end():])[0]
    for flag in FLAG.findall(rest):
        if flag not in known and not (program == "kubectl plimsoll" and flag in PASSED_ON):
            yield f"{program} {verb} has no flag {flag}"


def has_value(schema, key):
    for part in key.split("."):
        if "properties" not in schema:
            return schema["type"] == "object"  # Kubernetes' own, like a security context
        schema = schema["properties"].get("nvidia" if part == "VENDOR" else part)
        if schema is None:
            return False
    return True


def check_values(schema, text):
    keys = SET.findall(text)
    keys += [span.split("=")[0] for span in SPAN.findall(text)
             if re.match(r"[A-Za-z]+(\.[A-Za-z]+)+(=|$)", span) and span.split(".")[0] in schema["properties"]]
    return [f"the chart has no value {key}" for key in keys if key not in FILES and not has_value(schema, key)]


def own_words(root):
    """Every string of the sources, those that the compiler joins joined."""
    text = "".join(file.read_text() for file in c_files(root, ("src", "cmd"), (".c", ".h")))
    return re.sub(r'"\s*\n\s*"', "", text)


def check_symptoms(words, text):
    table = text.partition("## When something does not work")[2]
    rows = re.findall(r"^\| (.*?) \| ", table, flags=re.M)
    spans = [span for row in rows[2:] for span in SPAN.findall(row)]
    for span in spans:
        said = span.split(" (")[0]
        if not any(other in span for other in OTHERS) and said not in words:
            yield f"nothing says {said!r}"


def main():
    root = pathlib.Path(sys.argv[1])
    programs = Programs(*sys.argv[2:])
    schema = json.loads((root / "charts/plimsoll/values.schema.json").read_text())
    words = own_words(root)
    pages = [path for path in tree_files(root) if path.suffix == ".md"]
    faults = []
    for page in pages:
        text = page.read_text()
        found = []
        for target in LINK.findall(prose(text)):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            file = (page.parent / name) if name else page
            if not file.exists():
                found.append(f"no {target}")
            elif anchor and anchor not in anchors(file.read_text()):
                found.append(f"no heading for {target}")
        for name in NAMED.findall(text):
            if not MADE.search(name) and not (root / name).exists() and not (page.parent / name).exists():
                found.append(f"no {name}")
        found += check_values(schema, text)
        for line in commands(text):
            found += check_flags(programs, line)
        if page.name == "install.md":
            found += check_symptoms(words, text)
        faults += [f"{page.relative_to(root)}: {one}" for one in dict.fromkeys(found)]
    finish(faults, len(pages), "pages of documentation")


main()
