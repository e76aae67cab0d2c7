# SPDX-License-Identifier: Apache-2.0
"""docs/recipes/, each applied as a person does, on the nodes that it is for."""

import json
import re

import pytest
import yaml

import manifests
import nodes
from plimsoll import ROOT

GI = nodes.GI
MI = 1 << 20
RECIPES = ROOT / "docs/recipes"
CARD = "GPU-11111111-2222-3333-4444-555555555555"


def apply(lab, name, text=None):
    """@return what kubectl says on stderr"""
    text = text or (RECIPES / name).read_text()
    return lab.plane.kubectl("-n", lab.namespace, "apply", "-f", "-", text=text).stderr


def wait_apps(lab, *apps):
    """@return one running pod of each app, by its label."""
    def found():
        return {pod["metadata"]["labels"]["app"]: pod for pod in lab.pods()
                if pod["status"]["phase"] == "Running"}
    lab.wait_for(f"{', '.join(apps)} to run", lambda: set(apps) <= set(found()))
    return [found()[app] for app in apps]


def wait_refused(lab, app, reason):
    """By name, as lab does, for the one pod of an app."""
    def of_app():
        return [pod["metadata"]["name"] for pod in lab.pods() if pod["metadata"]["labels"].get("app") == app]
    lab.wait_for(f"a pod of {app}", of_app)
    lab.wait_refused(of_app()[0], reason)


def claimed(pod):
    """@return [(card, bytes)] of the pod's claim."""
    claim = json.loads(pod["metadata"]["annotations"]["plimsoll.dev/claim"])
    assert claim["pod"] == pod["metadata"]["uid"] and claim["node"] == pod["spec"]["nodeName"]
    return [(card["id"], card["vram"]) for card in claim["cards"]]


def environment(pod):
    return {one["name"]: one.get("value", one.get("valueFrom"))
            for one in pod["spec"]["containers"][0].get("env", [])}


def profile(pod):
    return pod["metadata"]["annotations"]["plimsoll.dev/profile"]


# It reads the value that bind writes, on the card that the claim names.
DOWNWARD = {"fieldRef": {"apiVersion": "v1",
                         "fieldPath": "metadata.annotations['plimsoll.dev/visible-devices']"}}


@pytest.fixture
def nvidia_lab(lab):
    """With the runtime class, as a node with NVIDIA's container runtime has it."""
    lab.add_runtime_class()
    return lab


def wait_class_known(lab):
    asking = {"apiVersion": "v1", "kind": "Pod",
              "metadata": {"name": "asking", "annotations": {"plimsoll.dev/vram": "1Gi"}},
              "spec": {"containers": [{"name": "main", "image": "registry.example/app:1"}]}}
    lab.wait_for("the runtime class to be known",
                 lambda: lab.preview(asking)["spec"].get("runtimeClassName") == "nvidia")


def home(name, mib, **more):
    """A node of a home lab with an agent: one card, by its id."""
    return nodes.nvidia(name, mib, annotations=nodes.inventory((CARD, mib * MI)), **more)


def reported(vendor, name, product, vram, **more):
    """What the agent writes on a node with one card of another vendor."""
    card = {"id": name, "index": 0, "vendor": vendor, "product": product, "vram": vram, "health": "ok", **more}
    return {"plimsoll.dev/inventory": json.dumps({"v": 1, "cards": [card]})}


def test_every_recipe_is_applied_by_a_test():
    names = {file.name for file in RECIPES.glob("*.yaml")}
    used = set(re.findall(r'"([a-z-]+\.yaml)"', (ROOT / "tests/cluster/test_recipes.py").read_text()))
    assert names == used


def test_ollama_and_comfyui_share_one_card_and_a_third_pod_waits(nvidia_lab):
    lab = nvidia_lab
    # A 16 GB card as the driver counts it; no device plugin, so no nvidia.com/gpu at all.
    node = home("home", 16376)
    del node["status"]["capacity"]["nvidia.com/gpu"]  # allocatable is the same object
    lab.add_nodes(node)
    wait_class_known(lab)
    apply(lab, "ollama-and-comfyui.yaml")
    ollama, comfyui = wait_apps(lab, "ollama", "comfyui")
    assert claimed(ollama) == [(CARD, 6 * GI)] and claimed(comfyui) == [(CARD, 9 * GI)]
    for pod in (ollama, comfyui):
        assert pod["spec"]["runtimeClassName"] == "nvidia"
        assert pod["spec"]["schedulerName"] == "plimsoll-scheduler"
        assert environment(pod)["NVIDIA_VISIBLE_DEVICES"] == DOWNWARD
        assert pod["metadata"]["annotations"]["plimsoll.dev/visible-devices"] == CARD

    second = (RECIPES / "ollama-and-comfyui.yaml").read_text().split("---")[0].replace("ollama\n", "second\n")
    apply(lab, None, second.replace("app: ollama}", "app: second}"))
    wait_refused(lab, "second", "insufficient free VRAM (want 6Gi)")


def test_whisper_and_xtts_share_a_card_sliced_in_two(nvidia_lab):
    lab = nvidia_lab
    lab.add_nodes(home("small", 8192, replicas=2, product="NVIDIA-GeForce-RTX-3070"))
    wait_class_known(lab)
    apply(lab, "whisper-and-xtts.yaml")
    for pod in wait_apps(lab, "whisper", "xtts"):
        assert claimed(pod) == [(CARD, 3584 * MI)]
        assert pod["spec"]["runtimeClassName"] == "nvidia"


def test_vllm_goes_to_the_node_that_is_kept_for_it(nvidia_lab):
    lab = nvidia_lab
    config = yaml.safe_load(manifests.server_config())
    values = yaml.safe_load((RECIPES / "vllm-dedicated-node-values.yaml").read_text())
    config["profiles"] = values["config"]["profiles"]
    lab.undo.append(lambda: restart_with(lab, manifests.server_config()))
    restart_with(lab, yaml.safe_dump(config))
    taint = [{"key": "dedicated", "value": "vllm", "effect": "NoSchedule"},
             {"key": "nvidia.com/gpu", "effect": "NoSchedule"}]
    lab.add_nodes(nodes.nvidia("dgx", 81920, product="NVIDIA-A100-SXM4-80GB", taints=taint),
                  nodes.nvidia("common", 81920, product="NVIDIA-A100-SXM4-80GB"))
    wait_class_known(lab)
    apply(lab, "vllm-dedicated-node.yaml")
    vllm, = wait_apps(lab, "vllm")
    assert vllm["spec"]["nodeName"] == "dgx"
    assert profile(vllm) == "vllm"
    assert [vram for _, vram in claimed(vllm)] == [81920 * MI * 9 // 10]


def test_a_large_model_runs_on_an_apu_in_the_machines_memory(lab):
    node = nodes.amd("strix")
    # The labeller knows only what the firmware cut out; the agent reports the pool that models live in.
    node["metadata"]["labels"]["amd.com/gpu.vram"] = "512M"
    node["metadata"]["annotations"].update(
        reported("amd", "0000:c5:00.0", "Radeon 8060S", 96 * GI, unified=True))
    lab.add_nodes(node)
    apply(lab, "amd-apu.yaml")
    pod, = wait_apps(lab, "ollama-amd")
    assert profile(pod) == "amd"
    assert "runtimeClassName" not in pod["spec"]
    assert "NVIDIA_VISIBLE_DEVICES" not in environment(pod)
    assert pod["spec"]["nodeSelector"] == {"feature.node.kubernetes.io/amd-gpu": "true"}
    too_large = (RECIPES / "amd-apu.yaml").read_text().replace("ollama-amd", "too-large").replace(
        "plimsoll.dev/vram: 46Gi", "plimsoll.dev/vram: 100Gi")
    lab.api.delete_all("deployments", lab.namespace)
    lab.wait_for("the card to be given back", lambda: not lab.pods())
    apply(lab, None, too_large)
    wait_refused(lab, "too-large", "VRAM request larger than any card there can give (want 100Gi)")


def test_llama_runs_on_an_arc(lab):
    # No label of Intel's tells the memory: the agent does.
    lab.add_nodes(nodes.node("arc", {"intel.feature.node.kubernetes.io/gpu": "true"}, {"gpu.intel.com/xe": "1"},
                             reported("intel", "0000:03:00.0", "Arc A770", 16 * GI),
                             [{"key": "gpu.intel.com/xe", "value": "present", "effect": "NoSchedule"}]))
    apply(lab, "intel-arc.yaml")
    pod, = wait_apps(lab, "llama-arc")
    assert profile(pod) == "intel"
    assert "runtimeClassName" not in pod["spec"] and environment(pod) == {}


def test_mig_instances_are_taken_by_their_size(nvidia_lab):
    lab = nvidia_lab
    lab.add_nodes(nodes.mig_mixed("a100"))
    wait_class_known(lab)
    apply(lab, "mig.yaml")
    for pod in wait_apps(lab, "embeddings", "chat"):
        assert profile(pod) == "nvidia-mig"
        assert pod["spec"]["runtimeClassName"] == "nvidia"
        assert "NVIDIA_VISIBLE_DEVICES" not in environment(pod)
    # More than the instance has, though the card has more.
    large = (RECIPES / "mig.yaml").read_text().split("---")[0].replace("embeddings", "large").replace(
        "vram: 8Gi", "vram: 30Gi").replace("mig-1g.10gb", "mig-2g.20gb")
    apply(lab, None, large)
    wait_refused(lab, "large", "30Gi")


def test_two_lines_have_an_ollama_counted_that_had_only_a_runtime_class(nvidia_lab):
    lab = nvidia_lab
    lab.add_nodes(home("home", 16376))
    wait_class_known(lab)
    after = (RECIPES / "ollama-runtime-class.yaml").read_text()
    before = "".join(line for line in after.splitlines(keepends=True) if not line.endswith("# new\n"))
    assert len(after.splitlines()) - len(before.splitlines()) == 2

    apply(lab, None, before)
    alone, = wait_apps(lab, "ollama")
    assert "plimsoll.dev/claim" not in alone["metadata"].get("annotations", {})
    assert environment(alone) == {}

    apply(lab, "ollama-runtime-class.yaml")
    lab.wait_for("the new pod to run", lambda: any(
        "plimsoll.dev/claim" in pod["metadata"].get("annotations", {}) and pod["status"]["phase"] == "Running"
        for pod in lab.pods()))
    lab.wait_for("the old pod to be gone", lambda: len(lab.pods()) == 1)
    counted, = wait_apps(lab, "ollama")
    assert claimed(counted) == [(CARD, 6 * GI)]
    assert environment(counted)["NVIDIA_VISIBLE_DEVICES"] == DOWNWARD


def restart_with(lab, config):
    assert lab.plimsoll.stop_server() == 0
    lab.plimsoll.use_config(config)
    lab.plimsoll.start_server()
