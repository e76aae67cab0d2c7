# SPDX-License-Identifier: Apache-2.0
"""A server that makes its own certificate: nothing to do by hand, and no pod refused while it changes."""

import base64
import itertools
import json
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import pods
import process
from api import ApiError
from plimsoll import _fetch as fetch
from plimsoll import find_program
from process import Child

import urllib.request

SECRET, WEBHOOK, SERVICE = "gpu-tls", "gpu-webhook", "gpu-service"
_numbers = itertools.count(1)


class Server:
    """One replica, under an account that may do what manifests/ allow it."""

    def __init__(self, home, name):
        self.home = home
        self.https, self.metrics = process.free_port(), process.free_port()
        self.child = Child(f"{home.namespace}-{name}", [
            find_program(), "serve", "--listen", f"127.0.0.1:{self.https}", "--tls-secret", SECRET,
            "--webhook", home.webhook, "--service", SERVICE, "--tls-dns", "gpu.example.com",
            "--tls-dns", "10.0.0.7", "--metrics-listen", f"127.0.0.1:{self.metrics}",
            "--kubeconfig", home.kubeconfig], home.plane.folder)

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
             "verbs": ["get", "update"]}]}, self.namespace)
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

    def server(self, name="server"):
        server = Server(self, name)
        self.servers.append(server)
        return server

    def run(self):
        """@return a server that is ready, and called."""
        server = self.server()
        self.make_webhook(server)
        return server.start().wait_ready()

    # Looking at things.

    def bundle(self):
        """@return the webhook's caBundle as text."""
        live = self.api.get("mutatingwebhookconfigurations", self.webhook)
        return decode(live["webhooks"][0]["clientConfig"].get("caBundle", ""))

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
    """Somebody creates GPU pods all the time; every one must pass Plimsoll."""

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
            except ApiError as error:
                self.refused.append(str(error))
            self.created += 1
            time.sleep(0.05)

    def check(self):
        assert self.refused == [], f"{len(self.refused)} of {self.created} pods"
        assert self.created > 0


@pytest.fixture
def home(plane):
    home = Home(plane)
    try:
        yield home.open()
        assert [server.child.stop() for server in home.servers] == [0] * len(home.servers)
    finally:
        home.close()


def test_from_an_empty_secret_and_a_webhook_without_a_bundle_to_mutated_pods(home):
    server = home.run()
    assert home.create_pod()
    bundle = home.bundle()
    assert bundle == home.stored("ca.crt")
    assert len(certificates(bundle)) == 1
    for name in (SERVICE, f"{SERVICE}.{home.namespace}", home.name, f"{home.name}.cluster.local", "localhost",
                 "127.0.0.1", "::1", "gpu.example.com", "10.0.0.7"):
        assert server.accepted(bundle, name), name
    assert not server.accepted(bundle, "another.example.com")

    now = time.time()
    leaf = server.metric('plimsoll_certificate_expiration_timestamp_seconds{cert="leaf"}')
    ca = server.metric('plimsoll_certificate_expiration_timestamp_seconds{cert="ca"}')
    assert 89 < (leaf - now) / 86400 < 91
    assert 3649 < (ca - now) / 86400 < 3651
    assert server.metric('plimsoll_cabundle_patches_total{result="ok"}') == 1
    assert "[+]certificates ok" in server.get("readyz?verbose")[1]


def test_of_the_webhook_only_the_bundle_is_ours(home):
    home.run()
    live = home.api.get("mutatingwebhookconfigurations", home.webhook)
    fields = [one["fieldsV1"] for one in live["metadata"]["managedFields"]
              if (one["manager"], one["operation"]) == ("plimsoll", "Apply")]
    assert fields == [{"f:webhooks": {'k:{"name":"pods.plimsoll.dev"}': {
        ".": {}, "f:name": {}, "f:clientConfig": {"f:caBundle": {}}}}}]


@pytest.mark.parametrize("value", [None, "Cg==", "another CA"])
def test_a_bundle_that_somebody_wipes_or_replaces_comes_back(home, value):
    server = home.run()
    before = home.bundle()
    path = "/webhooks/0/clientConfig/caBundle"
    if value == "another CA":
        value = base64.b64encode(home.plane.authority.ca.read_bytes()).decode()
    operation = {"op": "replace", "path": path, "value": value} if value else {"op": "remove", "path": path}
    home.api.patch("mutatingwebhookconfigurations", home.webhook, [operation])
    server.wait("the caBundle to be right again", lambda: home.bundle() == before)
    server.wait("pods to be mutated again", home.create_pod)
    server.wait_ready()


def test_a_secret_that_loses_its_data_gets_another_ca_and_no_pod_is_refused(home):
    server = home.run()
    old = home.bundle()
    serial = server.issuer(old)
    with Creating(home) as creating:
        home.api.patch("secrets", SECRET, [{"op": "remove", "path": "/data"}], home.namespace)
        server.wait("another CA", lambda: certificates(home.stored("ca.crt"))[1:])
        bundle = home.stored("ca.crt")
        assert certificates(bundle)[0] == certificates(old)[0]
        server.wait("it to be published", lambda: home.bundle() == bundle)
        # Those who have not heard of the new CA are served with the old one meanwhile.
        assert server.issuer(old) == serial
        server.wait("the new CA to sign", lambda: server.issuer(bundle) != serial)
        new = certificates(bundle)[1]
        assert server.accepted(new) and not server.accepted(old)
        before = creating.created
        server.wait("more pods", lambda: creating.created > before + 20)
    creating.check()
    assert server.ready()


def test_a_ca_near_its_end_is_replaced_and_no_pod_is_refused(home):
    certificate, key = make_ca(home.plane.folder, home.namespace, "20250101000000Z", days_left=30)
    home.api.delete("secrets", SECRET, home.namespace)
    home.make_secret(stringData={"ca.crt": certificate, "ca.key": key})
    server = home.run()
    bundle = home.bundle()
    assert len(certificates(bundle)) == 2
    assert certificates(bundle)[0] == certificates(certificate)[0]
    # It still signs: the new one is too young.
    assert server.accepted(certificate)
    with Creating(home) as creating:
        server.wait("the new CA to sign", lambda: not server.accepted(certificate))
        assert server.accepted(certificates(bundle)[1])
        before = creating.created
        server.wait("more pods", lambda: creating.created > before + 20)
    creating.check()
    assert len(re.findall("BEGIN PRIVATE KEY", home.stored("ca.key"))) == 2
    assert home.bundle() == bundle


@pytest.mark.parametrize("data", [
    {"ca.crt": "no certificate", "ca.key": "no key"},
    {"ca.crt": "", "tls.crt": "left alone"}])
def test_a_damaged_secret_is_mended(home, data):
    home.api.delete("secrets", SECRET, home.namespace)
    home.make_secret(stringData=data)
    home.run()
    assert home.create_pod()
    assert home.stored("ca.crt") == home.bundle()
    assert home.stored("tls.crt") == data.get("tls.crt", "")


def test_two_replicas_agree_on_one_ca(home):
    one, two = home.server("one"), home.server("two")
    home.make_webhook(two)
    for server in (one, two):
        server.start()
    for server in (one, two):
        server.wait_ready()
    bundle = home.bundle()
    assert len(certificates(bundle)) == 1
    assert home.stored("ca.crt") == bundle
    assert one.accepted(bundle) and two.accepted(bundle)
    assert len(one.log("CA made") + two.log("CA made")) == 1
    assert home.create_pod()


def test_a_replica_that_comes_later_uses_the_ca_that_is_there(home):
    home.run()
    bundle = home.bundle()
    later = home.server("later").start().wait_ready()
    assert later.accepted(bundle)
    assert later.log("CA made") == []
    assert home.bundle() == bundle
    assert later.metric('plimsoll_cabundle_patches_total{result="ok"}') == 0


def test_without_webhook_or_secret_the_server_is_not_ready_and_says_why(home):
    home.api.delete("secrets", SECRET, home.namespace)
    server = home.server().start()
    server.wait_unready(f"MutatingWebhookConfiguration {home.webhook}: ")
    home.make_webhook(server)
    server.wait_unready(f"Secret {SECRET}: ")
    with pytest.raises(ApiError):
        home.create_pod()
    home.make_secret()
    server.wait_ready()
    assert home.create_pod()
    # And said once, not every few seconds.
    said = [line["err"] for line in server.log("certificates are not right")]
    assert len(said) == len(set(said))
    assert len(server.log("certificates are right again")) == 1

    home.api.delete("mutatingwebhookconfigurations", home.webhook)
    server.wait_unready(f"MutatingWebhookConfiguration {home.webhook}: ")


def test_an_account_that_may_not_patch_is_named(home):
    rules = home.api.get("clusterroles", home.namespace)["rules"]
    rules[2]["verbs"] = ["get"]
    home.api.merge("clusterroles", home.namespace, {"rules": rules})
    server = home.server()
    home.make_webhook(server)
    server.start()
    server.wait_unready("cannot patch resource")
    assert server.metric('plimsoll_cabundle_patches_total{result="failed"}') >= 1
    rules[2]["verbs"] = ["get", "patch"]
    home.api.merge("clusterroles", home.namespace, {"rules": rules})
    server.wait_ready()


def test_while_the_api_server_is_away_the_certificate_stays(home, plane):
    server = home.run()
    bundle = home.bundle()
    plane.apiserver.stop(signal.SIGKILL)
    try:
        server.wait_alone("the server to notice", lambda: server.log("certificates are not right"))
        assert server.ready()
        assert server.accepted(bundle)
    finally:
        plane.restart_apiserver()
    server.wait("it to be right again", lambda: server.log("certificates are right again"))
    assert home.bundle() == bundle
    server.wait("pods to be mutated again", home.create_pod)


def make_ca(folder, name, start, days_left):
    """@return certificate and key of a CA whose life began then, as PEM."""
    home = folder / f"{name}-ca"
    home.mkdir()
    (home / "index.txt").touch()
    (home / "openssl.cnf").write_text(f"""[ca]
default_ca = it
[it]
database = {home}/index.txt
new_certs_dir = {home}
rand_serial = yes
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
""")
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days_left * 86400))
    for arguments in (
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", home / "ca.key", "-out", home / "ca.csr", "-subj", "/CN=old CA"],
            ["ca", "-batch", "-selfsign", "-notext", "-config", home / "openssl.cnf", "-keyfile",
             home / "ca.key", "-in", home / "ca.csr", "-out", home / "ca.crt", "-startdate", start,
             "-enddate", end]):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return (home / "ca.crt").read_text(), (home / "ca.key").read_text()
