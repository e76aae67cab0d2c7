# SPDX-License-Identifier: Apache-2.0
"""Plimsoll as manifests/ install it, with the pod's two programs as local processes."""

import json
import os
import pathlib
import signal
import urllib.error
import urllib.request

import yaml

import manifests
import process
from process import Child, say, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The server runs as an account that has nothing but the server's own roles; in a pod it shares the
# scheduler's account, whose rights would hide what is missing in those.
SERVER_ACCOUNT = "tests-server"
SERVER_ROLES = ("plimsoll", "plimsoll-books", "plimsoll-tls")


def find_program():
    build = pathlib.Path(os.environ.get("PLIMSOLL_BUILD", ROOT / "build/release"))
    program = build / "plimsoll" if build.is_dir() else build
    if not os.access(program, os.X_OK):
        raise AssertionError(f"no program {program}: cmake --preset release && cmake --build --preset "
                             "release, or name the build folder in PLIMSOLL_BUILD")
    return program


class Plimsoll:
    def __init__(self, plane, source=manifests.ALL):
        """@param source  The objects whose flags and files the processes get."""
        self.plane = plane
        self.source = source
        self.program = find_program()
        self.folder = plane.folder
        self.https, self.extender, self.metrics = (process.free_port() for _ in range(3))
        self.server = None
        self.scheduler = None

    def install(self):
        """What manifests/README.md says, then the local changes that stand for kube-proxy and name the
        server's account."""
        say("installing manifests/")
        self.apply()
        self.point_webhook_here()
        self.let_server_account_through()
        self.bind_server_account()
        self.server_kubeconfig = self.plane.token_kubeconfig("server", manifests.NAMESPACE, SERVER_ACCOUNT)
        self.use_scheduler()

    def use_scheduler(self):
        """The scheduler and the configurations, as the objects have them."""
        self.scheduler_kubeconfig = self.plane.token_kubeconfig("scheduler-account", manifests.NAMESPACE,
                                                                "plimsoll")
        self.use_config(self.source.server_config())
        self.scheduler = self.plane.scheduler("plimsoll-scheduler", self._scheduler_config(),
                                              self.scheduler_kubeconfig, *self._scheduler_flags())

    def apply(self):
        self.plane.kubectl("apply", "-f", manifests.FOLDER)

    def point_webhook_here(self):
        """The API server resolves no Service without kube-proxy, but it follows an ExternalName."""
        api = self.plane.api
        api.patch("services", "plimsoll",
                  [{"op": "replace", "path": "/spec",
                    "value": {"type": "ExternalName", "externalName": "localhost"}}], manifests.NAMESPACE)
        api.patch("mutatingwebhookconfigurations", "plimsoll",
                  [{"op": "replace", "path": "/webhooks/0/clientConfig/service/port", "value": self.https}])

    def let_server_account_through(self):
        """The guards name the one account that may write reserved annotations; here the server has another."""
        policy = "plimsoll-reserved-annotations"
        conditions = manifests.find("ValidatingAdmissionPolicy", policy)["spec"]["matchConditions"]
        index, condition = next((index, one) for index, one in enumerate(conditions)
                                if one["name"] == "not-the-server")
        real = f"'system:serviceaccount:{manifests.NAMESPACE}:plimsoll'"
        both = f"{real}, 'system:serviceaccount:{manifests.NAMESPACE}:{SERVER_ACCOUNT}'"
        assert real in condition["expression"]
        self.plane.api.patch("validatingadmissionpolicies", policy,
                             [{"op": "replace", "path": f"/spec/matchConditions/{index}/expression",
                               "value": condition["expression"].replace(real, both)}])

    # The server.

    def use_config(self, text):
        """The configuration file of the next start."""
        self.config = self.folder / "plimsoll.yaml"
        self.config.write_text(text)

    def start_server(self):
        given = self.source.container("server")["args"]
        flags = {"config": self.config, "listen": f"127.0.0.1:{self.https}",
                 "extender-listen": f"127.0.0.1:{self.extender}",
                 "metrics-listen": f"127.0.0.1:{self.metrics}"}
        # The Deployment's own flags, with this machine's files and ports, and a kubeconfig in the
        # place of the pod's credentials.
        arguments = []
        for argument in given:
            name = argument.removeprefix("--").partition("=")[0]
            arguments.append(f"--{name}={flags.pop(name)}" if name in flags else argument)
        assert not flags, f"the Deployment does not give {', '.join(flags)}"
        self.server = Child("plimsoll", [self.program, *arguments,
                                         f"--kubeconfig={self.server_kubeconfig}"], self.folder).start()
        wait_for("plimsoll to be ready", lambda: self.get("readyz")[0] == 200, [self.server],
                 explain=lambda: f"{self.get('readyz?verbose')[1]}\n{self.server.tail()}")

    def stop_server(self, how=signal.SIGTERM):
        """@return the exit status."""
        return self.server.stop(how)

    def start_scheduler(self):
        before = self._lease_holder()
        self.scheduler.start()
        wait_for("plimsoll's kube-scheduler to hold its Lease",
                 lambda: self._lease_holder() not in (None, "", before), [self.scheduler],
                 explain=self.scheduler.tail)

    def start(self):
        self.start_server()
        self.start_scheduler()

    def stop(self):
        for child in (self.scheduler, self.server):
            if child is not None:
                child.stop(signal.SIGKILL)

    def revive(self):
        """What a kubelet does: starts again what has ended."""
        if not self.server.running():
            self.start_server()
        if not self.scheduler.running():
            self.start_scheduler()

    # Asking the server directly.

    def get(self, path):
        """@return (status, text) of a GET on the metrics listener."""
        return _fetch(urllib.request.Request(f"http://127.0.0.1:{self.metrics}/{path}"))

    def verb(self, verb, body):
        """@return the decoded answer of an extender verb."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.extender}/{verb}",
                                         json.dumps(body).encode(), {"Content-Type": "application/json"})
        status, text = _fetch(request)
        assert status == 200, f"{verb}: {status} {text}"
        return json.loads(text)

    def refusals(self, pod, nodes):
        """@return {node: reason} for the nodes that filter refuses."""
        answer = self.verb("filter", {"Pod": pod, "Nodes": None, "NodeNames": nodes})
        assert not answer.get("Error"), answer["Error"]
        return {**(answer.get("FailedNodes") or {}), **(answer.get("FailedAndUnresolvableNodes") or {})}

    def knows(self, nodes):
        """True when the picture holds all these nodes."""
        asking = {"metadata": {"name": "asking", "namespace": "default", "uid": "asking",
                               "annotations": {"plimsoll.dev/vram": "1Mi"}},
                  "spec": {"containers": [{"name": "main", "image": "x"}]}}
        return not any("not yet known" in reason for reason in self.refusals(asking, nodes).values())

    # Parts of install.

    def bind_server_account(self):
        api = self.plane.api
        api.create("serviceaccounts", {"metadata": {"name": SERVER_ACCOUNT}}, manifests.NAMESPACE)
        for binding in self.source.objects():
            if binding["kind"].endswith("RoleBinding") and binding["roleRef"]["name"] in SERVER_ROLES:
                binding["metadata"] = {"name": f"{SERVER_ACCOUNT}-{binding['metadata']['name']}"}
                binding["subjects"][0]["name"] = SERVER_ACCOUNT
                plural = f"{binding['kind'].lower()}s"
                api.create(plural, binding, None if plural.startswith("cluster") else manifests.NAMESPACE)

    def _scheduler_flags(self):
        """The Deployment's own, but for the file and the port, which are others here."""
        program, *flags = self.source.container("kube-scheduler")["command"]
        assert program == "kube-scheduler"
        return [flag for flag in flags if not flag.startswith(("--config=", "--secure-port="))]

    def _scheduler_config(self):
        config = self.source.scheduler_config()
        config["clientConnection"] = {"kubeconfig": str(self.scheduler_kubeconfig)}
        config["extenders"][0]["urlPrefix"] = f"http://127.0.0.1:{self.extender}"
        path = self.folder / "plimsoll-scheduler.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def _lease_holder(self):
        name = self.source.scheduler_config()["leaderElection"]["resourceName"]
        lease = self.plane.api.find("leases", name, manifests.NAMESPACE)
        return lease and lease["spec"].get("holderIdentity")


def _fetch(request):
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
