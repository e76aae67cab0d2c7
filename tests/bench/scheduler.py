#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pods per second through a real kube-scheduler: with Plimsoll deciding, with Plimsoll answering the same bytes
without deciding (pods without a GPU), and without any extender; and how many binds a burst has refused.

    python3 tests/bench/scheduler.py [--nodes 1000] [--pods 1000] [--rounds 3]

Needs the control plane of the tests (tests/cluster/build-control-plane.sh) and build/release. The three are
measured in turns, so that the machine's moods hit all of them; each line is the median of its rounds.
"""

import argparse
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))

import manifests  # noqa: E402
import nodes  # noqa: E402
import pods  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from plimsoll import Plimsoll  # noqa: E402

NAMESPACE = "bench"
CREATORS = 4  # threads; the API server has the same two cores


def gpu(index, scheduler):
    return pods.vram_only(f"pod-{index:05}", "1Gi", schedulerName=scheduler)


def other(index, scheduler):
    return pods.pod(f"pod-{index:05}", schedulerName=scheduler)


class Bench:
    def __init__(self, plane, plimsoll, options):
        self.plane, self.plimsoll, self.options = plane, plimsoll, options
        self.api = plane.api

    def prepare(self):
        # Outside the webhook: what is measured is scheduling.
        self.api.create("namespaces", {"metadata": {"name": NAMESPACE, "labels": {"plimsoll.dev/inject": "false"}}})
        self.plane.wait_for("the service account", lambda: self.api.find("serviceaccounts", "default", NAMESPACE))
        names = [f"node-{index:04}" for index in range(self.options.nodes)]
        for name in names:
            cards = [(f"GPU-{name}-{card}", 80 * nodes.GI) for card in range(8)]
            self.api.create("nodes", nodes.nvidia(name, 81920, cards=8, annotations=nodes.inventory(*cards, env=True)))
        self.plane.wait_for("plimsoll to know the nodes", lambda: self.plimsoll.knows(names))
        # The first bind takes the Lease of the books, which is not what is measured.
        self.api.create("pods", gpu(99999, "plimsoll-scheduler"), NAMESPACE)
        self.plane.wait_for("the first pod to be bound", lambda: self.bound() == 1)
        self.plane.wait_for("the pod to be gone", self.gone)

    def create(self, make, scheduler):
        def some(first):
            api = self.plane.another_api()
            for index in range(first, self.options.pods, CREATORS):
                api.create("pods", make(index, scheduler), NAMESPACE)
            api.close()
        threads = [threading.Thread(target=some, args=(first,)) for first in range(CREATORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def rate(self, make, scheduler):
        """Pods per second from the first creation to the last binding."""
        begun = time.monotonic()
        self.create(make, scheduler)
        self.plane.wait_for("every pod to be bound", lambda: self.bound() == self.options.pods, pause_s=0.05)
        rate = self.options.pods / (time.monotonic() - begun)
        self.plane.wait_for("the pods to be gone", self.gone)
        return rate

    def bound(self):
        return len(self.api.list("pods", NAMESPACE, fieldSelector="spec.nodeName!="))

    def gone(self):
        self.api.delete_all("pods", NAMESPACE, gracePeriodSeconds=0)
        return not self.api.list("pods", NAMESPACE)

    def refused(self):
        text = self.plimsoll.get("metrics")[1]
        return int(re.search(r'^plimsoll_bind_total\{result="refused"\} (\d+)$', text, re.M).group(1))


def plain_scheduler(plane, plimsoll):
    """The same profile without the extender."""
    config = manifests.scheduler_config()
    config.pop("extenders")
    config["profiles"][0]["schedulerName"] = "plain-scheduler"
    config["clientConnection"] = {"kubeconfig": str(plimsoll.scheduler_kubeconfig)}
    config["leaderElection"] = {"leaderElect": False}
    path = plane.folder / "plain-scheduler.yaml"
    path.write_text(yaml.safe_dump(config))
    return plane.scheduler("plain-scheduler", path, plimsoll.scheduler_kubeconfig)


def measure(bench, rounds):
    ways = {"plimsoll decides": (gpu, "plimsoll-scheduler"),
            "plimsoll answers the same bytes": (other, "plimsoll-scheduler"),
            "no extender": (other, "plain-scheduler")}
    rates = {way: [] for way in ways}
    refused = bench.refused()
    for _ in range(rounds):
        for way, (make, scheduler) in ways.items():
            rates[way].append(bench.rate(make, scheduler))
    medians = {way: statistics.median(found) for way, found in rates.items()}
    per_thousand = 1000 * (bench.refused() - refused) / (rounds * bench.options.pods)
    return medians, per_thousand


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="plimsoll-bench-"))
    plane = ControlPlane(folder)
    plimsoll = Plimsoll(plane)
    plain = None
    try:
        plane.start()
        plimsoll.install()
        plimsoll.start()
        plain = plain_scheduler(plane, plimsoll)
        plain.start()
        bench = Bench(plane, plimsoll, options)
        bench.prepare()
        medians, per_thousand = measure(bench, options.rounds)
    finally:
        if plain is not None:
            plain.stop()
        plimsoll.stop()
        plane.stop()
        shutil.rmtree(folder)
    against = medians["plimsoll answers the same bytes"]
    print(f"\n{options.pods} pods onto {options.nodes} nodes of 8 cards, median of {options.rounds} rounds")
    for way, rate in medians.items():
        print(f"{way:34} {rate:7.1f} pods/s  {100 * rate / against:5.1f} %")
    print(f"binds refused per 1000 pods: {per_thousand:.1f}")


if __name__ == "__main__":
    main()
