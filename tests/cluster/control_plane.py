# SPDX-License-Identifier: Apache-2.0
"""A real control plane on loopback: etcd, kube-apiserver, kube-controller-manager, a kube-scheduler for
everybody else's pods, and kwok in the kubelets' place."""

import os
import pathlib
import signal
import subprocess

import process
from api import Api
from authority import Authority
from process import Child, say, wait_for

HERE = pathlib.Path(__file__).resolve().parent
BINARIES = ("etcd", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
# Only what the tests use; each of the others would wake up now and then on two busy cores.
CONTROLLERS = ("deployment-controller", "replicaset-controller", "namespace-controller",
               "serviceaccount-controller", "root-ca-certificate-publisher-controller",
               "garbage-collector-controller", "clusterrole-aggregation-controller")


def find_binaries():
    """@return the folder of the binaries; a sentence that says how to get them when one is missing."""
    script = HERE / "build-control-plane.sh"
    folder = pathlib.Path(subprocess.run([script, "--where"], capture_output=True, text=True,
                                         check=True).stdout.strip())
    missing = [name for name in BINARIES if not os.access(folder / name, os.X_OK)]
    if missing:
        raise AssertionError(f"{', '.join(missing)} not in {folder}: run tests/cluster/"
                             "build-control-plane.sh once (20 to 60 minutes on two cores, needs Go)")
    return folder


class ControlPlane:
    def __init__(self, folder):
        self.folder = folder
        self.binaries = find_binaries()
        self.kubectl_path = self.binaries / "kubectl"
        self.port = process.free_port()
        self.authority = Authority(folder)
        self.kubeconfig = self.authority.client("admin", "/O=system:masters/CN=admin", self.port)
        self.api = self.another_api()
        self.audit_log = folder / "audit.log"  # what Plimsoll's own accounts do
        self.etcd = self._etcd()
        self.apiserver = self._apiserver()
        self.others = [self._controller_manager(), self._default_scheduler(), self._kwok()]

    def another_api(self):
        """A connection of its own, for another thread."""
        return Api(self.port, self.authority.ca, self.folder / "admin.crt", self.folder / "admin.key")

    def start(self):
        say(f"starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok in {self.folder}")
        self.etcd.start()
        self.start_apiserver()
        for child in self.others:
            child.start()
        # The controller-manager works once it has made this.
        self.wait_for("the default service account",
                      lambda: self.api.find("serviceaccounts", "default", "default"))
        say("control plane ready")

    def start_apiserver(self):
        self.apiserver.start()
        wait_for("kube-apiserver to be ready", self._ready, [self.etcd, self.apiserver])

    def restart_apiserver(self):
        # Not by SIGTERM: it would wait a minute for its watchers to leave.
        self.apiserver.stop(how=signal.SIGKILL)
        self.api.close()
        self.start_apiserver()

    def stop(self):
        # kube-apiserver waits for its watchers, so they go first; nothing here is worth a clean end.
        for child in reversed([self.etcd, self.apiserver, *self.others]):
            child.stop(how=signal.SIGKILL)
        self.api.close()

    def wait_for(self, what, condition, **options):
        return wait_for(what, condition, [self.etcd, self.apiserver, *self.others], **options)

    def kubectl(self, *arguments, check=True, text=None):
        """@return the finished process, with its output as text."""
        done = subprocess.run([self.kubectl_path, "--kubeconfig", self.kubeconfig, *map(str, arguments)],
                              capture_output=True, text=True, input=text)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done

    def token_kubeconfig(self, name, namespace, account):
        """@return a kubeconfig that is the service account, through a token file."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                   "spec": {"expirationSeconds": 24 * 3600}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        token = self.api.call("POST", path, request)["status"]["token"]
        file = self.folder / f"{name}.token"
        file.write_text(token)
        return self.authority.kubeconfig(name, self.port, {"tokenFile": file})

    def _ready(self):
        return self.api.call("GET", "/readyz") == "ok"

    def _child(self, name, *arguments):
        return Child(name, [self.binaries / name, *arguments], self.folder)

    def _etcd(self):
        client, peer = (f"http://127.0.0.1:{process.free_port()}" for _ in range(2))
        self.etcd_url = client
        return self._child("etcd", "--data-dir", self.folder / "etcd",
                           "--listen-client-urls", client, "--advertise-client-urls", client,
                           "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                           "--initial-cluster", f"default={peer}", "--unsafe-no-fsync")

    def _apiserver(self):
        certificate, key = self.authority.issue("apiserver", "/CN=kube-apiserver", "serverAuth",
                                                "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc")
        return self._child("kube-apiserver", f"--etcd-servers={self.etcd_url}",
                           "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
                           f"--secure-port={self.port}", f"--cert-dir={self.folder}",
                           f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
                           f"--client-ca-file={self.authority.ca}", "--authorization-mode=RBAC",
                           # kube-scheduler does not get past its absence.
                           f"--requestheader-client-ca-file={self.authority.ca}",
                           "--requestheader-allowed-names=front-proxy",
                           "--service-cluster-ip-range=10.0.0.0/24",
                           "--service-account-issuer=https://kubernetes.default.svc",
                           f"--service-account-key-file={self.folder / 'sa.pub'}",
                           f"--service-account-signing-key-file={self.folder / 'sa.key'}",
                           f"--audit-policy-file={HERE / 'audit.yaml'}", f"--audit-log-path={self.audit_log}",
                           "--allow-privileged=true", "--endpoint-reconciler-type=none",
                           "--disable-admission-plugins=TaintNodesByCondition")

    def _controller_manager(self):
        config = self.authority.client("controller-manager", "/CN=system:kube-controller-manager", self.port)
        return self._child("kube-controller-manager", f"--kubeconfig={config}",
                           "--bind-address=127.0.0.1", f"--secure-port={process.free_port()}",
                           f"--service-account-private-key-file={self.folder / 'sa.key'}",
                           f"--root-ca-file={self.authority.ca}",
                           "--use-service-account-credentials=true", "--leader-elect=false",
                           f"--controllers={','.join(CONTROLLERS)}")

    def _default_scheduler(self):
        client = self.authority.client("scheduler", "/CN=system:kube-scheduler", self.port)
        config = self.folder / "default-scheduler.yaml"
        config.write_text("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
                          f"clientConnection: {{kubeconfig: {client}}}\n"
                          "leaderElection: {leaderElect: false}\n")
        return self.scheduler("default-scheduler", config, client)

    def scheduler(self, name, config, kubeconfig, *flags):
        """A kube-scheduler, not started yet."""
        return Child(name, [self.binaries / "kube-scheduler", f"--config={config}",
                            "--bind-address=127.0.0.1", f"--secure-port={process.free_port()}",
                            f"--cert-dir={self.folder / name}",
                            f"--authentication-kubeconfig={kubeconfig}",
                            f"--authorization-kubeconfig={kubeconfig}", *flags], self.folder)

    def _kwok(self):
        return self._child("kwok", "-c", HERE / "stages.yaml", "--manage-all-nodes",
                           "--kubeconfig", self.kubeconfig, "--node-lease-duration-seconds=0",
                           "--server-address", f"127.0.0.1:{process.free_port()}")
