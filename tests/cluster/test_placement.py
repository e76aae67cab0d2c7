# SPDX-License-Identifier: Apache-2.0
"""The line: pods are placed until a card is full, the next waits and says why, and runs when there is room."""

import json

import pytest

import nodes
import pods

GI = nodes.GI
CARD = "GPU-11111111-2222-3333-4444-555555555555"
OTHER = "GPU-66666666-7777-8888-9999-aaaaaaaaaaaa"
# A 16 GB card as NVML counts it; the line is 512 MiB below.
T4_MIB = 15360


def claim_of(pod):
    return json.loads(pod["metadata"]["annotations"]["plimsoll.dev/claim"])


@pytest.mark.parametrize("slices,fits,vram", [(2, 1, "8Gi"), (4, 3, "4Gi")])
def test_a_sliced_card_takes_pods_up_to_the_line_and_the_next_when_one_goes(lab, slices, fits, vram):
    lab.add_nodes(nodes.nvidia("sliced", T4_MIB, replicas=slices))
    names = [f"pod-{index}" for index in range(fits)]
    for name in names:
        lab.create(pods.gpu(name, vram))
    lab.wait_running(*names)

    # The device plugin still has a slice to give; the memory is not there.
    lab.create(pods.gpu("over", vram))
    lab.wait_refused("over", f"insufficient free VRAM (want {vram})")

    lab.delete(names[0])
    lab.wait_running("over")
    assert len(lab.running()) == fits


def test_a_waiting_pod_runs_after_the_measured_free_vram_rises(lab):
    # Somebody outside Kubernetes holds 11 GiB; a cron job with nvidia-smi says so.
    lab.add_nodes(nodes.nvidia("busy", T4_MIB, replicas=4, annotations={"plimsoll.dev/free-vram": "4Gi"}))
    lab.create(pods.gpu("model", "8Gi"))
    lab.wait_refused("model", "insufficient free VRAM (want 8Gi)")

    lab.annotate_node("busy", free_vram="14Gi")
    lab.wait_running("model")


def test_a_burst_never_goes_over_the_line(lab):
    lab.add_nodes(nodes.nvidia("sliced", T4_MIB, replicas=16))
    lab.api.create("deployments", pods.deployment("burst", pods.gpu("burst", "4Gi"), replicas=8), lab.namespace)
    lab.wait_for("three of eight to run", lambda: len(lab.running()) == 3)
    waiting = [name for name, phase in lab.phases().items() if phase == "Pending"]
    assert len(waiting) == 5
    for name in waiting:
        lab.wait_refused(name, "insufficient free VRAM (want 4Gi)")
    assert len(lab.running()) == 3


def test_a_pod_without_a_request_gets_its_share_of_the_line(lab):
    lab.add_nodes(nodes.nvidia("sliced", T4_MIB, replicas=4))
    for index in range(3):
        lab.create(pods.gpu(f"share-{index}"))
    running = lab.wait_running("share-0", "share-1", "share-2")
    line = (T4_MIB - 512) << 20
    assert [claim_of(pod)["cards"][0]["vram"] for pod in running] == [line // 4] * 3
    # A quarter of the line is left, and no byte more.
    lab.create(pods.gpu("over", str(line // 4 + (1 << 20))))
    lab.wait_refused("over", "insufficient free VRAM")
    lab.create(pods.gpu("share-3"))
    lab.wait_running("share-3")


def test_a_bound_pod_carries_its_claim_and_its_devices(lab):
    lab.add_nodes(nodes.nvidia("home", 16384, annotations=nodes.inventory((CARD, 16 * GI))))
    lab.create(pods.vram_only("memory", "6Gi"))
    pod = lab.wait_running("memory")[0]
    claim = claim_of(pod)
    assert claim["v"] == 1
    assert claim["pod"] == pod["metadata"]["uid"]
    assert claim["node"] == "home"
    assert [(card["id"], card["vram"]) for card in claim["cards"]] == [(CARD, 6 * GI)]
    assert pod["metadata"]["annotations"]["plimsoll.dev/visible-devices"] == CARD


def test_pods_that_ask_only_for_memory_see_the_card_that_their_claim_names(lab):
    cards = nodes.inventory((CARD, 16 * GI), (OTHER, 24 * GI))
    lab.add_nodes(nodes.nvidia("two", 16384, cards=2, annotations=cards))
    names = ["large", "small", "medium"]
    for name, vram in zip(names, ("20Gi", "10Gi", "5Gi")):
        lab.create(pods.vram_only(name, vram))
        lab.wait_running(name)
    booked = {CARD: 0, OTHER: 0}
    for pod in map(lab.pod, names):
        card = claim_of(pod)["cards"][0]
        assert pod["metadata"]["annotations"]["plimsoll.dev/visible-devices"] == card["id"]
        booked[card["id"]] += card["vram"]
    assert booked == {CARD: 15 * GI, OTHER: 20 * GI}


def test_a_request_larger_than_any_card_waits_and_says_so(lab):
    lab.add_nodes(nodes.nvidia("home", 16384))
    lab.create(pods.gpu("huge", "40Gi"))
    lab.wait_refused("huge", "40Gi")


def test_a_share_of_the_card_is_a_share_of_where_it_lands(lab):
    lab.add_nodes(nodes.nvidia("sliced", 16384, replicas=4))
    lab.create(pods.gpu("half", "50%"))
    pod = lab.wait_running("half")[0]
    assert claim_of(pod)["cards"][0]["vram"] == 8 * GI
    lab.create(pods.gpu("other-half", "50%"))
    # No percent sign: the scheduler formats its event with our text.
    lab.wait_refused("other-half", "insufficient free VRAM (want 50 percent)")


def test_the_tighter_card_is_taken_and_the_large_one_kept(lab):
    # Where a pod goes depends on the pods that the server has seen come; one that starts now has seen none.
    assert lab.plimsoll.stop_server() == 0
    lab.plimsoll.start_server()
    lab.add_nodes(nodes.nvidia("large", 81920, product="NVIDIA-A100"), nodes.nvidia("small", 16384))
    lab.create(pods.gpu("fits-both", "10Gi"))
    assert lab.wait_running("fits-both")[0]["spec"]["nodeName"] == "small"
    lab.create(pods.gpu("needs-large", "60Gi"))
    assert lab.wait_running("needs-large")[0]["spec"]["nodeName"] == "large"


def test_a_card_taken_out_of_use_gets_nothing_new(lab):
    lab.add_nodes(nodes.nvidia("home", 16384, annotations={"plimsoll.dev/cordoned": "0"}))
    lab.create(pods.gpu("waits", "4Gi"))
    lab.wait_refused("waits", "cordoned")
    lab.annotate_node("home", cordoned=None)
    lab.wait_running("waits")


def test_a_node_whose_annotation_cannot_be_read_is_not_free(lab):
    lab.add_nodes(nodes.nvidia("broken", 16384, annotations={"plimsoll.dev/inventory": '{"v":1,"cards":['}))
    lab.create(pods.gpu("waits", "1Gi"))
    lab.wait_refused("waits", "annotations cannot be read")


def test_pods_of_another_scheduler_count_too(lab):
    lab.add_nodes(nodes.nvidia("sliced", T4_MIB, replicas=2))
    stranger = pods.gpu("stranger", annotations={"plimsoll.dev/inject": "false"}, schedulerName="default-scheduler")
    lab.create(stranger)
    assert "plimsoll.dev/claim" not in lab.wait_running("stranger")[0]["metadata"]["annotations"]
    # It is booked with half the line, the default of a card sliced in two.
    lab.create(pods.gpu("too-large", "8Gi"))
    lab.wait_refused("too-large", "insufficient free VRAM (want 8Gi)")
    lab.create(pods.gpu("fits", "7Gi"))
    lab.wait_running("fits")


def test_a_finished_pod_gives_its_memory_back(lab):
    lab.add_nodes(nodes.nvidia("sliced", T4_MIB, replicas=4))
    lab.create(pods.gpu("job", "12Gi"))
    lab.wait_running("job")
    lab.create(pods.gpu("next", "12Gi"))
    lab.wait_refused("next", "insufficient free VRAM (want 12Gi)")
    lab.api.merge("pods", "job", {"metadata": {"labels": {"tests.plimsoll.dev/complete": "true"}}}, lab.namespace)
    lab.wait_running("next")
    assert lab.pod("job")["status"]["phase"] == "Succeeded"
