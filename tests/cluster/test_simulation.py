# SPDX-License-Identifier: Apache-2.0
"""`plimsoll simulate` foretells what the real scheduler does: the same pods in the same order fill the same
share of the cards."""

import json
import random
import subprocess

import nodes
import pods

NODES = 200
OVERFULL = 1.3  # what the pods ask for, of all cards
# Cards of a node, Gi of a card, processors, Gi of memory; and how often.
MACHINES = [((1, 16, 16, 64), 80), ((2, 24, 48, 192), 50), ((4, 48, 96, 384), 40), ((8, 80, 256, 1024), 30)]
# Gi on each card, cards, thousandths of a processor, Mi of memory; and how often.
CLASSES = [((4, 1, 2000, 4096), 30), ((7, 1, 4000, 8192), 20), ((12, 1, 2000, 16384), 15),
           ((15, 1, 6000, 30000), 10), ((22, 1, 4000, 16384), 10), ((23, 2, 8000, 65536), 5),
           ((40, 1, 8000, 32768), 6), ((70, 4, 32000, 131072), 2), ((0, 0, 3000, 8192), 8)]
POINTS = 1.0


def pick(draw, weighted):
    return draw.choices([one for one, _ in weighted], [weight for _, weight in weighted])[0]


def make_nodes(draw):
    made = []
    machines = [machine for machine, count in MACHINES for _ in range(count)]
    draw.shuffle(machines)
    for index, (cards, size, cpu, memory) in enumerate(machines):
        name = f"sim-{index:03}"
        cards = [(f"GPU-{name}-{card}", size << 30) for card in range(cards)]
        made.append(nodes.node(name, {"nvidia.com/gpu.present": "true"},
                               {"cpu": str(cpu), "memory": f"{memory}Gi", "pods": "110"},
                               nodes.inventory(*cards, env=True)))
    return made, sum(cards * size << 30 for cards, size, _, _ in machines)


def make_pods(draw, total):
    made, asked = [], 0
    while asked < OVERFULL * total:
        gi, cards, cpu, memory = pick(draw, CLASSES)
        notes = {"plimsoll.dev/vram": f"{gi}Gi", "plimsoll.dev/gpus": str(cards)} if gi else {}
        pod = pods.pod(f"p-{len(made):04}", annotations=notes, schedulerName="plimsoll-scheduler")
        pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}}
        made.append(pod)
        asked += gi * cards << 30
    return made


def simulate(lab, cluster, arriving, folder):
    (folder / "simulated-cluster.json").write_text(json.dumps({"kind": "List", "items": cluster}))
    (folder / "simulated-pods.json").write_text(json.dumps({"kind": "List", "items": arriving}))
    ended = subprocess.run([lab.plimsoll.program, "simulate", "--config", lab.plimsoll.config, "--cluster-state",
                            folder / "simulated-cluster.json", "-f", folder / "simulated-pods.json", "-o", "json"],
                           capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    return json.loads(ended.stdout)["pods"]


def settled(pod):
    """Bound, or told that nothing takes it."""
    return pod["spec"].get("nodeName") or any(
        one["type"] == "PodScheduled" and one["status"] == "False"
        for one in pod["status"].get("conditions", []))


def claimed(pod):
    claim = json.loads(pod["metadata"].get("annotations", {}).get("plimsoll.dev/claim", "{}"))
    return sum(card["vram"] for card in claim.get("cards", []))


def test_the_scheduler_ends_where_the_simulation_does(lab, folder):
    draw = random.Random(8)
    lab.add_runtime_class()
    made, total = make_nodes(draw)
    lab.add_nodes(*made)
    # Without memory of the pods of other tests.
    lab.plimsoll.stop_server()
    lab.plimsoll.revive()
    lab.wait_for("plimsoll to know the nodes", lambda: lab.plimsoll.knows([one["metadata"]["name"] for one in made]))
    cluster = [{**one, "kind": "Node"} for one in lab.api.list("nodes")] + \
              [{**one, "kind": "RuntimeClass"} for one in lab.api.list("runtimeclasses")]
    arriving = make_pods(draw, total)
    foretold = simulate(lab, cluster, arriving, folder)

    for pod in arriving:
        lab.create(pod)
    lab.wait_for("every pod to be bound or refused", lambda: all(settled(pod) for pod in lab.pods()), pause_s=2)

    # A pod that the first try of a bind sent back is refused for a while; what has room ends bound.
    expected = 100 * sum(card["vram"] for pod in foretold for card in pod["cards"]) / total

    def share():
        return 100 * sum(claimed(pod) for pod in lab.pods()) / total
    bound = [pod for pod in lab.pods() if pod["spec"].get("nodeName")]
    print(f"{len(arriving)} pods: simulated {sum(pod['result'] == 'fits' for pod in foretold)} fit and take "
          f"{expected:.2f} percent; scheduled {len(bound)} and {share():.2f}")
    lab.wait_for(f"the scheduler to end within {POINTS} of {expected:.2f} percent",
                 lambda: abs(share() - expected) <= POINTS,
                 pause_s=2, explain=lambda: f"it ended with {share():.2f} percent\n{lab.explain()[:4000]}")
