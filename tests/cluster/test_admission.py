# SPDX-License-Identifier: Apache-2.0
"""What the webhook makes of pods, seen through the API server."""

import json

import pytest

import nodes
import pods
from api import ApiError

TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture
def home(lab):
    """A home lab: the runtime class and one node with one 16 GB card."""
    lab.add_runtime_class()
    lab.add_nodes(nodes.nvidia("home", 16384))
    lab.wait_for("the webhook to know the runtime class and the node",
                 lambda: lab.preview(pods.gpu("asking"))["spec"].get("runtimeClassName")
                 and env(lab.preview(pods.gpu("asking"))))
    return lab


def test_a_bare_deployment_comes_out_as_people_write_it_by_hand_and_runs(home):
    home.api.create("deployments", pods.deployment("bare", pods.gpu("bare")), home.namespace)
    home.wait_for("the Deployment's pod to run", home.running)
    pod = home.pods()[0]
    spec = pod["spec"]
    assert spec["nodeName"] == "home"
    assert spec["runtimeClassName"] == "nvidia"
    assert spec["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert TOLERATION in spec["tolerations"]
    assert spec["containers"][0]["env"] == [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]
    assert spec["schedulerName"] == "plimsoll-scheduler"
    assert spec["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert pod["metadata"]["annotations"]["plimsoll.dev/profile"] == "nvidia"


def test_nothing_but_the_missing_parts_is_added_to_a_bare_pod(home):
    added = home.added(pods.gpu("bare"))
    tolerations = [path for path in added if path.startswith("/spec/tolerations")]
    assert [added.pop(path) for path in tolerations] == [TOLERATION]
    assert added == {
        "/spec/runtimeClassName": "nvidia",
        "/spec/nodeSelector": {"nvidia.com/gpu.present": "true"},
        "/spec/containers/0/env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}],
        "/spec/schedulerName": "plimsoll-scheduler",
        "/metadata/annotations": {"plimsoll.dev/profile": "nvidia"},
    }


def test_ollama_with_everything_by_hand_gets_only_scheduler_and_profile(home):
    assert home.added(pods.ollama()) == {"/spec/schedulerName": "plimsoll-scheduler",
                                         "/metadata/annotations/plimsoll.dev~1profile": "nvidia"}
    home.create(pods.ollama())
    home.wait_running("ollama")


def test_comfyui_with_everything_by_hand_gets_only_scheduler_and_profile(home):
    assert home.added(pods.comfyui()) == {"/spec/schedulerName": "plimsoll-scheduler",
                                          "/metadata/annotations/plimsoll.dev~1profile": "nvidia"}
    home.create(pods.comfyui())
    home.wait_running("comfyui")


def test_the_runtime_class_is_added_only_where_it_exists(lab):
    lab.add_nodes(nodes.nvidia("home", 16384))
    lab.wait_for("no runtime class", lambda: "runtimeClassName" not in lab.preview(pods.gpu("asking"))["spec"])
    lab.create(pods.gpu("without"))
    lab.wait_running("without")

    lab.add_runtime_class()
    lab.wait_for("the runtime class to be added",
                 lambda: lab.preview(pods.gpu("asking"))["spec"].get("runtimeClassName") == "nvidia")
    lab.api.delete("runtimeclasses", "nvidia")
    lab.wait_for("it not to be added any more",
                 lambda: "runtimeClassName" not in lab.preview(pods.gpu("asking"))["spec"])


def test_the_node_selector_is_added_only_where_every_gpu_node_carries_the_label(lab):
    def selector():
        return lab.preview(pods.gpu("asking"))["spec"].get("nodeSelector")
    lab.add_nodes(nodes.nvidia("labelled", 16384))
    lab.wait_for("the selector", lambda: selector() == {"nvidia.com/gpu.present": "true"})

    lab.add_nodes(nodes.nvidia("unlabelled", 16384, present=False))
    lab.wait_for("no selector", lambda: selector() is None)

    lab.api.merge("nodes", "unlabelled", {"metadata": {"labels": {"nvidia.com/gpu.present": "true"}}})
    lab.wait_for("the selector again", lambda: selector() == {"nvidia.com/gpu.present": "true"})


def test_the_environment_is_added_only_while_it_cannot_be_wrong(home):
    assert env(home.preview(pods.gpu("one"))) == [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]
    home.add_nodes(nodes.nvidia("many", 23034, cards=4, product="NVIDIA-L4"))
    home.wait_for("no environment on two kinds of node", lambda: env(home.preview(pods.gpu("two"))) is None)


def test_a_pod_that_asks_only_for_memory_sees_nothing_until_it_is_bound(home):
    pod = home.preview(pods.vram_only("memory", "4Gi"))
    field = {"fieldRef": {"apiVersion": "v1",
                          "fieldPath": "metadata.annotations['plimsoll.dev/visible-devices']"}}
    assert env(pod) == [{"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": field}]
    assert pod["metadata"]["annotations"]["plimsoll.dev/visible-devices"] == "void"


def test_a_pod_that_says_inject_false_is_left_alone(home):
    pod = pods.gpu("alone", annotations={"plimsoll.dev/inject": "false"})
    assert home.added(pod) == {}


def test_a_forged_claim_is_taken_off_with_a_warning(home):
    claim = json.dumps({"v": 1, "pod": "x", "node": "home", "cards": [{"id": "0", "vram": 1}]})
    pod = home.preview(pods.gpu("forged", annotations={"plimsoll.dev/claim": claim}))
    assert "plimsoll.dev/claim" not in pod["metadata"]["annotations"]
    assert any("plimsoll.dev/claim" in warning for warning in home.api.warnings)


@pytest.mark.parametrize("value,example", [("12", "12Gi"), ("twelve", "Gi"), ("-1Gi", "Gi"), ("", "Gi"),
                                           ("200%", "50%")])
def test_an_ill_formed_request_is_refused_with_value_and_example(home, value, example):
    with pytest.raises(ApiError) as refused:
        home.preview(pods.vram_only("wrong", value))
    message = refused.value.message
    assert 'admission webhook "pods.plimsoll.dev" denied the request' in message
    assert "plimsoll.dev/vram" in message
    assert value in message
    assert example in message


def test_an_unknown_profile_is_refused_with_the_known_ones(home):
    with pytest.raises(ApiError) as refused:
        home.preview(pods.gpu("wrong", annotations={"plimsoll.dev/profile": "vlm"}))
    for name in ("vlm", "nvidia", "nvidia-mig", "amd", "intel"):
        assert name in refused.value.message


def test_kubectl_prints_the_warning_about_a_pod_that_is_not_accounted(home):
    pod = pods.pod("free-rider", runtimeClassName="nvidia")
    done = home.plane.kubectl("-n", home.namespace, "create", "--dry-run=server", "-f", "-",
                              text=json.dumps(pod))
    assert "Warning:" in done.stderr
    assert home.added(pod) == {}


def env(pod):
    return pod["spec"]["containers"][0].get("env")
