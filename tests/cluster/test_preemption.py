# SPDX-License-Identifier: Apache-2.0
"""Preemption: the scheduler finds victims for devices of the plugin, Plimsoll those that VRAM needs besides."""

import re

import pytest

import nodes
import pods
from api import ApiError

# As NVML counts a 16 GB card; two pods of 7Gi fit, and one of 12Gi only alone.
T4_MIB = 15360
CLASSES = {"tests-low": 10, "tests-high": 1000}
FINALIZER = "tests.plimsoll.dev/stays"


@pytest.fixture
def crowd(lab):
    """A lab with priority classes."""
    for name, value in CLASSES.items():
        path = "/apis/scheduling.k8s.io/v1/priorityclasses"
        lab.undo.append(lambda name=name: lab.api.call("DELETE", f"{path}/{name}"))
        lab.api.call("POST", path, {"metadata": {"name": name}, "value": value})
    return lab


def add_full_node(lab, name, *names, vram="7Gi", **more):
    """A card sliced in two, and a pod on each slice; nowhere is a device left."""
    lab.add_nodes(nodes.nvidia(name, T4_MIB, replicas=2))
    for pod in names:
        lab.create(pods.gpu(pod, vram, **more))
    assert {pod["spec"]["nodeName"] for pod in lab.wait_running(*names)} == {name}


def preempted(lab, name):
    return lab.events(name, "Preempted")


def asked(lab):
    """How often the scheduler has asked about victims for a GPU pod."""
    text = lab.plimsoll.get("metrics")[1]
    return int(re.search(r'plimsoll_preempt_requests_total\{pod_kind="gpu"\} (\d+)', text)[1])


def leaving(lab, *names):
    return [name for name in names if "deletionTimestamp" in lab.pod(name)["metadata"]]


def test_both_victims_leave_where_one_device_and_the_vram_of_two_are_needed(crowd):
    add_full_node(crowd, "full", "first", "second")
    crowd.create(pods.gpu("important", "12Gi", priorityClassName="tests-high"))
    crowd.wait_running("important")
    assert crowd.running() == {"important": "full"}
    # One is the scheduler's own choice, the other was added.
    assert preempted(crowd, "first") and preempted(crowd, "second")


def test_one_victim_is_enough_where_its_vram_is(crowd):
    add_full_node(crowd, "full", "first", "second")
    crowd.create(pods.gpu("important", "7Gi", priorityClassName="tests-high"))
    crowd.wait_running("important")
    assert len(crowd.running()) == 2


def test_nobody_is_evicted_where_that_makes_no_room(crowd):
    crowd.add_nodes(nodes.nvidia("full", T4_MIB, replicas=2))
    crowd.create(pods.gpu("equal", "7Gi", priorityClassName="tests-high"))
    crowd.wait_running("equal")
    crowd.create(pods.gpu("lower", "7Gi"))
    crowd.wait_running("lower")
    before = asked(crowd)
    crowd.create(pods.gpu("important", "12Gi", priorityClassName="tests-high"))
    crowd.wait_refused("important", "Insufficient nvidia.com/gpu")
    crowd.wait_for("the scheduler to have asked", lambda: asked(crowd) > before)
    # It is eviction that a pod of 7Gi waits for, and so it goes after the answer for the other.
    crowd.create(pods.gpu("modest", "7Gi", priorityClassName="tests-high"))
    crowd.wait_running("modest")
    assert crowd.running() == {"equal": "full", "modest": "full"}


def test_of_two_nodes_the_one_without_disruption_budgets_is_chosen(crowd):
    guard = {"metadata": {"name": "guarded"},
             "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "guarded"}}}}
    crowd.api.call("POST", f"/apis/policy/v1/namespaces/{crowd.namespace}/poddisruptionbudgets", guard)
    # Otherwise the younger pods would be the victims.
    add_full_node(crowd, "free-to-go", "first", "second")
    add_full_node(crowd, "guarded", "third", "fourth", labels={"app": "guarded"})
    crowd.create(pods.gpu("important", "12Gi", priorityClassName="tests-high"))
    crowd.wait_running("important")
    assert crowd.running() == {"important": "free-to-go", "third": "guarded", "fourth": "guarded"}


def test_while_one_victim_still_leaves_nobody_is_evicted_elsewhere(crowd):
    def let_go(name):
        try:
            crowd.api.merge("pods", name, {"metadata": {"finalizers": None}}, crowd.namespace)
        except ApiError as error:
            assert error.code == 404, error.message
    crowd.undo.append(lambda: let_go("lingers"))
    add_full_node(crowd, "near", "goes", "lingers")
    crowd.api.merge("pods", "lingers", {"metadata": {"finalizers": [FINALIZER]}}, crowd.namespace)
    # More important than those on `near`, and still less than who asks.
    add_full_node(crowd, "far", "third", "fourth", priorityClassName="tests-low")
    crowd.create(pods.gpu("important", "12Gi", priorityClassName="tests-high"))
    crowd.wait_for("the first victim to be gone", lambda: "goes" not in crowd.phases())
    assert leaving(crowd, "lingers") == ["lingers"]

    # A device is free on `near` now, and not enough memory: the scheduler looks for victims on `far`.
    crowd.wait_refused("important", "no candidate node for preemption")
    crowd.wait_refused("important", "insufficient free VRAM (want 12Gi)")
    assert leaving(crowd, "third", "fourth") == []
    let_go("lingers")
    crowd.wait_running("important")
    assert crowd.running() == {"important": "near", "third": "far", "fourth": "far"}


def test_a_pod_without_a_gpu_preempts_through_our_scheduler(crowd):
    def large(name, **more):
        return pods.pod(name, {"cpu": "20"}, schedulerName="plimsoll-scheduler", **more)
    crowd.add_nodes(nodes.node("plain"))
    crowd.create(large("first"))
    crowd.wait_running("first")
    crowd.create(large("important", priorityClassName="tests-high"))
    crowd.wait_running("important")
    assert crowd.running() == {"important": "plain"}
