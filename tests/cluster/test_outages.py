# SPDX-License-Identifier: Apache-2.0
"""What still works while something is away, and that it all comes back."""

import signal

import pytest

import manifests
import nodes
import pods
from api import ApiError


@pytest.fixture
def down(lab):
    """Plimsoll's server is away; started again afterwards."""
    lab.add_nodes(nodes.nvidia("home", 16384, replicas=4), nodes.node("plain"))
    assert lab.plimsoll.stop_server() == 0
    return lab


def set_failure_policy(lab, policy):
    lab.api.patch("mutatingwebhookconfigurations", "plimsoll",
                  [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy}])


def test_with_ignore_a_gpu_pod_is_created_as_it_was_written_and_counted_afterwards(down):
    assert down.added(pods.gpu("bare")) == {}
    down.create(pods.gpu("missed"))
    down.wait_running("missed")

    down.plimsoll.start_server()
    down.wait_for("pods to be mutated again", lambda: down.added(pods.gpu("bare")))
    down.create(pods.gpu("over", "14Gi"))
    down.wait_refused("over", "insufficient free VRAM (want 14Gi)")
    assert "plimsoll.dev/claim" not in down.pod("missed")["metadata"].get("annotations", {})
    down.create(pods.gpu("fits", "11Gi"))
    down.wait_running("fits")


def test_with_fail_a_gpu_pod_is_refused_and_others_are_not(down):
    down.undo.append(lambda: set_failure_policy(down, "Ignore"))
    set_failure_policy(down, "Fail")

    def refused():
        try:
            down.preview(pods.gpu("bare"))
        except ApiError as error:
            return error.message
        return None
    message = down.wait_for("the API server to follow the new policy", refused)
    assert 'failed calling webhook "pods.plimsoll.dev"' in message
    down.create(pods.pod("plain-pod"))
    down.wait_running("plain-pod")

    down.plimsoll.start_server()
    assert down.preview(pods.gpu("bare"))["spec"]["schedulerName"] == "plimsoll-scheduler"


def test_while_the_extender_is_down_its_pods_wait_and_all_others_run(down):
    down.create(pods.gpu("waits", "4Gi", schedulerName="plimsoll-scheduler"))
    down.create(pods.gpu("of-another-scheduler"))
    down.create(pods.pod("plain-pod"))
    down.wait_running("of-another-scheduler", "plain-pod")
    down.wait_for("the scheduler to have tried", lambda: down.events("waits", "FailedScheduling"))
    assert down.phases()["waits"] == "Pending"

    down.plimsoll.start_server()
    down.wait_running("waits")


def test_a_pod_without_a_gpu_passes_our_scheduler(lab):
    lab.add_nodes(nodes.node("plain"))
    lab.create(pods.pod("no-gpu", schedulerName="plimsoll-scheduler"))
    pod = lab.wait_running("no-gpu")[0]
    assert not any(key.startswith("plimsoll.dev/") for key in pod["metadata"].get("annotations", {}))


def test_a_killed_server_finds_its_books_in_the_claims(lab):
    lab.add_nodes(nodes.nvidia("sliced", 15360, replicas=4))
    lab.create(pods.gpu("before", "10Gi"))
    lab.wait_running("before")
    lab.plimsoll.stop_server(signal.SIGKILL)
    lab.plimsoll.start_server()
    lab.create(pods.gpu("over", "6Gi"))
    lab.wait_refused("over", "insufficient free VRAM (want 6Gi)")
    lab.create(pods.gpu("fits", "4Gi"))
    lab.wait_running("fits")


def test_a_server_that_ends_gives_up_the_books_and_one_that_is_killed_cannot(lab):
    def holder():
        path = f"/apis/coordination.k8s.io/v1/namespaces/{manifests.NAMESPACE}/leases/plimsoll-books"
        return lab.api.call("GET", path)["spec"].get("holderIdentity")
    lab.add_nodes(nodes.nvidia("sliced", 15360, replicas=4))
    for name, how in (("first", signal.SIGTERM), ("second", signal.SIGKILL)):
        lab.create(pods.gpu(name, "1Gi"))
        lab.wait_running(name)
        assert holder()
        lab.plimsoll.stop_server(how)
        assert bool(holder()) == (how == signal.SIGKILL)
        lab.plimsoll.start_server()
    # It is waited for until it can be nobody's any more.
    lab.create(pods.gpu("third", "1Gi"))
    lab.wait_running("third")


def test_watches_resume_after_the_api_server_was_away(lab):
    lab.add_nodes(nodes.nvidia("before", 16384, replicas=2))
    lab.create(pods.gpu("first", "10Gi"))
    lab.wait_running("first")

    lab.plane.restart_apiserver()
    # Where the scheduler lost its Lease meanwhile, it has ended on purpose, and a kubelet restarts it.
    lab.plimsoll.revive()
    lab.add_nodes(nodes.nvidia("after", 81920, product="NVIDIA-A100"))
    lab.create(pods.gpu("needs-new-node", "40Gi"))
    assert lab.wait_running("needs-new-node")[0]["spec"]["nodeName"] == "after"
    # Nothing was forgotten: `before` is still as full as it was.
    assert "before" in lab.plimsoll.refusals(pods_asking("10Gi"), ["before"])
    # And a pod that goes is noticed again.
    lab.delete("first")
    lab.wait_for("the memory to be free", lambda: not lab.plimsoll.refusals(pods_asking("10Gi"), ["before"]))
    assert lab.plimsoll.server.running()


def pods_asking(vram):
    pod = pods.gpu("asking", vram)
    pod["metadata"].update(namespace="default", uid="00000000-0000-4000-8000-000000000001")
    return pod
