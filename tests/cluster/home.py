# SPDX-License-Identifier: Apache-2.0
"""A server that makes its own certificate, and the namespace, Secret, Service and webhook it does so for."""

import base64
import itertools
import json
import re
import signal
import socket
import ssl
import threading
import time
import urllib.request

import pods
import process
from api import ApiError
from plimsoll import _fetch as fetch
from plimsoll import find_program
from process import Child

SECRET, CONFIG_MAP, WEBHOOK, SERVICE = "gpu-tls", "gpu-ca", "gpu-webhook", "gpu-service"
OWN_CERTIFICATE = ["--tls-secret", SECRET, "--service", SERVICE, "--ca-configmap", CONFIG_MAP,
                   "--tls-dns", "gpu.example.com", "--tls-dns", "10.0.0.7"]
_numbers = itertools.count(1)


class Server:
    """One replica, under an account that may do what manifests/ allow it."""

    def __init__(self, home, name, clock=None, certificate=None):
        self.home = home
        self.https, self.metrics = process.free_port(), process.free_port()
        self.child = Child(f"{home.namespace}-{name}", [
            *(clock.prefix if clock else []), find_program(), "serve", "--listen", f"127.0.0.1:{self.https}",
            "--webhook", home.webhook, *(certificate or OWN_CERTIFICATE),
            "--metrics-listen", f"127.0.0.1:{self.metrics}", "--kubeconfig", home.kubeconfig], home.plane.folder)

    def start(self):
        self.child.start()
        return self

    def get(self, path):
        return fetch(urllib.request.Request(f"http://127.0.0.1:{self.metrics}/{path}"))

    def ready(self):
        return self.get("readyz")[0] == 200

    def wait_ready(self):
        self.wait("the server to be ready", self.ready)
        return self

    def wait(self, what, condition):
        return self.home.plane.wait_for(what, condition, explain=lambda: "\n".join(
            [self.get("readyz?verbose")[1], self.child.tail()]))

    def wait_alone(self, what, condition):
        """As wait, while the control plane may be away."""
        return process.wait_for(what, condition, [self.child], explain=self.child.tail)

    def wait_unready(self, says):
        def unready():
            status, text = self.get("readyz")
            return status == 503 and says in text
        self.wait(f"the server to say: {says}", unready)

    def metric(self, sample):
        found = re.search(rf"^{re.escape(sample)} (\S+)$", self.get("metrics")[1], re.M)
        return found and float(found.group(1))

    def issuer(self, trusted, name=None):
        """@return the serial of the leaf it shows to a client that trusts these certificates."""
        context = ssl.create_default_context(cadata=trusted)
        with socket.create_connection(("127.0.0.1", self.https)) as raw:
            with context.wrap_socket(raw, server_hostname=name or self.home.name) as tls:
                return tls.getpeercert()["serialNumber"]

    def accepted(self, trusted, name=None):
        try:
            return self.issuer(trusted, name)
        except ssl.SSLCertVerificationError:
            return None

    def log(self, message):
        """@return the log's lines with that message."""
        lines = [json.loads(line) for line in self.child.log.read_text().splitlines()
                 if line.startswith("{")]
        return [line for line in lines if line.get("msg") == message]


class Home:
    """A namespace with a Secret, a Service and a webhook as the chart makes them."""

    def __init__(self, plane):
        self.plane, self.api = plane, plane.api
        self.namespace = f"certificates-{next(_numbers)}"
        self.webhook = f"{WEBHOOK}-{self.namespace}"
        self.name = f"{SERVICE}.{self.namespace}.svc"
        self.servers = []

    def open(self):
        # The label keeps the webhook of the other tests away.
        self.api.create("namespaces", {"metadata": {"name": self.namespace,
                                                    "labels": {"plimsoll.dev/inject": "false"}}})
        self.plane.wait_for("the service account",
                            lambda: self.api.find("serviceaccounts", "default", self.namespace))
        self.make_account()
        self.make_secret()
        self.api.create("configmaps", {"metadata": {"name": CONFIG_MAP}}, self.namespace)
        return self

    def close(self):
        for server in self.servers:
            server.child.stop(signal.SIGKILL)
        self.api.delete("mutatingwebhookconfigurations", self.webhook)
        self.api.delete("clusterroles", self.namespace)
        self.api.delete("clusterrolebindings", self.namespace)
        self.api.delete("namespaces", self.namespace)

    def make_account(self):
        """What the server needs for its certificates, and nothing else of them."""
        api = self.api
        api.create("serviceaccounts", {"metadata": {"name": "server"}}, self.namespace)
        subject = {"kind": "ServiceAccount", "name": "server", "namespace": self.namespace}
        group = "rbac.authorization.k8s.io"
        api.create("clusterroles", {"metadata": {"name": self.namespace}, "rules": [
            {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": ["list", "watch"]},
            {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["mutatingwebhookconfigurations"],
             "resourceNames": [self.webhook], "verbs": ["get", "patch"]}]})
        api.create("clusterrolebindings", {
            "metadata": {"name": self.namespace}, "subjects": [subject],
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": self.namespace}})
        api.create("roles", {"metadata": {"name": "server"}, "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET],
             "verbs": ["get", "update"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [CONFIG_MAP],
             "verbs": ["get", "patch"]}]}, self.namespace)
        api.create("rolebindings", {
            "metadata": {"name": "server"}, "subjects": [subject],
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "server"}}, self.namespace)
        self.kubeconfig = self.plane.token_kubeconfig(f"{self.namespace}-server", self.namespace, "server")
        self.kubeconfig.write_text(self.kubeconfig.read_text().replace(
            "{cluster: tests, user: tests}",
            f"{{cluster: tests, user: tests, namespace: {self.namespace}}}"))

    def make_secret(self, **data):
        self.api.create("secrets", {"metadata": {"name": SECRET}, "type": "Opaque", **data}, self.namespace)

    def make_webhook(self, server):
        self.api.create("services", {"metadata": {"name": SERVICE}, "spec": {
            "type": "ExternalName", "externalName": "localhost"}}, self.namespace)
        service = {"name": SERVICE, "namespace": self.namespace, "path": "/mutate", "port": server.https}
        self.api.create("mutatingwebhookconfigurations", {"metadata": {"name": self.webhook}, "webhooks": [{
            "name": "pods.plimsoll.dev", "clientConfig": {"service": service},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["pods"]}],
            "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            "timeoutSeconds": 30,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}}]})

    def server(self, name="server", clock=None, certificate=None):
        """@param certificate: flags of one that the server does not make itself"""
        server = Server(self, name, clock, certificate)
        self.servers.append(server)
        return server

    def run(self, clock=None):
        """@return a server that is ready, and called."""
        server = self.server(clock=clock)
        self.make_webhook(server)
        return server.start().wait_ready()

    # Looking at things.

    def bundle(self, api=None):
        """@return the webhook's caBundle as text."""
        live = (api or self.api).get("mutatingwebhookconfigurations", self.webhook)
        return decode(live["webhooks"][0]["clientConfig"].get("caBundle", ""))

    def published(self):
        """@return the CA as others mount it."""
        return (self.api.find("configmaps", CONFIG_MAP, self.namespace) or {}).get("data", {}).get("ca.crt")

    def stored(self, key):
        return decode(self.api.get("secrets", SECRET, self.namespace).get("data", {}).get(key, ""))

    def create_pod(self, api=None):
        """As a dry run. @return whether it went through Plimsoll; ApiError when it is refused."""
        pod = (api or self.api).create("pods", pods.vram_only("asks", "4Gi"), self.namespace, dry_run=True)
        return pod["metadata"]["annotations"].get("plimsoll.dev/profile") == "nvidia"


def decode(text):
    return base64.b64decode(text).decode()


def certificates(pem):
    return re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.S)


class Creating:
    """Somebody creates GPU pods all the time; every one must pass Plimsoll, and so must every new connection:
    the API server keeps its own for long."""

    def __init__(self, home):
        self.home, self.api = home, home.plane.another_api()
        self.created, self.refused, self.going = 0, [], True
        self.thread = threading.Thread(target=self._create, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.going = False
        self.thread.join()
        self.api.close()

    def _create(self):
        while self.going:
            try:
                if not self.home.create_pod(self.api):
                    self.refused.append("created without Plimsoll")
                trusted = self.home.bundle(self.api)
                for server in self.home.servers:
                    server.issuer(trusted)
            except (ApiError, OSError) as error:
                self.refused.append(str(error))
            self.created += 1
            time.sleep(0.05)

    def check(self):
        assert self.refused == [], f"{len(self.refused)} of {self.created} pods"
        assert self.created > 0
