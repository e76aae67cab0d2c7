#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile and the workflows, as far as that shows without a container engine and without GitHub: bases pinned
by digest, an image without root and without a shell's leftovers, files that are there, jobs and steps that name
each other, scripts under shellcheck; and the steps that look at a release's version and base and that write the
plugin's manifest are run.

    release.py SOURCE_DIR
"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

from common import finish, tool

PINNED = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}$")
ACTION = re.compile(r"[\w-]+/[\w./-]+@v\d+(\.\d+)*$")
OURS = re.compile(r"(?<![\w/-])plimsoll:(\d[\w.-]*\w)")


# -- the Dockerfile --------------------------------------------------------------------------------------

def instructions(text):
    """@return [(word, argument)], continued lines joined"""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages(found):
    """@return [(base, name, its other instructions)]"""
    result = []
    for word, argument in found:
        if word == "FROM":
            base, _, name = argument.partition(" AS ")
            result.append((base, name, []))
        else:
            result[-1][2].append((word, argument))
    return result


def left_out(root, name):
    """Whether the image's build does not see the file."""
    patterns = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    parts = pathlib.PurePath(name).parts
    above = ["/".join(parts[:count + 1]) for count in range(len(parts))]
    return any(fnmatch.fnmatchcase(path, pattern.removeprefix("**/")) for path in above for pattern in patterns
               if "/" not in path or "/" in pattern)


def check_dockerfile(root):
    built = stages(instructions((root / "Dockerfile").read_text()))
    names = {name for _, name, _ in built}
    for base, _, found in built:
        if base not in names | {"scratch"} and not PINNED.match(base):
            yield f"Dockerfile: the base {base} is not pinned by digest"
        for word, argument in found:
            yield from check_instruction(root, word, argument)
    base, _, last = built[-1]
    if base != "scratch" or any(word == "RUN" for word, _ in last):
        yield "Dockerfile: the image holds more than what is copied into it"
    user = [argument for word, argument in last if word == "USER"]
    context = yaml.safe_load((root / "charts/plimsoll/values.yaml").read_text())["server"]["podSecurityContext"]
    wanted = f"{context['runAsUser']}:{context['runAsGroup']}"
    if user != [wanted] or wanted.startswith("0:"):
        yield f"Dockerfile: the user is {user}, the chart's {wanted}"


def check_instruction(root, word, argument):
    if word == "ADD":
        yield f"Dockerfile: ADD {argument}: COPY does what is meant"
    if word in ("ENTRYPOINT", "CMD") and not argument.startswith("["):
        yield f"Dockerfile: {word} {argument} needs a shell, and there is none"
    if word == "COPY" and not argument.startswith("--from="):
        for source in argument.split()[:-1]:
            if not (root / source).exists() or left_out(root, source):
                yield f"Dockerfile: COPY {source}: the build has no such file"
    if word == "RUN":
        for script in re.findall(r"\bscripts/[\w-]+", argument):
            if not os.access(root / script, os.X_OK) or left_out(root, script):
                yield f"Dockerfile: RUN {script}: the build has no such program"


def check_version(root, version):
    """Where the image is named it has the version of the chart."""
    for file in [root / "Dockerfile", *root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("manifests/*")]:
        for named in OURS.findall(file.read_text()) if file.is_file() else []:
            if named != version:
                yield f"{file.relative_to(root)}: plimsoll:{named}, and the chart's version is {version}"


# -- workflows -------------------------------------------------------------------------------------------

def check_workflow(name, workflow):
    if "permissions" not in workflow:
        yield f"{name}: the token has all rights; say which"
    jobs = workflow["jobs"]
    for title, job in jobs.items():
        where = f"{name}: {title}"
        needs = job.get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        for other in needs:
            if other not in jobs:
                yield f"{where} needs {other}, which is not there"
        text = json.dumps(job)
        for other, output in re.findall(r"needs\.(\w+)\.outputs\.(\w+)", text):
            if other not in needs or output not in jobs[other].get("outputs", {}):
                yield f"{where} asks for needs.{other}.outputs.{output}"
        ids = {step["id"] for step in job["steps"] if "id" in step}
        for step in re.findall(r"steps\.(\w+)\.outputs", text):
            if step not in ids:
                yield f"{where} asks for steps.{step}"
        for step in job["steps"]:
            yield from check_step(where, step)


def check_step(where, step):
    if ("run" in step) == ("uses" in step):
        yield f"{where}: a step runs a script or uses an action: {step}"
    if "uses" in step and not ACTION.match(step["uses"]):
        yield f"{where}: {step['uses']} is not pinned by version"
    if "run" in step:
        script = "set -e\n" + re.sub(r"\$\{\{.*?\}\}", "expression", step["run"])
        done = subprocess.run([tool("shellcheck", "shellcheck"), "--shell=bash", "-"], input=script,
                              capture_output=True, text=True)
        if done.returncode != 0:
            yield f"{where}: {done.stdout}"


def run_step(folder, workflow, job, identity, **environment):
    """@return what the step puts out, or None where it refuses"""
    step = next(one for one in workflow["jobs"][job]["steps"] if one.get("id") == identity)
    with tempfile.NamedTemporaryFile("r") as output:
        # As GitHub does it, where no shell is named.
        done = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=folder,
                              capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "GITHUB_OUTPUT": output.name, "HOME": "/nowhere",
                                   "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                                   "GIT_CONFIG_VALUE_0": "*", **environment})
        return dict(line.split("=", 1) for line in output.read().splitlines()) if done.returncode == 0 else None


def prepare(root, workflow, identity, tag):
    return run_step(root, workflow, "prepare", identity, GITHUB_REF_NAME=tag, GITHUB_REPOSITORY_OWNER="Some-Body")


def check_release(root, workflow, version):
    found = prepare(root, workflow, "version", f"v{version}")
    if not found or (found["version"], found["owner"]) != (version, "some-body"):
        yield f"release.yaml: the tag v{version} is taken as {found}"
    # CMakeLists.txt has another version than the first of these, the chart than the second.
    for tag in ("v99.0.0", f"v{version}-rc.1"):
        if prepare(root, workflow, "version", tag) is not None:
            yield f"release.yaml: the tag {tag} passes, and the version is {version}"
    base = prepare(root, workflow, "base", f"v{version}")
    if not base or not PINNED.match(f"{base['base']}@{base['digest']}"):
        yield f"release.yaml: the Dockerfile's base is taken as {base}"
    values = yaml.safe_load((root / "charts/plimsoll/values.yaml").read_text())
    for key in re.findall(r"\.image\.(\w+) =", json.dumps(workflow)):
        if key not in values["image"]:
            yield f"release.yaml writes image.{key}, which the chart does not have"


def write_manifest(root, workflow, built):
    """@return the spec that job `release` writes of the plugins built, or None where it refuses"""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "scripts").symlink_to(root.resolve() / "scripts")
        (folder / "dist").mkdir()
        for arch in built:
            (folder / f"dist/kubectl-plimsoll-linux-{arch}.tar.gz").touch()
        done = run_step(folder, workflow, "release", "manifest", VERSION="1.2.3",
                        GITHUB_SERVER_URL="https://github.com", GITHUB_REPOSITORY="Some-Body/plimsoll")
        return None if done is None else yaml.safe_load((folder / "dist/plimsoll.yaml").read_text())["spec"]


def check_manifest(root, workflow):
    for built in ([], ["amd64"], ["arm64"]):
        if write_manifest(root, workflow, built) is not None:
            yield f"release.yaml: of the plugin only {built} is built, and that passes"
    spec = write_manifest(root, workflow, ["amd64", "arm64"])
    wanted = [f"https://github.com/Some-Body/plimsoll/releases/download/v1.2.3/kubectl-plimsoll-linux-{arch}.tar.gz"
              for arch in ("amd64", "arm64")]
    if not spec or [one["uri"] for one in spec["platforms"]] != wanted or spec["version"] != "v1.2.3":
        yield f"release.yaml: the plugin's manifest has {spec}"


def main():
    root = pathlib.Path(sys.argv[1])
    version = yaml.safe_load((root / "charts/plimsoll/Chart.yaml").read_text())["appVersion"]
    workflows = {file.name: yaml.safe_load(file.read_text()) for file in (root / ".github/workflows").glob("*.yaml")}
    faults = [*check_dockerfile(root), *check_version(root, version)]
    for name, workflow in workflows.items():
        faults += check_workflow(name, workflow)
    faults += check_release(root, workflows["release.yaml"], version)
    faults += check_manifest(root, workflows["release.yaml"])
    finish(faults, len(workflows), "workflows, and the Dockerfile,")


main()
