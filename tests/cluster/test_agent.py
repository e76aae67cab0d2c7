# SPDX-License-Identifier: Apache-2.0
"""The node agent: from what its (played) cards hold to pods that wait, run and wait no longer."""

import json
import signal

import pytest

import manifests
import nodes
import pods
from plimsoll import find_program
from process import Child, wait_for

GI = nodes.GI
ACCOUNT = "plimsoll-agent"
CARD = "GPU-11111111-2222-3333-4444-555555555555"
OTHER = "GPU-11111111-2222-3333-4444-666666666666"
# A T4 as NVML counts it; the line is 512 MiB below.
TOTAL = 15360 << 20


def _replace(path, content):
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))  # JSON is YAML
    new.rename(path)


class Agent:
    """One agent as a local process, with the token of its pod on that node."""

    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        self.folder = lab.plane.folder
        self.file = self.folder / f"{lab.namespace}-cards.yaml"
        self.root = self.folder / f"{lab.namespace}-root"  # with the node's /proc
        self.kubelet = self.folder / f"{lab.namespace}-kubelet"
        (self.kubelet / "device-plugins").mkdir(parents=True)
        self.pids = {}
        self.child = None
        self.pod = self._make_pod()

    def show(self, *processes, **card):
        """What the reader `fake` sees from now on: (pod uid or None, bytes) for each process."""
        listed = [{"pid": self._pid(uid), "bytes": str(size)} for uid, size in processes]
        self.show_cards({"id": CARD, "processes": listed, **card})

    def show_cards(self, *cards):
        usual = {"product": "Tesla T4", "total": str(TOTAL), "processes": []}
        _replace(self.file, {"driver": "played", "cards": [{**usual, **card} for card in cards]})

    def hold(self, *holders):
        """The kubelet's checkpoint from now on: (pod uid, card) for each holder."""
        entries = [{"PodUID": uid, "ContainerName": "main", "ResourceName": "nvidia.com/gpu",
                    "DeviceIDs": {"-1": [f"{card}::0"]}, "AllocResp": None} for uid, card in holders]
        _replace(self.kubelet / "device-plugins/kubelet_internal_checkpoint",
                 {"Data": {"PodDeviceEntries": entries, "RegisteredDevices": {}}, "Checksum": 1})

    def _pid(self, uid):
        """@return a process of that pod, or of the host, by its control group."""
        if uid not in self.pids:
            self.pids[uid] = 4100001 + len(self.pids)
            folder = self.root / "proc" / str(self.pids[uid])
            folder.mkdir(parents=True)
            pod = (f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid.replace('-', '_')}.slice/"
                   f"cri-containerd-{'a' * 64}.scope" if uid else "system.slice/xorg.service")
            (folder / "cgroup").write_text(f"0::/{pod}\n")
        return self.pids[uid]

    def start(self, *flags):
        program = find_program().with_name("plimsoll-agent")
        self.child = Child(f"agent-{self.node}", [
            program, "--node", self.node, "--kubeconfig", self._kubeconfig(), "--reader", f"fake:{self.file}",
            "--root", self.root, "--kubelet-root", self.kubelet, "--interval", "500ms",
            *flags], self.folder).start()
        self.lab.wait_for("the agent's report", lambda: self.annotation("usage"))

    def stop(self):
        if self.child is not None:
            assert self.child.stop(signal.SIGTERM) == 0

    def annotation(self, key):
        """@return its decoded value on the node, or None."""
        node = self.lab.api.find("nodes", self.node)
        value = (node or {"metadata": {}})["metadata"].get("annotations", {}).get(f"plimsoll.dev/{key}")
        return json.loads(value) if value and value[0] == "{" else value

    def used(self):
        usage = self.annotation("usage")
        return usage and usage["cards"][0]["used"]

    def _make_pod(self):
        name = f"agent-{self.node}"
        labels = {"app.kubernetes.io/part-of": "plimsoll", "app.kubernetes.io/component": "agent"}
        pod = pods.pod(name, labels=labels, nodeName=self.node, serviceAccountName=ACCOUNT,
                       securityContext={"runAsNonRoot": True, "runAsUser": 65532,
                                        "seccompProfile": {"type": "RuntimeDefault"}})
        pod["spec"]["containers"][0]["securityContext"] = {"allowPrivilegeEscalation": False,
                                                           "capabilities": {"drop": ["ALL"]}}
        made = self.lab.api.create("pods", pod, manifests.NAMESPACE)
        self.lab.undo.append(lambda: self.lab.api.delete("pods", name, manifests.NAMESPACE, gracePeriodSeconds=0))
        return made

    def _kubeconfig(self):
        """The guards let an agent write the node that its pod's token names."""
        metadata = self.pod["metadata"]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                   "spec": {"expirationSeconds": 3600, "boundObjectRef": {
                       "apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}}}
        path = f"/api/v1/namespaces/{manifests.NAMESPACE}/serviceaccounts/{ACCOUNT}/token"
        file = self.folder / f"{metadata['name']}.token"
        file.write_text(self.lab.api.call("POST", path, request)["status"]["token"])
        return self.lab.plane.authority.kubeconfig(metadata["name"], self.lab.plane.port, {"tokenFile": file})


@pytest.fixture
def agent(lab):
    """On a node with one sliced card, of which the labels say the same."""
    lab.add_nodes(nodes.nvidia("measured", 15360, replicas=4))
    agent = Agent(lab, "measured")
    agent.show()
    agent.start()
    yield agent
    agent.stop()


@pytest.fixture
def agent_of_two(lab):
    """On a node with two sliced cards."""
    lab.add_nodes(nodes.nvidia("measured", 15360, cards=2, replicas=4))
    agent = Agent(lab, "measured")
    agent.show_cards({"id": CARD}, {"id": OTHER})
    agent.start()
    yield agent
    agent.stop()


def test_a_pod_waits_for_measured_room_runs_is_told_apart_and_leaves_its_room_to_the_next(lab, agent):
    # Somebody on the host holds 8 GiB.
    agent.show((None, 8 * GI))
    lab.wait_for("the loss to be told", lambda: agent.used() == 8 * GI)
    lab.create(pods.gpu("first", "8Gi"))
    lab.wait_refused("first", "insufficient free VRAM (want 8Gi)")

    agent.show()
    first = lab.wait_running("first")[0]
    claim = json.loads(first["metadata"]["annotations"]["plimsoll.dev/claim"])
    assert [card["id"] for card in claim["cards"]] == [CARD]

    # It loads its model, and it is known whose bytes those are.
    uid = first["metadata"]["uid"]
    agent.show((uid, 8 * GI))
    lab.wait_for("its bytes", lambda: agent.annotation("usage")["cards"][0].get("pods") == {uid: 8 * GI})
    assert agent.annotation("free-vram") == "7Gi"
    lab.create(pods.gpu("fits", "6Gi"))
    lab.wait_running("fits")
    lab.create(pods.gpu("second", "7Gi"))
    lab.wait_refused("second", "insufficient free VRAM (want 7Gi)")

    # The room is the first pod's until it is gone, whatever is measured.
    agent.show()
    lab.wait_for("the gain", lambda: agent.used() == 0)
    lab.wait_refused("second", "insufficient free VRAM (want 7Gi)")
    lab.delete("first")
    lab.wait_running("second")


def test_what_a_pod_uses_beyond_its_claim_is_booked(lab, agent):
    lab.create(pods.gpu("greedy", "2Gi"))
    uid = lab.wait_running("greedy")[0]["metadata"]["uid"]
    agent.show((uid, 10 * GI))
    lab.wait_for("its bytes", lambda: agent.used() == 10 * GI)
    lab.create(pods.gpu("next", "6Gi"))
    lab.wait_refused("next", "insufficient free VRAM (want 6Gi)")
    agent.show((uid, 2 * GI))
    lab.wait_running("next")


def test_the_kubelets_word_settles_which_card_a_pod_has(lab, agent_of_two):
    # The plugin picks the card: until it is known which one, a pod counts on both.
    lab.create(pods.gpu("first", "8Gi"))
    first = lab.wait_running("first")[0]["metadata"]
    assert "floating" in json.loads(first["annotations"]["plimsoll.dev/claim"])
    lab.create(pods.gpu("second", "6Gi"))
    second = lab.wait_running("second")[0]["metadata"]
    lab.create(pods.gpu("third", "6Gi"))
    lab.wait_refused("third", "insufficient free VRAM (want 6Gi)")
    agent_of_two.hold((first["uid"], CARD), (second["uid"], OTHER))
    lab.wait_running("third")
    holders = [card["holders"] for card in agent_of_two.annotation("usage")["cards"]]
    assert holders == [[first["uid"]], [second["uid"]]]


def test_a_sick_card_takes_nothing_until_it_is_well(lab, agent):
    agent.show(health="xid 79")
    lab.wait_for("its health", lambda: agent.annotation("inventory")["cards"][0]["health"] == "xid 79")
    lab.create(pods.gpu("waits", "1Gi"))
    lab.wait_for("the scheduler to have tried", lambda: lab.events("waits", "FailedScheduling"))
    assert lab.phases()["waits"] == "Pending"
    agent.show()
    lab.wait_running("waits")


def test_a_node_that_is_made_anew_is_reported_anew(lab, agent):
    lab.api.delete("nodes", "measured")
    lab.wait_for("the node to be gone", lambda: not lab.api.find("nodes", "measured"))
    lab.api.create("nodes", nodes.nvidia("measured", 15360, replicas=4))
    agent.show((None, 2 * GI))
    lab.wait_for("the report", lambda: agent.annotation("inventory") and agent.used() == 2 * GI)
    lab.create(pods.gpu("runs", "8Gi"))
    lab.wait_running("runs")


def test_an_api_server_that_was_away_gets_what_happened_meanwhile(lab, agent):
    lab.plane.apiserver.stop(how=signal.SIGKILL)
    lab.api.close()
    agent.show((None, 4 * GI))
    wait_for("the agent to notice", lambda: "the node is not written" in agent.child.log.read_text(),
             [agent.child])
    lab.plane.start_apiserver()
    lab.plimsoll.revive()
    lab.wait_for("the report", lambda: agent.used() == 4 * GI)
    assert agent.child.running()
