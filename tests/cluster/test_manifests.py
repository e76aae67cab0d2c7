# SPDX-License-Identifier: Apache-2.0
"""manifests/ as objects: the API server takes them, they agree with each other, they grant no more than needed."""

import base64

import pytest
import yaml

import manifests
import nodes
import pods
from api import ApiError
from lab import Lab


@pytest.mark.parametrize("file", manifests.files(), ids=lambda file: file.name)
def test_every_object_passes_strict_validation(plimsoll, plane, file):
    plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", file)


def test_strict_validation_would_refuse_a_misspelt_field(plimsoll, plane):
    deployment = manifests.find("Deployment", "plimsoll")
    deployment["spec"]["template"]["spec"]["toleration"] = []
    done = plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-",
                         text=yaml.safe_dump(deployment), check=False)
    assert done.returncode != 0
    assert 'unknown field "spec.template.spec.toleration"' in done.stderr


def test_installing_again_changes_nothing_and_keeps_the_ca(plimsoll, plane):
    def state():
        webhook = plane.api.get("mutatingwebhookconfigurations", "plimsoll")
        deployment = plane.api.get("deployments", "plimsoll", manifests.NAMESPACE)
        return webhook["webhooks"][0]["clientConfig"]["caBundle"], deployment["metadata"]["generation"]
    before = state()
    assert before[0]
    published = plane.api.get("configmaps", "plimsoll-ca", manifests.NAMESPACE)["data"]["ca.crt"]
    assert base64.b64decode(before[0]).decode() == published
    plimsoll.apply()
    plimsoll.point_webhook_here()
    plimsoll.let_server_account_through()
    assert state() == before


def test_the_pod_of_the_deployment_is_admitted_and_runs(lab):
    # A node without a GPU: the server needs none, and the cluster's own scheduler places it.
    lab.add_nodes(nodes.node("plain"))

    def running():
        found = lab.api.list("pods", manifests.NAMESPACE)
        return [pod for pod in found if pod["status"]["phase"] == "Running"]
    pod = lab.wait_for("the Deployment's pod to run", running)[0]
    assert pod["spec"]["schedulerName"] == "default-scheduler"
    assert "plimsoll.dev/profile" not in pod["metadata"].get("annotations", {})
    lab.undo.append(lambda: lab.api.delete("pods", pod["metadata"]["name"], manifests.NAMESPACE,
                                           gracePeriodSeconds=0))


def test_the_server_needs_no_privileges_and_the_agents_do(lab):
    lab.api.merge("namespaces", lab.outside,
                  {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})

    def ask(kind, name):
        pod = manifests.find(kind, name)["spec"]["template"]
        for key in ("serviceAccountName", "runtimeClassName"):
            pod["spec"].pop(key, None)
        lab.api.create("pods", {**pod, "metadata": {**pod["metadata"], "name": name}}, lab.outside, dry_run=True)
    ask("Deployment", "plimsoll")
    with pytest.raises(ApiError, match="violates PodSecurity"):
        ask("DaemonSet", "plimsoll-agent-nvidia")


def test_a_probe_by_name_finds_its_port_in_its_own_container():
    templates = [one["spec"]["template"]["spec"] for one in manifests.objects()
                 if one["kind"] in ("Deployment", "DaemonSet")]
    for container in (container for pod in templates for container in pod["containers"]):
        names = [port["name"] for port in container["ports"]]
        for probe in ("livenessProbe", "readinessProbe"):
            port = container[probe]["httpGet"]["port"]
            assert isinstance(port, int) or port in names, f"{container['name']}: {probe} at {port}"


ALLOWED = [("", "nodes", "list"), ("", "nodes", "watch"), ("", "pods", "get"), ("", "pods", "list"),
           ("", "pods", "watch"), ("", "pods", "patch"), ("node.k8s.io", "runtimeclasses", "list"),
           ("node.k8s.io", "runtimeclasses", "watch"), ("", "pods/binding", "create"),
           ("events.k8s.io", "events", "create"), ("events.k8s.io", "events", "patch")]
REFUSED = [("", "secrets", "get"), ("", "pods", "create"), ("", "pods", "delete"), ("", "pods", "update"),
           ("", "nodes", "patch"), ("", "nodes/status", "patch"), ("", "pods/exec", "create"),
           ("", "configmaps", "get"), ("", "events", "create"),
           ("events.k8s.io", "events", "delete"), ("events.k8s.io", "events", "list"),
           ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "patch")]


@pytest.mark.parametrize("group,resource,verb", ALLOWED + REFUSED,
                         ids=lambda value: value or "core")
def test_the_servers_role_is_what_it_needs_and_no_more(plimsoll, plane, group, resource, verb):
    name, _, subresource = resource.partition("/")
    asked = {"group": group, "resource": name, "subresource": subresource, "verb": verb,
             "namespace": "default"}
    account = f"system:serviceaccount:{manifests.NAMESPACE}:tests-server"
    review = plane.api.create("subjectaccessreviews", {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": account, "resourceAttributes": asked}})
    assert review["status"]["allowed"] == ((group, resource, verb) in ALLOWED)


def test_ports_and_names_agree_across_the_files():
    flags = dict(argument.removeprefix("--").split("=", 1)
                 for argument in manifests.container("server")["args"] if "=" in argument)
    ports = {port["name"]: port["containerPort"] for port in manifests.container("server")["ports"]}
    service = manifests.find("Service", "plimsoll")["spec"]
    webhook = manifests.find("MutatingWebhookConfiguration", "plimsoll")["webhooks"][0]
    scheduler = manifests.scheduler_config()
    extender = scheduler["extenders"][0]

    assert flags["listen"].endswith(f":{ports['webhook']}")
    assert flags["metrics-listen"].endswith(f":{ports['metrics']}")
    assert service["ports"][0]["targetPort"] == "webhook"
    assert webhook["clientConfig"]["service"]["port"] == service["ports"][0]["port"]
    assert webhook["clientConfig"]["service"]["path"] == "/mutate"
    # Whoever reaches this port may bind pods: loopback, and no container port.
    assert flags["extender-listen"].startswith("127.0.0.1:")
    assert extender["urlPrefix"] == f"http://{flags['extender-listen']}"
    assert int(flags["extender-listen"].rpartition(":")[2]) not in ports.values()
    assert (yaml.safe_load(manifests.server_config())["schedulerName"]
            == scheduler["profiles"][0]["schedulerName"])


def test_the_scheduler_asks_plimsoll_about_every_node_and_never_does_without_it():
    config = manifests.scheduler_config()
    extender = config["extenders"][0]
    assert config["profiles"][0]["percentageOfNodesToScore"] == 100
    assert extender["nodeCacheCapable"] is True
    assert extender["ignorable"] is False
    assert extender["weight"] == 20
    assert "managedResources" not in extender


def test_the_webhook_never_holds_up_the_cluster():
    webhook = manifests.find("MutatingWebhookConfiguration", "plimsoll")["webhooks"][0]
    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["sideEffects"] == "None"
    assert webhook["reinvocationPolicy"] == "IfNeeded"
    assert webhook["rules"][0]["operations"] == ["CREATE"]
    assert webhook["rules"][0]["resources"] == ["pods"]
    assert "caBundle" not in webhook["clientConfig"]


REACHES = {
    "nvidia.com/gpu": {"limits": {"nvidia.com/gpu": "1"}},
    "nvidia.com/gpu.shared": {"limits": {"nvidia.com/gpu.shared": "1"}},
    "a MIG instance": {"limits": {"nvidia.com/mig-1g.10gb": "1"}},
    "amd.com/gpu": {"limits": {"amd.com/gpu": "1"}},
    "gpu.intel.com/xe": {"limits": {"gpu.intel.com/xe": "1"}},
    "the VRAM annotation": {"annotations": {"plimsoll.dev/vram": "1Gi"}},
    "the VRAM limit": {"limits": {"plimsoll.dev/vram": "1Gi"}},
    "inject true": {"annotations": {"plimsoll.dev/inject": "true"}},
}
PASSES_BY = {
    "nothing": {},
    "CPU and memory": {"limits": {"cpu": "1", "memory": "1Gi"}},
    "another device of NVIDIA's name": {"limits": {"nvidia.com/hostdev": "1"}},
    "somebody's annotation": {"annotations": {"example.com/vram": "1Gi"}},
}


@pytest.fixture(scope="module")
def shared_lab(plane, plimsoll):
    lab = Lab(plane, plimsoll)
    lab.open()
    yield lab
    lab.close()


@pytest.mark.parametrize("case", REACHES)
def test_a_gpu_pod_reaches_the_webhook(shared_lab, case):
    assert asked(shared_lab, pods.pod("asks", **REACHES[case])) == 1


@pytest.mark.parametrize("case", PASSES_BY)
def test_a_pod_without_a_gpu_does_not_reach_the_webhook(shared_lab, case):
    pod = pods.pod("asks-not", **PASSES_BY[case])
    assert asked(shared_lab, pod) == 0
    assert shared_lab.added(pod) == {}


def test_a_gpu_in_an_init_container_reaches_the_webhook(shared_lab):
    pod = pods.pod("asks", initContainers=[{"name": "first", "image": "x",
                                            "resources": {"limits": {"nvidia.com/gpu": "1"}}}])
    assert asked(shared_lab, pod) == 1


def test_an_excluded_namespace_does_not_reach_the_webhook(shared_lab):
    before = reviews(shared_lab)
    shared_lab.untouched(pods.gpu("asks"))
    shared_lab.api.create("pods", pods.gpu("asks"), "kube-system", dry_run=True)
    assert reviews(shared_lab) == before


def asked(lab, pod):
    """@return 1 when creating the pod asks the webhook, else 0 (a second round after a change is one)."""
    before = reviews(lab)
    lab.preview(pod)
    return min(1, reviews(lab) - before)


def reviews(lab):
    """How often the server was asked for a review."""
    status, text = lab.plimsoll.get("metrics")
    assert status == 200
    total = 0
    for line in text.splitlines():
        if line.startswith("plimsoll_admission_requests_total"):
            total += int(float(line.rpartition(" ")[2]))
    return total
