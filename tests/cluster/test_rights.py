# SPDX-License-Identifier: Apache-2.0
"""Each account has the rights it uses and no other: what the API server's audit log says that it did, against what
manifests/ grant it. A right that is missing shows as a refusal, one too many as never used."""

import json
import uuid

import pytest

import manifests
import nodes
import pods
from api import ApiError
from plimsoll import SERVER_ACCOUNT, SERVER_ROLES
from test_agent import Agent
from test_guards import token


def user(account):
    return f"system:serviceaccount:{manifests.NAMESPACE}:{account}"


def granted(*roles):
    """@return {(group, resource, verb, name)} of these Roles and ClusterRoles; a name is "" for any."""
    found = [one for one in manifests.objects()
             if one["kind"] in ("Role", "ClusterRole") and one["metadata"]["name"] in roles]
    assert {one["metadata"]["name"] for one in found} == set(roles)
    return {(group, resource, verb, name) for one in found for rule in one["rules"]
            for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
            for name in rule.get("resourceNames", [""])}


def audited(plane, account, since=0):
    """@return the account's requests for objects, as the API server ended them, from that byte of the log on."""
    whole, _, _ = plane.audit_log.read_bytes()[since:].rpartition(b"\n")
    for line in whole.splitlines():
        event = json.loads(line)
        if event["user"]["username"] == user(account) and "objectRef" in event:
            yield event


def of_programs(events):
    """Without what other tests ask in an account's name; they have no user agent."""
    return [event for event in events if event.get("userAgent")]


def asked(event, rights):
    """@return which of these rights the request used."""
    it = event["objectRef"]
    resource = it["resource"] + (f"/{it['subresource']}" if it.get("subresource") else "")
    wanted = (it.get("apiGroup", ""), resource, event["verb"])
    return {right for right in rights if right[:3] == wanted and right[3] in ("", it.get("name"))}


def unused(plane, account, rights):
    return rights - set().union(*(asked(event, rights) for event in of_programs(audited(plane, account))))


def refused(events):
    return [f"{event['verb']} {event['requestURI']}" for event in events
            if event["annotations"].get("authorization.k8s.io/decision") == "forbid"]


@pytest.fixture
def busy(lab):
    """All that the programs do: mutated, bound, refused, woken; measured and reported."""
    lab.since = lab.plane.audit_log.stat().st_size
    lab.add_runtime_class()
    lab.add_nodes(nodes.nvidia("home", 16384, replicas=4))
    agent = Agent(lab, "home")
    agent.show()
    agent.start()
    lab.undo.append(agent.stop)
    lab.plimsoll.stop_server()
    lab.plimsoll.start_server()
    lab.create(pods.gpu("first", "12Gi"))
    lab.wait_running("first")
    lab.create(pods.gpu("second", "12Gi"))
    lab.wait_refused("second", "insufficient free VRAM (want 12Gi)")
    lab.delete("first", gracePeriodSeconds=0)
    lab.wait_running("second")
    lab.create(pods.gpu("third", "12Gi"))
    lab.wait_refused("third", "insufficient free VRAM (want 12Gi)")
    return lab


def test_each_account_uses_each_of_its_rights_and_lacks_none(busy):
    # The scheduler's other rights are Kubernetes' own for a kube-scheduler.
    rights = {SERVER_ACCOUNT: granted(*SERVER_ROLES), "plimsoll-agent": granted("plimsoll-agent"),
              "plimsoll": granted("plimsoll-scheduler")}
    # A certificate that is made anew writes Secret, webhook and ConfigMap.
    path = f"/api/v1/namespaces/{manifests.NAMESPACE}/secrets/plimsoll-tls"
    busy.api.call("PATCH", path, [{"op": "remove", "path": "/data"}], "application/json-patch+json")
    # A pod that the watch has not shown yet is read when it is to be bound; this one never will be.
    strange = {"PodName": "strange", "PodNamespace": busy.namespace, "PodUID": str(uuid.uuid4()), "Node": "home"}
    assert "strange" in busy.plimsoll.verb("bind", strange)["Error"]

    def never_used():
        return {account: sorted(left) for account in rights
                if (left := unused(busy.plane, account, rights[account]))}

    def all_used():
        # A refusal is told again when it comes again a minute later; the agent looks at its node every two.
        assert busy.plimsoll.refusals(busy.pod("third"), ["home"])
        return not never_used()
    busy.wait_for("each right to be used", all_used, pause_s=5, explain=lambda: f"never used: {never_used()}")
    assert {account: refused(of_programs(audited(busy.plane, account, busy.since))) for account in rights} == {
        account: [] for account in rights}

    # And a right that is missing would have been seen.
    agent = token(busy.plane, manifests.NAMESPACE, "plimsoll-agent")
    with pytest.raises(ApiError, match="forbidden"):
        agent.list("pods")
    agent.close()
    busy.wait_for("the refusal to be in the log", lambda: "list /api/v1/pods" in refused(
        audited(busy.plane, "plimsoll-agent", busy.since)))
