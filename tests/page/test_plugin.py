# SPDX-License-Identifier: Apache-2.0
"""`kubectl plimsoll page`, with a kubectl that plays: it lists a pod, and its port-forward is our server."""
import json
import os
import signal
import subprocess
import urllib.request

import pytest

FAKE = """#!/usr/bin/python3
import json, os, pathlib, sys, time
home = pathlib.Path(__file__).resolve().parent
with open(home / "calls", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "get":
    print((home / "pods.json").read_text())
elif (home / "forwards").exists():
    port = (home / "forwards").read_text()
    print(f"Forwarding from 127.0.0.1:{port} -> 10999\\nForwarding from [::1]:{port} -> 10999", flush=True)
    time.sleep(600)
else:
    sys.exit("error: unable to forward port because pod is not running. Current status=Pending")
"""


def server_pod(name, ready="True", **metadata):
    return {"metadata": {"name": name, "namespace": "gpu", **metadata},
            "spec": {"containers": [{"name": "server", "args": [
                "serve", "--extender-listen=127.0.0.1:10999", "--metrics-listen=:9090"]}]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]}}


class Play:
    def __init__(self, folder):
        self.folder = folder
        (folder / "kubectl").write_text(FAKE)
        (folder / "kubectl").chmod(0o755)
        self.list([server_pod("starting", "False"), server_pod("leaving", deletionTimestamp="2026-11-22T05:10:00Z"),
                   server_pod("plimsoll-1")])

    def list(self, pods):
        (self.folder / "pods.json").write_text(json.dumps({"kind": "PodList", "items": pods}))

    def start(self, *arguments):
        return subprocess.Popen([os.environ["KUBECTL_PLIMSOLL"], "page", *arguments], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                env={**os.environ, "KUBECTL": str(self.folder / "kubectl")})

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def play(tmp_path):
    folder = tmp_path / "play"
    folder.mkdir()
    return Play(folder)


def test_the_page_is_where_the_command_says(server, play):
    (play.folder / "forwards").write_text(str(server.port))
    process = play.start("--context", "lab", "--port", "8123")
    try:
        url = process.stdout.readline().strip()
        assert url == f"http://localhost:{server.port}/"
        request = urllib.request.Request(url, headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            assert answer.read().startswith(b"<!doctype html>")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=300)
    assert "The status page of gpu/plimsoll-1; Ctrl-C ends it." in complaints
    listing, forward = play.calls()
    assert listing[:2] == ["get", "--raw"] and "component%3Dserver" in listing[2]
    assert forward == ["port-forward", "--namespace", "gpu", "pod/plimsoll-1", "8123:10999", "--context=lab"]


@pytest.mark.parametrize("pods, says", [
    ([], "no pod of the server is in namespace gpu; without -n it is looked for in every namespace"),
    ([server_pod("starting", "False")], "of 1 pod of the server none is ready; kubectl plimsoll doctor says more"),
])
def test_without_a_server_that_is_said(play, pods, says):
    play.list(pods)
    process = play.start("-n", "gpu")
    _, complaints = process.communicate(timeout=300)
    assert process.returncode == 3 and says in complaints
    assert play.calls()[0][2].startswith("/api/v1/namespaces/gpu/pods?labelSelector=")


def test_without_a_namespace_it_is_looked_for_in_all(play):
    play.list([])
    process = play.start()
    _, complaints = process.communicate(timeout=300)
    assert process.returncode == 3
    assert "no pod of the server is in any namespace; install the chart, or apply manifests/" in complaints
    assert play.calls()[0][2].startswith("/api/v1/pods?labelSelector=")


def test_why_nothing_is_forwarded_is_kubectl_s_word(play):
    process = play.start()
    out, complaints = process.communicate(timeout=300)
    assert (process.returncode, out) == (3, "")
    assert "kubectl plimsoll page: kubectl: error: unable to forward port" in complaints
    assert play.calls()[1][-1] == ":10999"


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_is_a_port(play, port):
    process = play.start("--port", port)
    assert "a port from 1 to 65535" in process.communicate(timeout=300)[1]
    assert process.returncode == 2
