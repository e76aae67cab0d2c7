# SPDX-License-Identifier: Apache-2.0
"""Never over the line: two replicas that both schedule everything, killed at every point of a bind, with an
API server that goes away. It ends with every pod bound or waiting for a true reason, and the books equal to
what the API has."""

import collections
import json
import random
import re
import signal
import threading

import pytest
import yaml

import manifests
import nodes
import pods
import process
from meddler import Meddler, Plans
from plimsoll import Plimsoll

NODES, CARDS, PODS = 40, 8, 500
CARD_BYTES = 16 * nodes.GI
LINE = CARD_BYTES - (512 << 20)  # the reserve of manifests/20-config.yaml
POINTS = [("bind", what) for what in ("kill before", "kill after", "kill, then send", "kill at reply", "lose",
                                      "lose reply", "hold up")] + \
         [("lease", what) for what in ("kill before", "kill after", "lose", "lose reply")] + \
         [("pod", what) for what in ("kill before", "lose reply")]


class Replica(Plimsoll):
    """A server with its kube-scheduler, as a pod of the Deployment, behind a meddler of its own."""

    def __init__(self, plane, name, plans):
        super().__init__(plane)
        self.name = name
        self.folder = plane.folder / name
        self.folder.mkdir()
        self.meddler = Meddler(plane, plans, self.kill)
        self.kills = 0

    def prepare(self, installed):
        self.config = installed.config
        user = yaml.safe_load(installed.server_kubeconfig.read_text())["users"][0]["user"]
        self.server_kubeconfig = self.folder / "server.kubeconfig"
        self.server_kubeconfig.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{self.meddler.port}"}}],
            "users": [{"name": "it", "user": user}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        config = manifests.scheduler_config()
        config["clientConnection"] = {"kubeconfig": str(installed.scheduler_kubeconfig)}
        config["extenders"][0]["urlPrefix"] = f"http://127.0.0.1:{self.extender}"
        # Both at once, which is more than an election lets happen.
        config["leaderElection"] = {"leaderElect": False}
        path = self.folder / "scheduler.yaml"
        path.write_text(yaml.safe_dump(config))
        self.scheduler = self.plane.scheduler(f"{self.name}-scheduler", path, installed.scheduler_kubeconfig)

    def start(self):
        self.start_server()
        self.scheduler.start()

    def kill(self):
        server = self.server
        if server.running():
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            self.kills += 1

    def stop(self):
        super().stop()
        self.meddler.close()

    def booked(self):
        """@return {(node, card): bytes} of the server's own books."""
        status, text = self.get("metrics")
        assert status == 200
        found = re.findall(r'^plimsoll_gpu_memory_booked_bytes\{node="([^"]+)",gpu_uuid="([^"]+)".*\} (\d+)$', text,
                           re.M)
        return {(node, card): int(value) for node, card, value in found if int(value) > 0}


class Storm:
    """Restarts what has ended, as kubelets do, and makes trouble until told to stop."""

    def __init__(self, replicas, plans, seed):
        self.replicas, self.plans = replicas, plans
        self.random = random.Random(seed)
        self.bound = 0
        self.calm = threading.Event()
        self.failed = []

    def blow(self):
        """One trouble at a time, and the next only after pods were bound again: a take-over is waited for."""
        left = POINTS[:]
        self.random.shuffle(left)
        while not self.calm.is_set():
            self.revive()
            if not self.plans.next and self.bound_since():
                if left:
                    self.plans.add(*left.pop())
                if self.random.random() < 0.05:
                    self.random.choice(self.replicas).kill()
            self.calm.wait(self.random.uniform(0.1, 0.8))
        self.plans.next.clear()

    def bound_since(self):
        """Has anything been bound since the last time this was true?"""
        now = sum(replica.meddler.bound for replica in self.replicas)
        before, self.bound = self.bound, now
        return now > before

    def revive(self):
        for replica in self.replicas:
            try:
                if not replica.server.running():
                    replica.start_server()
                if not replica.scheduler.running():
                    replica.scheduler.start()
            except AssertionError:
                if replica.server.running():
                    raise
                # Killed while it started: the next time, then.

    def run(self):
        def guarded():
            try:
                self.blow()
            except BaseException as error:  # for the test's own thread
                self.failed.append(error)
        thread = threading.Thread(target=guarded)
        thread.start()
        return thread


def claims(pod_list):
    """@return {(node, card): bytes} of what bound pods claim in the API."""
    found = collections.Counter()
    for pod in pod_list:
        claim = json.loads(pod["metadata"].get("annotations", {}).get("plimsoll.dev/claim", "null"))
        if not pod["spec"].get("nodeName") or pod["status"]["phase"] in ("Succeeded", "Failed"):
            continue
        assert claim, f"{pod['metadata']['name']} is bound without a claim"
        assert claim["pod"] == pod["metadata"]["uid"] and claim["node"] == pod["spec"]["nodeName"]
        for card in claim["cards"]:
            found[claim["node"], card["id"]] += card["vram"]
    return found


def check_lines(booked):
    over = {where: value for where, value in booked.items() if value > LINE}
    assert not over, f"over the line of {LINE}: {over}"


def card_ids(node):
    return [f"GPU-{node}-{index}" for index in range(CARDS)]


def storm_node(index):
    name = f"storm-{index:02}"
    cards = [(card, CARD_BYTES) for card in card_ids(name)]
    return nodes.nvidia(name, CARD_BYTES >> 20, cards=CARDS, replicas=4,
                        annotations=nodes.inventory(*cards, env=True))


def storm_pod(index, random_numbers):
    gib = random_numbers.choice([3, 5, 6, 8, 9, 11, 12, 15])
    cards = random_numbers.choice([1, 1, 1, 1, 1, 2])
    more = {"plimsoll.dev/gpus": str(cards)} if cards > 1 else {}
    return pods.vram_only(f"pod-{index:03}", f"{gib}Gi", annotations=more, schedulerName="plimsoll-scheduler")


def fits_somewhere(pod, booked, node_names):
    want = int(pod["metadata"]["annotations"]["plimsoll.dev/vram"].removesuffix("Gi")) * nodes.GI
    count = int(pod["metadata"]["annotations"].get("plimsoll.dev/gpus", "1"))
    return any(sum(LINE - booked[node, card] >= want for card in card_ids(node)) >= count for node in node_names)


@pytest.fixture
def replicas(lab):
    # The session's own server and scheduler step aside.
    lab.plimsoll.scheduler.stop()
    lab.plimsoll.stop_server()
    both = []
    plans = Plans()
    try:
        for name in ("replica-a", "replica-b"):
            replica = Replica(lab.plane, name, plans)
            both.append(replica)
            replica.prepare(lab.plimsoll)
            replica.start()
        yield both, plans
    finally:
        for replica in both:
            replica.stop()
        lab.plimsoll.start()


def test_a_storm_ends_with_true_books(lab, replicas):
    replicas, plans = replicas
    seed = 20261124
    numbers = random.Random(seed)
    for index in range(NODES):
        lab.add_nodes(storm_node(index), wait=False)
    lab.wait_for("both replicas to know the nodes", lambda: all(one.knows(lab.nodes) for one in replicas))
    storm = Storm(replicas, plans, seed)
    thread = storm.run()
    try:
        process.say(f"storm: {PODS} pods onto {NODES} nodes of {CARDS} cards, seed {seed}")
        for index in range(PODS):
            lab.api.create("pods", storm_pod(index, numbers), lab.outside)
            if index == PODS // 2:
                lab.plane.restart_apiserver()
        lab.wait_for("every point of a bind to have been met",
                     lambda: storm.failed or (keep_busy(lab, numbers) and met(plans)), pause_s=0.5)
    finally:
        storm.calm.set()
        thread.join()
    assert not storm.failed, storm.failed

    def settled():
        storm.revive()
        found = lab.api.list("pods", lab.outside)
        booked = claims(found)
        check_lines(booked)
        waiting = [pod for pod in found if not pod["spec"].get("nodeName")]
        wrong = [pod["metadata"]["name"] for pod in waiting if fits_somewhere(pod, booked, lab.nodes)]
        assert not wrong, f"{len(wrong)} pods wait though they fit: {wrong[:5]}"
        return True
    lab.wait_for("every pod to be bound, or to wait for a true reason", settled)
    booked = claims(lab.api.list("pods", lab.outside))
    for replica in replicas:
        lab.wait_for(f"the books of {replica.name} to be what the API has", lambda: replica.booked() == booked)
    process.say(f"storm: {sum(one.kills for one in replicas)} kills, "
                f"{sum(plans.met.values())} requests meddled with")


def met(plans):
    missing = [point for point in POINTS if not plans.met[point]]
    assert not missing, f"not met yet: {missing}"
    return True


def keep_busy(lab, numbers):
    """Binds go on: some pod leaves, and where none waits another comes. The lines hold all the time."""
    found = lab.api.list("pods", lab.outside)
    check_lines(claims(found))
    bound = [pod for pod in found if pod["spec"].get("nodeName")]
    if bound:
        lab.api.delete("pods", numbers.choice(bound)["metadata"]["name"], lab.outside, gracePeriodSeconds=0)
    if len(found) < PODS:
        newest = max(int(pod["metadata"]["name"].removeprefix("pod-")) for pod in found)
        lab.api.create("pods", storm_pod(newest + 1, numbers), lab.outside)
    return True
