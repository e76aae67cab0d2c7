# SPDX-License-Identifier: Apache-2.0
"""What kubectl describe shows: Events on pods and nodes; and VRAM in the nodes' capacity."""

import json
import time

import pytest
import yaml

import manifests
import nodes
import pods
from api import ApiError
from plimsoll import SERVER_ACCOUNT

GI = 1 << 30
CARD = "GPU-8f6d2c1a-0e1d-4c2b-9a3f-5b6c7d8e9f00"
PRIORITY_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


def told(lab, name, reason):
    """@return the note of the pod's Event, once it is there."""
    lab.wait_for(f"{reason} on {name}", lambda: lab.events(name, reason))
    return lab.events(name, reason)[0]


def add_home(lab, **more):
    lab.add_nodes(nodes.nvidia("home", 16384, replicas=4, annotations=nodes.inventory((CARD, 16 * GI), **more)))


def report(lab, *uses, used=None):
    """What the agent would write: (pod, bytes) pairs."""
    by_pod = {lab.pod(name)["metadata"]["uid"]: size for name, size in uses}
    card = {"id": CARD, "used": used or sum(by_pod.values()), "attributed": True, "pods": by_pod,
            "holders": list(by_pod)}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lab.annotate_node("home", usage=json.dumps({"v": 1, "time": now, "cards": [card]}))


def test_a_bound_pod_says_which_card_it_has(lab):
    add_home(lab)
    lab.create(pods.gpu("ollama", "6Gi"))
    assert told(lab, "ollama", "GPUAssigned") == "GPU-8f6d2c1a… (NVIDIA L4, card 0) of node home: 6Gi"
    event = lab.api.call("GET", f"/apis/events.k8s.io/v1/namespaces/{lab.namespace}/events"
                                "?fieldSelector=reason=GPUAssigned")["items"][0]
    assert event["type"] == "Normal"
    assert event["action"] == "Binding"
    assert event["reportingController"] == "plimsoll"
    assert event["regarding"]["uid"] == lab.pod("ollama")["metadata"]["uid"]


def test_a_refused_pod_says_what_is_missing_where_and_who_has_it(lab):
    add_home(lab)
    lab.create(pods.gpu("ollama", "10Gi"))
    lab.wait_running("ollama")
    lab.create(pods.gpu("waits", "8Gi"))
    assert told(lab, "waits", "InsufficientVRAM") == (
        "no room for 8Gi on the node that was asked, home: card 0 (NVIDIA L4, GPU-8f6d2c1a…) has 5.5Gi free of "
        f"15.5Gi, 2.5Gi too little. Held by {lab.namespace}/ollama (10Gi).")


def test_a_rolling_update_that_waits_for_itself_says_so(lab):
    add_home(lab)
    lab.api.create("deployments", pods.deployment("vllm", pods.gpu("vllm", "12Gi")), lab.namespace)
    lab.wait_for("the first pod to run", lambda: lab.running())
    first, = lab.running()
    lab.api.merge("deployments", "vllm", {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}},
                  lab.namespace)
    lab.wait_for("the second pod", lambda: len(lab.pods()) == 2)
    second, = (pod["metadata"]["name"] for pod in lab.pods() if pod["metadata"]["name"] != first)
    note = told(lab, second, "InsufficientVRAM")
    assert f"Held by {lab.namespace}/{first} (12Gi). {first} is of another ReplicaSet of the same Deployment" in note
    assert note.endswith("use strategy Recreate or maxSurge 0.")


def test_a_pod_that_stays_refused_is_one_event_that_counts(lab):
    def of_the_pod():
        found = lab.api.call("GET", f"/apis/events.k8s.io/v1/namespaces/{lab.namespace}/events"
                                    "?fieldSelector=reason=InsufficientVRAM")["items"]
        return [(event["note"], (event.get("series") or {}).get("count", 1)) for event in found]

    def comes_again():
        # What is cordoned and let go again makes the scheduler ask anew; that is told once a minute at most.
        for unschedulable in (True, False):
            lab.api.merge("nodes", "home", {"spec": {"unschedulable": unschedulable}})
        return [count for _, count in of_the_pod()] != [1]
    add_home(lab)
    lab.create(pods.gpu("waits", "24Gi"))
    note = told(lab, "waits", "InsufficientVRAM")
    assert of_the_pod() == [(note, 1)]
    lab.wait_for("the event to come again", comes_again)
    assert of_the_pod() == [(note, 2)]


def test_a_pod_that_outgrows_its_claim_says_by_how_much(lab):
    add_home(lab)
    lab.create(pods.gpu("ollama", "6Gi"))
    lab.wait_running("ollama")
    report(lab, ("ollama", 8 * GI))
    assert told(lab, "ollama", "GPUOverClaim") == (
        "uses 8Gi of card 0 (NVIDIA L4, GPU-8f6d2c1a…) of node home, 2Gi more than the 6Gi it claimed. "
        "Ask for more with plimsoll.dev/vram, or make it use less.")


def test_a_node_says_which_card_stands_over_its_line(lab):
    add_home(lab)
    lab.create(pods.gpu("ollama", "12Gi"))
    lab.wait_running("ollama")
    report(lab, ("ollama", 11 * GI), used=16 * GI)  # a program of the host's takes the rest

    def over():
        found = lab.api.list("events", "default", fieldSelector="involvedObject.name=home,reason=GPUOverLine")
        return [event["message"] for event in found]
    lab.wait_for("the event of the node", over)
    assert over()[0] == ("card 0 (NVIDIA L4, GPU-8f6d2c1a…) stands 1Gi over its line: of 16Gi, pods hold 12Gi and "
                         f"5Gi are in use outside of pods. Held by {lab.namespace}/ollama (12Gi).")
    assert "plimsoll_cards_over_line 1" in lab.plimsoll.get("metrics")[1]


def test_the_guarantee_of_each_node_is_published(lab):
    lab.add_nodes(nodes.nvidia("one", 16384), nodes.nvidia("two", 16384, cards=2),
                  nodes.nvidia("pinned", 16384, cards=2, annotations={"plimsoll.dev/pin": "env"}),
                  nodes.mig_mixed("split"), nodes.node("plain"))
    text = lab.plimsoll.get("metrics")[1]
    found = [line for line in text.splitlines() if line.startswith("plimsoll_node_guarantee{")]
    assert sorted(found) == [
        'plimsoll_node_guarantee{node="one",guarantee="exact"} 1',
        'plimsoll_node_guarantee{node="pinned",guarantee="pinned"} 1',
        'plimsoll_node_guarantee{node="split",guarantee="counted"} 1',
        'plimsoll_node_guarantee{node="two",guarantee="conservative"} 1']
    logged = [json.loads(line) for line in lab.plimsoll.server.log.read_text().splitlines()]
    promised = {line["node"]: line["guarantee"] for line in logged if "guarantee" in line}
    assert {name: promised[name] for name in ("one", "pinned", "split", "two")} == {
        "one": "exact", "pinned": "pinned", "split": "counted", "two": "conservative"}
    assert "plain" not in promised


# VRAM in the nodes' capacity.

@pytest.fixture
def advertising(lab):
    """A lab whose server was installed as manifests/README.md says for nodeCapacity."""
    plimsoll, role = lab.plimsoll, manifests.FOLDER / "node-capacity/rbac.yaml"
    lab.plane.kubectl("apply", "-f", role)
    binding = list(yaml.safe_load_all(role.read_text()))[1]
    binding["metadata"]["name"] = f"{SERVER_ACCOUNT}-node-capacity"
    binding["subjects"][0]["name"] = SERVER_ACCOUNT
    lab.api.create("clusterrolebindings", binding)
    scheduler_file = plimsoll.folder / "plimsoll-scheduler.yaml"
    before, scheduler_before = plimsoll.config.read_text(), scheduler_file.read_text()
    scheduler = yaml.safe_load(scheduler_before)
    del scheduler["profiles"][0]["pluginConfig"]

    def restart(config, scheduler_config):
        plimsoll.scheduler.stop()
        plimsoll.stop_server()
        plimsoll.use_config(config)
        scheduler_file.write_text(scheduler_config)
        plimsoll.start()

    def undo():
        restart(before, scheduler_before)
        lab.wait_for("no node to advertise VRAM", lambda: not any(map(advertised, lab.api.list("nodes"))))
        lab.api.delete("clusterrolebindings", binding["metadata"]["name"])
        lab.plane.kubectl("delete", "-f", role)
    lab.undo.append(undo)
    restart(yaml.safe_dump({**yaml.safe_load(before), "nodeCapacity": True}), yaml.safe_dump(scheduler))
    return lab


def advertised(node):
    return {where: node["status"][where]["plimsoll.dev/vram"] for where in ("capacity", "allocatable")
            if "plimsoll.dev/vram" in node["status"][where]}


def wait_advertised(lab, name, amount):
    lab.wait_for(f"{name} to advertise {amount}", lambda: advertised(lab.api.get("nodes", name))
                 == {"capacity": amount, "allocatable": amount})


def test_nodes_advertise_the_lines_of_their_cards_and_quotas_count_them(advertising):
    add_home(advertising)
    advertising.add_nodes(nodes.node("plain"))
    wait_advertised(advertising, "home", str(15 * GI + GI // 2))
    assert advertised(advertising.api.get("nodes", "plain")) == {}

    path = f"/api/v1/namespaces/{advertising.namespace}/resourcequotas"
    hard = {"requests.plimsoll.dev/vram": "10Gi"}
    quota = {"metadata": {"name": "vram"}, "spec": {"hard": hard}}
    advertising.api.call("POST", path, quota)
    # What the quota controller, which does not run here, does first.
    advertising.api.call("PATCH", f"{path}/vram/status",
                         {"status": {"hard": hard, "used": {"requests.plimsoll.dev/vram": "0"}}},
                         "application/merge-patch+json")
    advertising.create(pods.gpu("first", "6Gi"))
    limits = advertising.wait_running("first")[0]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"nvidia.com/gpu": "1", "plimsoll.dev/vram": "6Gi"}

    def second():
        try:
            advertising.create(pods.gpu("second", "6Gi"))
        except ApiError as error:
            return error.message
        advertising.delete("second", gracePeriodSeconds=0)
        return None
    advertising.wait_for("the quota to be counted", second)
    assert "exceeded quota: vram, requested: requests.plimsoll.dev/vram=6Gi" in second()


def test_the_scheduler_preempts_by_vram_alone(advertising):
    advertising.api.call("POST", PRIORITY_CLASSES, {"metadata": {"name": "tests-first"}, "value": 1000})
    advertising.undo.append(lambda: advertising.api.call("DELETE", f"{PRIORITY_CLASSES}/tests-first"))
    add_home(advertising)
    wait_advertised(advertising, "home", str(15 * GI + GI // 2))
    for name in ("first", "second"):
        advertising.create(pods.gpu(name, "7Gi"))
        advertising.wait_running(name)
    # Two of the four devices are free: nothing but memory is missing.
    advertising.create(pods.gpu("important", "8Gi", priorityClassName="tests-first"))
    advertising.wait_running("important")
    assert len(advertising.running()) == 2


def test_a_kubelet_that_starts_again_is_answered(advertising):
    add_home(advertising)
    wait_advertised(advertising, "home", str(15 * GI + GI // 2))
    zero = {"plimsoll.dev/vram": "0"}
    advertising.api.call("PATCH", "/api/v1/nodes/home/status", {"status": {"capacity": zero, "allocatable": zero}},
                         "application/merge-patch+json")
    wait_advertised(advertising, "home", str(15 * GI + GI // 2))


def test_a_node_advertises_no_less_than_its_pods_ask_for(advertising):
    add_home(advertising)
    advertising.create(pods.gpu("ollama", "12Gi"))
    advertising.wait_running("ollama")
    wait_advertised(advertising, "home", str(15 * GI + GI // 2))
    # Another card is in its place: a kubelet that starts again would fail the pod at 7.5Gi.
    advertising.annotate_node("home", inventory=nodes.inventory((CARD, 8 * GI))["plimsoll.dev/inventory"])
    wait_advertised(advertising, "home", str(12 * GI))
    advertising.delete("ollama", gracePeriodSeconds=0)
    wait_advertised(advertising, "home", str(7 * GI + GI // 2))


def test_every_node_whose_cards_are_known_advertises_them(advertising):
    advertising.add_nodes(nodes.nvidia("labels", 16384, cards=2), nodes.mig_mixed("split"), nodes.amd("amd"),
                          nodes.intel("intel"), nodes.node("plain"))
    for name, mib in (("labels", 2 * (16384 - 512)), ("split", 9728 + 19968 + 40192), ("amd", 65536 - 512)):
        wait_advertised(advertising, name, str(mib << 20))
    # Of an Intel card only the agent says how large it is.
    for name in ("intel", "plain"):
        assert advertised(advertising.api.get("nodes", name)) == {}


VRAM_STAYS = "tests-vram-stays"


def keep_vram_of_stuck_nodes(lab):
    """Whoever changes what a node advertises is refused, if the node's name says so."""
    def policy(kind, **spec):
        return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": VRAM_STAYS},
                "spec": spec}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes/status"]}
    before, after = (f"{which}.status.capacity" for which in ("oldObject", "object"))
    key = "plimsoll.dev/vram"
    refusal = {"expression": f"!(object.metadata.name.endsWith('-stuck') && '{key}' in {before} && '{key}' in {after} "
                             f"&& {before}['{key}'] != {after}['{key}'])"}
    group = "/apis/admissionregistration.k8s.io/v1"
    for plural, body in (
            ("validatingadmissionpolicies", policy("ValidatingAdmissionPolicy", validations=[refusal],
                                                   matchConstraints={"resourceRules": [rule]})),
            ("validatingadmissionpolicybindings", policy("ValidatingAdmissionPolicyBinding", policyName=VRAM_STAYS,
                                                         validationActions=["Deny"]))):
        lab.api.call("POST", f"{group}/{plural}", body)
        lab.undo.append(lambda path=f"{group}/{plural}/{VRAM_STAYS}": lab.api.call("DELETE", path))

    def counts():
        try:
            lab.api.call("PATCH", "/api/v1/nodes/a-stuck/status?dryRun=All", {"status": {"capacity": {key: "1"}}},
                         "application/merge-patch+json")
        except ApiError as error:
            return VRAM_STAYS in error.message
        return False
    lab.wait_for("the policy to count", counts)


def test_a_node_that_cannot_be_written_holds_up_no_other(advertising):
    def inventory(size):
        return nodes.inventory((CARD, size))
    # Whatever the order is, one that is stuck comes before the one that is not.
    names = ("a-stuck", "z-stuck", "free")
    advertising.add_nodes(*(nodes.nvidia(name, 16384, annotations=inventory(16 * GI)) for name in names))
    for name in names:
        wait_advertised(advertising, name, str(15 * GI + GI // 2))
    keep_vram_of_stuck_nodes(advertising)
    for name in names:
        advertising.annotate_node(name, inventory=inventory(24 * GI)["plimsoll.dev/inventory"])
    wait_advertised(advertising, "free", str(23 * GI + GI // 2))
    for name in names[:2]:
        wait_advertised(advertising, name, str(15 * GI + GI // 2))
