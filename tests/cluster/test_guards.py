# SPDX-License-Identifier: Apache-2.0
"""The guards of manifests/70-guards.yaml, by everybody's own credentials. Whoever is to be refused has all
rights that RBAC can give, so that what refuses is the guard."""

import json
import pathlib
import re
import ssl

import pytest

import manifests
import nodes
import pods
from api import Api, ApiError
from plimsoll import SERVER_ACCOUNT

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLAIM, VISIBLE, WOKEN = (f"plimsoll.dev/{key}" for key in ("claim", "visible-devices", "woken"))
RESERVED = [CLAIM, WOKEN, VISIBLE, f"{VISIBLE}.1", f"{VISIBLE}.15"]
REPORT = [f"plimsoll.dev/{key}" for key in ("inventory", "usage", "free-vram", "free-vram-time")]
A_CLAIM = json.dumps({"v": 1, "pod": "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59", "node": "guarded-0",
                      "cards": [{"id": "GPU-1", "vram": 1 << 30}]})


# -- who asks ----------------------------------------------------------------------------------------------

class TokenApi(Api):
    """By a bearer token instead of a certificate."""

    def __init__(self, plane, token):
        self.port = plane.port
        self.tls = ssl.create_default_context(cafile=plane.authority.ca)
        self.token = token
        self.connection = None
        self.warnings = []

    def _exchange(self, method, path, data, headers):
        return super()._exchange(method, path, data, {**headers, "Authorization": f"Bearer {self.token}"})


def token(plane, namespace, account, pod=None):
    """@param pod  binds the token to it, as the kubelet's are."""
    spec = {"expirationSeconds": 3600}
    if pod is not None:
        spec["boundObjectRef"] = {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"],
                                  "uid": pod["metadata"]["uid"]}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return TokenApi(plane, plane.api.call("POST", path, request)["status"]["token"])


def certificate(plane, name, subject):
    plane.authority.client(name, subject, plane.port)
    return Api(plane.port, plane.authority.ca, plane.folder / f"{name}.crt", plane.folder / f"{name}.key")


def grant_all(lab, name, subject):
    lab.api.create("clusterrolebindings", {
        "metadata": {"name": name}, "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}})
    lab.undo.append(lambda: lab.api.delete("clusterrolebindings", name))


def account(name, namespace=manifests.NAMESPACE):
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def person(name):
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}


class People:
    """@param lab  Two nodes, a pod of somebody else's in a namespace that the webhook does not see."""

    def __init__(self, lab):
        self.lab = lab
        plane = lab.plane
        self.admin = lab.api
        self.scheduler = certificate(plane, "guards-scheduler", "/CN=system:kube-scheduler")
        self.kubelet = certificate(plane, "guards-kubelet", "/O=system:nodes/CN=system:node:guarded-0")
        self.editor = self._editor(lab)
        self.server = token(plane, manifests.NAMESPACE, SERVER_ACCOUNT)
        grant_all(lab, "guards-kubelet", person("system:node:guarded-0"))
        grant_all(lab, "guards-scheduler", person("system:kube-scheduler"))
        grant_all(lab, "guards-server", account(SERVER_ACCOUNT))

    def _editor(self, lab):
        lab.api.create("serviceaccounts", {"metadata": {"name": "editor"}}, lab.outside)
        for namespace in (lab.namespace, lab.outside):
            lab.api.create("rolebindings", {
                "metadata": {"name": "editor"}, "subjects": [account("editor", lab.outside)],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                            "name": "edit"}}, namespace)
        return token(lab.plane, lab.outside, "editor")


@pytest.fixture
def people(lab):
    lab.add_runtime_class()
    lab.add_nodes(*(nodes.nvidia(f"guarded-{number}", 16384) for number in range(2)))
    people = People(lab)
    wait_for_guards(lab)
    yield people
    for one in (people.scheduler, people.kubelet, people.editor, people.server):
        one.close()


def wait_for_guards(lab):
    """A policy counts some seconds after it is written."""
    lab.wait_for("the guards to be in force",
                 lambda: refused(lambda: lab.api.create("pods", plain("asking", {CLAIM: A_CLAIM}),
                                                        lab.outside, dry_run=True)))
    lab.wait_for("RBAC to know the editor",
                 lambda: token(lab.plane, lab.outside, "editor").list("pods", lab.outside) is not None)


# -- what is asked -----------------------------------------------------------------------------------------

def refused(call):
    """@return the guard's message, None when the call went through; other errors are raised."""
    try:
        call()
    except ApiError as error:
        if error.code == 403 and "ValidatingAdmissionPolicy 'plimsoll-" in error.message:
            return error.message.partition("denied request: ")[2]
        raise
    return None


def plain(name, annotations=None, **spec):
    """A pod that no scheduler looks at."""
    return pods.pod(name, annotations=annotations, **{"schedulerName": "nobody", **spec})


def annotate(api, lab, name, annotations, subresource=""):
    """A merge patch of a pod's annotations; None removes."""
    path = lab.api.path("pods", lab.outside, name) + (f"/{subresource}" if subresource else "")
    return api.call("PATCH", path, {"metadata": {"annotations": annotations}}, "application/merge-patch+json")


def bind(api, lab, name, annotations=None, how="pods/binding", node="guarded-0"):
    path = f"/api/v1/namespaces/{lab.outside}/" + (f"pods/{name}/binding" if how == "pods/binding" else how)
    return api.call("POST", path, {
        "apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": name, "namespace": lab.outside, "annotations": annotations or {}},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node}})


def held(people, name="held"):
    """A pod that carries every reserved annotation, as only the server can make it."""
    lab = people.lab
    lab.api.create("pods", plain(name), lab.outside)
    annotate(people.server, lab, name, {key: "1" for key in RESERVED})
    return name


def annotations(lab, name):
    return lab.api.get("pods", name, lab.outside)["metadata"].get("annotations", {})


# -- pods --------------------------------------------------------------------------------------------------

def test_plimsoll_places_a_pod_under_its_guards(people):
    people.lab.create(pods.vram_only("ours", "2Gi"))
    pod = people.lab.wait_running("ours")[0]
    written = pod["metadata"]["annotations"]
    assert json.loads(written[CLAIM])["pod"] == pod["metadata"]["uid"]
    assert written[VISIBLE] != "void"


@pytest.mark.parametrize("key", RESERVED)
@pytest.mark.parametrize("who", ["editor", "admin", "scheduler", "kubelet"])
def test_nobody_but_the_server_changes_a_reserved_annotation(people, who, key):
    lab, api = people.lab, getattr(people, who)
    name = held(people)
    wanted = f"{key}: only Plimsoll changes it after the pod is created"
    # Not even `edit` reaches pods/status.
    for subresource in ("",) if who == "editor" else ("", "status"):
        assert refused(lambda: annotate(api, lab, name, {key: "2"}, subresource)) == wanted
        assert refused(lambda: annotate(api, lab, name, {key: None}, subresource)) == wanted
    lab.api.create("pods", plain("bare"), lab.outside)
    assert refused(lambda: annotate(api, lab, "bare", {key: "1"})) == wanted
    assert annotations(lab, name) == {key: "1" for key in RESERVED}


def test_a_refusal_names_every_key_that_would_change(people):
    name = held(people)
    said = refused(lambda: annotate(people.editor, people.lab, name, {key: None for key in RESERVED}))
    assert said.startswith(", ".join([CLAIM, WOKEN, VISIBLE, f"{VISIBLE}.1", f"{VISIBLE}.15"]))


def test_the_server_changes_them_on_pods_and_their_status(people):
    name = held(people)
    for number, subresource in enumerate(["", "status"]):
        annotate(people.server, people.lab, name, {key: f"by {number}" for key in RESERVED}, subresource)
        assert annotations(people.lab, name) == {key: f"by {number}" for key in RESERVED}
    annotate(people.server, people.lab, name, {WOKEN: None})
    assert WOKEN not in annotations(people.lab, name)


@pytest.mark.parametrize("subresource", ["ephemeralcontainers", "resize"])
def test_other_subresources_change_no_annotation(people, subresource):
    """Kubernetes drops the change or the guard refuses it."""
    name = held(people)
    try:
        annotate(people.admin, people.lab, name, {CLAIM: "2"}, subresource)
    except ApiError as error:
        assert "plimsoll.dev/claim: only Plimsoll changes it" in error.message
    assert annotations(people.lab, name)[CLAIM] == "1"


def test_everybody_elses_work_on_a_pod_with_a_claim_goes_on(people):
    lab = people.lab
    pod = plain("held")
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m"}}
    lab.api.create("pods", pod, lab.outside)
    annotate(people.server, lab, "held", {key: "1" for key in RESERVED})
    path = lab.api.path("pods", lab.outside, "held")

    def merge(api, body, subresource=""):
        return api.call("PATCH", path + subresource, body, "application/merge-patch+json")
    merge(people.scheduler, {"status": {"nominatedNodeName": "guarded-0"}}, "/status")
    # `edit` has neither this nor ephemeral containers; kwok's nodes could not do it.
    people.admin.call("PATCH", path + "/resize",
                      {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "200m"}}}]}},
                      "application/strategic-merge-patch+json")
    bind(people.scheduler, lab, "held")
    merge(people.kubelet, {"status": {"message": "from the kubelet"}}, "/status")
    merge(people.editor, {"metadata": {"labels": {"team": "a"}, "annotations": {"example.com/note": "x"}}})
    merge(people.editor, {"metadata": {"annotations": {"plimsoll.dev/policy": "spread"}}})
    lab.undo.append(lambda: lab.api.find("pods", "held", lab.outside)
                    and merge(people.admin, {"metadata": {"finalizers": None}}))
    merge(people.editor, {"metadata": {"finalizers": ["example.com/hold"]}})
    debug = {"name": "debug", "image": "registry.example/debug:1", "terminationMessagePolicy": "File"}
    merge(people.admin, {"spec": {"ephemeralContainers": [debug]}}, "/ephemeralcontainers")
    whole = people.editor.get("pods", "held", lab.outside)
    whole["metadata"]["labels"]["team"] = "b"
    del whole["metadata"]["resourceVersion"]  # others write its status meanwhile
    people.editor.call("PUT", path, whole)
    lab.api.delete("pods", "held", lab.outside, gracePeriodSeconds=0)
    merge(people.editor, {"metadata": {"finalizers": None}})
    lab.wait_for("the pod to be gone", lambda: lab.api.find("pods", "held", lab.outside) is None)


# -- bindings ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["pods/binding", "bindings"])
@pytest.mark.parametrize("who", ["admin", "scheduler"])
def test_nobody_but_the_server_binds_with_a_reserved_annotation(people, who, how):
    lab, api = people.lab, getattr(people, who)
    lab.api.create("pods", plain("waiting"), lab.outside)
    for key in RESERVED:
        assert refused(lambda: bind(api, lab, "waiting", {key: A_CLAIM}, how)) == (
            f"{key}: only Plimsoll may bind a pod with it")
    assert not lab.api.get("pods", "waiting", lab.outside)["spec"].get("nodeName")
    bind(api, lab, "waiting", {"example.com/note": "x"}, how)
    assert annotations(lab, "waiting") == {"example.com/note": "x"}


@pytest.mark.parametrize("how", ["pods/binding", "bindings"])
def test_the_server_binds_with_a_claim(people, how):
    lab = people.lab
    lab.api.create("pods", plain("waiting", {VISIBLE: "void"}), lab.outside)
    bind(people.server, lab, "waiting", {CLAIM: A_CLAIM, VISIBLE: "GPU-1"}, how)
    assert annotations(lab, "waiting") == {CLAIM: A_CLAIM, VISIBLE: "GPU-1"}


def test_the_default_scheduler_binds_what_the_webhook_left_void(people):
    lab = people.lab
    lab.api.create("pods", pods.pod("void", annotations={VISIBLE: "void", WOKEN: "3"}), lab.outside)
    lab.wait_for("the default scheduler to place it",
                 lambda: lab.api.get("pods", "void", lab.outside)["spec"].get("nodeName"))
    assert annotations(lab, "void") == {VISIBLE: "void", WOKEN: "3"}


# -- creation ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", [key for key in RESERVED if key != WOKEN])
def test_a_new_pod_that_the_webhook_does_not_see_brings_no_reserved_value(people, key):
    wanted = (f"{key}: a new pod cannot bring it, only Plimsoll writes it, when it binds the pod; "
              "remove it from the manifest")
    for api in (people.editor, people.admin):
        assert refused(lambda: api.create("pods", plain("copied", {key: A_CLAIM}), people.lab.outside)) == wanted


def test_a_new_pod_may_bring_what_means_nothing(people):
    harmless = {WOKEN: "7", VISIBLE: "void", f"{VISIBLE}.2": "void"}
    people.editor.create("pods", plain("harmless", harmless), people.lab.outside)
    assert annotations(people.lab, "harmless") == harmless


def test_where_the_webhook_sees_the_pod_there_is_nothing_left_to_refuse(people):
    lab = people.lab
    copied = pods.vram_only("copied", "1Gi", annotations={CLAIM: A_CLAIM, VISIBLE: "GPU-1"},
                            schedulerName="nobody")
    people.editor.create("pods", copied, lab.namespace)
    written = lab.pod("copied")["metadata"]["annotations"]
    assert CLAIM not in written
    assert written[VISIBLE] == "void"


def test_while_plimsoll_is_away_a_claim_is_refused_and_a_gpu_pod_is_not(people):
    lab = people.lab
    lab.plimsoll.stop_server()
    lab.undo.append(lab.plimsoll.revive)
    said = refused(lambda: people.editor.create("pods", pods.vram_only("copied", "1Gi", annotations={
        CLAIM: A_CLAIM}), lab.namespace))
    assert said.startswith(f"{CLAIM}: a new pod cannot bring it")
    people.editor.create("pods", pods.vram_only("fresh", "1Gi"), lab.namespace)


def test_a_deployment_with_a_copied_claim_says_so_in_its_events(people):
    lab = people.lab
    lab.api.create("deployments", pods.deployment("copied", plain("copied", {CLAIM: A_CLAIM})), lab.outside)

    def said():
        return any("plimsoll.dev/claim: a new pod cannot bring it" in (event.get("message") or "")
                   for event in lab.api.list("events", lab.outside, fieldSelector="reason=FailedCreate"))
    lab.wait_for("the ReplicaSet to say why it has no pod", said)


def test_a_static_pod_that_copied_a_claim_is_shown_and_nobody_else_makes_one(people):
    lab = people.lab
    brought = {CLAIM: A_CLAIM, "kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file",
               "kubernetes.io/config.hash": "x"}
    mirror = plain("static-guarded-0", brought, nodeName="guarded-0")
    assert CLAIM in refused(lambda: people.admin.create("pods", mirror, lab.outside))
    people.kubelet.create("pods", mirror, lab.outside)
    assert CLAIM in annotations(lab, "static-guarded-0")
    assert refused(lambda: people.kubelet.create("pods", plain("other", {CLAIM: A_CLAIM}), lab.outside))


# -- the agent ---------------------------------------------------------------------------------------------

AGENT = "plimsoll-agent"


def agent_pod(lab, node):
    """A pod of the agent's account on the node, as the kubelet would ask a token for."""
    locked = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = plain(f"tests-agent-{node}", nodeName=node, serviceAccountName=AGENT,
                securityContext={"runAsNonRoot": True, "runAsUser": 65532,
                                 "seccompProfile": {"type": "RuntimeDefault"}})
    pod["spec"]["containers"][0]["securityContext"] = locked
    made = lab.api.create("pods", pod, manifests.NAMESPACE)
    lab.undo.append(lambda: lab.api.delete("pods", made["metadata"]["name"], manifests.NAMESPACE,
                                           gracePeriodSeconds=0))
    return made


@pytest.fixture
def agent(people):
    """With the rights of 35-agent.yaml and no more."""
    lab = people.lab
    api = token(lab.plane, manifests.NAMESPACE, AGENT, agent_pod(lab, "guarded-0"))
    yield api
    api.close()


@pytest.fixture
def mighty_agent(people, agent):
    """The same, with every right that RBAC can give."""
    grant_all(people.lab, "guards-agent", account(AGENT))
    people.lab.wait_for("RBAC to know it", lambda: allowed(lambda: agent.list("configmaps", "default")))
    return agent


def allowed(call):
    try:
        call()
    except ApiError:
        return False
    return True


def patch_node(api, name, body, subresource=""):
    return api.call("PATCH", f"/api/v1/nodes/{name}{subresource}", body, "application/merge-patch+json")


def report(keys, value="x"):
    return {"metadata": {"annotations": {key: value for key in keys}}}


def test_the_agent_writes_its_report_with_its_own_role(people, agent):
    node = agent.get("nodes", "guarded-0")
    patch_node(agent, "guarded-0", report(REPORT, "first"))
    patch_node(agent, "guarded-0", report(REPORT, "second"))
    patch_node(agent, "guarded-0", report(REPORT[3:], None))
    written = people.lab.api.get("nodes", "guarded-0")["metadata"]["annotations"]
    assert [written.get(key) for key in REPORT] == ["second"] * 3 + [None]
    assert {key for key in written if key not in REPORT} == set(node["metadata"].get("annotations", {}))


@pytest.mark.parametrize("verb,path", [("GET", "/api/v1/nodes"), ("GET", "/api/v1/pods"),
                                       ("PATCH", "/api/v1/nodes/guarded-0/status"),
                                       ("DELETE", "/api/v1/nodes/guarded-0")])
def test_the_agents_role_has_no_more_than_it_needs(agent, verb, path):
    with pytest.raises(ApiError) as caught:
        agent.call(verb, path, report(REPORT) if verb == "PATCH" else None, "application/merge-patch+json")
    assert caught.value.code == 403
    assert "cannot" in caught.value.message


def test_the_agent_of_one_node_cannot_write_another(agent):
    assert refused(lambda: patch_node(agent, "guarded-1", report(REPORT))) == (
        "node guarded-1 is not the agent's own: its token is of a pod on guarded-0")


def test_a_token_that_names_no_node_writes_none(people):
    by_hand = token(people.lab.plane, manifests.NAMESPACE, AGENT)
    assert refused(lambda: patch_node(by_hand, "guarded-0", report(REPORT))) == (
        "node guarded-0 is not the agent's own: its token names no node")


@pytest.mark.parametrize("key", ["plimsoll.dev/cordoned", "plimsoll.dev/pin", "example.com/note"])
def test_the_agent_writes_no_other_annotation(people, agent, key):
    wanted = f"the agent writes {', '.join(REPORT)}, not {key}"
    assert refused(lambda: patch_node(agent, "guarded-0", report([*REPORT, key]))) == wanted
    patch_node(people.admin, "guarded-0", report([key], "by a person"))
    assert refused(lambda: patch_node(agent, "guarded-0", report([key], "y"))) == wanted
    assert refused(lambda: patch_node(agent, "guarded-0", report([key], None))) == wanted


@pytest.mark.parametrize("what", [
    {"metadata": {"labels": {"nvidia.com/gpu.present": None}}},
    {"metadata": {"labels": {"example.com/new": "x"}}},
    {"metadata": {"finalizers": ["example.com/hold"]}},
    {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "guarded-1", "uid": "x"}]}},
    {"spec": {"unschedulable": True}},
    {"spec": {"taints": [{"key": "example.com/mine", "effect": "NoExecute"}]}},
], ids=json.dumps)
def test_the_agent_changes_nothing_else_of_its_node(mighty_agent, what):
    assert refused(lambda: patch_node(mighty_agent, "guarded-0", what)) == (
        "the agent changes annotations of its node, nothing else")


@pytest.mark.parametrize("what", [
    {"status": {"capacity": {"nvidia.com/gpu": "64"}}},
    {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
], ids=json.dumps)
def test_the_agent_changes_no_status_even_with_the_right_to(mighty_agent, what):
    assert refused(lambda: patch_node(mighty_agent, "guarded-0", what, "/status")) == (
        "the agent changes annotations of its node, nothing else")


@pytest.fixture
def mighty_editor(people):
    """A service account of a user's, with every right that RBAC can give."""
    grant_all(people.lab, "guards-editor", account("editor", people.lab.outside))
    people.lab.wait_for("RBAC to know it", lambda: allowed(lambda: people.editor.list("configmaps", "default")))
    return people.editor


@pytest.mark.parametrize("who", ["mighty_agent", "mighty_editor"])
def test_an_account_that_may_do_everything_else_still_makes_no_claim(people, who, request):
    lab, api = people.lab, request.getfixturevalue(who)
    name = held(people)
    lab.api.create("pods", plain("waiting"), lab.outside)
    for key in RESERVED:
        for subresource in ("", "status"):
            assert refused(lambda: annotate(api, lab, name, {key: "2"}, subresource)) == (
                f"{key}: only Plimsoll changes it after the pod is created")
        for how in ("pods/binding", "bindings"):
            assert refused(lambda: bind(api, lab, "waiting", {key: A_CLAIM}, how)) == (
                f"{key}: only Plimsoll may bind a pod with it")
    assert annotations(lab, name) == {key: "1" for key in RESERVED}
    # The rights were there: without the annotation it is done.
    bind(api, lab, "waiting")
    assert lab.api.get("pods", "waiting", lab.outside)["spec"]["nodeName"] == "guarded-0"


def test_nodes_are_everybody_elses_as_before(people):
    patch_node(people.kubelet, "guarded-0", {"metadata": {"annotations": {"example.com/kubelet": "x"}}})
    patch_node(people.kubelet, "guarded-0", {"status": {"capacity": {"example.com/thing": "1"}}}, "/status")
    patch_node(people.admin, "guarded-0", {"metadata": {"labels": {"example.com/new": "x"}}})
    # Anybody with the right to may publish a report, and withdraw it.
    patch_node(people.admin, "guarded-0", report(REPORT[2:3], "11.2Gi"))
    patch_node(people.admin, "guarded-0", report(REPORT[2:3], None))


# -- the file ----------------------------------------------------------------------------------------------

def test_the_guard_lists_every_device_list_that_a_pod_can_have():
    limits = (ROOT / "include/plimsoll/limits.h").read_text()
    most = int(re.search(r"PLIMSOLL_GPU_CONTAINERS_MAX (\d+)", limits)[1])
    wanted = {CLAIM, WOKEN, VISIBLE, *(f"{VISIBLE}.{number}" for number in range(1, most))}
    spec = manifests.find("ValidatingAdmissionPolicy", "plimsoll-reserved-annotations")["spec"]
    listed = [one["expression"] for one in spec["matchConditions"] if one["name"] == "reserved-annotation"]
    listed += [one["expression"] for one in spec["variables"] if one["name"] == "keys"]
    assert len(listed) == 2
    for expression in listed:
        assert set(re.findall(r"'(plimsoll\.dev/[^']*)'", expression)) == wanted


def test_the_guards_name_the_accounts_of_the_other_files():
    def expressions(name):
        spec = manifests.find("ValidatingAdmissionPolicy", name)["spec"]
        return " ".join(one["expression"] for one in spec["matchConditions"])
    server = manifests.find("Deployment", "plimsoll")["spec"]["template"]["spec"]["serviceAccountName"]
    agent = manifests.find("ServiceAccount", AGENT)["metadata"]
    assert f"'system:serviceaccount:{manifests.NAMESPACE}:{server}'" in expressions("plimsoll-reserved-annotations")
    assert f"'system:serviceaccount:{agent['namespace']}:{agent['name']}'" in expressions("plimsoll-agent")
