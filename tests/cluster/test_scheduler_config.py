# SPDX-License-Identifier: Apache-2.0
"""What `plimsoll scheduler-config` prints starts the real kube-scheduler, which then places by VRAM."""

import re
import subprocess
import urllib.request

import pytest
import yaml

import manifests
import nodes
import pods
import process
from plimsoll import _fetch as fetch
from plimsoll import find_program
from process import Child

OWN = ("kubeadm", "k3s", "rke2", "talos")
SERVER_NAME = "plimsoll.plimsoll-system.svc"
KUBECONFIGS = {"kubeadm": "/etc/kubernetes/scheduler.conf",
               "k3s": "/var/lib/rancher/k3s/server/cred/scheduler.kubeconfig",
               "rke2": "/var/lib/rancher/rke2/server/cred/scheduler.kubeconfig"}


class Site:
    """A server that a scheduler of the cluster reaches over HTTPS, and one beside it on loopback."""

    def __init__(self, lab):
        self.lab, self.plane, self.folder = lab, lab.plane, lab.plane.folder
        self.https, self.extender, self.metrics = (process.free_port() for _ in range(3))
        self.certs = self.folder / "recipe-certs"
        self.client = self.folder / "recipe-client.crt"
        self.client_key = self.folder / "recipe-client.key"
        if not self.certs.exists():
            subprocess.run([find_program(), "certs", "--out", self.certs, "--dns", SERVER_NAME], check=True,
                           stdout=subprocess.DEVNULL)
            self.plane.authority.issue("recipe-client", "/CN=scheduler", "clientAuth")
        config = self.folder / "recipe.yaml"
        config.write_text('schedulerName: ""\nmarkerLimit: true\n')
        self.server = Child("recipe-server", [
            find_program(), "serve", "--config", config, "--listen", f"127.0.0.1:{self.https}",
            "--tls-cert", self.certs / "tls.crt", "--tls-key", self.certs / "tls.key",
            "--client-ca", self.plane.authority.ca, "--extender-listen", f"127.0.0.1:{self.extender}",
            "--metrics-listen", f"127.0.0.1:{self.metrics}",
            "--kubeconfig", lab.plimsoll.server_kubeconfig], self.folder)
        self.scheduler = None

    def start(self):
        self.server.start()
        self.plane.wait_for("the server to be ready", lambda: self.get("readyz")[0] == 200,
                            explain=self.server.tail)

    def stop(self):
        for child in (self.scheduler, self.server):
            if child is not None:
                child.stop()

    def get(self, path):
        return fetch(urllib.request.Request(f"http://127.0.0.1:{self.metrics}/{path}"))

    def asked_about(self, what):
        found = re.search(rf'^plimsoll_extender_requests_total{{pod="{what}"}} (\d+)$', self.get("metrics")[1], re.M)
        return int(found.group(1))

    def recipe(self, which):
        """@return the documents that the command prints."""
        flags = ["--address", f"127.0.0.1:{self.https}", "--server-name", SERVER_NAME,
                 "--ca", self.certs / "ca.crt", "--client-cert", self.client, "--client-key", self.client_key]
        if which == "second":
            flags = ["--address", f"127.0.0.1:{self.extender}", "--scheduler-name", "recipe-scheduler",
                     "--namespace", manifests.NAMESPACE]
        done = subprocess.run([find_program(), "scheduler-config", "--for", which, *flags],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    def run_scheduler(self, name, config, kubeconfig):
        """The configuration as it is, but for the kubeconfig's place on this machine."""
        config["clientConnection"] = {"kubeconfig": str(kubeconfig)}
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        self.scheduler = self.plane.scheduler(name, path, kubeconfig).start()

    def create(self, pod):
        # Outside the webhook, which belongs to another server.
        self.lab.api.create("pods", pod, self.lab.outside)

    def pod(self, name):
        return self.lab.api.get("pods", name, self.lab.outside)

    def wait_bound(self, name):
        def bound():
            pod = self.pod(name)
            return pod["spec"].get("nodeName") and pod
        return self.plane.wait_for(f"{name} to be bound", bound, explain=self.explain)

    def wait_refused(self, name, reason):
        def refused():
            return any(reason in one.get("message", "")
                       for one in self.pod(name)["status"].get("conditions", []))
        self.plane.wait_for(f"{name} to be refused: {reason}", refused, explain=self.explain)

    def explain(self):
        conditions = [(pod["metadata"]["name"], pod["status"].get("conditions"))
                      for pod in self.lab.api.list("pods", self.lab.outside)]
        return f"{conditions}\n{self.scheduler.tail()}\n{self.server.tail()}"

    def check_placing(self, **spec):
        """Pods of every kind; the cards' memory is counted by Plimsoll alone."""
        self.create(pods.gpu("fits", "4Gi", **spec))
        self.create(pods.pod("by-limit", {"plimsoll.dev/vram": "2Gi"}, **spec))
        self.create(pods.pod("plain-pod", **spec))
        for name in ("fits", "by-limit"):
            assert "plimsoll.dev/claim" in self.wait_bound(name)["metadata"]["annotations"]
        assert "plimsoll.dev/claim" not in self.wait_bound("plain-pod")["metadata"].get("annotations", {})
        self.create(pods.gpu("over", "14Gi", **spec))
        self.wait_refused("over", "insufficient free VRAM (want 14Gi)")


@pytest.fixture
def site(lab):
    lab.add_nodes(nodes.nvidia("recipe", 16384, replicas=4))
    site = Site(lab)
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def without_default_scheduler(plane):
    """The place of the cluster's own scheduler is free; @return who takes it."""
    index = next(i for i, child in enumerate(plane.others) if child.name == "default-scheduler")
    own = plane.others.pop(index)
    own.stop()
    yield
    plane.others.insert(index, own.start())


def test_a_second_scheduler(site):
    config, = site.recipe("second")
    site.run_scheduler("recipe-second", config, site.lab.plimsoll.scheduler_kubeconfig)
    site.check_placing(schedulerName="recipe-scheduler")


@pytest.mark.parametrize("which", OWN)
def test_the_clusters_own_scheduler(site, without_default_scheduler, which):
    config, *rest = site.recipe(which)
    if which == "talos":
        # Talos sets these itself.
        config = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
                  **config["cluster"]["scheduler"]["config"]}
        assert rest == []
    else:
        assert config["clientConnection"]["kubeconfig"] == KUBECONFIGS[which]
        assert len(rest) == 1
    site.run_scheduler(f"recipe-{which}", config, site.folder / "scheduler.kubeconfig")
    site.check_placing()
    # Pods without a GPU never wait for Plimsoll.
    assert site.asked_about("other") == 0
    assert site.asked_about("gpu") > 0


def test_the_manifests_have_what_the_recipe_prints(site):
    """But for names, address and Lease, the second scheduler's configuration is one."""
    printed, = site.recipe("second")
    shipped = manifests.scheduler_config()
    for config in (printed, shipped):
        config.pop("leaderElection")
        config["profiles"][0].pop("schedulerName")
        config["extenders"][0].pop("urlPrefix")
    assert printed == shipped
