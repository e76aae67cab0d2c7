# SPDX-License-Identifier: Apache-2.0
"""`plimsoll scheduler-config` and an API server that says what a real one never would, or no longer does.
What it makes of a real one is tests/cluster/test_scheduler_config.py.

    PLIMSOLL=build/release/plimsoll python3 tests/command/test_scheduler_config.py
"""
import base64
import copy
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest

PROGRAM = os.environ["PLIMSOLL"]
PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
VERSION, WEBHOOK = "/version", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/plimsoll"
SERVICE, CONFIG = "/api/v1/namespaces/gpu/services/line", "/api/v1/namespaces/gpu/configmaps/plimsoll"
DEPLOYMENT = "/apis/apps/v1/namespaces/gpu/deployments/plimsoll"
CLUSTER = {
    VERSION: {"major": "1", "minor": "30+", "gitVersion": "v1.30.5-gke.1014001"},
    WEBHOOK: {"kind": "MutatingWebhookConfiguration", "metadata": {"name": "plimsoll", "uid": "1"}, "webhooks": [
        {"name": "pods.plimsoll.dev", "clientConfig": {
            "service": {"name": "line", "namespace": "gpu"}, "caBundle": base64.b64encode(PEM.encode()).decode()}}]},
    SERVICE: {"kind": "Service", "spec": {"clusterIP": "fd00::50"}},
    CONFIG: {"kind": "ConfigMap", "data": {"plimsoll.yaml": 'schedulerName: ""\nmarkerLimit: true\n'}},
    DEPLOYMENT: {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [
        {"name": "server", "args": ["serve", "--client-ca=/x", "--extender-listen=127.0.0.1:7777"]}]}}}},
}


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        found = self.server.objects.get(self.path)
        missing = {"kind": "Status", "message": "not there"}
        body = found if isinstance(found, bytes) else json.dumps(missing if found is None else found).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *unused):
        pass


class SchedulerConfig(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.daemon_threads = True
        self.objects = self.server.objects = copy.deepcopy(CLUSTER)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        home = pathlib.Path(folder.name)
        self.kubeconfig = home / "kubeconfig"
        self.kubeconfig.write_text(f"""apiVersion: v1
kind: Config
clusters: [{{name: a, cluster: {{server: "http://127.0.0.1:{self.server.server_port}"}}}}]
users: [{{name: a, user: {{token: t}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
current-context: a
""")
        made = subprocess.run([PROGRAM, "certs", "--out", home, "--client", "kube-scheduler"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(made.stdout, f"wrote ca.crt ca.key client.crt client.key to {home}\n")
        self.mine = ["--client-cert", home / "client.crt", "--client-key", home / "client.key"]

    def run_for(self, which, *more):
        mine = [] if which == "second" else self.mine
        return subprocess.run([PROGRAM, "scheduler-config", "--for", which, "--kubeconfig", self.kubeconfig, *mine,
                               *more], capture_output=True, text=True, timeout=300, check=False)

    def says(self, which, *more):
        done = self.run_for(which, *more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refused(self, which, sentence, *more):
        done = self.run_for(which, *more)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn(sentence, done.stderr)

    def test_an_older_kubeadm_gets_its_own_form(self):
        text = self.says("kubeadm")
        self.assertIn("Kubernetes v1.30.5.\n", text)
        self.assertIn("apiVersion: kubeadm.k8s.io/v1beta3\n", text)
        self.assertIn("  extraArgs:\n    config: /etc/kubernetes/plimsoll/scheduler.yaml\n", text)
        self.objects[VERSION]["minor"] = "31"
        text = self.says("kubeadm")
        self.assertIn("apiVersion: kubeadm.k8s.io/v1beta4\n", text)
        self.assertIn("  - {name: config, value: /etc/kubernetes/plimsoll/scheduler.yaml}\n", text)

    def test_service_and_ca_are_the_webhooks(self):
        text = self.says("talos")
        self.assertIn("- urlPrefix: https://[fd00::50]:443\n", text)
        self.assertIn("serverName: line.gpu.svc\n", text)
        self.assertIn(f"caData: {base64.b64encode(PEM.encode()).decode()}\n", text)
        self.objects[WEBHOOK]["webhooks"][0]["clientConfig"]["service"]["port"] = 8443
        self.objects[SERVICE]["spec"]["clusterIP"] = "10.96.0.50"
        self.assertIn("- urlPrefix: https://10.96.0.50:8443\n", self.says("k3s"))

    def test_a_second_scheduler_gets_the_servers_own_port_and_name(self):
        self.objects[CONFIG]["data"]["plimsoll.yaml"] = "schedulerName: line\n"
        text = self.says("second")
        self.assertIn("- urlPrefix: http://127.0.0.1:7777\n", text)
        self.assertIn("- schedulerName: line\n", text)
        self.assertIn("  resourceNamespace: gpu\n  resourceName: line\n", text)
        del self.objects[DEPLOYMENT]
        self.assertIn("- urlPrefix: http://127.0.0.1:10262\n", self.says("second"))
        text = self.says("second", "--scheduler-name", "mine", "--namespace", "there", "--address", "127.0.0.1:1")
        self.assertIn("  resourceNamespace: there\n  resourceName: mine\n", text)

    def test_what_is_no_word_does_not_get_into_the_file(self):
        service = self.objects[WEBHOOK]["webhooks"][0]["clientConfig"]["service"]
        for evil in ("a\nb: c", "a b", "a\"", "a'", "a#b", "a{"):
            service["name"] = evil
            self.refused("k3s", "is no name; letters, digits, - and . make one", "--address", "10.0.0.1:443")
        service["name"] = "line"
        self.objects[SERVICE]["spec"]["clusterIP"] = "10.0.0.1\nevil: true"
        self.refused("k3s", "must be HOST:PORT")
        self.objects[SERVICE]["spec"]["clusterIP"] = "10.0.0.1"
        service["port"] = 65536
        self.refused("k3s", "must be HOST:PORT")
        service["port"] = 443
        self.objects[VERSION]["gitVersion"] = "v1.36.0\nevil: true"
        self.assertNotIn("evil", self.says("k3s"))
        self.objects[VERSION]["gitVersion"] = "v" * 100
        self.assertIn("own kube-scheduler.\n", self.says("k3s"))

    def test_answers_that_are_no_such_object_are_named(self):
        for path, which, sentence in ((VERSION, "k3s", "the API server's version"),
                                      (WEBHOOK, "k3s", "MutatingWebhookConfiguration plimsoll"),
                                      (SERVICE, "k3s", "Service line"), (CONFIG, "second", "ConfigMap plimsoll")):
            kept = self.objects.pop(path)
            self.refused(which, f"{sentence}: not there")
            for answer in (b"", b"no JSON", b"[]", b'{"a":1,"a":2}'):
                self.objects[path] = answer
                self.refused(which, sentence)
            self.objects[path] = kept
        for answer in (b"", b"[]", b'{"spec":{"template":{"spec":{"containers":[7,{"name":"server","args":7}]}}}}'):
            self.objects[DEPLOYMENT] = answer
            self.says("second")
        self.objects[WEBHOOK]["webhooks"] = []
        self.refused("k3s", "names no Service")
        self.objects[CONFIG]["data"]["plimsoll.yaml"] = "reserve: lots\n"
        self.objects[WEBHOOK] = CLUSTER[WEBHOOK]
        self.refused("k3s", "ConfigMap plimsoll:1")

    def test_a_cluster_that_does_not_answer_is_said(self):
        self.server.shutdown()
        self.server.server_close()
        self.refused("k3s", "the API server's version: ")


if __name__ == "__main__":
    unittest.main()
