# SPDX-License-Identifier: Apache-2.0
"""Among a thousand nodes the one with room is found: percentageOfNodesToScore 100."""

import nodes
import pods

COUNT = 1000
BULK = {"tests.plimsoll.dev/bulk": "true"}


def test_the_one_node_with_room_among_a_thousand_is_found(lab):
    # A sample of 42 %, the scheduler's default at this size, would miss it more often than not.
    room = COUNT * 2 // 3
    lab.add_nodes(*(nodes.nvidia(f"bulk-{index:04}", 16384, replicas=2, labels=BULK, annotations={
        "plimsoll.dev/free-vram": "15Gi" if index == room else "1Gi"}) for index in range(COUNT)))
    lab.create(pods.gpu("needs-room", "12Gi"))
    assert lab.wait_running("needs-room")[0]["spec"]["nodeName"] == f"bulk-{room:04}"

    # The next is refused by all of them, in one sentence.
    lab.create(pods.gpu("waits", "12Gi"))
    lab.wait_refused("waits", f"0/{COUNT} nodes are available: {COUNT} insufficient free VRAM (want 12Gi)")
    # Retries reach other samples in the end; all nodes must have been asked about at the first try.
    # (A bind that had to wait for the Lease of a server that a test before killed is another matter.)
    assert not [text for text in lab.events("needs-room", "FailedScheduling") if "insufficient" in text]
