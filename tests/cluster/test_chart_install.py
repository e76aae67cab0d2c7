# SPDX-License-Identifier: Apache-2.0
"""The chart's life in a cluster of its own: installed, upgraded, rolled back and uninstalled by both Helms, and
applied as Argo CD does; the webhook works at every step, and nothing is left behind."""

import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import time

import pytest
import yaml

import nodes
import pods
from api import ApiError
from charts import CHART, ROOT, Helm, find
from control_plane import ControlPlane
from lab import Lab
from manifests import NAMESPACE, Objects
from mount import Mount
from plimsoll import Plimsoll, find_program
from process import CEILING_S, Child, say
from test_kubectl import Plugin

SERVER_ACCOUNT = f"system:serviceaccount:{NAMESPACE}:tests-server"
# What the server's own writes of certificates look like to Helm.
AUTHORITY = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nnot read here\n").decode()


@pytest.fixture(scope="module")
def own_plane(folder):
    """Empty: the other tests' cluster has manifests/ in it."""
    path = folder / "chart"
    path.mkdir()
    plane = ControlPlane(path)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def chart(folder):
    """The chart, with a Service that the API server can reach without kube-proxy. Done to the chart and not to
    the cluster: a field that others changed would be a conflict in Helm 4's next upgrade."""
    return copy_chart(folder / "chart/plimsoll")


def copy_chart(copy):
    shutil.copytree(CHART, copy)
    file = copy / "templates/server/service.yaml"
    head, _, _ = file.read_text().partition("spec:\n")
    file.write_text(head + "spec: {type: ExternalName, externalName: localhost}\n")
    return copy


class Release:
    """A release of the chart and the pod's two programs as local processes."""

    def __init__(self, plane, chart, major):
        self.plane, self.chart = plane, chart
        self.helm = Helm(major, plane.folder, plane.kubeconfig)
        self.plimsoll = Plimsoll(plane, Objects("the release", self.objects))
        # As shipped, but for a port that is free here and the server's account.
        values = {"service": {"port": self.plimsoll.https}, "guards": {"extraUsers": [SERVER_ACCOUNT]}}
        self.values = plane.folder / f"helm{major}-values.yaml"
        self.values.write_text(yaml.safe_dump(values))

    def helm_run(self, verb, *arguments):
        return self.helm.run(*verb.split(), "plimsoll", *arguments, f"--namespace={NAMESPACE}")

    def install(self):
        self.helm_run("install", self.chart, "--create-namespace", f"--values={self.values}")

    def upgrade(self, *values, flags=()):
        self.helm_run("upgrade", self.chart, f"--values={self.values}", *(f"--set={one}" for one in values), *flags)

    def objects(self):
        text = self.helm_run("get manifest").stdout
        return [one for one in yaml.safe_load_all(text) if one]

    def start(self):
        self.plimsoll.bind_server_account()
        kubeconfig = self.plane.token_kubeconfig("server", NAMESPACE, "tests-server")
        # In a pod the ServiceAccount's files name the namespace.
        kubeconfig.write_text(kubeconfig.read_text().replace(
            "{cluster: tests, user: tests}", f"{{cluster: tests, user: tests, namespace: {NAMESPACE}}}"))
        self.plimsoll.server_kubeconfig = kubeconfig
        self.plimsoll.use_scheduler()
        self.plimsoll.start()

    def webhook(self):
        return self.plane.api.get("mutatingwebhookconfigurations", "plimsoll")["webhooks"][0]

    def close(self):
        """May be called twice."""
        self.helm.run("uninstall", "plimsoll", f"--namespace={NAMESPACE}", check=False)
        self.plimsoll.stop()
        self.plane.api.delete("clusterrolebindings", "tests-server-plimsoll")
        self.plane.api.delete("namespaces", NAMESPACE)
        self.plane.wait_for("the namespace to be gone",
                            lambda: self.plane.api.find("namespaces", NAMESPACE) is None)


@pytest.fixture(params=[3, 4], ids=["helm3", "helm4"])
def release(request, own_plane, chart):
    release = Release(own_plane, chart, request.param)
    yield release
    release.close()


@pytest.fixture
def lab(own_plane, release):
    lab = Lab(own_plane, release.plimsoll)
    lab.open()
    yield lab
    # Not Lab.close: when a test ends here there is no server to ask. The release goes before the nodes: a pod
    # on a node that is gone is never seen off.
    release.close()
    for namespace in (lab.namespace, lab.outside):
        own_plane.api.delete_all("pods", namespace, gracePeriodSeconds=0)
        own_plane.api.delete("namespaces", namespace)
    for name in lab.nodes:
        own_plane.api.delete("nodes", name)
    own_plane.api.delete("runtimeclasses", "nvidia")


def in_force(lab):
    """The API server counts a webhook or a policy some time after it is written."""
    lab.wait_for("the webhook to be called", lambda: mutated(lab.preview(pods.gpu("asking", "1Gi"))))


def mutated(pod):
    return pod["metadata"]["annotations"].get("plimsoll.dev/profile") == "nvidia"


def noted(notes):
    """@return the commands for a first GPU pod and for free VRAM, as the notes have them"""
    commands = re.findall(r"^  (kubectl (?:.*\\\n)*.*)$", notes, re.M)
    return (next(one for one in commands if one.startswith("kubectl run first ")),
            next(one for one in commands if "free-vram" in one))


def one_line(text):
    return " ".join(text.replace("\\\n", " ").split())


def run_in_shell(plane, command):
    """@return its output"""
    environment = {"PATH": f"{plane.binaries}:{os.environ['PATH']}", "HOME": str(plane.folder),
                   "KUBECONFIG": str(plane.kubeconfig)}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False).stdout


def test_install_upgrade_roll_back_and_uninstall(lab, release, own_plane):
    def trusted():
        return release.webhook()["clientConfig"]["caBundle"]
    began = time.monotonic()
    release.install()
    release.start()
    lab.add_runtime_class()
    lab.add_nodes(nodes.nvidia("box", 16384))
    in_force(lab)
    first, free = noted(release.helm_run("get notes").stdout)
    run_in_shell(own_plane, first.replace("kubectl run", f"kubectl --namespace={lab.namespace} run"))
    placed = lab.wait_running("first")[0]
    took = time.monotonic() - began
    say(f"helm{release.helm.major}: {took:.1f} s from install to the first placed pod")
    assert placed["spec"]["schedulerName"] == "plimsoll-scheduler"
    assert json.loads(placed["metadata"]["annotations"]["plimsoll.dev/claim"])["cards"][0]["vram"] == 2 << 30
    assert one_line(first) in one_line((ROOT / "docs/install.md").read_text())
    lab.annotate_node("box", free_vram="11.2Gi")
    assert re.search(r"^box +11\.2Gi$", run_in_shell(own_plane, free), re.M)

    # Upgrade, after the server has made another CA.
    old = release.webhook()["clientConfig"]["caBundle"]
    own_plane.api.call("PATCH", f"/api/v1/namespaces/{NAMESPACE}/secrets/plimsoll-tls",
                       [{"op": "remove", "path": "/data"}], "application/json-patch+json")
    lab.wait_for("the webhook to trust another CA", lambda: trusted() != old)
    both = trusted()
    generation = own_plane.api.get("deployments", "plimsoll", NAMESPACE)["metadata"]["generation"]
    release.upgrade("webhook.timeoutSeconds=7", "config.policy=spread")
    assert release.webhook()["timeoutSeconds"] == 7
    assert "policy: spread" in release.plimsoll.source.server_config()
    # The configuration is read at start, so the pods are made anew.
    assert own_plane.api.get("deployments", "plimsoll", NAMESPACE)["metadata"]["generation"] > generation
    assert trusted() == both
    assert mutated(lab.preview(pods.gpu("second", "1Gi")))

    release.helm_run("rollback", "1")
    assert trusted() == both
    assert release.webhook()["timeoutSeconds"] == 5
    assert "policy: pack" in release.plimsoll.source.server_config()
    lab.create(pods.vram_only("third", "2Gi"))
    lab.wait_running("third")

    # Uninstall, with a failurePolicy that would hurt.
    release.upgrade("webhook.failurePolicy=Fail")
    assert release.webhook()["failurePolicy"] == "Fail"
    release.plimsoll.stop()
    assert len(left_behind(own_plane)) > 20
    release.helm_run("uninstall", "--wait")
    assert left_behind(own_plane) == []
    lab.wait_for("the API server to forget the webhook", lambda: lab.create(pods.gpu("afterwards", "1Gi")))
    assert "plimsoll.dev/profile" not in lab.wait_running("afterwards")[0]["metadata"]["annotations"]
    assert lab.phases()["first"] == "Running"


def test_node_capacity_that_is_switched_off_is_taken_back(lab, release, own_plane):
    def advertised():
        status = own_plane.api.get("nodes", "box")["status"]
        return "plimsoll.dev/vram" in status["capacity"], "plimsoll.dev/vram" in status["allocatable"]

    def may_write():
        rules = own_plane.api.get("clusterroles", "plimsoll")["rules"]
        return any("nodes/status" in rule["resources"] for rule in rules)
    release.helm_run("install", release.chart, "--create-namespace", f"--values={release.values}",
                     "--set=config.nodeCapacity=true")
    assert "Before uninstalling set config.nodeCapacity=false" in release.helm_run("get notes").stdout
    release.start()
    lab.add_nodes(nodes.nvidia("box", 16384))
    lab.wait_for("the node to advertise VRAM", lambda: advertised() == (True, True))

    # The pods are made anew by an upgrade that changes the configuration; here that is one process.
    release.plimsoll.stop_server()
    release.upgrade()
    assert may_write()
    assert "Nodes still advertise plimsoll.dev/vram" in release.helm_run("get notes").stdout
    release.plimsoll.use_config(release.plimsoll.source.server_config())
    release.plimsoll.start_server()
    lab.wait_for("the node to advertise it no longer", lambda: advertised() == (False, False))
    release.upgrade()
    assert not may_write()
    assert "plimsoll.dev/vram:" not in release.helm_run("get notes").stdout


def test_node_capacity_can_be_taken_back_by_hand(own_plane, release):
    """docs/install.md's last resort."""
    command = re.search(r"^kubectl get nodes -o name .*$", (ROOT / "docs/install.md").read_text(), re.M).group(0)
    node = nodes.nvidia("box", 16384)
    node["status"]["capacity"]["plimsoll.dev/vram"] = node["status"]["allocatable"]["plimsoll.dev/vram"] = "15Gi"
    own_plane.api.create("nodes", node)
    own_plane.api.create("nodes", nodes.node("plain"))
    try:
        run_in_shell(own_plane, command)
        status = own_plane.api.get("nodes", "box")["status"]
        assert "plimsoll.dev/vram" not in status["capacity"]
        assert status["capacity"]["nvidia.com/gpu"]
    finally:
        for name in ("box", "plain"):
            own_plane.api.delete("nodes", name)


def left_behind(plane):
    kinds = ("mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,"
             "clusterroles,clusterrolebindings,roles,rolebindings,services,deployments,daemonsets,configmaps,"
             "serviceaccounts,poddisruptionbudgets,networkpolicies,secrets")
    found = plane.kubectl("get", kinds, "--all-namespaces", "--selector=app.kubernetes.io/managed-by=Helm",
                          "--output=name").stdout
    return found.split()


def test_a_gpu_pod_from_before_the_install_is_accounted(lab, release):
    lab.add_runtime_class()
    lab.add_nodes(nodes.nvidia("box", 16384), wait=False)
    lab.create(pods.gpu("before"))
    lab.wait_running("before")
    release.install()
    release.start()
    in_force(lab)
    # It asked for nothing, so it has the whole card.
    lab.create(pods.vram_only("after", "1Gi"))
    lab.wait_refused("after", "insufficient free VRAM (want 1Gi)")
    lab.delete("before", gracePeriodSeconds=0)
    lab.wait_running("after")


class Kubelet:
    """What a kubelet does of the pod of `helm test`: its command is run, and how that ends is the pod's end."""

    def __init__(self, plane):
        self.plane, self.said = plane, ""

    def run(self, name):
        pod = self.plane.api.get("pods", name, NAMESPACE)
        kubeconfig = self.plane.token_kubeconfig("helm-test", NAMESPACE, pod["spec"]["serviceAccountName"])
        container = pod["spec"]["containers"][0]
        folders = {mount["mountPath"]: self._volume(pod, mount["name"]) for mount in container["volumeMounts"]}
        mounted = re.compile(f"=({'|'.join(folders)})(?=/|$)")
        words = [mounted.sub(lambda path: f"={folders[path[1]]}", word) for word in container["command"]]

        def ask():
            # Behind the tests' own, this kubeconfig counts.
            done = self.plane.kubectl(*words[1:], f"--kubeconfig={kubeconfig}", check=False)
            # A role counts some time after it is written.
            return None if "forbidden: User" in done.stderr else done
        done = self.plane.wait_for("RBAC to know the test's account", ask)
        self.said = done.stdout + done.stderr
        self.plane.api.call("PATCH", self.plane.api.path("pods", NAMESPACE, name) + "/status",
                            {"status": {"phase": "Failed" if done.returncode else "Succeeded"}},
                            "application/merge-patch+json")

    def _volume(self, pod, name):
        """@return the folder here that it is"""
        folder = self.plane.folder / f"helm-test-{name}"
        folder.mkdir(exist_ok=True)
        volume = next(one for one in pod["spec"]["volumes"] if one["name"] == name)
        if "configMap" in volume:
            data = self.plane.api.get("configmaps", volume["configMap"]["name"], NAMESPACE)["data"]
            for file, text in data.items():
                (folder / file).write_text(text)
        return folder


def test_helm_test_tells_whether_the_webhook_is_called(lab, release, own_plane):
    release.install()
    release.start()
    lab.add_nodes(nodes.node("plain"))
    in_force(lab)
    kubelet = Kubelet(own_plane)

    def helm_test():
        """@return its exit status"""
        testing = Child(f"helm{release.helm.major}-test", [
            release.helm.program, "test", "plimsoll", f"--namespace={NAMESPACE}"], own_plane.folder)
        testing.start(environment=release.helm.environment)

        def pod():
            testing.must_run()
            found = own_plane.api.find("pods", "plimsoll-test", NAMESPACE)
            return found and found["status"]["phase"] == "Running"
        try:
            own_plane.wait_for("the test's pod to run", pod)
            kubelet.run("plimsoll-test")
            return testing.process.wait(CEILING_S)
        finally:
            testing.stop()

    def left():
        return own_plane.kubectl("get", "pods,configmaps,serviceaccounts,roles,rolebindings", "--all-namespaces",
                                 "--field-selector=metadata.name=plimsoll-test", "--output=name").stdout.split()
    assert helm_test() == 0, kubelet.said
    assert "pod/plimsoll-test created (server dry run)" in kubelet.said
    assert left() == []
    release.plimsoll.stop_server()
    assert helm_test() != 0
    assert "plimsoll.dev/claim" in kubelet.said
    # What the dry run made is not there; the pod that failed is, to be looked at until the next test.
    assert own_plane.api.find("pods", "plimsoll-test", "default") is None
    assert left() == ["pod/plimsoll-test"]
    release.plimsoll.start_server()
    in_force(lab)
    assert helm_test() == 0, kubelet.said
    assert left() == []


def server_writes(plane):
    """What the server writes with tls.mode self: the Secret's data, and caBundle by server-side apply."""
    plane.api.call("PATCH", f"/api/v1/namespaces/{NAMESPACE}/secrets/plimsoll-tls?fieldManager=plimsoll",
                   {"data": {"ca.crt": AUTHORITY}}, "application/merge-patch+json")
    plane.api.call("PATCH", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/plimsoll"
                   "?fieldManager=plimsoll&force=true",
                   {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                    "metadata": {"name": "plimsoll"},
                    "webhooks": [{"name": "pods.plimsoll.dev", "clientConfig": {"caBundle": AUTHORITY}}]},
                   "application/apply-patch+yaml")


def assert_kept(plane):
    webhook = plane.api.get("mutatingwebhookconfigurations", "plimsoll")["webhooks"][0]
    assert webhook["clientConfig"]["caBundle"] == AUTHORITY
    secret = plane.api.call("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/plimsoll-tls")
    assert secret["data"] == {"ca.crt": AUTHORITY}


def test_upgrade_and_rollback_keep_what_the_server_wrote(release, own_plane, chart):
    release.install()
    server_writes(own_plane)
    release.upgrade("webhook.timeoutSeconds=7")
    assert release.webhook()["timeoutSeconds"] == 7
    assert_kept(own_plane)
    release.helm_run("rollback", "1")
    assert release.webhook()["timeoutSeconds"] == 5
    assert_kept(own_plane)
    release.helm_run("uninstall", "--wait")
    assert left_behind(own_plane) == []


def test_a_release_passes_from_one_helm_to_the_other(release, own_plane):
    """Helm 3 replaces, Helm 4 applies; whoever has a new Helm has releases of the old one."""
    other = Helm(7 - release.helm.major, own_plane.folder, own_plane.kubeconfig)
    release.install()
    server_writes(own_plane)
    own, release.helm = release.helm, other
    for seconds in (7, 8):
        release.upgrade(f"webhook.timeoutSeconds={seconds}")
        assert release.webhook()["timeoutSeconds"] == seconds
        assert_kept(own_plane)
    release.helm_run("rollback", "1")
    assert release.webhook()["timeoutSeconds"] == 5
    release.helm = own
    release.upgrade("webhook.timeoutSeconds=9")
    assert release.webhook()["timeoutSeconds"] == 9
    assert_kept(own_plane)
    release.helm = other
    release.helm_run("uninstall", "--wait")
    assert left_behind(own_plane) == []


def test_applied_as_argo_cd_does_it_again_and_again(release, own_plane, chart):
    own_plane.api.create("namespaces", {"metadata": {"name": NAMESPACE}})

    def apply(*values):
        text = release.helm.run("template", "plimsoll", chart, f"--namespace={NAMESPACE}", "--no-hooks",
                                "--kube-version=v1.36.3", *(f"--set={one}" for one in values)).stdout
        return own_plane.kubectl("apply", "--server-side", "--field-manager=argocd-controller", "-f", "-", text=text)
    apply()
    server_writes(own_plane)
    apply("webhook.timeoutSeconds=7")
    assert release.webhook()["timeoutSeconds"] == 7
    assert_kept(own_plane)
    # And nothing to do is nothing done.
    before = own_plane.api.get("mutatingwebhookconfigurations", "plimsoll")["metadata"]["generation"]
    apply("webhook.timeoutSeconds=7")
    assert own_plane.api.get("mutatingwebhookconfigurations", "plimsoll")["metadata"]["generation"] == before
    text = release.helm.run("template", "plimsoll", chart, f"--namespace={NAMESPACE}").stdout
    own_plane.kubectl("delete", "--ignore-not-found", "-f", "-", text=text)
    assert left_behind(own_plane) == []


def test_what_was_applied_without_helm_becomes_a_release(release, own_plane, chart):
    own_plane.api.create("namespaces", {"metadata": {"name": NAMESPACE}})
    text = release.helm.run("template", "plimsoll", chart, f"--namespace={NAMESPACE}", "--no-hooks",
                            "--kube-version=v1.36.3").stdout
    own_plane.kubectl("apply", "--server-side", "--field-manager=argocd-controller", "-f", "-", text=text)
    server_writes(own_plane)
    # As docs/install.md says.
    force = ["--force-conflicts"] if release.helm.major == 4 else []
    release.upgrade("webhook.timeoutSeconds=7", flags=["--install", "--take-ownership", *force])
    assert release.webhook()["timeoutSeconds"] == 7
    assert_kept(own_plane)
    release.upgrade("webhook.timeoutSeconds=8")
    assert release.webhook()["timeoutSeconds"] == 8
    assert_kept(own_plane)
    release.helm_run("uninstall", "--wait")
    assert left_behind(own_plane) == []


def test_two_releases_do_not_share_a_webhook(release, own_plane, chart):
    release.install()
    with pytest.raises(AssertionError, match="plimsoll"):
        release.helm.run("install", "plimsoll", chart, "--namespace=elsewhere", "--create-namespace",
                         f"--values={release.values}")
    own_plane.api.delete("namespaces", "elsewhere")


def test_the_notes_say_that_agents_need_a_runtime_class_which_is_missing(release, own_plane):
    missing = "There is no RuntimeClass nvidia"
    release.install()
    assert missing in release.helm_run("get notes").stdout
    release.upgrade("agent.nvidia.runtimeClassName=")
    assert missing not in release.helm_run("get notes").stdout
    # docs/install.md's line.
    text = re.search(r"^kubectl create -f - <<< '(.*)'$", (ROOT / "docs/install.md").read_text(), re.M).group(1)
    own_plane.kubectl("create", "-f", "-", text=text)
    try:
        release.upgrade()
        assert missing not in release.helm_run("get notes").stdout
    finally:
        own_plane.api.delete("runtimeclasses", "nvidia")


def test_the_notes_say_that_no_node_has_a_label_by_which_an_agent_starts(release, own_plane):
    missing = "No node has one yet"
    own_plane.api.create("nodes", nodes.node("plain"))
    try:
        release.install()
        assert missing in release.helm_run("get notes").stdout
        own_plane.api.merge("nodes", "plain", {"metadata": {"labels": {"feature.node.kubernetes.io/amd-gpu": "true"}}})
        release.upgrade()
        assert missing not in release.helm_run("get notes").stdout
        release.upgrade("agent.amd.enabled=false")
        assert missing in release.helm_run("get notes").stdout
    finally:
        # Servers of the release run there: they go first.
        release.close()
        own_plane.api.delete("nodes", "plain")


def test_a_second_release_of_another_name_is_refused(release, own_plane, chart):
    release.install()
    with pytest.raises(AssertionError, match=f"webhook plimsoll of the release {NAMESPACE}/plimsoll"):
        release.helm.run("install", "another", chart, "--namespace=elsewhere", "--create-namespace",
                         f"--values={release.values}")
    # Its own next revision may have another name.
    release.upgrade("fullnameOverride=line")
    assert own_plane.api.find("mutatingwebhookconfigurations", "plimsoll") is None
    assert own_plane.api.get("mutatingwebhookconfigurations", "line")
    own_plane.api.delete("namespaces", "elsewhere")


def test_the_way_certificates_are_made_can_be_changed_and_changed_back(release, own_plane, chart):
    release.install()
    server_writes(own_plane)
    mine = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nmine\n").decode()
    provided = ["tls.mode=provided", "tls.existingSecret=mine", f"tls.caBundle={mine}"]
    if release.helm.major == 4:
        with pytest.raises(AssertionError, match='conflict with "plimsoll".*caBundle'):
            release.upgrade(*provided)
        release.upgrade(*provided, flags=["--force-conflicts"])
    release.upgrade(*provided)
    assert release.webhook()["clientConfig"]["caBundle"] == mine
    release.upgrade()
    server_writes(own_plane)
    release.upgrade("webhook.timeoutSeconds=7")
    assert_kept(own_plane)


def served(release):
    """@return the certificate that the server shows"""
    return ssl.get_server_certificate(("127.0.0.1", release.plimsoll.https))


def test_a_certificate_of_ones_own_is_served_and_its_renewal_too(lab, release, own_plane):
    folder = own_plane.folder / f"own-certificate-{release.helm.major}"

    def provide():
        subprocess.run([find_program(), "certs", "--out", folder, "--dns", f"plimsoll.{NAMESPACE}.svc"], check=True,
                       stdout=subprocess.DEVNULL)
        secret = own_plane.kubectl("create", "secret", "tls", "mine", f"--namespace={NAMESPACE}", "--output=yaml",
                                   "--dry-run=client", f"--cert={folder / 'tls.crt'}", f"--key={folder / 'tls.key'}")
        own_plane.kubectl("apply", "-f", "-", text=secret.stdout)
    own_plane.api.create("namespaces", {"metadata": {"name": NAMESPACE}})
    provide()
    trusted = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    release.helm_run("install", release.chart, f"--values={release.values}", "--set=tls.mode=provided",
                     "--set=tls.existingSecret=mine", f"--set=tls.caBundle={trusted}")
    mount = Mount(own_plane, release, "mine")
    first = mount.refresh()
    release.start()
    in_force(lab)
    assert first.startswith(served(release).strip())

    provide()
    second = mount.refresh()
    assert second != first
    lab.wait_for("the server to show the new certificate", lambda: second.startswith(served(release).strip()))
    assert mutated(lab.preview(pods.gpu("asking", "1Gi")))
    assert release.webhook()["clientConfig"]["caBundle"] == trusted
    assert own_plane.api.find("secrets", "plimsoll-tls", NAMESPACE) is None


def test_with_fail_a_gpu_pod_is_refused_while_no_server_answers_and_others_are_not(lab, release):
    release.install()
    release.upgrade("webhook.failurePolicy=Fail")
    lab.wait_for("GPU pods to be refused", lambda: refused(lab, pods.gpu("asks", "1Gi")))
    assert not refused(lab, pods.pod("plain"))


def refused(lab, pod):
    try:
        lab.preview(pod)
    except ApiError as error:
        return "failed calling webhook" in error.message
    return False


def hold_by_dra(api, namespace):
    """A claim as a DRA driver for GPUs leaves it."""
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}}
    claim = {"metadata": {"name": "held"}, "spec": {"devices": {"requests": [request]}}}
    api.create("resourceclaims", claim, namespace)
    device = {"request": "gpu", "driver": "gpu.nvidia.com", "pool": "box", "device": "gpu-0"}
    api.call("PATCH", api.path("resourceclaims", namespace, "held") + "/status",
             {"status": {"allocation": {"devices": {"results": [device]}}}}, "application/merge-patch+json")


# What doctor finds does not depend on which Helm installed it.
@pytest.mark.parametrize("release", [4], ids=["helm4"], indirect=True)
def test_doctor_finds_nothing_in_a_healthy_release_and_what_is_broken(lab, release, own_plane):
    plugin = Plugin(lab)

    def ill(status):
        found = plugin.ask("doctor", status=status)["findings"]
        assert all(bool(one["todo"]) == (one["state"] != "ok") for one in found)
        return {(one["check"], one["state"]) for one in found if one["state"] != "ok"}, json.dumps(found)

    # Before: nothing is there.
    assert {("webhook", "problem"), ("server", "problem"), ("admission", "problem")} <= ill(1)[0]
    release.install()
    release.start()
    lab.add_runtime_class()
    card = {"id": "GPU-1", "used": 0, "attributed": True, "pods": {}, "holders": []}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    usage = {"plimsoll.dev/usage": json.dumps({"v": 1, "time": now, "cards": [card]})}
    lab.add_nodes(nodes.nvidia("box", 16384, annotations={**nodes.inventory(("GPU-1", 16 << 30)), **usage}))
    in_force(lab)
    lab.create(pods.gpu("first", "2Gi"))
    lab.wait_running("first")
    lab.wait_for("a release that is well", lambda: "All is well." in plugin.run("doctor").stdout)

    release.plimsoll.stop_server()
    release.plimsoll.scheduler.stop()
    lab.create(pods.pod("nobody-looks", schedulerName="plimsoll-scheduler"))
    lab.create(pods.gpu("not-asked-about", schedulerName="plimsoll-scheduler", nodeName="box"))
    own_plane.api.patch("mutatingwebhookconfigurations", "plimsoll",
                        [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": AUTHORITY}])
    own_plane.api.merge("deployments", "plimsoll", {"metadata": {"labels": {"app.kubernetes.io/version": "0.0.1"}}},
                        NAMESPACE)
    own_plane.api.delete("runtimeclasses", "nvidia")
    lab.add_nodes(nodes.node("bare", resources={"nvidia.com/gpu": "1"}), wait=False)
    for name, then in (("silent", "2026-01-01T00:00:00Z"), ("early", "2099-01-01T00:00:00Z")):
        told = {"plimsoll.dev/free-vram": "8Gi", "plimsoll.dev/free-vram-time": then}
        lab.add_nodes(nodes.nvidia(name, 16384, annotations=told), wait=False)
    own_plane.api.create("endpointslices", {
        "metadata": {"name": "plimsoll-1", "labels": {"kubernetes.io/service-name": "plimsoll"}},
        "addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": False}}]}, NAMESPACE)
    hold_by_dra(own_plane.api, lab.namespace)
    lab.wait_for("a GPU pod that nobody changed",
                 lambda: not mutated(lab.create(pods.gpu(f"unseen-{time.monotonic_ns()}", "1Gi"))))
    web = pods.deployment("web", pods.pod("web"))
    web["metadata"]["annotations"] = {"plimsoll.dev/vram": "1Gi"}
    own_plane.api.create("deployments", web, lab.namespace)
    # Of the scheduler it says both only after a minute's patience.
    lab.wait_for("the scheduler's absence to be found",
                 lambda: all(words in ill(1)[1] for words in ("Nobody renews", f"{lab.namespace}/nobody-looks")))
    found, said = ill(1)
    assert found == {("endpoints", "problem"), ("certificates", "problem"), ("versions", "warning"),
                     ("scheduler", "problem"), ("admission", "problem"), ("clocks", "warning"),
                     ("agents", "warning"), ("reports", "warning"), ("runtimeClasses", "warning"),
                     ("pods", "warning"), ("annotations", "warning"), ("dra", "warning")}
    for words in ("without an agent (1): bare", "report is stale (1): silent", "The report of node early is",
                  "unseen-", f"without asking Plimsoll (1): {lab.namespace}/not-asked-about",
                  f"not on its pods (1): {lab.namespace}/web", "plimsoll (0.0.1)", "no caBundle",
                  f"No endpoint of Service {NAMESPACE}/plimsoll is ready", f"not accounted (1): {lab.namespace}/held"):
        assert words in said, words
    assert "plimsoll-doctor" not in {pod["metadata"]["name"] for pod in own_plane.api.list("pods", "default")}
