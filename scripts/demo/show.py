#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts `plimsoll serve` on the embedded cluster and shows what it answers over HTTPS.

    show.py PLIMSOLL [--keep]
"""
import base64
import datetime
import json
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in __import__("os").environ
NODES = ["home", "strix", "dgx"]


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def heading(text):
    print("\n" + paint("1", text))


def container(name, limits=None):
    return {"name": name, "image": name, "resources": {"limits": limits} if limits else {}}


def make_pod(name, vram, limits=None, number=90, **annotations):
    notes = {"plimsoll.dev/vram": vram, **{f"plimsoll.dev/{k}": v for k, v in annotations.items()}}
    return {"metadata": {"name": name, "namespace": "ai", "annotations": notes,
                         "uid": f"00000000-0000-4000-8000-{number:012d}"},
            "spec": {"schedulerName": "default-scheduler", "containers": [container(name, limits)]},
            "status": {"phase": "Pending"}}


PODS = [
    ("Whisper, 2Gi of an NVIDIA card", make_pod("whisper", "2Gi", {"nvidia.com/gpu": "1"}, 91)),
    ("SDXL, 12Gi of an NVIDIA card", make_pod("sdxl", "12Gi", {"nvidia.com/gpu": "1"}, 92)),
    ("vLLM, 60Gi on each of 2 cards joined by NVLink",
     make_pod("vllm", "60Gi", None, 93, gpus="2", **{"gpu-topology": "nvlink"})),
    ("llama.cpp, 48Gi of an AMD card", make_pod("llama", "48Gi", {"amd.com/gpu": "1"}, 94)),
    ("a pod that writes 12 and means 12Gi", make_pod("typo", "12", {"nvidia.com/gpu": "1"}, 95)),
]


class Server:
    """The server process, its ports and how to reach them."""

    def __init__(self, program, folder):
        folder = pathlib.Path(folder)
        subprocess.run([program, "certs", "--out", folder / "certs"], check=True, stdout=subprocess.DEVNULL)
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = folder / "cluster.json"
        state.write_text((HERE / "cluster.json").read_text().replace("@NOW@", now))
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--tls-cert", folder / "certs/tls.crt",
             "--tls-key", folder / "certs/tls.key", "--extender-listen", "127.0.0.1:0",
             "--cluster-state", state], stderr=subprocess.PIPE, text=True)
        self.trust = ssl.create_default_context(cafile=folder / "certs/ca.crt")
        self.ports = {}
        while len(self.ports) < 2:
            line = self.process.stderr.readline()
            if not line:
                sys.exit("the server has ended before it listened")
            event = json.loads(line)
            if event["msg"] == "listening":
                self.ports[event["listener"]] = event["port"]
            elif event["level"] == "error":
                sys.exit(f"the server says: {line}")

    def post(self, path, body, listener="https"):
        scheme = "https" if listener == "https" else "http"
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.ports[listener]}{path}",
                                         json.dumps(body).encode(), {"Content-Type": "application/json"})
        context = self.trust if scheme == "https" else None
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return json.load(answer)

    def page(self):
        query = "?colour" if COLOUR else ""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['extender']}/{query}", timeout=60) as page:
            return page.read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode


def show_review(server):
    heading("1  A bare pod goes through the webhook (POST /mutate)")
    pod = {"metadata": {"generateName": "whisper-", "annotations": {"plimsoll.dev/vram": "2Gi"}},
           "spec": {"schedulerName": "default-scheduler",
                    "containers": [container("whisper", {"nvidia.com/gpu": "1"}), container("sidecar")]}}
    answer = server.post("/mutate?timeout=10s", {
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {"uid": "demo", "kind": {"group": "", "version": "v1", "kind": "Pod"},
                    "resource": {"group": "", "version": "v1", "resource": "pods"},
                    "namespace": "ai", "operation": "CREATE", "object": pod}})["response"]
    for change in json.loads(base64.b64decode(answer["patch"])):
        where = change["path"].removeprefix("/").replace("/", ".").replace("~1", "/")
        print(f"  {paint('32', '+')} {where:28} {json.dumps(change['value'])}")
    for warning in answer.get("warnings", []):
        print(f"  {paint('33', '!')} {warning}")


def show_fit(server):
    heading("3  Who fits where, and why not (POST /filter, /prioritize)")
    for title, pod in PODS:
        print(f"  {paint('1', title)}")
        body = {"Pod": pod, "Nodes": None, "NodeNames": NODES}
        verdict = server.post("/filter", body)
        fits = verdict["NodeNames"] or []
        scores = {row["Host"]: row["Score"] for row in
                  server.post("/prioritize", {**body, "NodeNames": fits})} if fits else {}
        for node in NODES:
            if node in fits:
                print(f"    {paint('32', 'yes')}  {node:6} score {scores[node]}")
            else:
                print(f"    {paint('31', 'no ')}  {node:6} {verdict['FailedAndUnresolvableNodes'][node]}")


def show_loads(server, title):
    heading(title)
    print(re.sub(r"^", "  ", server.page().rstrip(), flags=re.M))


def main():
    program, keep = sys.argv[1], "--keep" in sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="plimsoll-try-") as folder:
        server = Server(program, folder)
        try:
            show_review(server)
            show_loads(server, "2  The load line of every card (GET /): █ booked ▓ used by others · free ░ reserve")
            show_fit(server)
            if keep:
                print(f"\nrunning: https://127.0.0.1:{server.ports['https']} and "
                      f"http://127.0.0.1:{server.ports['extender']}/ (Ctrl-C ends it)")
                server.process.stderr.close()
                signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            status = server.stop()
    sys.exit(status)


main()
