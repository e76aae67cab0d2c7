# SPDX-License-Identifier: Apache-2.0
"""Nodes as the vendors' labellers and device plugins leave them."""

import json

GI = 1 << 30


def node(name, labels=None, resources=None, annotations=None, taints=None):
    sizes = {"cpu": "32", "memory": "128Gi", "pods": "110", **(resources or {})}
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "annotations": annotations or {},
                         "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
                                    "kubernetes.io/arch": "amd64", **(labels or {})}},
            "spec": {"taints": taints} if taints else {},
            "status": {"capacity": sizes, "allocatable": sizes}}


def nvidia(name, mib, cards=1, replicas=1, present=True, product="Tesla-T4", labels=None,
           annotations=None, taints=None):
    """Cards of one kind, as GPU feature discovery and the device plugin show them."""
    shown = {"nvidia.com/gpu.count": str(cards), "nvidia.com/gpu.memory": str(mib),
             "nvidia.com/gpu.product": product + ("-SHARED" if replicas > 1 else ""),
             "nvidia.com/gpu.replicas": str(replicas),
             "nvidia.com/gpu.sharing-strategy": "time-slicing" if replicas > 1 else "none",
             **({"nvidia.com/gpu.present": "true"} if present else {}), **(labels or {})}
    return node(name, shown, {"nvidia.com/gpu": str(cards * replicas)}, annotations, taints)


def mig_mixed(name):
    """One A100 80GB, split into three instances, each its own resource."""
    sizes = {"1g.10gb": 9728, "2g.20gb": 19968, "3g.40gb": 40192}
    labels = {"nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "1",
              "nvidia.com/gpu.memory": "81920", "nvidia.com/gpu.product": "NVIDIA-A100-80GB-PCIe",
              "nvidia.com/gpu.replicas": "0", "nvidia.com/mig.capable": "true",
              "nvidia.com/mig.strategy": "mixed"}
    for profile, mib in sizes.items():
        prefix = f"nvidia.com/mig-{profile}"
        labels.update({f"{prefix}.count": "1", f"{prefix}.memory": str(mib), f"{prefix}.replicas": "1",
                       f"{prefix}.product": f"NVIDIA-A100-80GB-PCIe-MIG-{profile}"})
    return node(name, labels, {f"nvidia.com/mig-{profile}": "1" for profile in sizes})


def mig_single(name):
    """One A100 40GB, split into seven equal instances that call themselves nvidia.com/gpu."""
    labels = {"nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "7",
              "nvidia.com/gpu.memory": "4864", "nvidia.com/gpu.product": "NVIDIA-A100-PCIE-40GB-MIG-1g.5gb",
              "nvidia.com/gpu.replicas": "1", "nvidia.com/mig.capable": "true",
              "nvidia.com/mig.strategy": "single", "nvidia.com/gpu.slices.gi": "1",
              "nvidia.com/gpu.slices.ci": "1", "nvidia.com/gpu.engines.copy": "1"}
    return node(name, labels, {"nvidia.com/gpu": "7"})


def amd(name):
    labels = {"feature.node.kubernetes.io/amd-gpu": "true", "amd.com/gpu.vram": "64G",
              "amd.com/gpu.product-name": "AMD_Instinct_MI210"}
    return node(name, labels, {"amd.com/gpu": "1"},
                taints=[{"key": "amd.com/gpu", "value": "present", "effect": "NoSchedule"}])


def intel(name):
    labels = {"intel.feature.node.kubernetes.io/gpu": "true", "gpu.intel.com/memory.max": str(16 * GI)}
    return node(name, labels, {"gpu.intel.com/i915": "1"},
                taints=[{"key": "gpu.intel.com/i915", "value": "present", "effect": "NoSchedule"}])


def inventory(*cards, **more):
    """The annotation plimsoll.dev/inventory of (id, bytes) pairs."""
    listed = [{"id": uuid, "index": index, "vendor": "nvidia", "product": "NVIDIA L4", "vram": vram,
               "health": "ok"} for index, (uuid, vram) in enumerate(cards)]
    return {"plimsoll.dev/inventory": json.dumps({"v": 1, "cards": listed, **more})}
