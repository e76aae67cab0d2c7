# SPDX-License-Identifier: Apache-2.0
"""What a network and a power cut do between a server and the API server: a request that is lost before or
after it was carried out, one that is held up, and a server that ends at a certain point of it."""

import collections
import socket
import ssl
import threading

import process

HELD_UP_S = 3  # shorter than the 5 s after which the server gives a Binding up


class Plans:
    """What is to happen to the next request of a kind, whoever sends it; and what has happened."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = []
        self.met = collections.Counter()

    def add(self, kind, what):
        """`bind`, `lease` or `pod` (a read), and one of the words of Meddler._carry."""
        with self.lock:
            self.next.append((kind, what))

    def take(self, kind):
        with self.lock:
            for plan in self.next:
                if plan[0] == kind:
                    self.next.remove(plan)
                    self.met[plan] += 1
                    return plan[1]
        return "pass"


class Meddler:
    """Passes requests on, over one connection each, until something is to be done with one."""

    def __init__(self, plane, plans, on_kill):
        self.plane = plane
        self.plans = plans
        self.on_kill = on_kill
        self.bound = 0  # Bindings whose success was passed on
        self.context = ssl.create_default_context(cafile=plane.authority.ca)
        self.listener = socket.create_server(("127.0.0.1", process.free_port()), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client:
                request = _read_request(client)
                if request is not None:
                    self._carry(client, *request)
        except OSError:
            pass  # one of the two went away, as they do here

    def _carry(self, client, head, body):
        what = self.plans.take(_kind_of(head))
        if what == "kill before":
            self.on_kill()
            return
        if what == "lose":
            return
        if what == "kill, then send":
            self.on_kill()
        if what in ("hold up", "kill, then send"):
            threading.Event().wait(HELD_UP_S)
        with socket.create_connection(("127.0.0.1", self.plane.port)) as raw:
            with self.context.wrap_socket(raw, server_hostname="127.0.0.1") as api:
                api.sendall(_closing(head) + body)
                if what in ("kill after", "lose reply", "kill, then send"):
                    while api.recv(65536):
                        pass  # carried out
                    if what == "kill after":
                        self.on_kill()
                    return
                first = chunk = api.recv(65536)
                while chunk:
                    client.sendall(chunk)
                    chunk = api.recv(65536)
                self.bound += _kind_of(head) == "bind" and first.startswith(b"HTTP/1.1 201")
        if what == "kill at reply":
            self.on_kill()


def _kind_of(head):
    method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if method == b"POST" and b"/binding" in path:
        return "bind"
    if b"/leases" in path and method != b"GET":
        return "lease"
    if method == b"GET" and b"/api/v1/namespaces/" in path and b"/pods/" in path:
        return "pod"
    return "other"


def _read_request(client):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        chunk = client.recv(65536)
        if not chunk:
            return None
        body += chunk
    return head, body


def _closing(head):
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])
