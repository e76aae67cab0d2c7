# SPDX-License-Identifier: Apache-2.0
"""NVIDIA, AMD and Intel side by side, MIG, and a node that is kept for one kind of workload."""

import yaml

import manifests
import nodes
import pods


def env(pod):
    return pod["spec"]["containers"][0].get("env")


def test_each_vendors_pods_go_to_its_own_nodes(lab):
    lab.add_runtime_class()
    lab.add_nodes(nodes.nvidia("green", 16384, taints=[{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]),
                  nodes.amd("red"), nodes.intel("blue"), nodes.node("plain"))
    lab.wait_for("the runtime class to be known",
                 lambda: lab.preview(pods.gpu("asking"))["spec"].get("runtimeClassName"))
    lab.create(pods.gpu("on-green"))
    lab.create(pods.pod("on-red", {"amd.com/gpu": "1"}))
    lab.create(pods.pod("on-blue", {"gpu.intel.com/i915": "1"}))
    green, red, blue = lab.wait_running("on-green", "on-red", "on-blue")

    assert [pod["spec"]["nodeName"] for pod in (green, red, blue)] == ["green", "red", "blue"]
    assert [pod["metadata"]["annotations"]["plimsoll.dev/profile"] for pod in (green, red, blue)] == [
        "nvidia", "amd", "intel"]
    assert [pod["spec"].get("runtimeClassName") for pod in (green, red, blue)] == ["nvidia", None, None]
    assert env(red) is None and env(blue) is None
    assert red["spec"]["nodeSelector"] == {"feature.node.kubernetes.io/amd-gpu": "true"}
    assert blue["spec"]["nodeSelector"] == {"intel.feature.node.kubernetes.io/gpu": "true"}


def test_instances_of_a_mixed_mig_card_are_counted_and_get_no_environment(lab):
    lab.add_runtime_class()
    lab.add_nodes(nodes.mig_mixed("mig"))
    lab.create(pods.pod("small", {"nvidia.com/mig-1g.10gb": "1"}, {"plimsoll.dev/vram": "8Gi"}))
    lab.create(pods.pod("large", {"nvidia.com/mig-3g.40gb": "1"}))
    for pod in lab.wait_running("small", "large"):
        assert pod["metadata"]["annotations"]["plimsoll.dev/profile"] == "nvidia-mig"
        assert env(pod) is None
    # Larger than the instance of that profile, though the node has larger ones.
    lab.create(pods.pod("too-large", {"nvidia.com/mig-2g.20gb": "1"}, {"plimsoll.dev/vram": "30Gi"}))
    lab.wait_refused("too-large", "30Gi")


def test_instances_of_a_single_mig_card_are_cards_of_their_own(lab):
    lab.add_nodes(nodes.mig_single("mig"))
    lab.create(pods.gpu("fits", "4Gi"))
    lab.create(pods.gpu("fits-too", "4Gi"))
    lab.wait_running("fits", "fits-too")
    lab.create(pods.gpu("too-large", "8Gi"))
    lab.wait_refused("too-large", "8Gi")


VLLM = """
name: vllm
extends: nvidia
match: {images: ["vllm/*"]}
tolerations: [{key: dedicated, operator: Equal, value: vllm, effect: NoSchedule}]
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
    - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [dedicated]}]
"""


def test_a_node_is_kept_for_one_workload_by_a_profile(lab):
    config = yaml.safe_load(manifests.server_config())
    config["profiles"] = [yaml.safe_load(VLLM)]
    restart_with(lab, yaml.safe_dump(config))
    lab.undo.append(lambda: restart_with(lab, manifests.server_config()))
    lab.add_nodes(nodes.nvidia("dedicated", 81920, product="NVIDIA-A100", taints=[
        {"key": "dedicated", "value": "vllm", "effect": "NoSchedule"}]), nodes.nvidia("common", 16384, replicas=2))

    lab.create(pods.gpu("served", "8Gi", image="vllm/vllm-openai:v0.11.0"))
    lab.create(pods.gpu("other", "8Gi"))
    served, other = lab.wait_running("served", "other")
    assert served["spec"]["nodeName"] == "dedicated"
    assert served["metadata"]["annotations"]["plimsoll.dev/profile"] == "vllm"
    assert other["spec"]["nodeName"] == "common"
    # Others do not come there, however much is free.
    lab.create(pods.gpu("large", "40Gi"))
    lab.wait_refused("large", "40Gi")


def restart_with(lab, config):
    assert lab.plimsoll.stop_server() == 0
    lab.plimsoll.use_config(config)
    lab.plimsoll.start_server()
