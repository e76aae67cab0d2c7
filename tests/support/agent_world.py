# SPDX-License-Identifier: Apache-2.0
"""What a node agent meets, without a cluster: an API server that holds one node, and a machine's files."""

import base64
import http.server
import json
import pathlib
import ssl
import sys
import threading
import time

MI = 1 << 20


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that was killed is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class StubApi:
    """One node, over HTTP or HTTPS; answers as it is told to, and remembers what it was asked."""

    def __init__(self, folder, name="gpu0", cert=None, key=None):
        self.folder, self.name = pathlib.Path(folder), name
        self.uid, self.annotations = "uid-1", {}
        self.exists = True
        self.asked = []     # (method, path, headers, body) of every request
        self.asked_at = []  # and when, monotonic
        self.refusals = []  # (status, headers, body) of the next answers
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        self.scheme = "http"
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self, ca=None, token="secret"):
        path = self.folder / "kubeconfig"
        (self.folder / "token").write_text(token)
        cluster = {"server": f"{self.scheme}://127.0.0.1:{self.port}"}
        if ca:
            cluster["certificate-authority"] = str(ca)
        path.write_text(json.dumps({
            "current-context": "c", "clusters": [{"name": "k", "cluster": cluster}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "users": [{"name": "u", "user": {"tokenFile": str(self.folder / "token")}}]}))
        return path

    def recreate(self):
        with self.lock:
            self.uid, self.annotations = self.uid + "+", {}

    def patches(self):
        with self.lock:
            return [json.loads(body) for method, _, _, body in self.asked if method == "PATCH"]

    def value(self, key):
        """@return an annotation, decoded, or None."""
        with self.lock:
            value = self.annotations.get(f"plimsoll.dev/{key}")
        return json.loads(value) if value and value[0] == "{" else value

    def _answer(self, method, path, headers, body):
        with self.lock:
            self.asked.append((method, path, headers, body))
            self.asked_at.append(time.monotonic())
            if self.refusals:
                return self.refusals.pop(0)
            if not self.exists or path.split("?")[0] != f"/api/v1/nodes/{self.name}":
                return 404, {}, {"kind": "Status", "message": f'nodes "{self.name}" not found'}
            if method == "PATCH":
                metadata = json.loads(body)["metadata"]
                if metadata.get("uid", self.uid) != self.uid:
                    return 422, {}, {"kind": "Status", "message": "metadata.uid: field is immutable"}
                for key, value in metadata["annotations"].items():
                    if value is None:
                        self.annotations.pop(key, None)
                    else:
                        self.annotations[key] = value
            return 200, {}, {"kind": "PartialObjectMetadata",
                             "metadata": {"name": self.name, "uid": self.uid, "annotations": dict(self.annotations)}}

    def _handler(self):
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, said = stub._answer(self.command, self.path, dict(self.headers), body)
                text = (said if isinstance(said, str) else json.dumps(said)).encode()
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PATCH = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *arguments):
                pass

        return Handler


def card_id(index):
    return f"GPU-{index:08x}-0c41-7a7b-31c1-2f0e1d5b9a10"


def pod_uid(index):
    return f"{index:08x}-7d52-4b0e-9f0e-1c2d3e4f5a6b"


class Machine:
    """Processes of pods under root/proc, and the kubelet's folder with its checkpoint."""

    def __init__(self, folder, cards=8, pods=64, processes=2, replicas=8):
        self.folder = pathlib.Path(folder)
        self.root, self.kubelet = self.folder / "root", self.folder / "kubelet"
        self.cards, self.pods, self.per_pod, self.replicas = cards, pods, processes, replicas
        (self.kubelet / "device-plugins").mkdir(parents=True)
        for pid in range(1000, 1000 + pods * processes):
            self._make_process(pid, pod_uid((pid - 1000) // processes))
        self.write_checkpoint(pods)

    def _make_process(self, pid, uid):
        folder = self.root / "proc" / str(pid)
        folder.mkdir(parents=True)
        slice_ = f"kubepods-besteffort-pod{uid.replace('-', '_')}.slice"
        (folder / "cgroup").write_text(f"0::/kubepods.slice/kubepods-besteffort.slice/{slice_}/"
                                       f"cri-containerd-{'a' * 64}.scope\n")
        (folder / "comm").write_text("python3\n")

    def drm_card(self, name, pci, driver, model, **values):
        """A card of AMD's or Intel's driver as sysfs shows it, with values of its PCI device."""
        device = self.root / "sys/devices" / pci
        (device / "drm" / name).mkdir(parents=True)
        (device / "uevent").write_text(f"DRIVER={driver}\nPCI_ID={model}\nPCI_SLOT_NAME={pci}\n")
        for key, value in values.items():
            (device / key).write_text(f"{value}\n")
        (device / "drm" / name / "device").symlink_to(device)
        cards = self.root / "sys/class/drm"
        cards.mkdir(parents=True, exist_ok=True)
        (cards / name).symlink_to(device / "drm" / name)

    def write_checkpoint(self, pods):
        """The first `pods` hold a replica of a card, in turns."""
        entries = []
        for pod in range(pods):
            card = card_id(pod % self.cards)
            entries.append({"PodUID": pod_uid(pod), "ContainerName": "main", "ResourceName": "nvidia.com/gpu",
                            "DeviceIDs": {"-1": [f"{card}::{pod // self.cards}"]},
                            "AllocResp": base64.b64encode(_allocate_response(card)).decode()})
        registered = [f"{card_id(card)}::{replica}" for card in range(self.cards)
                      for replica in range(self.replicas)]
        path = self.kubelet / "device-plugins/kubelet_internal_checkpoint"
        text = json.dumps({"Data": {"PodDeviceEntries": entries,
                                    "RegisteredDevices": {"nvidia.com/gpu": registered}}, "Checksum": 1})
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)

    def fake_cards(self, per_process=64 * MI, host=0):
        """For the reader `fake`: @return the file, written anew."""
        path = self.folder / "cards.yaml"
        cards = [{"id": card_id(card), "product": "NVIDIA A100-SXM4-80GB", "total": str(80 << 30),
                  "used": str(host + per_process * len(self._pids(card))),
                  "processes": [{"pid": pid, "bytes": str(per_process)} for pid in self._pids(card)]}
                 for card in range(self.cards)]
        path.with_suffix(".new").write_text(json.dumps({"driver": "fake", "cards": cards}))  # JSON is YAML
        path.with_suffix(".new").rename(path)
        return path

    def nvml_script(self, per_process=64, more=(), cards=None, driver="580.95.05", card_keys=""):
        """For the played libnvidia-ml (support/nvml): @return the file, written anew; MiB.

        `more` are further lines, `card_keys` further keys of every card."""
        path = self.folder / "nvml"
        lines = [f"driver {driver}", *more]
        for card in range(self.cards if cards is None else cards):
            pids = self._pids(card)
            lines.append(f"card {card_id(card)} name=NVIDIA_A100-SXM4-80GB pci=0000:{card + 1:02x}:00.0 "
                         f"total=81920 reserved=600 used={per_process * len(pids)} {card_keys}")
            lines += [f"process {card_id(card)} {pid} {per_process}" for pid in pids]
        path.with_suffix(".new").write_text("\n".join(lines) + "\n")
        path.with_suffix(".new").rename(path)
        return path

    def _pids(self, card):
        return [1000 + pod * self.per_pod + process for pod in range(card, self.pods, self.cards)
                for process in range(self.per_pod)]


def _allocate_response(card):
    """The device plugin's answer with one environment variable, as protobuf."""
    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data
    return field(1, field(1, b"NVIDIA_VISIBLE_DEVICES") + field(2, card.encode()))
