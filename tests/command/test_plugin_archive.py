# SPDX-License-Identifier: Apache-2.0
"""scripts/plugin-archive and scripts/plugin-manifest: what people download, and what krew reads. The plugin is built
once into a folder that is kept; of the same sources it is not built again.

    PLUGIN_BUILD=build/release/plugin python3 tests/command/test_plugin_archive.py
"""
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["PLUGIN_BUILD"]).resolve()
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
OTHER = {"amd64": "arm64", "arm64": "amd64"}[ARCH]
REPOSITORY = "https://github.com/somebody/plimsoll"
BARE = {"PATH": "/usr/bin:/bin"}
CACHE = pathlib.Path(os.environ.get("PLIMSOLL_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "plimsoll")


def name_of(arch):
    return f"kubectl-plimsoll-linux-{arch}.tar.gz"


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


def make_archive(folder, umask=0o022):
    done = run(ROOT / "scripts/plugin-archive", BUILD, folder, umask=umask)
    if done.returncode != 0:
        sys.exit(f"scripts/plugin-archive: {done.stdout[-4000:]}{done.stderr[-4000:]}")
    return folder / name_of(ARCH)


def make_manifest(folder, *rest):
    return run(ROOT / "scripts/plugin-manifest", folder, *rest)


def setUpModule():
    global ARCHIVE, UNPACKED, PROGRAM
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    ARCHIVE = make_archive(pathlib.Path(folder.name) / "made")
    UNPACKED = pathlib.Path(folder.name) / "unpacked"
    UNPACKED.mkdir()
    subprocess.run(["tar", "-xzf", ARCHIVE, "-C", UNPACKED], check=True)
    PROGRAM = UNPACKED / "kubectl-plimsoll"


class Archive(unittest.TestCase):
    def test_holds_the_program_and_the_licences_and_nothing_of_the_machine(self):
        with tarfile.open(ARCHIVE) as tar:
            held = [(one.name, oct(one.mode), one.uid, one.gid, one.uname, one.mtime) for one in tar.getmembers()]
        then = 946684800  # 2000-01-01
        self.assertEqual(held, [("LICENSE", "0o644", 0, 0, "", then), ("kubectl-plimsoll", "0o755", 0, 0, "", then)])
        program = PROGRAM.read_bytes()
        for path in (ROOT, BUILD):
            self.assertFalse(bytes(path) in program, f"{path} is in the program")

    def test_has_the_licences_of_all_that_is_in_the_program(self):
        text = (UNPACKED / "LICENSE").read_text()
        self.assertTrue(text.startswith((ROOT / "LICENSE").read_text()))
        for owner in ("The OpenSSL Project", "Petri Lehtinen", "Kirill Simonov"):
            self.assertIn(owner, text)

    def test_made_again_it_is_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            again = make_archive(pathlib.Path(folder), umask=0o077)
            self.assertEqual(again.read_bytes(), ARCHIVE.read_bytes())


class Program(unittest.TestCase):
    def test_needs_the_c_library_alone_and_no_newer_one_than_is_said(self):
        elf = run("readelf", "--wide", "--dynamic", "--version-info", PROGRAM, check=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", elf)
        self.assertIn("libc.so.6", needed)
        self.assertEqual([one for one in needed if not re.match(r"libc\.so\.6$|libm\.so\.6$|ld-linux", one)], [])
        newest = max(tuple(map(int, one.split("."))) for one in re.findall(r"\bGLIBC_([\d.]+)", elf))
        self.assertLessEqual(newest, (2, 34))

    def test_is_stripped(self):
        sections = run("readelf", "--wide", "--sections", PROGRAM, check=True).stdout
        self.assertIn(" .text ", sections)
        self.assertNotRegex(sections, r" \.(debug_info|symtab) ")

    def test_keeps_its_hardening(self):
        done = run(sys.executable, ROOT / "tests/check/hardening.py", ROOT, PROGRAM)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_runs_without_an_environment(self):
        done = run(PROGRAM, "version", env=BARE)
        self.assertRegex(done.stdout, r"^kubectl-plimsoll \d+\.\d+\.\d+\n$", done.stderr)
        done = run(PROGRAM, "vram", "llama3.1:70b-q4", "-o", "json", env=BARE)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_kubectl_finds_it(self):
        found = sorted(CACHE.glob("control-plane-*/kubectl"))
        if not found:
            self.skipTest(f"no kubectl in {CACHE}: tests/cluster/build-control-plane.sh builds one")
        done = run(found[-1], "plimsoll", "version", env={"PATH": f"{UNPACKED}:{BARE['PATH']}", "HOME": str(UNPACKED)})
        self.assertEqual(done.stdout, run(PROGRAM, "version").stdout, done.stderr)


class Manifest(unittest.TestCase):
    """krew's rules: its documentation of the plugin manifest, and of names."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / ARCHIVE.name).write_bytes(ARCHIVE.read_bytes())

    def written(self, *rest):
        done = make_manifest(self.folder, REPOSITORY, *rest)
        self.assertEqual(done.returncode, 0, done.stderr)
        return yaml.safe_load((self.folder / "plimsoll.yaml").read_text())

    def test_says_what_krew_asks_for(self):
        manifest = self.written()
        self.assertEqual({key: manifest[key] for key in manifest if key != "spec"}, {
            "apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin",
            "metadata": {"name": "plimsoll"}})
        spec = manifest["spec"]
        self.assertEqual(set(spec), {"version", "homepage", "shortDescription", "description", "caveats", "platforms"})
        self.assertEqual(f"kubectl-plimsoll {spec['version'][1:]}\n", run(PROGRAM, "version").stdout)
        self.assertEqual(spec["version"][0], "v")
        self.assertEqual(spec["homepage"], REPOSITORY)
        self.assertRegex(spec["shortDescription"], r"^[A-Z].{1,48}[^.]$")
        self.assertIn("glibc 2.34 ", spec["caveats"])

    def test_its_description_names_every_command(self):
        commands = re.findall(r"^  ([a-z]+) ", run(PROGRAM, "--help").stdout, re.M)
        named = re.findall(r"\((\w+)\)", self.written()["spec"]["description"])
        self.assertEqual(sorted(named), sorted(set(commands) - {"version", "help"}))

    def test_a_platform_is_its_archive(self):
        platforms = self.written()["spec"]["platforms"]
        self.assertEqual(platforms, [{
            "selector": {"matchLabels": {"os": "linux", "arch": ARCH}},
            "uri": f"{REPOSITORY}/releases/download/v{run(PROGRAM, 'version').stdout.split()[1]}/{ARCHIVE.name}",
            "sha256": hashlib.sha256(ARCHIVE.read_bytes()).hexdigest(),
            "files": [{"from": "kubectl-plimsoll", "to": "."}, {"from": "LICENSE", "to": "."}],
            "bin": "kubectl-plimsoll"}])
        with tarfile.open(ARCHIVE) as tar:
            self.assertEqual({one["from"] for one in platforms[0]["files"]}, set(tar.getnames()))

    def test_names_the_architectures_that_are_there(self):
        (self.folder / name_of(OTHER)).write_bytes(b"another")
        platforms = {one["selector"]["matchLabels"]["arch"]: one for one in self.written("1.2.3-rc.1")["spec"]["platforms"]}
        self.assertEqual(set(platforms), {ARCH, OTHER})
        self.assertEqual(platforms[OTHER]["sha256"], hashlib.sha256(b"another").hexdigest())
        self.assertEqual(platforms[OTHER]["uri"], f"{REPOSITORY}/releases/download/v1.2.3-rc.1/{name_of(OTHER)}")

    def test_says_what_is_wrong_and_writes_nothing(self):
        empty = self.folder / "empty"
        empty.mkdir()
        for folder, rest, code, sentence in (
                (empty, [REPOSITORY], 1, f"{empty}: no kubectl-plimsoll-linux-ARCH.tar.gz; scripts/plugin-archive"),
                (self.folder, [REPOSITORY, "v0.1.0"], 2, "VERSION is v0.1.0; it is three numbers like 0.1.0"),
                (self.folder, ["somebody/plimsoll"], 2, "REPOSITORY is somebody/plimsoll; it is an address like https"),
                (self.folder, [], 2, "usage: scripts/plugin-manifest FOLDER REPOSITORY [VERSION]")):
            with self.subTest(sentence):
                done = make_manifest(folder, *rest)
                self.assertEqual(done.returncode, code)
                self.assertTrue(done.stderr.startswith(sentence), done.stderr)
                self.assertFalse((folder / "plimsoll.yaml").exists())


if __name__ == "__main__":
    unittest.main()
