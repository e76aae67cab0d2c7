# SPDX-License-Identifier: Apache-2.0
"""Cluster states for the status page: one with something of everything, one as large as it gets."""
import datetime
import json

GIB = 1024 ** 3
MIB = 1024 ** 2
# What HTML, JSON and a shell would take for something else. As a product and a reason it is legal.
HOSTILE = "<img src=x onerror=alert(1)>\"'&</script>\u2028%s"


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def uid(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def card(node, index, vram, product="NVIDIA A100-SXM4-80GB", vendor="nvidia", **more):
    return {"id": f"GPU-{node}-{index}", "index": index, "vendor": vendor, "product": product,
            "vram": vram, "numa": -1, "health": "ok", **more}


def node(name, cards, usage=None, replicas=1, resource="nvidia.com/gpu", annotations=None, time=None,
         **inventory):
    """`usage`: per card None or (used bytes, {pod number: bytes})."""
    for one in cards:
        one.setdefault("replicas", replicas)
    notes = {"plimsoll.dev/inventory": json.dumps({"v": 1, "env": True, "deviceList": "env",
                                                   "cards": cards, **inventory})}
    if usage:
        notes["plimsoll.dev/usage"] = json.dumps({"v": 1, "time": time or now(), "cards": [
            {"id": one["id"], "used": used[0], "attributed": True,
             "pods": {uid(number): size for number, size in used[1].items()},
             "holders": [uid(number) for number in used[1]]}
            for one, used in zip(cards, usage)]})
    notes.update(annotations or {})
    devices = str(replicas * len(cards))
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"nvidia.com/gpu.present": "true"}, "annotations": notes},
            "status": {"capacity": {resource: devices}, "allocatable": {resource: devices}}}


def pod(number, name, vram=None, on=None, claim=None, floating=None, home="ai", gpus=1, plugin=True,
        owner=None, priority=0, **annotations):
    """`claim`: {card index: bytes} on node `on`; `floating`: bytes on one of its cards."""
    notes = {f"plimsoll.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    if vram:
        notes["plimsoll.dev/vram"] = vram
    if claim or floating:
        content = {"v": 1, "pod": uid(number), "node": on}
        if claim:
            content["cards"] = [{"id": f"GPU-{on}-{index}", "vram": size, "idle": 0}
                                for index, size in claim.items()]
        else:
            content["floating"] = {"cards": 1, "vram": floating}
        notes["plimsoll.dev/claim"] = json.dumps(content)
    limits = {"nvidia.com/gpu": str(gpus)} if plugin else {}
    meta = {"name": name, "namespace": home, "uid": uid(number), "annotations": notes}
    if owner:
        meta["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner,
                                    "uid": uid(number + 500000), "controller": True}]
    spec = {"schedulerName": "plimsoll-scheduler", "priority": priority,
            "containers": [{"name": "main", "image": name, "resources": {"limits": limits}}]}
    if on:
        spec["nodeName"] = on
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec,
            "status": {"phase": "Running" if on else "Pending"}}


def listed(items):
    return {"apiVersion": "v1", "kind": "List", "items": items}


def everything():
    """A home lab beside a small data centre, each with its troubles."""
    gi = GIB
    return listed([
        node("atlas", [card("atlas", 0, 16376 * MIB, "NVIDIA GeForce RTX 4080 SUPER", env=True)], replicas=4,
             usage=[(9 * gi + 600 * MIB, {1: 5 * gi, 2: 3 * gi + 100 * MIB})]),
        node("borg", [card("borg", 0, 24576 * MIB, "NVIDIA GeForce RTX 3090")], replicas=4,
             usage=[(19 * gi, {3: 15 * gi})]),
        node("dgx-01", [card("dgx-01", index, 81920 * MIB) for index in range(8)], annotations={
                 "plimsoll.dev/pin": "env", "plimsoll.dev/cordoned": "6"},
             usage=[(62 * gi, {4: 62 * gi}), (62 * gi, {4: 62 * gi}), (20 * gi, {5: 20 * gi}), (0, {}),
                    (36 * gi, {6: 35 * gi}), (0, {}), (0, {}), (0, {})]),
        node("l40-a", [card("l40-a", index, 46068 * MIB, "NVIDIA L40S") for index in range(4)], replicas=2,
             usage=[(8 * gi, {8: 8 * gi}), (400 * MIB, {}), (0, {}), (0, {})]),
        node("strix", [card("strix", 0, 64 * gi, "AMD Radeon 8060S", vendor="amd", unified=True)],
             resource="amd.com/gpu", usage=[(2 * gi, {})]),
        node("closet", [card("closet", 0, 12288 * MIB, "NVIDIA GeForce RTX 3060")], time="2026-01-05T03:04:05Z",
             usage=[(3 * gi, {})]),
        node("sick", [card("sick", 0, 40960 * MIB, "NVIDIA A100-PCIE-40GB", health="xid 79"),
                      card("sick", 1, 40960 * MIB, HOSTILE[:47])], usage=[(0, {}), (0, {})]),
        node("mixed-up", [card("mixed-up", 0, 8 * gi)], annotations={"plimsoll.dev/usage": "{\"v\":1,"}),
        pod(1, "ollama", "8Gi", "atlas", {0: 8 * gi}), pod(2, "comfyui", "4Gi", "atlas", {0: 4 * gi}),
        pod(3, "sdxl-turbo-7d9c5b5f4-x2x4q", "22Gi", "borg", {0: 22 * gi}, home="image-generation",
            owner="sdxl-turbo-7d9c5b5f4"),
        pod(4, "vllm-70b", "70Gi", "dgx-01", {0: 70 * gi, 1: 70 * gi}, gpus=2),
        pod(5, "trainer-0", "40Gi", "dgx-01", {2: 40 * gi}, home="research"),
        pod(6, "whisper-large", "30Gi", "dgx-01", {4: 32 * gi}, home="speech"),
        pod(8, "reranker", "10Gi", "l40-a", {0: 10 * gi}), pod(9, "embedder", "12Gi", "l40-a", floating=12 * gi),
        pod(20, "sdxl-turbo-6b8f9d7c6-9k2lm", "22Gi", home="image-generation", owner="sdxl-turbo-6b8f9d7c6"),
        pod(21, "llama-405b", "79Gi", plugin=False, gpus="8", priority=1000),
        pod(22, "gigantic", "200Gi", home="research"),
        pod(23, "typo", "12", home="default"),
        pod(24, "fits-somewhere", "2Gi", plugin=False),
    ])


def large(nodes=5000, cards=8):
    """Every other card has a pod, and a few pods wait for larger ones."""
    items = []
    for number in range(nodes):
        name = f"gpu-{number:04d}"
        first = number * cards
        usage = [(36 * GIB, {first + index: 36 * GIB}) if index % 2 else (0, {}) for index in range(cards)]
        items.append(node(name, [card(name, index, 81920 * MIB) for index in range(cards)], usage=usage,
                          annotations={"plimsoll.dev/pin": "env"}))
        items += [pod(first + index, f"model-{number:04d}-{index}", "40Gi", name, {index: 40 * GIB})
                  for index in range(1, cards, 2)]
    items += [pod(900000 + number, f"waits-{number:02d}", "90Gi", plugin=False) for number in range(60)]
    return listed(items)
