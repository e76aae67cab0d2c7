# SPDX-License-Identifier: Apache-2.0
"""What `plimsoll scheduler-config` prints starts the real kube-scheduler, which then places by VRAM."""

import base64
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

OWN_SCHEDULER = 'schedulerName: ""\nmarkerLimit: true\n'
OWN = ("kubeadm", "k3s", "rke2", "talos")
# An installation beside that of the other tests, as `scheduler-config` finds it: "live" in a namespace "live".
LIVE = "live"
SECOND = "recipe-scheduler"
SERVER_NAME = f"{LIVE}.{LIVE}.svc"
KUBECONFIGS = {"kubeadm": "/etc/kubernetes/scheduler.conf",
               "k3s": "/var/lib/rancher/k3s/server/cred/scheduler.kubeconfig",
               "rke2": "/var/lib/rancher/rke2/server/cred/scheduler.kubeconfig"}


class Site:
    """A server that a scheduler of the cluster reaches over HTTPS, and one beside it on loopback."""

    def __init__(self, lab):
        self.lab, self.plane, self.folder = lab, lab.plane, lab.plane.folder
        self.https, self.extender, self.metrics = (process.free_port() for _ in range(3))
        # The cluster IP of its Service, which is reached without kube-proxy.
        self.address = "127.64.0.77"
        self.certs = self.folder / "recipe-certs"
        self.client, self.client_key = self.certs / "client.crt", self.certs / "client.key"
        if not self.certs.exists():
            subprocess.run([find_program(), "certs", "--out", self.certs, "--dns", SERVER_NAME,
                            "--client", "kube-scheduler"], check=True, stdout=subprocess.DEVNULL)
        config = self.folder / "recipe.yaml"
        config.write_text(OWN_SCHEDULER)
        self.server = Child("recipe-server", [
            find_program(), "serve", "--config", config, "--listen", f"{self.address}:{self.https}",
            "--tls-cert", self.certs / "tls.crt", "--tls-key", self.certs / "tls.key",
            "--client-ca", self.certs / "ca.crt", "--extender-listen", f"127.0.0.1:{self.extender}",
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
        found = re.search(rf'^plimsoll_extender_requests_total{{pod_kind="{what}"}} (\d+)$', self.get("metrics")[1], re.M)
        return int(found.group(1))

    def install(self):
        """The objects of manifests/ that a recipe is made of, under another name."""
        found = {"Namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LIVE}},
                 "ServiceCIDR": {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
                                 "metadata": {"name": "loopback"}, "spec": {"cidrs": ["127.64.0.0/24"]}}}
        for kind in ("Service", "ConfigMap", "Deployment", "MutatingWebhookConfiguration"):
            found[kind] = manifests.find(kind, "plimsoll")
            found[kind]["metadata"]["name"] = LIVE
            if kind != "MutatingWebhookConfiguration":
                found[kind]["metadata"]["namespace"] = LIVE
        found["Service"]["spec"].update(clusterIP=self.address)
        found["Service"]["spec"]["ports"][0].update(port=self.https)
        found["ConfigMap"]["data"]["plimsoll.yaml"] = OWN_SCHEDULER
        # What is read of it are the server's flags.
        found["Deployment"]["spec"].update(replicas=0)
        found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"].append("--client-ca=/ca.crt")
        webhook = found["MutatingWebhookConfiguration"]["webhooks"][0]
        webhook["namespaceSelector"] = {"matchLabels": {"nobody": "here"}}
        webhook["clientConfig"] = {
            "service": {"name": LIVE, "namespace": LIVE, "path": "/mutate", "port": self.https},
            "caBundle": base64.b64encode((self.certs / "ca.crt").read_bytes()).decode()}
        self.plane.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([*found.values(), *self.lease_rights()]))

    def lease_rights(self):
        """What manifests/ allow the second scheduler, for a Lease of this name."""
        role, binding = (manifests.find(kind, "plimsoll-scheduler") for kind in ("Role", "RoleBinding"))
        for one in (role, binding):
            one["metadata"]["name"] = SECOND
        role["rules"][1]["resourceNames"] = [SECOND]
        binding["roleRef"]["name"] = SECOND
        return role, binding

    def uninstall(self):
        for what in ("rolebinding", "role"):
            self.plane.kubectl("delete", what, SECOND, "--namespace", manifests.NAMESPACE)
        self.plane.api.delete("mutatingwebhookconfigurations", LIVE)
        self.plane.api.delete("namespaces", LIVE)
        self.plane.wait_for("the namespace to be gone", lambda: self.plane.api.find("namespaces", LIVE) is None)

    def ask(self, which, *flags, name=LIVE):
        """@return the finished command, which asks the cluster."""
        return subprocess.run([find_program(), "scheduler-config", "--for", which, "--kubeconfig",
                               self.plane.kubeconfig, "--name", name, *map(str, flags)],
                              capture_output=True, text=True)

    def recipe(self, which):
        """@return the documents that the command prints of what is live."""
        mine = ["--client-cert", self.client, "--client-key", self.client_key]
        if which == "second":
            mine = ["--address", f"127.0.0.1:{self.extender}", "--scheduler-name", SECOND,
                    "--namespace", manifests.NAMESPACE]
        done = self.ask(which, *mine)
        assert (done.returncode, done.stderr) == (0, "")
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
        site.install()
        site.start()
        yield site
    finally:
        site.stop()
        site.uninstall()


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
    site.check_placing(schedulerName=SECOND)


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


def test_flags_say_the_same_as_the_cluster(site):
    """All of them; and what a flag says is not asked for."""
    mine = ["--client-cert", site.client, "--client-key", site.client_key]
    config = site.folder / "recipe.yaml"
    flags = ["--address", f"{site.address}:{site.https}", "--server-name", SERVER_NAME, "--ca", site.certs / "ca.crt",
             "--config", config, *mine]
    for which in OWN:
        by_flags = subprocess.run([find_program(), "scheduler-config", "--for", which, *map(str, flags)],
                                  capture_output=True, text=True)
        assert by_flags.returncode == 0, by_flags.stderr
        live = site.ask(which, *mine)
        assert list(yaml.safe_load_all(by_flags.stdout)) == list(yaml.safe_load_all(live.stdout))
        assert "# Plimsoll with the cluster's own kube-scheduler, Kubernetes v1.36" in live.stdout
    config.write_text(OWN_SCHEDULER + "resources: {nvidia: [example.com/gpu]}\n")
    site.plane.api.delete("configmaps", LIVE, LIVE)
    site.plane.api.delete("services", LIVE, LIVE)
    done = site.ask("kubeadm", "--address", "192.0.2.7:443", "--config", config, *mine)
    assert (done.returncode, done.stderr) == (0, "")
    extender = next(yaml.safe_load_all(done.stdout))["extenders"][0]
    assert extender["urlPrefix"] == "https://192.0.2.7:443"
    assert {"name": "example.com/gpu"} in extender["managedResources"]
    assert extender["tlsConfig"]["serverName"] == SERVER_NAME


def test_a_second_scheduler_is_told_what_is_live(site):
    api = site.plane.api
    api.merge("configmaps", LIVE, {"data": {"plimsoll.yaml": "schedulerName: gpus\nnodeCapacity: true\n"}}, LIVE)
    api.patch("deployments", LIVE, [{"op": "replace", "path": "/spec/template/spec/containers/0/args",
                                     "value": ["serve", "--extender-listen=127.0.0.1:20262"]}], LIVE)
    done = site.ask("second")
    assert (done.returncode, done.stderr) == (0, "")
    config = yaml.safe_load(done.stdout)
    assert config["leaderElection"]["resourceNamespace"] == LIVE
    assert config["extenders"][0]["urlPrefix"] == "http://127.0.0.1:20262"
    # The scheduler counts VRAM, too, where the nodes advertise it.
    assert config["profiles"] == [{"schedulerName": "gpus", "percentageOfNodesToScore": 100}]


def test_the_installed_profiles_are_what_the_scheduler_asks_about(site):
    site.plane.api.merge("configmaps", LIVE, {"data": {"plimsoll.yaml": OWN_SCHEDULER + (
        "profiles: [{name: mine, extends: nvidia, match: {resources: [example.com/shared-gpu]}}]\n"
        "nodeCapacity: true\n")}}, LIVE)
    config = site.recipe("k3s")[0]
    managed = config["extenders"][0]["managedResources"]
    assert {"name": "example.com/shared-gpu"} in managed
    assert {"name": "plimsoll.dev/vram"} in managed


def test_what_would_keep_the_scheduler_from_asking_is_said(site):
    mine = ["--client-cert", site.client, "--client-key", site.client_key]
    api = site.plane.api
    api.merge("configmaps", LIVE, {"data": {"plimsoll.yaml": "schedulerName: plimsoll-scheduler\n"}}, LIVE)
    api.patch("deployments", LIVE, [{"op": "replace", "path": "/spec/template/spec/containers/0/args",
                                     "value": ["serve"]}], LIVE)
    done = site.ask("rke2", *mine)
    assert done.returncode == 0
    for sentence in ("the server has no --client-ca yet", "still get schedulerName plimsoll-scheduler",
                     "markerLimit is false"):
        assert sentence in done.stderr


def test_what_the_cluster_does_not_say_is_asked_for(site):
    mine = ["--client-cert", site.client, "--client-key", site.client_key]
    assert "is Plimsoll installed, and called so (--name)?" in site.ask("k3s", *mine, name="nobody").stderr
    assert "--client-cert and --client-key are needed" in site.ask("k3s").stderr
    # The Service of the other tests' installation is an ExternalName.
    assert "Service plimsoll has no cluster IP: give --address" in site.ask("k3s", *mine, name="plimsoll").stderr
    site.plane.api.patch("mutatingwebhookconfigurations", LIVE, [
        {"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}])
    assert f"{LIVE} has no caBundle yet" in site.ask("k3s", *mine).stderr
    site.plane.api.delete("configmaps", LIVE, LIVE)
    done = site.ask("k3s", "--ca", site.certs / "ca.crt", *mine)
    assert done.returncode != 0
    assert f"ConfigMap {LIVE}: " in done.stderr


def test_the_manifests_have_what_the_recipe_prints(site):
    done = site.ask("second", name="plimsoll")
    assert (done.returncode, done.stderr) == (0, "")
    assert yaml.safe_load(done.stdout) == manifests.scheduler_config()
